"""Tables with a row per region and a column per TF (labels, scores), read and brought into the order of the regions."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.blocks import DAMAGED
from tfb_matrix_data.cells import from_cell
from tfb_matrix_data.contigs import plain_name
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.lines import open_text

__all__ = ["KeyedTable", "Keys", "read_keyed"]

_PLACE = ("chrom", "start", "end")
_MISSING = ["", "NA", "nan", "NaN", "."]

Keys = list[tuple]
"""What tells regions apart: (`plain_name` of chrom, start, end) or (name,), one per region."""


@dataclass(frozen=True)
class KeyedTable:
    """A table of numbers.

    Attributes
    ----------
    path
        The file.
    keys
        Of its rows; None where it has no columns that say.
    columns
        float64 values by name, NaN where the field is empty; the columns of the keys are not among them.
    text
        Names of the columns that hold no numbers, with the first value that is none and its row.
    n_rows
        How many rows there are.
    line
        Gives the 1-based line of a row in the file, None for Parquet.
    """

    path: Path
    keys: Keys | None
    columns: dict[str, NDArray[np.float64]]
    text: dict[str, tuple[str, int]]
    n_rows: int
    line: Callable[[int], int | None]

    def align(self, keys: Keys, needed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the row of each region of `keys`, int64, -1 where a region that is not needed has none.

        Rows are found by their keys where the table has such columns, whatever their order, and by position otherwise.

        Raises
        ------
        InputError
            If a region that is needed has no row, or two; or without keys, if there are not as many rows as regions.
        """
        if self.keys is None or (keys and len(self.keys[0]) != len(keys[0])):
            if self.n_rows != len(keys):
                columns = "chrom, start and end" if keys and len(keys[0]) == 3 else "name"
                raise InputError(
                    self.path,
                    f"has {self.n_rows:,} rows for {len(keys):,} regions; give one row per region in their order, or "
                    f"add the column(s) {columns} to say which is which",
                )
            return np.arange(len(keys))
        if self.keys == keys:  # some of them may be there twice
            return np.arange(len(keys))
        rows: dict[tuple, int] = {}
        for row, key in enumerate(self.keys):
            if rows.setdefault(key, row) != row:
                raise InputError(self.path, f"{_say(key)} stands in line {self.line(rows[key])} too", self.line(row))
        found = np.array([rows.get(key, -1) for key in keys], np.int64)
        missing = np.flatnonzero((found < 0) & needed)
        if len(missing):
            raise InputError(
                self.path,
                f"has no row for {len(missing):,} of {int(needed.sum()):,} regions, the first is "
                f"{_say(keys[missing[0]])}; every region that is tested needs one",
            )
        return found


def read_keyed(path: str | Path) -> KeyedTable:
    """Read a table: TSV with a header (plain, gzip or a pipe), or Parquet.

    Lines of a TSV that begin with ``#`` are comments, but for a header such as ``#chrom<TAB>start<TAB>end``.

    Parameters
    ----------
    path
        The file. The columns chrom, start and end, or else name, say which region a row is about.

    Raises
    ------
    InputError
        If the file cannot be read, or a column stands there twice.
    """
    path = Path(path)
    names, values, line = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_tsv(path)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(path, f"has the column {twice[0]!r} twice; which one counts?", line(-1))
    table = dict(zip(names, values, strict=True))
    keys, taken = _keys(path, table, line)
    columns: dict[str, NDArray[np.float64]] = {}
    text: dict[str, tuple[str, int]] = {}
    for name, column in table.items():
        if name in taken:
            continue
        try:
            columns[name] = _numbers(column)
        except _NotANumberError as error:
            text[name] = (error.value, error.row)
    return KeyedTable(path, keys, columns, text, len(values[0]) if values else 0, line)


class _NotANumberError(Exception):
    def __init__(self, value: str, row: int) -> None:
        super().__init__(value)
        self.value, self.row = value, row


def _read_tsv(path: Path) -> tuple[list[str], list[Any], Callable[[int], int]]:
    import pyarrow as pa
    from pyarrow import csv

    try:
        with open_text(path) as stream:
            number, names = _read_header(path, stream)
            rows = stream.read()
    except UnicodeDecodeError:
        raise InputError(path, "is not text (bytes that are not UTF-8); expected a table", 1) from None
    except DAMAGED as error:
        raise InputError(path, f"gzip data are damaged or cut off ({error})") from None
    # The lines of the rows: which they are has to be known only where there are others between them.
    numbers: Sequence[int] = range(number + 1, number + 1 + rows.count(b"\n") + 1)
    if rows.startswith((b"#", b"\n", b"\r\n")) or b"\n#" in rows or b"\n\n" in rows or b"\n\r\n" in rows:
        kept = [
            (n, line)
            for n, line in zip(numbers, io.BytesIO(rows), strict=False)
            if not line.startswith(b"#") and (line.strip(b"\r\n") or len(names) == 1)
        ]
        numbers, rows = [n for n, _ in kept], b"".join(line for _, line in kept)
    strings = {name: pa.string() for name in (_PLACE[0], "name")}
    try:
        table = csv.read_csv(
            pa.BufferReader(rows),
            read_options=csv.ReadOptions(column_names=names),
            # With one column, an empty line is a value.
            parse_options=csv.ParseOptions(delimiter="\t", quote_char=False, ignore_empty_lines=len(names) > 1),
            convert_options=csv.ConvertOptions(null_values=_MISSING, strings_can_be_null=True, column_types=strings),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"is not a table of tab-separated columns with a header: {error}") from None
    return names, table.columns, lambda row: numbers[row] if row >= 0 else number


def _read_header(path: Path, stream: BinaryIO) -> tuple[int, list[str]]:
    """Return the line and the names of a table's header."""
    for number, raw in enumerate(stream, 1):
        line = raw.decode().rstrip("\r\n")
        names = line.removeprefix("#").split("\t")
        # Names may begin with a hash; a comment has one column, and a row that was commented out has numbers.
        if line.startswith("#") and (len(names) == 1 or any(map(_is_number, names[1:]))):
            continue
        if line.strip():
            return number, [from_cell(name) for name in names]
    raise InputError(path, "has no header, only comments or blank lines")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> tuple[list[str], list[Any], Callable[[int], None]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except FileNotFoundError:
        raise InputError(path, "no such file") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(path, f"cannot be read as Parquet: {error}") from None
    return list(table.column_names), table.columns, lambda row: None


def _keys(
    path: Path, table: Mapping[str, Any], line: Callable[[int], int | None]
) -> tuple[Keys | None, tuple[str, ...]]:
    """Return the keys of the rows, and the names of the columns that are no values."""
    present = [name for name in _PLACE if name in table]
    if present and len(present) < len(_PLACE):
        lacking = ", ".join(name for name in _PLACE if name not in table)
        raise InputError(path, f"has the column {present[0]} but not {lacking}; give all three, or none", line(-1))
    if present:
        try:
            places = [_numbers(table[name]) for name in _PLACE[1:]]
        except _NotANumberError as error:
            raise InputError(path, f"start or end is not a whole number: {error}", line(error.row)) from None
        wrong = ~np.equal(np.mod(places, 1), 0).all(0)  # an empty field is NaN, and no whole number either
        if wrong.any():
            raise InputError(path, "start or end is not a whole number", line(int(wrong.argmax())))
        start, end = (values.astype(np.int64).tolist() for values in places)
        chrom = _texts(path, table["chrom"])
        if None in chrom:
            raise InputError(path, "chrom is empty", line(chrom.index(None)))
        return [(plain_name(c), a, b) for c, a, b in zip(chrom, start, end, strict=True)], (*_PLACE, "name")
    if "name" in table:
        return [(name,) for name in _texts(path, table["name"])], ("name",)
    return None, ()


def _texts(path: Path, column: Any) -> list[Any]:
    """Return a column of text; that of a TSV as it was before it was written (`tfb_matrix_data.cells`)."""
    texts = column.to_pylist()
    if path.suffix.lower() == ".parquet":
        return texts
    return [from_cell(text) if isinstance(text, str) else text for text in texts]


def _numbers(column: Any) -> NDArray[np.float64]:
    """Return an Arrow column as float64; what is missing is NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    try:
        return np.asarray(pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        for row, value in enumerate(column.to_pylist()):
            try:
                float("nan" if value is None else value)
            except (TypeError, ValueError):
                raise _NotANumberError(str(value), row) from None
        raise _NotANumberError(str(column.type), 0) from None


def _say(key: tuple) -> str:
    return f"chr{key[0]}:{key[1]}-{key[2]}" if len(key) == 3 else repr(key[0])
