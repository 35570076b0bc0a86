"""Files that `tfb score` wrote, read back in any of its formats: one row per ALT allele, some columns at a time."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kipoi_tfb.report.vcf_rows import VcfRows, as_column, batched
from kipoi_tfb.variants.columns import COUNTS, FIXED, HAPLOTYPE, LINE, SCORES, TEXTS, TOP
from kipoi_tfb.variants.tables import effect_format
from kipoi_tfb.variants.vcf import PHRASE
from tfb_matrix_data.cells import from_cell
from tfb_matrix_data.errors import InputError, UnknownNameError
from tfb_matrix_data.lines import read_lines

__all__ = ["ScoresFile", "open_scores", "score_numbers"]

_CHUNK = 8192
_TEXT_COLUMNS = {"chrom", "id", "ref", "alt", "status", "flags", "normal", *HAPLOTYPE, *TEXTS}
_OF_RECORDS = ("chrom", "pos", "id", "ref", "alt")
_NEEDED = ("chrom", "pos", "ref", "alt", "status")


class ScoresFile:
    """Scores of alleles in a file, in its order.

    Attributes
    ----------
    path
        The file.
    columns
        Names of all columns, in their order.
    info
        Fields of a VCF's INFO that are not ours: columns too, if they are asked for.
    about
        What the file says of the run: ``tfb_score``, and ``tfb_models`` where it has a place for them.
    """

    def __init__(self, path: Path, columns: Sequence[str], about: dict[str, str], info: Sequence[str] = ()) -> None:
        self.path, self.columns, self.about, self.info = path, list(columns), about, list(info)
        lacking = [name for name in _NEEDED if name not in self.columns]
        if lacking:
            raise InputError(
                path,
                f"is no wide table of `tfb score`: it has no column {', '.join(lacking)} (a tidy table, or one with "
                "kipoi-veff2's names, cannot be read back; score without --tidy and --columns)",
            )

    @property
    def tfs(self) -> list[str]:
        """Names of the TFs that have a column of some score."""
        ends = tuple(f"_{score}" for score in SCORES)
        named = (column for column in self.columns if column.endswith(ends) and column not in LINE)
        return list(dict.fromkeys(_tf_of(column) for column in named))

    def check(self, names: Sequence[str]) -> None:
        """Refuse a name that is none of the columns or fields.

        Raises
        ------
        InputError
            If the file lacks a column that `tfb score` writes.
        UnknownNameError
            If nothing is called so.
        """
        for name in names:
            if name in self.columns or name in self.info:
                continue
            if name in LINE or name in HAPLOTYPE:
                raise InputError(
                    self.path,
                    f"has no column {name}: it was written by an earlier version, with --tidy, without a null or "
                    "--phased; score the variants again",
                )
            raise UnknownNameError(f"column of {self.path.name}", name, [*self.columns, *self.info])

    @abstractmethod
    def chunks(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield the rows of some columns in the file's order; a value that does not exist is null."""

    def take(self, rows: NDArray[np.int64]) -> pa.Table:
        """Return all columns of some rows, given by their places in the file, ascending."""
        return _taken(self.chunks(self.columns), rows)


def open_scores(path: str | Path) -> ScoresFile:
    """Open a file of scores: ``.tsv``, ``.parquet``, ``.h5``, ``.vcf`` or ``.vcf.gz``.

    Raises
    ------
    InputError
        If it is missing, empty, damaged, or not what `tfb score` writes.
    """
    path = Path(path)
    kinds: dict[str, Callable[[Path], ScoresFile]] = {
        ".tsv": _Tsv,
        ".parquet": _Parquet,
        ".h5": _Hdf5,
        ".vcf": _Vcf,
        ".vcf.gz": _Vcf,
    }
    kind = kinds[effect_format(path)]
    if not path.is_file():
        raise InputError(path, "no such file" if not path.exists() else "is no regular file")
    if not path.stat().st_size:
        raise InputError(path, "is empty")
    try:
        return kind(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(path, f"cannot be read as scores: {error}") from None


def score_numbers(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Return a column of numbers, NaN where there is none."""
    return column.cast(pa.float32()).to_numpy()


def _taken(chunks: Iterator[pa.Table], rows: NDArray[np.int64]) -> pa.Table:
    parts, start = [], 0
    for chunk in chunks:
        end = start + chunk.num_rows
        parts.append(chunk.take(rows[slice(*np.searchsorted(rows, [start, end]))] - start))
        start = end
    return pa.concat_tables(parts)


def _tf_of(column: str) -> str:
    """Return the TF of a column, such as JUND of ``JUND_impact_percentile``."""
    score = max((score for score in SCORES if column.endswith(f"_{score}")), key=len)
    return column.removesuffix(f"_{score}")


def _type_of(name: str) -> pa.DataType:
    if name in _TEXT_COLUMNS:
        return pa.string()
    return pa.int64() if name in {"pos", *COUNTS} else pa.float32()


class _Parquet(ScoresFile):
    def __init__(self, path: Path) -> None:
        from pyarrow.parquet import ParquetFile

        self._file = ParquetFile(str(path))
        schema = self._file.schema_arrow
        said = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
        super().__init__(path, schema.names, said)

    def chunks(self, names: Sequence[str]) -> Iterator[pa.Table]:
        for group in range(self._file.num_row_groups):  # `tfb score` writes small ones: a piece each
            yield self._file.read_row_group(group, list(names)).select(list(names))

    def take(self, rows: NDArray[np.int64]) -> pa.Table:
        meta, parts, start = self._file.metadata, [self._file.schema_arrow.empty_table()], 0
        for group in range(meta.num_row_groups):
            end = start + meta.row_group(group).num_rows
            here = rows[slice(*np.searchsorted(rows, [start, end]))]
            if len(here):
                parts.append(self._file.read_row_group(group).take(here - start))
            start = end
        return pa.concat_tables(parts)


class _Tsv(ScoresFile):
    def __init__(self, path: Path) -> None:
        _, first = next(iter(read_lines(path)))
        super().__init__(path, first.split("\t"), {})

    def chunks(self, names: Sequence[str]) -> Iterator[pa.Table]:
        from pyarrow import csv

        with csv.open_csv(
            str(self.path),
            csv.ReadOptions(block_size=1 << 24),
            csv.ParseOptions(delimiter="\t", quote_char=False),
            csv.ConvertOptions(
                column_types={name: _type_of(name) for name in names}, include_columns=list(names), null_values=[""]
            ),
        ) as reader:
            for batch in reader:
                yield _unescaped(pa.Table.from_batches([batch]))


def _unescaped(table: pa.Table) -> pa.Table:
    """Return text as it was before it was made safe for spreadsheets."""
    for at, column in enumerate(table.columns):
        if pa.types.is_string(column.type) and pc.any(pc.starts_with(column, "'")).as_py():
            texts = [text and from_cell(text) for text in column.to_pylist()]
            table = table.set_column(at, table.column_names[at], pa.array(texts, pa.string()))
    return table


class _Hdf5(ScoresFile):
    def __init__(self, path: Path) -> None:
        import h5py

        with h5py.File(path) as file:
            about = {key: str(value) for key, value in file.attrs.items()}
            super().__init__(path, list(file), about)
            # Datasets are listed by name: the order of the columns is that of the other formats.
            first = [name for name in (*FIXED, *HAPLOTYPE, *LINE) if name in file]
            self.columns = first + [name for name in self.columns if name not in first]

    def chunks(self, names: Sequence[str]) -> Iterator[pa.Table]:
        import h5py

        with h5py.File(self.path) as file:
            for start in range(0, len(file["pos"]), _CHUNK):
                part = {name: file[name][start : start + _CHUNK] for name in names}
                yield pa.table(
                    {
                        name: pa.array([text.decode() for text in values])
                        if values.dtype.kind == "O"
                        else pa.array(values, from_pandas=values.dtype.kind == "f")
                        for name, values in part.items()
                    }
                )


class _Vcf(ScoresFile):
    """An annotated VCF: a row per ALT of every record."""

    _FIELD = re.compile(r'##INFO=<ID=(TFB_[^,>]+),.*Description="([^:"]*)')

    def __init__(self, path: Path) -> None:
        self._rows = VcfRows(path)
        header = self._rows.header
        if "ID=TFB_STATUS," not in header:
            raise InputError(path, "has no INFO field TFB_STATUS: it has not been scored (`tfb score`)")
        ours = [name for name in (*FIXED, *HAPLOTYPE, *LINE) if name not in _OF_RECORDS]
        self._fields = {name: f"TFB_{name.upper()}" for name in ours if f"ID=TFB_{name.upper()}," in header}
        known = set(self._fields.values())
        for field, said in self._FIELD.findall(header):
            if field not in known:
                # INFO allows fewer letters than names of TFs have: the description begins with the name itself.
                score = max((score for score in SCORES if field.endswith(f"_{score}")), key=len, default="")
                self._fields[f"{said}_{score}"] = field
        fixed = [name for name in FIXED if name in _OF_RECORDS or name in self._fields]
        said = re.search(r'^##tfb_score="(.*)"$', header, re.M)
        names = [*fixed, *(name for name in self._fields if name not in fixed)]
        info = [name for name in self._rows.fields if not name.startswith("TFB_")]
        super().__init__(path, names, {"tfb_score": said[1]} if said else {}, info)

    def chunks(self, names: Sequence[str]) -> Iterator[pa.Table]:
        types = {name: _type_of(name) for name in names if name in self.columns}
        rows = self._rows.rows([self._fields.get(name, name) for name in names])
        for part in batched(rows, _CHUNK):
            columns = zip(names, zip(*part, strict=True), strict=True)
            yield pa.table({name: as_column(_as_in_tables(name, values), types.get(name)) for name, values in columns})


def _as_in_tables(name: str, values: Sequence[Any]) -> Sequence[Any]:
    """Return text that INFO had to spell another way as tables have it."""
    if name == "flags":
        return [value and value.replace("|", ";").replace(":", "=") for value in values]
    if name == "reason":
        return [value and _words(value) for value in values]
    listed = name in (*TOP, *HAPLOTYPE, "sites")
    return [value and value.replace("|", ";") for value in values] if listed else values


def _words(text: str) -> str:
    for said, written in (pair for pair in PHRASE if pair[0] != ";"):
        text = text.replace(written, said)
    return text
