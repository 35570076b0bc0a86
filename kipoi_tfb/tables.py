"""Tables of results, written in chunks: TSV, Parquet or HDF5 by the name's ending, whole or not at all."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import atomic_path

__all__ = ["FORMATS", "Table", "TableWriter", "open_table", "table_format"]

FORMATS = (".tsv", ".parquet", ".h5")

Table = Mapping[str, NDArray]
"""Equally long columns by name, in their order."""


class TableWriter:
    """Takes a table chunk by chunk; all chunks have the same columns."""

    @abstractmethod
    def write(self, chunk: Table) -> None:
        """Append rows."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""


def table_format(path: str | Path) -> str:
    """Return the format that a file's name asks for, one of `FORMATS`.

    Raises
    ------
    InputError
        If the ending is none of them.
    """
    suffix = Path(path).suffix.lower()
    suffix = ".h5" if suffix == ".hdf5" else suffix
    if suffix not in FORMATS:
        raise InputError(path, f"cannot tell the format from the ending {suffix!r}; use one of {', '.join(FORMATS)}")
    return suffix


def open_table(path: str | Path) -> AbstractContextManager[TableWriter]:
    """Return a context that gives a writer and, when it ends well, leaves the whole file at `path`."""
    writers = {".tsv": _TsvWriter, ".parquet": _ParquetWriter, ".h5": _Hdf5Writer}
    return _open(path, writers[table_format(path)])


@contextmanager
def _open(path: str | Path, factory: type[_ArrowWriter | _Hdf5Writer]) -> Iterator[TableWriter]:
    with atomic_path(path) as temporary:
        writer = factory(temporary)
        try:
            yield writer
        finally:
            writer.close()


class _ArrowWriter(TableWriter):
    def __init__(self, path: Path) -> None:
        self.path = path
        self.sink = None

    def write(self, chunk: Table) -> None:
        import pyarrow as pa

        table = pa.table({name: _column(values) for name, values in chunk.items()})
        if self.sink is None:
            self.sink = self._open(table.schema)
        self.sink.write_table(table)

    def close(self) -> None:
        if self.sink is not None:
            self.sink.close()

    @abstractmethod
    def _open(self, schema):  # noqa: ANN001, ANN202 (pyarrow has no types)
        """Open the file for a schema."""


class _TsvWriter(_ArrowWriter):
    def _open(self, schema):  # noqa: ANN001, ANN202
        import pyarrow.csv

        options = pyarrow.csv.WriteOptions(delimiter="\t", quoting_style="none", quoting_header="none")
        return pyarrow.csv.CSVWriter(str(self.path), schema, write_options=options)


class _ParquetWriter(_ArrowWriter):
    def _open(self, schema):  # noqa: ANN001, ANN202
        import pyarrow.parquet

        return pyarrow.parquet.ParquetWriter(str(self.path), schema, compression="zstd")


class _Hdf5Writer(TableWriter):
    """One growing dataset per column."""

    def __init__(self, path: Path) -> None:
        self.file = h5py.File(path, "w")

    def write(self, chunk: Table) -> None:
        for name, values in chunk.items():
            if name not in self.file:
                kind = h5py.string_dtype() if values.dtype.kind in "UO" else values.dtype
                self.file.create_dataset(name, (0,), kind, maxshape=(None,), chunks=(4096,), compression="gzip")
            dataset = self.file[name]
            start = len(dataset)
            dataset.resize(start + len(values), axis=0)
            dataset[start:] = values.astype(object) if values.dtype.kind == "U" else values

    def close(self) -> None:
        self.file.close()


def _column(values: NDArray) -> object:
    """Return a column for Arrow; a score that does not exist (NaN) becomes null, an empty field in TSV."""
    import pyarrow as pa

    return pa.array(values, mask=np.isnan(values)) if values.dtype.kind == "f" else pa.array(values)
