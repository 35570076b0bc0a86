"""The binding matrix: which TF is bound, unbound or unresolved in which region."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tfb_matrix_data.errors import ConfigError, LayoutError, UnknownNameError
from tfb_matrix_data.layout import open_events

__all__ = ["BindingMatrix", "Kind", "Regions"]

Kind = Literal["sparse", "less_sparse"]
T = TypeVar("T")

# Label of each collapsed code 0..4 (4 bound, 2/3 only peak or only motif site, 1 open, 0 not accessible).
_LABEL: dict[str, NDArray[np.int8]] = {
    "sparse": np.array([-1, 0, -1, -1, 1], np.int8),
    "less_sparse": np.array([-1, 0, 0, 0, 1], np.int8),
}


@dataclass(frozen=True)
class Regions:
    """Coordinates of the matrix's regions, 0-based and half open; one element per row of the labels.

    Attributes
    ----------
    chrom
        int8 index into `chrom_names`, -1 where the coordinates are not in the file.
    start
        int64, -1 where unknown.
    length
        Length of every region in bp.
    chrom_names
        Chromosome names.
    """

    chrom: NDArray[np.int8]
    start: NDArray[np.int64]
    length: int
    chrom_names: list[str]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def end(self) -> NDArray[np.int64]:
        """int64 ends, -1 where unknown."""
        return np.where(self.start < 0, -1, self.start + self.length)

    def on(self, chroms: Iterable[str]) -> NDArray[np.int64]:
        """Return the indices of the regions on the named chromosomes, ascending.

        Raises
        ------
        UnknownNameError
            If a chromosome has no region with coordinates in this file.
        """
        codes = []
        for chrom in chroms:
            if chrom not in self.chrom_names:
                raise UnknownNameError("chromosome", chrom, self.chrom_names)
            codes.append(self.chrom_names.index(chrom))
        return np.flatnonzero(np.isin(self.chrom, codes))


class BindingMatrix:
    """TF x region x cell-type binding data in one HDF5 file, collapsed over cell types on request.

    Opening reads names and nothing else; labels are computed from the compact events, so that the dense
    three-dimensional array never exists.

    Parameters
    ----------
    path
        A file of `tfb data import`.

    Attributes
    ----------
    tfs, cell_types
        Names, in the file's order.
    profiled
        bool of shape (TFs, cell types): the TF was ChIP-ed in that cell type.
    attrs
        ``n_regions``, ``region_length``, ``assembly`` and ``source``.

    Raises
    ------
    InputError, LayoutError
        If the file is missing, cut off, or of another kind or layout version.

    Examples
    --------
    >>> import tfb_matrix_data
    >>> matrix, genome = tfb_matrix_data.example()
    >>> matrix.labels(["MAFK", "POU5F1"])[:3].tolist(), matrix.attrs["assembly"]
    ([[1, 0], [0, 1], [0, 1]], 'hg19')
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file, self._events = open_events(path)
        self.tfs: list[str] = self._events.tfs
        self.cell_types: list[str] = self._events.cell_types
        self.profiled = self._events.profiled
        self.accessible_known = self._events.accessible_known
        self.attrs = self._events.attrs
        self._accessible_read: dict[int, NDArray[np.uint8]] = {}

    @classmethod
    def published(
        cls,
        folder: str | Path | None = None,
        each: Callable[[str, Collection[T]], Iterable[T]] = lambda _, items: items,
    ) -> BindingMatrix:
        """Open the whole published matrix: 163 TFs x 52 cell types x 1,817,918 regions of hg38.

        The first time its files (a gigabyte) are downloaded, checked and imported, which takes minutes; what was cut
        off goes on where it was. Later it is opened from the cache (`tfb_matrix_data.whole`).

        Parameters
        ----------
        folder
            Take the published files from there, without a network.
        each
            Goes through what is downloaded and read, given what that is, such as with a progress bar.

        Raises
        ------
        DownloadError
            If a file cannot be had; the message says what to put where.
        InputError, ChecksumError
            If `folder` lacks a file, or a file has another content.
        """
        from tfb_matrix_data.whole import get_matrix

        return cls(get_matrix(folder, each=each))

    def __enter__(self) -> BindingMatrix:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<BindingMatrix {len(self.tfs)} TFs x {len(self)} regions x {len(self.cell_types)} cell types>"

    def __len__(self) -> int:
        return int(self.attrs["n_regions"])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @functools.cached_property
    def regions(self) -> Regions:
        """Coordinates of all regions, aligned with the rows of `labels`."""
        events = self._events
        chrom, start = np.full(len(self), -1, np.int8), np.full(len(self), -1, np.int64)
        index = self._read(lambda: events.region_id[:])
        chrom[index] = self._read(lambda: events.region_chrom[:])
        start[index] = self._read(lambda: events.region_start[:])
        return Regions(chrom, start, int(self.attrs["region_length"]), events.chrom_names)

    def labels(
        self,
        tfs: Sequence[str] | None = None,
        regions: ArrayLike | None = None,
        kind: Kind = "sparse",
        cell_types: Sequence[str] | None = None,
    ) -> NDArray[np.int8]:
        """Return the labels of TFs in regions: 1 bound, 0 unbound, -1 unresolved (null).

        Each region's code is the maximum over the cell types (4 bound > 2/3 ambiguous > 1 open > 0), which is
        then mapped: *sparse* 4 to 1, 1 to 0, else null; *less sparse* 4 to 1, 1/2/3 to 0, 0 to null. Mapping
        first and collapsing then would turn ambiguous regions into wrong zeros.

        Parameters
        ----------
        tfs
            Names, in the order of the columns; default all.
        regions
            Indices or a mask of the regions wanted, in the order of the rows; default all.
        kind
            ``"sparse"`` (the paper's fine-tuning) or ``"less_sparse"`` (its pre-training).
        cell_types
            Restrict to these cell types; default all.

        Returns
        -------
        numpy.ndarray
            int8 of shape (regions, TFs).

        Raises
        ------
        UnknownNameError
            If a TF, cell type or kind does not exist.
        ConfigError
            If a mask of regions has another length than the matrix.

        Notes
        -----
        Source: Novakovsky et al. 2021, Methods, "TF binding matrices", doi:10.1186/s13059-021-02499-5.
        """
        if kind not in _LABEL:
            raise UnknownNameError("kind of labels", kind, _LABEL)
        columns = range(len(self.tfs)) if tfs is None else self._indices("TF", tfs, self.tfs)
        cells = self._cells(cell_types)
        pick = None if regions is None else np.asarray(regions)
        if pick is not None and pick.dtype == bool:
            if pick.shape != (len(self),):
                raise ConfigError(
                    f"a mask of shape {pick.shape} for {len(self):,} regions; expected one value per region"
                )
            pick = np.flatnonzero(pick)
        elif pick is not None and not pick.size:
            pick = pick.astype(np.int64)
        rows = len(self) if pick is None else len(pick)
        # One contiguous row per TF while filling; the caller sees the transpose.
        labels = np.empty((len(columns), rows), np.int8)
        for row, tf in zip(labels, columns, strict=True):
            codes = self._codes(tf, cells)
            np.take(_LABEL[kind], codes if pick is None else codes[pick], out=row)
        return labels.T

    def cells_bound(
        self,
        tfs: Sequence[str] | None = None,
        regions: NDArray[np.int64] | None = None,
        cell_types: Sequence[str] | None = None,
    ) -> NDArray[np.uint8]:
        """Return in how many cell types each TF is bound in each region, uint8 (regions, TFs).

        Parameters
        ----------
        tfs, regions
            Names, in the order of the columns, and indices, in the order of the rows; default all.
        cell_types
            Count these alone; default all.

        Raises
        ------
        UnknownNameError
            If a TF or cell type does not exist.
        """
        columns = range(len(self.tfs)) if tfs is None else self._indices("TF", tfs, self.tfs)
        cells = self._cells(cell_types)
        counts = np.empty((len(columns), len(self) if regions is None else len(regions)), np.uint8)
        for row, tf in zip(counts, columns, strict=True):
            region, cell_type = self._read(functools.partial(self._events.bound.of, tf))
            found = np.bincount(region[cells[cell_type]], minlength=len(self))
            row[:] = found if regions is None else found[regions]
        return counts.T

    def select_multimodel(self, n: int, cell_types: Sequence[str] | None = None) -> list[str]:
        """Return the `n` TFs with the most regions resolved in the less sparse labels, most first.

        Ties go to the name that is later in the alphabet, which gives the paper's 50 TFs. `cell_types` restricts to
        these.

        Notes
        -----
        Source: Novakovsky et al. 2021, Methods, "multi-model", doi:10.1186/s13059-021-02499-5.
        """
        n_null = {tf: int((self.labels([tf], None, "less_sparse", cell_types) < 0).sum()) for tf in self.tfs}
        return sorted(sorted(self.tfs, reverse=True), key=n_null.__getitem__)[:n]

    def profiled_in(self, cell_types: Sequence[str]) -> list[str]:
        """Return the TFs that were profiled in at least one of these cell types, in the file's order.

        Raises
        ------
        UnknownNameError
            If a cell type does not exist.
        ConfigError
            If none was.
        """
        there = self.profiled[:, self._indices("cell type", cell_types, self.cell_types)].any(axis=1)
        found = [self.tfs[row] for row in np.flatnonzero(there)]
        if not found:
            raise ConfigError(f"no TF was profiled in {', '.join(cell_types)}")
        return found

    def check_profiled(self, tfs: Sequence[str], cell_types: Sequence[str]) -> None:
        """Refuse a cell type in which a TF was not profiled: no region is resolved for it there.

        Raises
        ------
        UnknownNameError
            If a TF or cell type does not exist.
        ConfigError
            If one was not profiled there; the message names it, and where it was.
        """
        cells = self._indices("cell type", cell_types, self.cell_types)
        for tf, row in zip(tfs, self._indices("TF", tfs, self.tfs), strict=True):
            missing = [self.cell_types[cell] for cell in cells if not self.profiled[row, cell]]
            if missing:
                known = [self.cell_types[cell] for cell in np.flatnonzero(self.profiled[row])]
                shown = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
                raise ConfigError(f"{tf} was not profiled in {', '.join(missing)}; it was in {shown or 'none'}")

    def _indices(self, what: str, names: Sequence[str], known: list[str]) -> list[int]:
        lookup = {name: i for i, name in enumerate(known)}
        if isinstance(names, str):
            names = [names]
        for name in names:
            if name not in lookup:
                raise UnknownNameError(what, name, known)
        return [lookup[name] for name in names]

    def _cells(self, names: Sequence[str] | None) -> NDArray[np.bool_]:
        """Return which cell types are meant: all by default."""
        cells = np.full(len(self.cell_types), names is None)
        if names is not None:
            cells[self._indices("cell type", names, self.cell_types)] = True
        return cells

    def _accessible(self, cell: int) -> NDArray[np.uint8]:
        """Return the packed bits of one cell type, read once."""
        if cell not in self._accessible_read:
            self._accessible_read[cell] = self._read(lambda: self._events.accessible[cell])
        return self._accessible_read[cell]

    def _codes(self, tf: int, cells: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Return the collapsed code 0, 1, 2 (standing for 2 and 3) or 4 of every region for one TF."""
        use = cells & self.profiled[tf] & self._events.accessible_known
        open_bits = np.zeros(-(-len(self) // 8), np.uint8)
        for cell in np.flatnonzero(use).tolist():
            open_bits |= self._accessible(cell)
        codes = np.unpackbits(open_bits, count=len(self))
        for pairs, code in ((self._events.ambiguous, 2), (self._events.bound, 4)):
            region, cell_type = self._read(functools.partial(pairs.of, tf))
            codes[region if cells.all() else region[cells[cell_type]]] = code
        return codes

    def _read(self, read: Callable[[], T]) -> T:
        """Call a function that reads from the file; damage becomes an error that names it."""
        try:
            return read()
        except OSError as error:
            raise LayoutError(f"{self.path}: data are damaged or cut off: {error}") from None
