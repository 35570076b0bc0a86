"""Where the unbound regions of someone's own peaks are from: open regions, or places away from the peaks."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.finetuning.places import Places
from tfb_matrix_data.errors import InputError, UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import contig_sizes, no_contig_of, read_intervals
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["Background", "away_from", "named_as", "open_places"]

_PIECE = 1 << 24


class Background(NamedTuple):
    """Places to take unbound regions from.

    Attributes
    ----------
    places
        With the FASTA's names of the contigs.
    what
        What to call them.
    unknown
        Contig of each place that was left out since the FASTA lacks it.
    n_beyond
        Places that were left out since they end beyond their contig.
    """

    places: Places
    what: str
    unknown: NDArray[np.str_]
    n_beyond: int = 0


def named_as(chrom: NDArray[np.str_], genome: Genome) -> NDArray[np.str_]:
    """Return names of contigs as the FASTA has them, all of which it has: ``1`` and ``chr1`` are the same place."""
    names, inverse = np.unique(chrom, return_inverse=True)
    return np.array([genome.contig(name) for name in names.tolist()])[inverse] if len(names) else chrom


def open_places(open_regions: str | Path | BindingMatrix, genome: Genome) -> Background:
    """Return the open regions of a BED, or of a matrix those whose place is known.

    Raises
    ------
    InputError
        If the file cannot be read or none is on a contig of the genome, or one of a matrix ends beyond it.
    """
    if isinstance(open_regions, BindingMatrix):
        return _of_matrix(open_regions, genome)
    found = read_intervals(open_regions)
    sizes = contig_sizes(found.chrom, genome)
    inside, known = found.end <= sizes, sizes >= 0
    if not inside.any():
        raise InputError(open_regions, no_contig_of(genome, np.unique(found.chrom).tolist()))
    places = Places(named_as(found.chrom[inside], genome), found.start[inside], found.end[inside])
    n_beyond = int((known & ~inside).sum())
    return Background(places, f"open regions of {Path(open_regions).name}", found.chrom[~known], n_beyond)


def _of_matrix(matrix: BindingMatrix, genome: Genome) -> Background:
    regions = matrix.regions
    placed = np.flatnonzero(regions.start >= 0)
    sizes = np.full(len(regions.chrom_names), -1)
    for number, name in enumerate(regions.chrom_names):
        try:
            sizes[number] = genome.lengths[genome.contig(name)]
        except UnknownNameError:
            continue
    size = sizes[regions.chrom[placed]]
    names = np.array(regions.chrom_names)[regions.chrom[placed]]
    known = size >= 0
    beyond = known & (regions.end[placed] > size)
    if beyond.any() or not known.any():
        problem = "no region is on a contig of" if not known.any() else "a region ends beyond its contig in"
        raise InputError(matrix.path, f"{problem} {genome.path.name}; is this the right assembly?")
    at = placed[known]
    places = Places(named_as(names[known], genome), regions.start[at], regions.end[at])
    return Background(places, f"open regions of {matrix.path.name}", names[~known])


def away_from(peaks: Places, genome: Genome, length: int, seed: int) -> Places:
    """Return random places without an N on the peaks' chromosomes, in proportion to the peaks there, twenty for each.

    They may touch peaks and one another.
    """
    rng = np.random.default_rng([seed, 2])
    names, counts = np.unique(peaks.chrom, return_counts=True)
    chroms, starts = [], []
    for name, n in zip(names.tolist(), (20 * counts).tolist(), strict=True):
        first, room = _stretches(genome.codes(name), length)
        if len(first):
            before = np.cumsum(room) - room
            drawn = rng.integers(0, before[-1] + room[-1], n)
            at = np.searchsorted(before, drawn, side="right") - 1
            starts.append(first[at] + drawn - before[at])
            chroms.append(np.full(n, name))
    start = np.concatenate([np.zeros(0, np.int64), *starts])
    return Places(np.concatenate([peaks.chrom[:0], *chroms]), start, start + length)


def _stretches(codes: NDArray[np.uint8], length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first base of each stretch without an N that holds a window, and in how many places it does."""
    edges = []
    for at in range(0, len(codes), _PIECE):  # a byte per base of a whole chromosome is much
        unknown = codes[at : at + _PIECE + 1] == UNKNOWN
        edges.append(np.flatnonzero(unknown[1:] != unknown[:-1]) + at + 1)
    edge = np.concatenate([[0], *edges, [len(codes)]])
    room = np.diff(edge) - length + 1
    fits = np.flatnonzero(room > 0)
    fits = fits[codes[edge[fits]] != UNKNOWN]
    return edge[fits], room[fits]
