"""Known motifs that a model uses around an allele: where they match, and the bases give more than others would.

By the contributions that pictures show, those of mutagenesis, over the whole window of either allele; the test is that
of `kipoi_tfb.interpretation.hits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.interpretation.hits import HitOptions, Place, used_places
from kipoi_tfb.motifs.profiles import Motif
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.report.record import UsedMotif
from kipoi_tfb.variants.mutagenesis import mutate_window
from kipoi_tfb.variants.plot_view import Mark
from kipoi_tfb.variants.site_changes import position_in
from kipoi_tfb.variants.view import VariantView
from tfb_matrix_data.alleles import AlleleWindows, allele_windows
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.variants import Variants

__all__ = ["Used", "marks_of", "used_in_view", "used_motifs"]

_OPTIONS = HitOptions(shuffles=9999)
"""Two windows have few hits to share their places with: p-values have to reach further down than in a file of many."""


class Used(NamedTuple):
    """A motif in use at a place.

    Attributes
    ----------
    motif
        The known motif with most contribution there.
    start, end
        First and last base, 1-based.
    reverse
        Whether it is on the reverse strand.
    ref, alt
        What a motif at the place contributes with REF and with ALT, be it this one or another; None where none is in
        use.
    at
        Index of its first base in the window of the allele with which it contributes most.
    """

    motif: Motif
    start: int
    end: int
    reverse: bool
    ref: float | None
    alt: float | None
    at: int

    @property
    def on_alt(self) -> bool:
        """Return whether it contributes most with ALT."""
        return self.ref is None or (self.alt is not None and self.alt > self.ref)

    @property
    def record(self) -> UsedMotif:
        """Return what a report says of it."""
        strand: Literal["+", "-"] = "-" if self.reverse else "+"
        return UsedMotif(self.motif.matrix_id, self.motif.name, self.start, self.end, strand, self.ref, self.alt)


def used_motifs(
    predictor: Predictor, windows: AlleleWindows, row: int, columns: Sequence[int], motifs: Sequence[Motif]
) -> list[list[Used]]:
    """Return the motifs that are in use around one allele for each of some TFs, by position.

    Parameters
    ----------
    predictor
        The networks.
    windows, row
        Windows of alleles, and which allele.
    columns
        Which TFs, as indices of the predictor's columns.
    motifs
        Known ones that are looked for.

    Raises
    ------
    ConfigError
        If there is no motif, or one is wider than the windows.
    """
    codes = np.stack([windows.ref[row], windows.alt[row]])
    given = np.stack([mutate_window(predictor, window, 0, len(window)).contribution for window in codes])
    return [_of_tf(codes, given[:, :, column].astype(np.float64), windows, row, motifs) for column in columns]


def used_in_view(predictor: Predictor, view: VariantView, genome: Genome, motifs: Sequence[Motif]) -> list[list[Used]]:
    """Return the motifs that are in use around a variant for each TF that is drawn of it; see `used_motifs`."""
    one = Variants([view.chrom], np.array([view.pos]), ["."], [view.ref], [view.alt], np.zeros(1, bool), Path())
    columns = [predictor.columns.index(tf) for tf in view.tfs]
    return used_motifs(predictor, allele_windows(one, genome, predictor.window_length), 0, columns, motifs)


def marks_of(view: VariantView, used: Sequence[Sequence[Used]], length: int) -> list[list[Mark]]:
    """Return the marks of motifs in use below the letters of a variant, for windows of a length."""
    return [[_mark(view, one, length) for one in some] for some in used]


def _mark(view: VariantView, one: Used, length: int) -> Mark:
    first = length // 2 - view.alleles[one.on_alt].own[0]
    alleles = "REF alone" if one.alt is None else "ALT alone" if one.ref is None else "either allele"
    return Mark(f"{one.motif.name}, {alleles}", int(one.on_alt), one.at - first, one.motif.width)


def _of_tf(
    codes: NDArray[np.uint8],
    values: NDArray[np.float64],
    windows: AlleleWindows,
    row: int,
    motifs: Sequence[Motif],
) -> list[Used]:
    places = sorted(used_places(codes, values, motifs, _OPTIONS), key=lambda place: -place.contribution)
    spans = {id(place): _span(place, windows, row) for place in places}
    used: list[Used] = []
    taken: set[int] = set()
    for place in places:
        if id(place) in taken:
            continue
        others = (other for other in places if other.window != place.window and id(other) not in taken)
        twin = next((other for other in others if _share(spans[id(place)], spans[id(other)]) > 0.5), None)
        taken |= {id(place), id(twin)}
        given = {each.window: each.contribution for each in (place, twin) if each is not None}
        span = spans[id(place)]
        used.append(Used(place.motif, *span, place.reverse, given.get(0), given.get(1), place.start))
    return sorted(used, key=lambda one: (one.start, one.end, one.motif.matrix_id))


def _span(place: Place, windows: AlleleWindows, row: int) -> tuple[int, int]:
    first, last = place.start, place.start + place.motif.width - 1
    start, end = (position_in(windows, row, index, bool(place.window)) for index in (first, last))
    return start, end


def _share(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Return how much of the shorter of two stretches both have."""
    both = min(one[1], other[1]) - max(one[0], other[0]) + 1
    return max(both, 0) / max(min(one[1] - one[0], other[1] - other[0]) + 1, 1)
