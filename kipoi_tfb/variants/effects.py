"""From the windows of alleles to what `tfb score` writes: scores per TF, the TFs that an allele gains and loses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kipoi_tfb.models.logits import average, difference, disagreement, effect, impact, probability
from kipoi_tfb.models.run import heard
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.prediction.shifts import window_shifts
from kipoi_tfb.variants.columns import (
    CONTEXT_SCORES,
    LINE,
    MAX_EFFECT,
    PERCENTILES,
    SCORES,
    TEXTS,
    TOP,
    VARIANT_PERCENTILE,
)
from kipoi_tfb.variants.line import allele_line
from kipoi_tfb.variants.percentiles import Percentiles
from kipoi_tfb.variants.phased import Haplotypes
from kipoi_tfb.variants.reasons import Reasons
from tfb_matrix_data.alleles import AlleleWindows, allele_windows
from tfb_matrix_data.errors import ConfigError, EntryError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.variants import Variants

__all__ = ["EffectScorer", "Effects"]


class Effects(NamedTuple):
    """Scores of alleles.

    Attributes
    ----------
    values
        float32 (alleles, TFs) by score; NaN for an allele that is not scored.
    line
        By column one number per allele, float32, NaN for none; or one text, of dtype object, ``"."`` for none.
    """

    values: Mapping[str, NDArray[np.float32]]
    line: Mapping[str, NDArray]


class EffectScorer:
    """The scores that are wanted, of one chunk of alleles after the other.

    Parameters
    ----------
    predictor
        The networks.
    genome
        Genome of the variants' assembly.
    scores
        Which of `kipoi_tfb.variants.columns.SCORES`.
    shifts
        (largest, step) shift of the window in bp for ``max_effect``; see `kipoi_tfb.prediction.shifts.window_shifts`.
    line
        Whether the columns of the allele as a whole are wanted; see `kipoi_tfb.variants.columns.LINE`.
    top
        How many TFs the line names that an allele gains most, and loses most; 0 for no such columns.
    allele_swap
        As alleles were placed; see `tfb_matrix_data.alleles.allele_windows`.
    phased
        Whether haplotypes are scored too.

    Attributes
    ----------
    scores
        As given, with ``max_effect`` where there are shifts, and `kipoi_tfb.variants.columns.CONTEXT_SCORES` where
        there are haplotypes.
    line
        Columns of the allele as a whole.
    percentiles
        What percentiles are taken from; None where none is wanted, or there is no null for ``variant_percentile``.
    reasons
        What says why; None without a line.
    notice
        Why ``variant_percentile`` is left out; empty where it is not.

    Raises
    ------
    ConfigError
        If a score is none of them, or needs shifts and there are none, or the shifts make no sense.
    EntryError
        If a percentile per TF is wanted and an entry has no null, or one made for other weights or of an older format.
    """

    def __init__(
        self,
        predictor: Predictor,
        genome: Genome,
        scores: Sequence[str],
        shifts: tuple[int, int] | None = None,
        line: bool = False,
        top: int = 0,
        allele_swap: bool = False,
        phased: bool = False,
    ) -> None:
        unknown = [score for score in scores if score not in SCORES]
        if unknown or not scores:
            raise ConfigError(f"scores are {', '.join(SCORES)}; found {', '.join(map(repr, unknown)) or 'none'}")
        if shifts is None and MAX_EFFECT in scores:
            raise ConfigError(f"{MAX_EFFECT} is over shifts of the window: say how far, with --shifts")
        if not phased and (needed := [score for score in CONTEXT_SCORES if score in scores]):
            raise ConfigError(f"{needed[0]} is of haplotypes: name the sample that has them, with --phased")
        if phased and allele_swap:
            raise ConfigError("--phased takes REF as what the genome has, so that it does not go with --allele-swap")
        self.predictor, self.genome, self.top, self.allele_swap = predictor, genome, top, allele_swap
        self.phased = phased
        self.shifts = window_shifts(*shifts, predictor.window_length) if shifts else ()
        self.scores = list(
            dict.fromkeys([*scores, *([MAX_EFFECT] if shifts else []), *(CONTEXT_SCORES if phased else ())])
        )
        self.percentiles = Percentiles(predictor) if {*scores} & {*PERCENTILES} else None
        self.line = [name for name in LINE if line and (top or name not in TOP)]
        self.reasons = Reasons(predictor.columns) if line else None
        self.notice = self._without_percentile() if line else ""
        if self.notice:
            self.line.remove(VARIANT_PERCENTILE)

    def _without_percentile(self) -> str:
        """Return why the line has no percentile; empty where the null for it was found."""
        try:
            found = self.percentiles or Percentiles(self.predictor)
        except EntryError as error:
            return f"column {VARIANT_PERCENTILE} is left out: {error}"
        if not found.of_whole:
            return f"column {VARIANT_PERCENTILE} is left out: it is for all TFs of one entry together"
        self.percentiles = found
        return ""

    def __call__(self, variants: Variants, windows: AlleleWindows, haplotypes: Haplotypes | None = None) -> Effects:
        """Return the scores of alleles, given their windows, and their haplotypes if these are scored too."""
        with heard(of=1 + len(self.shifts) + self.phased):
            return self._effects(variants, windows, haplotypes)

    def _effects(self, variants: Variants, windows: AlleleWindows, haplotypes: Haplotypes | None) -> Effects:
        rows = windows.scored
        shape = (len(variants), len(self.predictor.columns))
        values = {score: np.full(shape, np.nan, np.float32) for score in self.scores}
        line: dict[str, NDArray] = {
            name: np.full(len(variants), *((".", object) if name in TEXTS else (np.nan, np.float32)))
            for name in self.line
        }
        if haplotypes is not None:
            line = haplotypes.columns() | line
        if not len(rows):
            return Effects(values, line)
        part = variants.take(rows)
        ref, alt, disagreed = self._logits(windows.ref[rows], windows.alt[rows])
        p_ref, p_alt, size = probability(ref), probability(alt), impact(ref, alt)
        found: dict[str, Callable[[], Tensor]] = {
            "ref": lambda: p_ref,
            "alt": lambda: p_alt,
            "effect": lambda: effect(ref, alt),
            "impact": lambda: size,
            "diff": lambda: difference(ref, alt),
            "disagreement": lambda: disagreed,
            MAX_EFFECT: lambda: self._largest(part, effect(ref, alt)),
        }
        if haplotypes is not None:
            found |= self._in_context(haplotypes, rows, ref)
        said = allele_line(self.predictor.columns, ref, alt, self.top) if self.line else {}
        if self.percentiles is not None:
            matched = self.percentiles.matched(part, windows)
            found |= matched.scores(ref, alt)
            if VARIANT_PERCENTILE in line:
                said |= {VARIANT_PERCENTILE: matched.largest(said["largest_impact"])}
        if self.reasons is not None:
            said |= self.reasons.columns_of(windows.take(rows), p_ref.numpy(), p_alt.numpy(), size.numpy())
        for score, written in values.items():
            written[rows] = found[score]().numpy()
        for name in self.line:
            line[name][rows] = said[name]
        return Effects(values, line)

    def _logits(self, ref: NDArray[np.uint8], alt: NDArray[np.uint8]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the averaged logits of both alleles and, where it is wanted, the disagreement of the strands."""
        strands = "disagreement" in self.scores
        of_ref, of_alt = map(torch.from_numpy, self.predictor.allele_logits(ref, alt, strands))
        if not strands:
            return of_ref, of_alt, torch.empty(0)
        return average(of_ref), average(of_alt), disagreement(of_ref, of_alt)

    def _in_context(
        self, haplotypes: Haplotypes, rows: NDArray[np.int64], ref: Tensor
    ) -> dict[str, Callable[[], Tensor]]:
        """Return the scores of haplotypes, by score; NaN where there is no window of one."""
        at = np.searchsorted(rows, haplotypes.rows)
        without, within = map(torch.from_numpy, self.predictor.allele_logits(haplotypes.without, haplotypes.within))

        def spread(values: Tensor) -> Tensor:
            every = torch.full_like(ref, np.nan)
            every[at] = values
            return every

        return {
            "context_effect": lambda: spread(effect(without, within)),
            "context_impact": lambda: spread(impact(without, within)),
            "joint_effect": lambda: spread(effect(ref[at], within)),
            "joint_impact": lambda: spread(impact(ref[at], within)),
        }

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
