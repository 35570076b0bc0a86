"""Where the unbound regions of someone's own peaks are from: open regions, or places away from the peaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kipoi_tfb.places import Places
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import check_contigs, read_intervals
from tfb_matrix_data.matrix import BindingMatrix

__all__ = ["away_from", "open_places"]


def open_places(open_regions: str | Path | BindingMatrix, genome: Genome) -> tuple[Places, str]:
    """Return the open regions of a BED, or of a matrix those whose place is known; and what to call them."""
    if isinstance(open_regions, BindingMatrix):
        regions = open_regions.regions
        known = np.flatnonzero(regions.start >= 0)
        names = np.array(regions.chrom_names)[regions.chrom[known]]
        places = Places(names, regions.start[known], regions.end[known])
        return places, f"open regions of {open_regions.path.name}"
    found = read_intervals(open_regions)
    check_contigs(found, genome)
    return Places.of(found), f"open regions of {Path(open_regions).name}"


def away_from(peaks: Places, genome: Genome, length: int, seed: int) -> Places:
    """Return random places on the peaks' chromosomes, in proportion to the peaks there, twenty for each."""
    rng = np.random.default_rng([seed, 2])
    names, counts = np.unique(peaks.chrom, return_counts=True)
    chroms, starts = [], []
    for name, n in zip(names.tolist(), (20 * counts).tolist(), strict=True):
        most = genome.lengths[genome.contig(name)] - length
        if most > 0:
            starts.append(rng.integers(0, most, n))
            chroms.append(np.full(n, name))
    start = np.concatenate([np.zeros(0, np.int64), *starts])
    return Places(np.concatenate([peaks.chrom[:0], *chroms]), start, start + length)
