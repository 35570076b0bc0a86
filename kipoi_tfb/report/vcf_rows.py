"""A VCF as rows, one per ALT of every record: its first columns and fields of INFO."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

__all__ = ["VcfRows", "as_column", "batched"]

_Item = TypeVar("_Item")


class VcfRows:
    """The alleles of a VCF or BCF file, in its order.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    header
        Its text.
    fields
        Names of the fields of INFO that the header declares.
    """

    def __init__(self, path: str | Path) -> None:
        from cyvcf2 import VCF

        self.path = Path(path)
        reader = VCF(str(path))
        self.header = reader.raw_header
        reader.close()
        self.fields = re.findall(r"##INFO=<ID=([^,>]+)", self.header)

    def rows(self, names: Sequence[str]) -> Iterator[tuple]:
        """Yield the values of some columns and fields of INFO, one tuple per ALT (one for a record without any).

        A field with one value per ALT gives each its own; another one is repeated, its values joined by commas.
        """
        from cyvcf2 import VCF

        for record in VCF(str(self.path)):
            alts = record.ALT or ["."]
            fixed = {"chrom": record.CHROM, "pos": record.POS, "id": record.ID or ".", "ref": record.REF}
            columns = [
                alts
                if name == "alt"
                else [fixed[name]] * len(alts)
                if name in fixed
                else _per_alt(record.INFO.get(name), len(alts))
                for name in names
            ]
            yield from zip(*columns, strict=True)


def _per_alt(value: Any, n_alts: int) -> list:
    if isinstance(value, str) and value.count(",") + 1 == n_alts:
        return value.split(",")  # cyvcf2 leaves text as it is
    if isinstance(value, tuple):
        return list(value) if len(value) == n_alts else [",".join(map(str, value))] * n_alts
    return [value] * n_alts


def as_column(values: Sequence[Any], kind: pa.DataType | None = None) -> pa.Array:
    """Return values of a field as a column: of a type, or of numbers where all of them are, else of text."""
    if kind is not None and not pa.types.is_string(kind):
        return pa.array([None if value in (None, ".") else value for value in values], kind, from_pandas=True)
    if kind is None and not any(isinstance(value, str) for value in values):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def batched(items: Iterator[_Item], size: int) -> Iterator[list[_Item]]:
    """Yield lists of `size` items; the last may have fewer."""
    while part := list(islice(items, size)):
        yield part
