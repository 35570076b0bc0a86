"""Tables of results, written in chunks: TSV, Parquet or HDF5 by the name's ending, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.cells import as_cell, needs_care
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import atomic_path

__all__ = [
    "FORMATS",
    "NO_NOTES",
    "Notes",
    "Table",
    "TableWriter",
    "arrow_table",
    "open_table",
    "open_writer",
    "table_format",
    "write_lines",
]

FORMATS = (".tsv", ".parquet", ".h5")

Table = Mapping[str, NDArray]
"""Equally long columns by name, in their order. Text is of dtype U, or object where its longest may be very long."""

_TEXT = "UO"

_ROWS = 512
"""Rows that Arrow makes text of at a time: of more, or fewer, it takes longer."""


class Notes(NamedTuple):
    """What a table says of itself, in formats that have a place for it: metadata of Parquet, attributes of HDF5.

    Attributes
    ----------
    file
        Of the whole file.
    columns
        Meaning of columns by name; there may be more than the table has.
    """

    file: Mapping[str, str]
    columns: Mapping[str, str]


NO_NOTES = Notes({}, {})


class TableWriter:
    """Takes a table chunk by chunk; all chunks have the same columns."""

    @abstractmethod
    def write(self, chunk: Table) -> None:
        """Append rows."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""


class _Closes(Protocol):
    def close(self) -> None: ...


Writer = TypeVar("Writer", bound=_Closes)


def table_format(path: str | Path, others: Sequence[str] = ()) -> str:
    """Return the format that a file's name asks for, one of `FORMATS`.

    Parameters
    ----------
    path
        The file.
    others
        Endings that the caller takes besides, for the message.

    Raises
    ------
    InputError
        If the ending is none of them.
    """
    suffix = Path(path).suffix.lower()
    suffix = ".h5" if suffix == ".hdf5" else suffix
    if suffix not in FORMATS:
        wanted = ", ".join((*FORMATS, *others))
        raise InputError(path, f"cannot tell the format from the ending {suffix!r}; use one of {wanted}")
    return suffix


def open_table(path: str | Path, notes: Notes = NO_NOTES) -> AbstractContextManager[TableWriter]:
    """Return a context that gives a writer and, when it ends well, leaves the whole file at `path`.

    Parameters
    ----------
    path
        The file, of one of `FORMATS`.
    notes
        What it says of itself; not in TSV, whose readers take every line for a row.
    """
    writers: dict[str, Callable[[Path], TableWriter]] = {
        ".tsv": _TsvWriter,
        ".parquet": lambda temporary: _ParquetWriter(temporary, notes),
        ".h5": lambda temporary: _Hdf5Writer(temporary, notes, path),
    }
    return open_writer(path, writers[table_format(path)])


@contextmanager
def open_writer(path: str | Path, factory: Callable[[Path], Writer]) -> Iterator[Writer]:
    """Give a writer of a temporary file that, when all ends well, becomes `path`."""
    with atomic_path(path) as temporary:
        writer = factory(temporary)
        try:
            yield writer
        finally:
            writer.close()


class _TsvWriter(TableWriter):
    def __init__(self, path: Path) -> None:
        self.file = open(path, "wb")  # noqa: SIM115 (closed by `close`)

    def write(self, chunk: Table) -> None:
        write_lines(chunk, self.file, header=self.file.tell() == 0)

    def close(self) -> None:
        self.file.close()


def write_lines(chunk: Table, sink: Any, header: bool) -> None:
    """Write the rows of a table as TSV."""
    from pyarrow.csv import WriteOptions, write_csv

    chunk = {as_cell(name): _cells(values) for name, values in chunk.items()}
    table = arrow_table(chunk)
    if header:
        sink.write(("\t".join(table.column_names) + "\n").encode())
    texts = [values for values in chunk.values() if values.dtype.kind in _TEXT]
    if any('"' in text for values in texts for text in values.tolist()):
        sink.write(_join(table))
    else:
        options = WriteOptions(include_header=False, batch_size=_ROWS, delimiter="\t", quoting_style="none")
        write_csv(table, sink, options)


def _cells(values: NDArray) -> NDArray:
    """Return a column as it is written to a TSV (`tfb_matrix_data.cells`)."""
    if values.dtype.kind not in _TEXT or not needs_care(texts := values.tolist()):
        return values
    cells = np.empty(len(values), object)
    cells[:] = [as_cell(text) for text in texts]
    return cells


class _ParquetWriter(TableWriter):
    def __init__(self, path: Path, notes: Notes) -> None:
        self.path, self.notes = path, notes
        self.sink: Any = None  # opened when the columns are known

    def write(self, chunk: Table) -> None:
        from pyarrow.parquet import ParquetWriter

        table = arrow_table(chunk)
        if self.sink is None:
            self.sink = ParquetWriter(str(self.path), self._with_notes(table.schema), compression="zstd")
        self.sink.write_table(table)

    def _with_notes(self, schema: Any) -> Any:
        said = self.notes.columns
        for i, field in enumerate(schema):
            if field.name in said:
                schema = schema.set(i, field.with_metadata({"description": said[field.name]}))
        return schema.with_metadata(dict(self.notes.file)) if self.notes.file else schema

    def close(self) -> None:
        if self.sink is not None:
            self.sink.close()


class _Hdf5Writer(TableWriter):
    """One growing dataset per column.

    HDF5 crashes the process when the disk is full, so that must be noticed before; nothing is left in its caches.
    """

    def __init__(self, path: Path, notes: Notes, target: str | Path) -> None:
        import h5py

        self.target = target
        self.folder, self.said = path.parent, notes.columns
        self.file = h5py.File(path, "w")
        self.text = h5py.string_dtype()
        self.file.attrs.update(notes.file)

    def write(self, chunk: Table) -> None:
        at_most = sum(values.nbytes + 64 * len(values) + (1 << 16) for values in chunk.values())
        at_most += sum(len(text) for values in chunk.values() if values.dtype.kind == "O" for text in values)
        if shutil.disk_usage(self.folder).free < at_most:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder))
        if not len(self.file):
            self._check_names(list(chunk))
        for name, values in chunk.items():
            if name not in self.file:
                kind = self.text if values.dtype.kind in _TEXT else values.dtype
                self.file.create_dataset(name, (0,), kind, maxshape=(None,), chunks=(4096,), compression="gzip")
                if name in self.said:
                    self.file[name].attrs["description"] = self.said[name]
            dataset = self.file[name]
            start = len(dataset)
            dataset.resize(start + len(values), axis=0)
            dataset[start:] = values.astype(object) if values.dtype.kind in _TEXT else values
        self.file.flush()

    def _check_names(self, names: list[str]) -> None:
        """Refuse a column that would be the folder of another: HDF5 takes a name for a path."""
        folders = {"/".join(name.split("/")[:n]) for name in names for n in range(1, name.count("/") + 1)}
        if clash := next((name for name in names if name in folders), None):
            raise InputError(self.target, f"{clash} is a column, and others begin with it; write .parquet or .tsv")

    def close(self) -> None:
        self.file.close()


def arrow_table(chunk: Table, with_nulls: bool = True) -> Any:
    """Return a chunk as an Arrow table; a score that does not exist (NaN) becomes null, an empty field in TSV.

    Columns are made from their buffers: `pyarrow.array` would import pandas, a quarter of a second.
    """
    import pyarrow as pa

    def column(values: NDArray) -> Any:
        if values.dtype.kind in _TEXT:
            texts = [text.encode() for text in values.tolist()]
            offsets = np.cumsum([0, *map(len, texts)], dtype=np.int32)
            return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(b"".join(texts)))
        missing = np.isnan(values) & with_nulls
        known = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
        data = pa.py_buffer(np.ascontiguousarray(values))
        return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [known, data])

    return pa.Table.from_arrays([column(values) for values in chunk.values()], list(chunk))


def _join(table) -> bytes:  # noqa: ANN001 (pyarrow has no types)
    """Return the lines of a table; for text with double quotes, for which Arrow's faster CSV writer has no way."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [column.cast(pa.string()).combine_chunks() for column in table.columns]
    lines = pc.binary_join_element_wise(*columns, "\t", null_handling="replace", null_replacement="")
    return "".join(f"{line}\n" for line in lines.to_pylist()).encode()
