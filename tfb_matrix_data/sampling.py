"""Choosing unbound regions that match the bound ones in GC content."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["GC_BINS", "Matched", "match_gc"]

GC_BINS = 10


class Matched(NamedTuple):
    """Chosen background regions.

    Attributes
    ----------
    chosen
        int64 positions in the background array, ascending.
    short
        {GC bin: number of regions that the bin had too few of}.
    """

    chosen: NDArray[np.int64]
    short: dict[int, int]


def match_gc(gc_bound: NDArray[np.float64], gc_background: NDArray[np.float64], seed: int) -> Matched:
    """Draw one background region per bound region from the same tenth of GC content.

    A bin with too few background regions gives all it has.

    Parameters
    ----------
    gc_bound, gc_background
        GC content (0 to 1) of the bound regions and of those to choose from.
    seed
        The same seed and input give the same choice.

    Notes
    -----
    Source: Novakovsky et al. 2021, Methods, "individual models", doi:10.1186/s13059-021-02499-5.
    """
    rng = np.random.default_rng(seed)
    bins_bound, bins_background = (
        np.minimum((gc * GC_BINS).astype(np.int64), GC_BINS - 1) for gc in (gc_bound, gc_background)
    )
    chosen, short = [], {}
    for gc_bin, wanted in enumerate(np.bincount(bins_bound, minlength=GC_BINS).tolist()):
        pool = np.flatnonzero(bins_background == gc_bin)
        if wanted > len(pool):
            short[gc_bin] = wanted - len(pool)
        elif wanted:
            pool = rng.choice(pool, wanted, replace=False)
        if wanted:
            chosen.append(pool)
    return Matched(np.sort(np.concatenate([np.zeros(0, np.int64), *chosen])), short)
