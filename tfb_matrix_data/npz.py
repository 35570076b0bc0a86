"""Arrays of `.npz` files that are not trusted: read by pieces, with no more memory than their files may ask for.

A few megabytes, compressed, stand for gigabytes of zeros; so an array is measured by what the archive and its own
header declare before anything is allocated, and unpacking stops there.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.bounded import check_file
from tfb_matrix_data.errors import InputError

__all__ = ["NpzArray", "has_array", "read_arrays"]

_DAMAGED = (
    zipfile.BadZipFile,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)
_BLOCK = 1 << 20
"""Values passed over at a time."""
_MOST_WHOLE = 1 << 20
"""Bytes that `NpzArray.whole` reads at most where nothing else is said."""


class NpzArray:
    """One array of an .npz, read piece by piece from its beginning.

    Parameters
    ----------
    path
        The file.
    name
        The array; default the first of the file.

    Attributes
    ----------
    shape, dtype, fortran
        As the array's header has them.

    Raises
    ------
    InputError
        If the file is no .npz, lacks the array, or declares another size for it than the array itself.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        with self._named():
            archive = zipfile.ZipFile(check_file(path))
            member = archive.getinfo(archive.namelist()[0] if name is None else f"{name}.npy")
            self._stream = archive.open(member)
            version = np.lib.format.read_magic(self._stream)
            read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            self.shape, self.fortran, self.dtype = read_header[version](self._stream)
            if self.dtype.hasobject:
                raise ValueError("it holds Python objects")
            self.n_values = 1
            for axis in self.shape:
                self.n_values *= axis
            declared = member.file_size - self._stream.tell()
            if self.n_values * self.dtype.itemsize != declared:
                raise ValueError(f"{self.dtype} of shape {self.shape} does not take {declared:,} bytes")

    def read(self, count: int) -> NDArray:
        """Return the next `count` values."""
        with self._named():
            data = self._stream.read(count * self.dtype.itemsize)
        if len(data) != count * self.dtype.itemsize:
            raise InputError(self.path, "is cut off")
        return np.frombuffer(data, self.dtype)

    def whole(self, most: int = _MOST_WHOLE) -> NDArray:
        """Return all values, in one dimension, if they have no more than `most` bytes.

        Raises
        ------
        InputError
            If they have more.
        """
        n_bytes = self.n_values * self.dtype.itemsize
        if n_bytes > most:
            raise InputError(
                self.path, f"has an array that unpacks to {n_bytes:,} bytes; at most {most:,} are expected"
            )
        values = self.read(self.n_values)
        self.finish()
        return values

    def skip(self, count: int) -> None:
        """Pass over the next `count` values."""
        while count:
            count -= len(self.read(min(count, _BLOCK)))

    def finish(self) -> None:
        """Check that nothing is left, which also makes `zipfile` compare its checksum."""
        with self._named():
            if self._stream.read(1):
                raise ValueError("it is longer than its header says")

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise InputError(self.path, "no such file") from None
        except _DAMAGED as error:
            raise InputError(self.path, f"is not a whole .npz file: {error}") from None


def has_array(path: Path, name: str) -> bool:
    """Return whether an .npz has an array of that name."""
    with zipfile.ZipFile(path) as archive:
        return f"{name}.npy" in archive.namelist()


def read_arrays(path: Path, most: dict[str, int]) -> dict[str, NDArray]:
    """Return arrays of an .npz by name, of which none has more bytes than is said.

    Parameters
    ----------
    path
        The file.
    most
        {name: bytes, at most}.

    Raises
    ------
    InputError
        If the file is damaged, lacks an array, or has a larger one.
    """
    arrays = {}
    for name, limit in most.items():
        array = NpzArray(path, name)
        values = array.whole(limit)
        arrays[name] = values.reshape(array.shape[::-1]).T if array.fortran else values.reshape(array.shape)
    return arrays
