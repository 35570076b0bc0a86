"""Readers of the matrices that Novakovsky et al. published (`.npz`), piece by piece."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.layout import MOST_REGIONS
from tfb_matrix_data.npz import NpzArray, has_array

__all__ = ["file_name", "read_coo", "read_pair"]

_BLOCK = 1 << 20
"""Values held at a time of each array that is read by pieces."""


def file_name(name: str) -> str:
    """Return a TF or cell type as the published file names have it.

    >>> file_name("astrocyte of the cerebellum"), file_name("NT2/D1")
    ('astrocyte_of_the_cerebellum', 'NT2-D1')
    """
    return name.replace(" ", "_").replace("/", "-")


def read_pair(sparse: Path, less: Path, n_names: int, names_first: bool) -> Iterator[NDArray[np.uint8]]:
    """Yield the codes of one name after the other from the two matrices of a TF, or of a cell type.

    The codes come back from the two kinds together: less sparse 1 is bound (4), sparse 0 is open (1), less
    sparse 0 where sparse is null is ambiguous (2, standing for 2 and 3), null in both is not accessible (0).

    Parameters
    ----------
    sparse, less
        ``.npz`` files of one float64 array each, names x regions or regions x names; NaN is null.
    n_names
        Number of names in the index: cell types in a TF's file, TFs in a cell type's.
    names_first
        What a square array is; any other says it by its shape.

    Yields
    ------
    numpy.ndarray
        uint8 of shape (regions,). Of names x regions one row is held; of regions x names one byte per element.

    Raises
    ------
    InputError
        If a file is damaged, of another type or shape, or contradicts the other.
    """
    both = NpzArray(sparse), NpzArray(less)
    for array in both:
        if array.dtype != np.float64 or len(array.shape) != 2:
            raise InputError(
                array.path, f"holds {array.dtype} of shape {array.shape}; expected float64 of two dimensions"
            )
    shape = both[0].shape
    if (shape, both[0].fortran) != (both[1].shape, both[1].fortran):
        raise InputError(sparse, f"its shape is not that of the less-sparse matrix ({shape}, not {both[1].shape})")
    if n_names not in shape:
        raise InputError(sparse, f"its shape is not that of the index ({shape}; none of them is {n_names})")
    by_name = shape[0] == n_names and (names_first or shape[1] != n_names)
    n_regions = shape[1] if by_name else shape[0]
    _check_regions(sparse, n_regions)
    if by_name != both[0].fortran:
        for _ in range(n_names):
            yield _decode(both[0].read(n_regions), both[1].read(n_regions), sparse)
    else:
        codes = np.empty((n_names, n_regions), np.uint8)
        rows = max(1, _BLOCK // n_names)
        for start in range(0, n_regions, rows):
            count = min(rows, n_regions - start)
            block = _decode(both[0].read(count * n_names), both[1].read(count * n_names), sparse)
            codes[:, start : start + count] = block.reshape(count, n_names).T
        yield from codes
    for array in both:
        array.finish()


def _decode(sparse: NDArray[np.float64], less: NDArray[np.float64], path: Path) -> NDArray[np.uint8]:
    null, bound, closed = np.isnan(sparse), less == 1, np.isnan(less)
    codes = np.where(null, np.uint8(2), np.uint8(1))
    codes[bound] = 4
    codes[closed] = 0
    if not ((sparse == less) | null & (closed | (less == 0))).all() or not (bound | closed | (less == 0)).all():
        raise InputError(
            path, "contradicts the less-sparse matrix, or holds values other than 0, 1 and NaN; are both of the same?"
        )
    return codes


def read_coo(path: Path, shape: tuple[int, int, int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield (cell type, codes) from ``matrix3d.npz``, for each cell type with any entry, in their order.

    The file is a `sparse.COO` as `sparse.save_npz` writes it: ``coords`` (3, entries) of cell type, region and
    TF, sorted; ``data``, codes 1 to 4; ``shape``; ``fill_value`` 0. The `sparse` package is not needed.

    Parameters
    ----------
    path
        The file.
    shape
        Cell types, regions (0 where not known beforehand) and TFs that it should have.

    Yields
    ------
    tuple
        Index of the cell type, and uint8 codes of shape (TFs, regions), 2 standing for 2 and 3. The array is
        the caller's until the next one is asked for: it is filled anew.

    Raises
    ------
    InputError
        If the file is damaged, has another shape, or entries that are not sorted, not codes, or twice.
    """
    found = tuple(int(n) for n in NpzArray(path, "shape").whole())
    if len(found) != 3 or found[0] != shape[0] or found[2] != shape[2] or shape[1] not in (0, found[1]):
        expected = f"({shape[0]}, {shape[1] or 'regions'}, {shape[2]})"
        raise InputError(path, f"its shape is not that of the other matrices and the index ({found}, not {expected})")
    _check_regions(path, found[1])
    if has_array(path, "fill_value") and NpzArray(path, "fill_value").whole() != 0:
        raise InputError(path, "its fill_value is not 0; expected the sparse.COO of codes 1 to 4")
    data, coords = NpzArray(path, "data"), _Coords(path)
    entries = data.shape[0] if len(data.shape) == 1 else -1
    if coords.shape != (3, entries) or coords.dtype.kind not in "iu" or data.dtype.kind not in "iuf":
        raise InputError(path, f"coords {coords.dtype} {coords.shape} and data {data.dtype} {data.shape} do not fit")
    if entries > found[0] * found[1] * found[2]:
        raise InputError(path, f"has {entries:,} entries, more than its shape {found} has places")
    codes = np.zeros((found[2], found[1]), np.uint8)
    current, filled = -1, 0
    for start in range(0, entries, _BLOCK):
        count = min(_BLOCK, entries - start)
        code, (cell, region, tf) = data.read(count), coords.read(count)
        _check_entries(path, code, (cell, region, tf), found, current)
        code = np.where(code == 3, 2, code).astype(np.uint8)
        edges = [0, *(np.flatnonzero(np.diff(cell)) + 1).tolist(), count]
        for a, b in itertools.pairwise(edges):
            if cell[a] != current:
                if filled:
                    yield current, _without_duplicates(path, codes, filled)
                codes[:] = 0
                current, filled = int(cell[a]), 0
            codes[tf[a:b], region[a:b]] = code[a:b]
            filled += b - a
    if filled:
        yield current, _without_duplicates(path, codes, filled)
    data.finish()
    coords.finish()


def _check_regions(path: Path, n_regions: int) -> None:
    if n_regions > MOST_REGIONS:
        raise InputError(path, f"has {n_regions:,} regions; at most {MOST_REGIONS:,} are expected of a genome")


def _check_entries(path: Path, code: NDArray, coords: tuple[NDArray, ...], shape: tuple[int, ...], after: int) -> None:
    if not np.isin(code, (1, 2, 3, 4)).all():
        raise InputError(path, "has a code that is none of 1, 2, 3, 4")
    for axis, n in zip(coords, shape, strict=True):
        if axis.min() < 0 or axis.max() >= n:
            raise InputError(path, f"has a coordinate outside its shape {shape}")
    if coords[0][0] < after or (coords[0][1:] < coords[0][:-1]).any():
        raise InputError(path, "its entries are not sorted by cell type, as sparse.COO keeps them")


def _without_duplicates(path: Path, codes: NDArray[np.uint8], filled: int) -> NDArray[np.uint8]:
    if np.count_nonzero(codes) != filled:
        raise InputError(path, "has the same cell type, region and TF twice")
    return codes


class _Coords:
    """The array ``coords`` of a `sparse.COO`, read by columns; it has either memory order, by numpy's version."""

    def __init__(self, path: Path) -> None:
        first = NpzArray(path, "coords")
        self.shape, self.dtype = first.shape, first.dtype
        self._axes = [first]
        if not first.fortran and first.shape[:1] == (3,) and len(first.shape) == 2:
            # One axis after the other: three readers of the same array, each from where its axis begins.
            self._axes += [NpzArray(path, "coords") for _ in range(2)]
            for axis, array in enumerate(self._axes):
                array.skip(axis * first.shape[1])

    def read(self, count: int) -> tuple[NDArray, ...]:
        """Return the next `count` elements of each axis."""
        if len(self._axes) == 1:
            return tuple(self._axes[0].read(3 * count).reshape(count, 3).T)
        return tuple(array.read(count) for array in self._axes)

    def finish(self) -> None:
        self._axes[-1].finish()
