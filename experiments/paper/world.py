"""What all cells read: sequence and labels of every region that has both, on disk once and shared by all workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.files import atomic_folder, sha256
from tfb_matrix_data.genome import Genome, region_windows
from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.sequence import UNKNOWN, gc_content

__all__ = ["PaperWorld", "open_world"]

_CHUNK = 1 << 16


@dataclass(frozen=True)
class PaperWorld:
    """Regions with coordinates and no N, as memory maps; everything else of the suite counts them from 0.

    Attributes
    ----------
    folder
        Where they are.
    matrix_path
        What they are of.
    sha
        Of the matrix.
    """

    folder: Path
    matrix_path: Path
    sha: str

    @cached_property
    def matrix(self) -> BindingMatrix:
        """The binding matrix."""
        return BindingMatrix(self.matrix_path)

    @cached_property
    def region(self) -> NDArray[np.int64]:
        """int64 (regions,): index of each in the matrix."""
        return np.load(self.folder / "region.npy")

    @cached_property
    def codes(self) -> NDArray[np.uint8]:
        """uint8 (regions, length)."""
        return np.load(self.folder / "codes.npy", mmap_mode="r")

    @cached_property
    def gc(self) -> NDArray[np.float64]:
        """float64 (regions,): GC content."""
        return np.load(self.folder / "gc.npy")

    @cached_property
    def chromosome(self) -> NDArray[np.str_]:
        """Names, (regions,)."""
        regions = self.matrix.regions
        return np.array(regions.chrom_names)[regions.chrom[self.region]]

    def labels(self, tf: str, kind: Kind = "sparse", cell_types: Sequence[str] | None = None) -> NDArray[np.int8]:
        """Return 1 bound, 0 unbound, -1 unresolved of each region, int8 (regions,)."""
        if cell_types is None:
            stored = np.load(self.folder / f"{kind}.npy", mmap_mode="r")
            return np.array(stored[self.matrix.tfs.index(tf)])
        return self.matrix.labels([tf], self.region, kind, cell_types)[:, 0]


def open_world(matrix_path: Path, genome_path: Path, folder: Path, length: int | None = None) -> PaperWorld:
    """Return the regions of a matrix and a genome, read once and kept in `folder`.

    Windows of another `length` than the regions' are centred on them; those that have an N are left out.
    """
    sha = sha256(matrix_path)
    with BindingMatrix(matrix_path) as matrix:
        genome = Genome(genome_path)
        size = "" if length is None else f"-{length}"
        place = folder / f"world-{sha[:12]}-{genome.path.name}{size}"
        if not place.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_folder(place) as temporary:
                _write(matrix, genome, temporary, length)
    return PaperWorld(place, matrix_path, sha)


def _write(matrix: BindingMatrix, genome: Genome, folder: Path, length: int | None) -> None:
    located = np.flatnonzero(matrix.regions.start >= 0)
    parts = [located[at : at + _CHUNK] for at in range(0, len(located), _CHUNK)]
    codes = np.concatenate([_windows(matrix, genome, part, length) for part in parts])
    whole = ~(codes == UNKNOWN).any(1)
    region, codes = located[whole], codes[whole]
    np.save(folder / "region.npy", region)
    np.save(folder / "codes.npy", codes)
    np.save(folder / "gc.npy", gc_content(codes))
    for kind in ("sparse", "less_sparse"):
        labels = np.empty((len(matrix.tfs), len(region)), np.int8)
        for row, tf in zip(labels, matrix.tfs, strict=True):
            row[:] = matrix.labels([tf], region, kind)[:, 0]
        np.save(folder / f"{kind}.npy", labels)


def _windows(matrix: BindingMatrix, genome: Genome, index: NDArray[np.int64], length: int | None) -> NDArray[np.uint8]:
    if length is None:
        return region_windows(matrix, genome, index)
    regions = matrix.regions
    names = np.array(regions.chrom_names)[regions.chrom[index]]
    return genome.windows(names, regions.start[index] + (regions.length - length) // 2, length).codes
