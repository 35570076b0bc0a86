"""Windows around regions wherever these are: one that is not on the genome keeps its row, with a flag that says why."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import Anchor, Intervals, contig_sizes
from tfb_matrix_data.sequence import UNKNOWN
from tfb_matrix_data.windows import Windows, window_start

__all__ = ["NO_FLAG", "OFF_GENOME", "has_window", "place_windows", "region_flags"]

NO_FLAG = "."
_UNKNOWN_CONTIG, _OUTSIDE, _BEYOND, _PADDED = "unknown_contig", "outside_contig", "ends_beyond_contig", "edge_padded"
OFF_GENOME = (_UNKNOWN_CONTIG, _OUTSIDE, _BEYOND)
"""Flags of regions that are not wholly on the genome."""


def place_windows(
    intervals: Intervals, genome: Genome, length: int, anchor: Anchor = "centre"
) -> tuple[Windows, NDArray[np.str_]]:
    """Cut the window of even length L around each interval's anchor p, [p - L/2, p + L/2), and flag it.

    Returns
    -------
    Windows
        Padded with unknown bases beyond a contig's end; without any known base where the first two flags are.
    numpy.ndarray
        str (intervals,), `NO_FLAG` or, separated by ``;``: ``unknown_contig`` (the FASTA has none of that name),
        ``outside_contig`` (the window lies wholly beyond its contig), ``ends_beyond_contig`` (the interval does not end
        on it), ``edge_padded`` (the window reaches beyond it).

    Raises
    ------
    InputError
        As `tfb_matrix_data.intervals.Intervals.anchor`.
    """
    starts = window_start(intervals.anchor(anchor), length)
    flags = region_flags(contig_sizes(intervals.chrom, genome), intervals.end, starts, length)
    there = has_window(flags)
    codes = np.full((len(starts), length), UNKNOWN, np.uint8)
    n_unknown, padded = np.full(len(starts), length, np.int64), ~there
    cut = genome.windows(intervals.chrom[there], starts[there], length)
    codes[there], n_unknown[there], padded[there] = cut
    return Windows(codes, n_unknown, padded), flags


def region_flags(
    sizes: NDArray[np.int64], ends: NDArray[np.int64], starts: NDArray[np.int64], length: int
) -> NDArray[np.str_]:
    """Return the flags of regions.

    Parameters
    ----------
    sizes
        int64 (regions,): length of the contig of each, -1 where the genome has none.
    ends
        int64 (regions,): where it ends.
    starts, length
        int64 (regions,), and length: its window.
    """
    outside, padded = (starts >= sizes) | (starts + length <= 0), (starts < 0) | (starts + length > sizes)
    beyond = ends > sizes
    return np.select(
        [sizes < 0, outside, beyond & padded, beyond, padded],
        [_UNKNOWN_CONTIG, _OUTSIDE, f"{_BEYOND};{_PADDED}", _BEYOND, _PADDED],
        NO_FLAG,
    )


def has_window(flags: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return of which regions there is a window, bool (regions,)."""
    return ~np.isin(flags, (_UNKNOWN_CONTIG, _OUTSIDE))
