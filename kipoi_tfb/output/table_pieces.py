"""A table that is made in pieces, each a file of its own, and joined in their order while the next are being made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.output.pieces import Joined
from kipoi_tfb.output.tables import NO_NOTES, Notes, Table, arrow_table, open_table, table_format, write_lines
from tfb_matrix_data.files import atomic_path

__all__ = ["joined_table", "write_piece"]

_BLOCK = 1 << 20
_CODEC = "lz4"
"""Of the text of TSV: nearly twice the size of zstd's, in less time."""


@contextmanager
def joined_table(output: str | Path, notes: Notes = NO_NOTES) -> Iterator[Joined]:
    """Give what joins the pieces that `write_piece` wrote; when its context ends well, the table is at `output`.

    Parameters
    ----------
    output
        The file, of the format that the pieces are for.
    notes
        What it says of itself; see `kipoi_tfb.output.tables.open_table`.
    """
    if table_format(output) == ".tsv":
        with atomic_path(output) as temporary, open(temporary, "wb") as file:
            yield _JoinedRows(lambda piece, first: _copy_lines(piece, file, header=first))
        return
    with open_table(output, notes) as table:

        def copy(piece: Path, _first: bool) -> int:
            rows = _read_piece(piece)
            table.write(rows)
            return len(next(iter(rows.values())))

        yield _JoinedRows(copy)


class _JoinedRows:
    """Rows of pieces; `copy` puts those of a piece, which may be the first, behind the others and says how many."""

    def __init__(self, copy: Callable[[Path, bool], int]) -> None:
        self._copy, self._rows, self._first = copy, 0, True

    def add(self, piece: Path) -> None:
        self._rows += self._copy(piece, self._first)
        self._first = False

    def finish(self) -> int:
        return self._rows


def write_piece(path: Path, chunk: Table, ending: str) -> None:
    """Write a chunk as a file of its own for `joined_table`, in another process maybe.

    For ``.tsv`` (one of `FORMATS`) these are its lines already, compressed: text of numbers takes longer to make than
    anything else that is done with them, and pieces are made side by side.
    """
    import pyarrow as pa
    from pyarrow.parquet import write_table

    if ending != ".tsv":
        write_table(arrow_table(chunk, with_nulls=False), str(path), compression="zstd")
        return
    with pa.CompressedOutputStream(str(path), _CODEC) as sink:
        write_lines(chunk, sink, header=True)


def _copy_lines(piece: Path, file: Any, header: bool) -> int:
    """Copy the lines of a piece, and return how many rows there were."""
    import pyarrow as pa

    rows = -1
    with pa.input_stream(str(piece), compression=_CODEC) as stream:
        while block := stream.read(_BLOCK):
            if rows < 0 and not header:
                # Names of columns may be longer than a block.
                _, found, block = block.partition(b"\n")
                rows += bool(found)
            rows += block.count(b"\n")
            file.write(block)
    return rows


def _read_piece(path: Path) -> Table:
    """Return the chunk that `write_piece` wrote, but for ``.tsv``."""
    from pyarrow.parquet import ParquetFile

    with ParquetFile(str(path)) as file:
        table = file.read().combine_chunks()
    return {name: _numpy_column(column) for name, column in zip(table.column_names, table.columns, strict=True)}


def _numpy_column(column: Any) -> NDArray:
    """Return a column without nulls, in one chunk; made from its buffer, as `arrow_table` does the other way."""
    if str(column.type) == "string":
        texts = np.empty(len(column), object)
        texts[:] = column.to_pylist()
        return texts
    dtype = np.dtype(column.type.to_pandas_dtype())
    if not len(column):
        return np.empty(0, dtype)
    (values,) = column.chunks
    return np.frombuffer(values.buffers()[1], dtype)[values.offset :][: len(values)]
