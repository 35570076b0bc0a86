"""Fields of INFO beside a table of scores: the table has a row for every ALT of the VCF, in its order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa

from kipoi_tfb.report.scores import ScoresFile
from kipoi_tfb.report.vcf_rows import VcfRows, as_column
from tfb_matrix_data.errors import InputError, UnknownNameError

__all__ = ["with_info"]

_KEY = ("chrom", "pos", "ref", "alt")


def with_info(scores: ScoresFile, names: Sequence[str], vcf: str | Path) -> Iterator[pa.Table]:
    """Yield the rows of columns of a table of scores, and of fields of the VCF that was scored.

    Raises
    ------
    InputError
        If the VCF has other alleles, or others in another order.
    UnknownNameError
        If a name is neither a column nor a field.
    """
    source = VcfRows(vcf)
    fields = [name for name in names if name not in scores.columns]
    for name in fields:
        if name not in source.fields:
            raise UnknownNameError(
                f"column or field of INFO in {Path(vcf).name}", name, [*scores.columns, *source.fields]
            )
    wanted = [*dict.fromkeys([*_KEY, *(name for name in names if name in scores.columns)])]
    return _joined(scores, names, wanted, source, fields)


def _joined(
    scores: ScoresFile, names: Sequence[str], wanted: Sequence[str], source: VcfRows, fields: Sequence[str]
) -> Iterator[pa.Table]:
    rows, read = source.rows([*_KEY, *fields]), 0
    for chunk in scores.chunks(wanted):
        part = list(islice(rows, chunk.num_rows))
        keys = zip(*(chunk[name].to_pylist() for name in _KEY), strict=True)
        for number, key in enumerate(keys):
            if number >= len(part) or part[number][: len(_KEY)] != key:
                other = part[number][: len(_KEY)] if number < len(part) else "no allele"
                raise InputError(
                    source.path,
                    f"is not what {scores.path.name} was made from: row {read + number + 1} is {key}, here {other}",
                )
        for at, field in enumerate(fields, len(_KEY)):
            chunk = chunk.append_column(field, as_column([row[at] for row in part]))
        read += chunk.num_rows
        yield chunk.select(list(names))
    if next(rows, None) is not None:
        raise InputError(source.path, f"has more alleles than the {read} of {scores.path.name}")
