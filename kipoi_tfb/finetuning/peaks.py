"""Someone's own peaks: which places they make bound and unbound, and an account of all that was left out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.finetuning.background import Background, away_from, named_as, open_places
from kipoi_tfb.finetuning.places import Places
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import Anchor, Intervals, contig_sizes, no_contig_of, read_intervals
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.placing import has_window, region_flags
from tfb_matrix_data.windows import window_start

logger = logging.getLogger(__name__)

__all__ = ["Account", "PeakPlaces", "places_of_peaks"]

_LEAST_OPEN, _MOST_ASKED = 0.05, 0.3
"""Peaks that lie in open regions: fewer are of another assembly; and the most that are asked for."""


class Account:
    """What became of all peaks, and of all places that unbound regions could be taken from: a table.

    Parameters
    ----------
    title
        What they are.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._rows: list[tuple[str, int | None, int | None]] = []

    def add(self, what: str, peaks: int | None, others: int | None) -> None:
        """Add a row; None where it does not apply."""
        self._rows.append((what, peaks, others))

    def __str__(self) -> str:
        width = max(len(what) for what, _, _ in self._rows)
        lines = [self._title, f"{'':<{width}}  {'peaks':>9}  {'unbound':>9}"]
        for what, *numbers in self._rows:
            cells = ["" if number is None else f"{number:,}" for number in numbers]
            lines.append(f"{what:<{width}}  {cells[0]:>9}  {cells[1]:>9}")
        return "\n".join(line.rstrip() for line in lines)


@dataclass(frozen=True)
class PeakPlaces:
    """Windows of one length, none of which overlaps another of its kind or one of the other.

    Attributes
    ----------
    bound, unbound
        In genome order, with the FASTA's names of the contigs; they may hold unknown bases.
    source
        Where they are from, in words.
    account
        What was left out so far.
    """

    bound: Places
    unbound: Places
    source: str
    account: Account


def places_of_peaks(
    peaks: str | Path,
    genome: Genome,
    open_regions: str | Path | BindingMatrix | None,
    length: int,
    anchor: Literal["auto"] | Anchor,
    seed: int,
) -> PeakPlaces:
    """Return the bound and unbound windows that peaks make; see `kipoi_tfb.finetuning.peak_data.from_peaks`.

    Raises
    ------
    InputError
        If a file cannot be read, it is not clear whether it says summits, no peak is on a contig of the genome, a
        summit is outside of its peak, or hardly more peaks lie in open regions than would by chance.
    """
    intervals = read_intervals(peaks)
    chosen = _anchor(intervals, anchor)
    centre = intervals.anchor(chosen)
    start = window_start(centre, length)
    sizes = contig_sizes(intervals.chrom, genome)
    known = sizes >= 0
    there = has_window(region_flags(sizes, intervals.end, start, length))  # as `tfb predict` has it
    if not there.any():
        raise InputError(peaks, no_contig_of(genome, np.unique(intervals.chrom).tolist()))
    _say_beyond(intervals, intervals.end > sizes, there, genome)
    chrom, centre, start = named_as(intervals.chrom[there], genome), centre[there], start[there]
    spans = Places(chrom, intervals.start[there], intervals.end[there])
    bound = Places(chrom, start, start + length)
    if open_regions is None:
        background = Background(away_from(spans, genome, length, seed), "places away from peaks", chrom[:0])
    else:
        background = open_places(open_regions, genome)
    others = background.places
    account = Account(f"{Path(peaks).name}: windows around {chosen}s; unbound: {background.what}")
    account.add("there are", len(intervals), len(others) + len(background.unknown) + background.n_beyond)
    lacking = np.concatenate([intervals.chrom[~known], background.unknown])
    absent = f"- on contigs that {genome.path.name} lacks{_named(lacking)}"
    account.add(absent, int((~known).sum()), len(background.unknown))
    account.add("- beyond the end of their contig", int((known & ~there).sum()), background.n_beyond)
    if open_regions is not None:
        inside = Places(chrom, centre, centre + 1).touch(others)
        _check_inside(inside, spans, background, genome, Path(peaks))
        bound, others = bound.take(inside), others.resized(length)
        account.add("- outside of the open regions", int((~inside).sum()), None)
    free = ~(others.touch(spans) | others.touch(bound))
    account.add("- on a peak, or on the window around one", None, int((~free).sum()))
    unbound = others.take(free).distinct()
    distinct = bound.distinct()
    n_double = int(free.sum()) - len(unbound)
    account.add("- given twice, or overlapping an earlier window", len(bound) - len(distinct), n_double)
    source = f"{len(intervals):,} peaks of {Path(peaks).name} against {background.what}"
    return PeakPlaces(distinct, unbound, source, account)


def _say_beyond(intervals: Intervals, beyond: NDArray[np.bool_], there: NDArray[np.bool_], genome: Genome) -> None:
    """Say how many peaks end beyond their contig, though their windows do not lie there."""
    odd = beyond & there
    if odd.any():
        at = int(odd.argmax())
        logger.warning(
            "%s: %d peaks end beyond their contig in %s, the first in line %d; is this the right assembly?",
            intervals.path.name, odd.sum(), genome.path.name, intervals.line[at],
        )  # fmt: skip


def _anchor(intervals: Intervals, anchor: str) -> Anchor:
    if anchor != "auto":
        return anchor  # type: ignore[return-value]  # `Intervals.anchor` checks it
    return intervals.best_anchor()


def _named(lacking: NDArray[np.str_]) -> str:
    names = np.unique(lacking).tolist()
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return f" ({', '.join(names[:4])}{more})" if names else ""


def _check_inside(
    inside: NDArray[np.bool_], spans: Places, background: Background, genome: Genome, peaks: Path
) -> None:
    """Refuse peaks that lie in open regions hardly more often than any place of their contigs does."""
    covered = background.places.covered()
    names, counts = np.unique(spans.chrom, return_counts=True)
    shares = np.array([covered.get(name, 0) / genome.lengths[name] for name in names.tolist()])
    by_chance = float((shares * counts).sum() / counts.sum())
    if inside.mean() < max(_LEAST_OPEN, min(2 * by_chance, _MOST_ASKED)):
        raise InputError(
            peaks,
            f"{int(inside.sum()):,} of {len(inside):,} peaks lie in {background.what}, where "
            f"{by_chance * len(inside):,.0f} would by chance; are they of another assembly, or of other cells?",
        )
