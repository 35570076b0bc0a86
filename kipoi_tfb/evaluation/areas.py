"""Areas under the curves of resampled regions, all replicates at once, and calibration: numpy on arrays.

A bootstrap replicate is a weight per region: how often it was drawn. The areas of a replicate are then weighted ones,
and one sort by score serves all replicates. Bound and unbound regions are resampled apart (stratified), so that the
prevalence, on which the AUPRC depends, stays what it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CALIBRATION_BINS",
    "Areas",
    "CalibrationBins",
    "calibration_bins",
    "calibration_error",
    "draw_weights",
    "interval",
    "natural_areas",
    "weighted_areas",
]

CALIBRATION_BINS = 15


class Areas(NamedTuple):
    """Areas under two curves, float64 (replicates,) each.

    Attributes
    ----------
    auprc
        Average precision.
    auroc
        Area under the ROC curve; a tie counts one half.
    """

    auprc: NDArray[np.float64]
    auroc: NDArray[np.float64]


def draw_weights(rng: np.random.Generator, n: int, replicates: int) -> NDArray[np.float32]:
    """Return how often each of `n` regions is drawn in `n` draws with replacement, (n, replicates)."""
    drawn = rng.integers(0, n, (replicates, n)) + n * np.arange(replicates)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=n * replicates).reshape(replicates, n)
    return np.ascontiguousarray(counts.T, np.float32)


def weighted_areas(
    bound: NDArray[np.floating],
    unbound: NDArray[np.floating],
    bound_weights: NDArray[np.float32],
    unbound_weights: NDArray[np.float32],
) -> Areas:
    """Return the areas for scores and a column of weights per replicate.

    Parameters
    ----------
    bound, unbound
        Scores (bound,) and (unbound,), of one region at least; higher is more bound.
    bound_weights, unbound_weights
        (bound, replicates) and (unbound, replicates): counts whose columns sum to at most 2^24.

    Notes
    -----
    The same as scikit-learn's `average_precision_score` and `roc_auc_score` with `sample_weight`, to which they are
    equal by test, without its sort per replicate.
    """
    steps = _Steps(bound, unbound)
    falling = np.argsort(-unbound, kind="stable")
    # The unbound weight above each rank; row i: of the i highest scores.
    above = np.zeros((len(unbound) + 1, unbound_weights.shape[1]), np.float32)
    np.cumsum(unbound_weights[falling], axis=0, out=above[1:])
    return steps.areas(bound_weights, above[steps.above], above[steps.above_or_tied], above[-1])


def natural_areas(
    bound: NDArray[np.floating],
    unbound: NDArray[np.floating],
    bound_weights: NDArray[np.float32],
    rng: np.random.Generator,
) -> Areas:
    """Return the areas as `weighted_areas`, with unbound regions resampled where they may be very many.

    Of the unbound regions the areas depend only on how many fall between the scores of two bound ones. For a resample
    these counts are multinomial, so they are drawn as such: exact, and the cost does not grow with the unbound regions.
    """
    steps = _Steps(bound, unbound)
    cuts = np.unique(np.concatenate([[0], steps.above, steps.above_or_tied, [len(unbound)]]))
    shares = np.diff(cuts) / len(unbound)
    above = np.zeros((len(cuts), bound_weights.shape[1]), np.float32)
    drawn = rng.multinomial(len(unbound), shares, bound_weights.shape[1]).T
    np.cumsum(drawn, axis=0, out=above[1:])
    place = np.searchsorted
    return steps.areas(
        bound_weights, above[place(cuts, steps.above)], above[place(cuts, steps.above_or_tied)], above[-1]
    )


class _Steps:
    """The distinct scores of the bound regions, highest first: where curves step.

    Attributes
    ----------
    above, above_or_tied
        int64 (steps,): unbound regions of a higher score, and of a higher or the same one.
    """

    def __init__(self, bound: NDArray[np.floating], unbound: NDArray[np.floating]) -> None:
        self._order = np.argsort(-bound, kind="stable")
        falling = bound[self._order]
        self._first = np.flatnonzero(np.concatenate([[True], falling[1:] != falling[:-1]]))
        scores = falling[self._first]
        rising = np.sort(unbound)
        self.above = len(rising) - np.searchsorted(rising, scores, side="right")
        self.above_or_tied = len(rising) - np.searchsorted(rising, scores, side="left")

    def areas(
        self,
        bound_weights: NDArray[np.float32],
        above: NDArray[np.float32],
        above_or_tied: NDArray[np.float32],
        unbound_total: NDArray[np.float32],
    ) -> Areas:
        """Return the areas, of the unbound weight (steps, replicates) above each step, and in all (replicates,)."""
        step = bound_weights[self._order]
        if len(self._first) < len(step):
            step = np.add.reduceat(step, self._first, axis=0)
        true = np.cumsum(step, axis=0)
        bound_total = true[-1].astype(np.float64)
        # Where nothing was drawn down to a step, 0 / 1 stands for 0 / 0.
        precision = true / np.maximum(true + above_or_tied, 1)
        auprc = np.einsum("ij,ij->j", step, precision, dtype=np.float64) / bound_total
        below = unbound_total - (above + above_or_tied) / 2
        auroc = np.einsum("ij,ij->j", step, below, dtype=np.float64) / (bound_total * unbound_total)
        return Areas(auprc, auroc)


def interval(replicates: NDArray[np.floating], level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of bootstrap replicates."""
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def calibration_error(
    probability: NDArray[np.floating], bound: NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> float:
    """Return the expected calibration error: how far predicted probabilities are from observed shares, on average.

    Regions are put into bins of equal numbers by their probability, equal probabilities always into the same bin; the
    error is the mean over regions of the distance between their bin's mean probability and its share of bound ones.

    Notes
    -----
    Source: Naeini, Cooper, Hauskrecht, AAAI 2015, with the equal-mass bins of Nguyen and O'Connor, EMNLP 2015. Bins of
    equal width would leave nearly all regions of a rarely bound TF in the first bin.

    Examples
    --------
    >>> calibration_error(np.array([0.25, 0.25, 0.25, 0.25]), np.array([True, False, False, False]))
    0.0
    >>> calibration_error(np.array([0.75, 0.75, 0.25, 0.25]), np.array([True, False, False, False]), bins=2)
    0.25
    """
    found = calibration_bins(probability, bound, bins)
    return float((found.n * np.abs(found.predicted - found.observed)).sum() / len(probability))


class CalibrationBins(NamedTuple):
    """Regions in bins by their probability, float64 (bins,) each: mean probability, share of bound ones, how many."""

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    n: NDArray[np.float64]


def calibration_bins(
    probability: NDArray[np.floating], bound: NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> CalibrationBins:
    """Return bins of equal numbers of regions, by their probability; equal ones are always in the same bin."""
    rising = np.sort(probability)
    edges = np.unique(rising[[len(rising) * i // bins for i in range(1, bins)]])
    place = np.searchsorted(edges, probability, side="right")
    n = np.bincount(place)
    sums = (np.bincount(place, values.astype(np.float64))[n > 0] for values in (probability, bound))
    predicted, observed = (values / n[n > 0] for values in sums)
    return CalibrationBins(predicted, observed, n[n > 0].astype(np.float64))
