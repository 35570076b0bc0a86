"""From the windows of alleles to what `tfb score` writes: scores per TF, the TFs that an allele gains and loses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kipoi_tfb.models.logits import average, difference, disagreement, effect, probability
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.tables import MAX_EFFECT, SCORES, TOP
from kipoi_tfb.zoo.null import EffectNull, allele_classes, read_null
from tfb_matrix_data.alleles import AlleleWindows, allele_windows
from tfb_matrix_data.errors import ConfigError, EntryError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import gc_content
from tfb_matrix_data.variants import Variants

__all__ = ["EffectScorer", "Effects", "top_tfs", "window_shifts"]


class Effects(NamedTuple):
    """Scores of alleles.

    Attributes
    ----------
    values
        float32 (alleles, TFs) by score; NaN for an allele that is not scored.
    texts
        One text per allele, by column; ``"."`` for none.
    """

    values: Mapping[str, NDArray[np.float32]]
    texts: Mapping[str, list[str]]


class EffectScorer:
    """The scores that are wanted, of one chunk of alleles after the other.

    Parameters
    ----------
    predictor
        The networks.
    genome
        Genome of the variants' assembly.
    scores
        Which of `kipoi_tfb.variants.tables.SCORES`.
    shifts
        (largest, step) shift of the window in bp for ``max_effect``; see `window_shifts`.
    top
        How many TFs are named that an allele gains most, and loses most; 0 for no such columns.
    allele_swap
        As alleles were placed; see `tfb_matrix_data.alleles.allele_windows`.

    Attributes
    ----------
    scores
        As given, with ``max_effect`` where there are shifts.

    Raises
    ------
    ConfigError
        If a score is none of them, or needs shifts and there are none, or the shifts make no sense.
    EntryError
        If the percentile is wanted and an entry has no null, or one made for other weights.
    """

    def __init__(
        self,
        predictor: Predictor,
        genome: Genome,
        scores: Sequence[str],
        shifts: tuple[int, int] | None = None,
        top: int = 0,
        allele_swap: bool = False,
    ) -> None:
        unknown = [score for score in scores if score not in SCORES]
        if unknown or not scores:
            raise ConfigError(f"scores are {', '.join(SCORES)}; found {', '.join(map(repr, unknown)) or 'none'}")
        if shifts is None and MAX_EFFECT in scores:
            raise ConfigError(f"{MAX_EFFECT} is over shifts of the window: say how far, with --shifts")
        self.predictor, self.genome, self.top, self.allele_swap = predictor, genome, top, allele_swap
        self.shifts = window_shifts(*shifts, predictor.window_length) if shifts else ()
        self.scores = list(dict.fromkeys([*scores, *([MAX_EFFECT] if shifts else [])]))
        self.nulls = _nulls(predictor) if "percentile" in scores else []

    def __call__(self, variants: Variants, windows: AlleleWindows) -> Effects:
        """Return the scores of alleles, given their windows."""
        rows = windows.scored
        shape = (len(variants), len(self.predictor.columns))
        values = {score: np.full(shape, np.nan, np.float32) for score in self.scores}
        texts = {name: ["."] * len(variants) for name in TOP} if self.top else {}
        if not len(rows):
            return Effects(values, texts)
        part = variants.take(rows)
        ref, alt, disagreed = self._logits(windows.ref[rows], windows.alt[rows])
        centred = effect(ref, alt)
        found: dict[str, Callable[[], Tensor]] = {
            "ref": lambda: probability(ref),
            "alt": lambda: probability(alt),
            "effect": lambda: centred,
            "diff": lambda: difference(ref, alt),
            "disagreement": lambda: disagreed,
            "percentile": lambda: self._percentiles(part, windows, centred.numpy()),
            MAX_EFFECT: lambda: self._largest(part, centred),
        }
        for score, written in values.items():
            written[rows] = found[score]().numpy()
        for name, column in texts.items():
            n = self.top if name == "top_gained" else -self.top
            for row, text in zip(rows.tolist(), top_tfs(self.predictor.columns, centred.numpy(), n), strict=True):
                column[row] = text
        return Effects(values, texts)

    def _logits(self, ref: NDArray[np.uint8], alt: NDArray[np.uint8]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the averaged logits of both alleles and, where it is wanted, the disagreement of the strands."""
        strands = "disagreement" in self.scores
        of_ref, of_alt = map(torch.from_numpy, self.predictor.allele_logits(ref, alt, strands))
        if not strands:
            return of_ref, of_alt, torch.empty(0)
        return average(of_ref), average(of_alt), disagreement(of_ref, of_alt)

    def _largest(self, variants: Variants, centred: Tensor) -> Tensor:
        """Return the effect of largest magnitude over the shifts of the window, the centred one included."""
        length, most = self.predictor.window_length, max(map(abs, self.shifts))
        # Alleles are applied once, to a window that is wide enough for all shifts.
        wide = allele_windows(variants, self.genome, length + 2 * most, allele_swap=self.allele_swap)
        largest = centred
        for shift in self.shifts:
            at = slice(most + shift, most + shift + length)
            shifted = effect(*map(torch.from_numpy, self.predictor.allele_logits(wide.ref[:, at], wide.alt[:, at])))
            largest = torch.where(shifted.abs() > largest.abs(), shifted, largest)  # never a NaN
        return largest

    def _percentiles(self, variants: Variants, windows: AlleleWindows, effects: NDArray[np.float32]) -> Tensor:
        swapped = np.array([windows.status[row] == "swapped" for row in windows.scored])
        # The null starts from what the genome has: of a swapped allele that is ALT, and its effect the other way round.
        pairs = zip(variants.ref, variants.alt, swapped.tolist(), strict=True)
        genome_first = [(alt, ref) if exchanged else (ref, alt) for ref, alt, exchanged in pairs]
        classes = allele_classes([pair[0] for pair in genome_first], [pair[1] for pair in genome_first])
        gc = gc_content(windows.ref[windows.scored])
        found = np.empty_like(effects)
        for null, columns, tfs in self.nulls:
            signed = np.where(swapped[:, None], -effects[:, columns], effects[:, columns])
            percent = null.percentile(tfs, signed, classes, gc)
            found[:, columns] = np.where(swapped[:, None], 100 - percent, percent)
        return torch.from_numpy(found)


def window_shifts(largest: int, step: int, length: int) -> tuple[int, ...]:
    """Return the shifts of the window in bp other than 0, nearest first; a positive one moves it to the right.

    Parameters
    ----------
    largest, step
        Multiples of `step` up to `largest`, in both directions.
    length
        Length of the window: shifted, it still has the first REF base.

    Raises
    ------
    ConfigError
        If there is no such shift, or the variant would leave the window.

    Examples
    --------
    >>> window_shifts(25, 10, 200)
    (-10, 10, -20, 20)
    """
    most = length // 2 - 1
    if not 0 < step <= largest <= most:
        raise ConfigError(
            f"shifts of up to {largest} bp in steps of {step}: the step is at least 1, the largest at least the step "
            f"and at most {most} (half a window)"
        )
    return tuple(sign * shift for shift in range(step, largest + 1, step) for sign in (-1, 1))


def top_tfs(tfs: Sequence[str], effects: NDArray[np.float32], n: int) -> list[str]:
    """Return, for each allele, the TFs of the n largest positive effects (n < 0: the most negative), largest first.

    Examples
    --------
    >>> top_tfs(["JUND", "SP1", "MAX"], np.array([[1.5, -0.2, 2.25], [-1, -2, 0]], np.float32), 2)
    ['MAX:2.25;JUND:1.5', '.']
    """
    sign = 1 if n > 0 else -1
    left, rows = sign * effects, np.arange(len(effects))
    named: list[list[str]] = [[] for _ in effects]
    # For the few that are wanted, one maximum after the other is some three times faster than sorting all TFs.
    for _ in range(min(abs(n), len(tfs))):
        best = left.argmax(1)
        for names, i, value in zip(named, best.tolist(), left[rows, best].tolist(), strict=True):
            if value > 0:
                names.append(f"{tfs[i]}:{sign * value:.3g}")
        left[rows, best] = -np.inf
    return [";".join(names) or "." for names in named]


def _nulls(predictor: Predictor) -> list[tuple[EffectNull, NDArray[np.int64], NDArray[np.int64]]]:
    """Return each entry's null, the columns that are the entry's, and the TFs that they are in the null."""
    nulls = []
    for entry in {id(entry): entry for entry in predictor.sources}.values():
        null = read_null(entry)
        if null is None:
            raise EntryError(
                f"{entry.name} has no null to take percentiles from ({entry.folder}); make it: "
                f"tfb null {entry.name} --matrix MATRIX --genome FASTA"
            )
        columns = [i for i, source in enumerate(predictor.sources) if source is entry]
        tfs = [null.tfs.index(predictor.columns[i].rsplit("/", 1)[-1]) for i in columns]
        nulls.append((null, np.array(columns), np.array(tfs)))
    return nulls
