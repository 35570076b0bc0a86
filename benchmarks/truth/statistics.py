"""Agreement of effects with the truth, with bootstrap intervals: every statistic for all replicates at once.

A replicate is a weight per row: how often its group (a DHS region, a block of positions) was drawn. The first column of
weights is all ones, so that the first value of a statistic is the estimate itself. Methods are compared on the same
replicates: the interval of a difference is a paired one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.truth.tables import Bindings, Mutations
from kipoi_tfb.evaluation.areas import draw_weights, interval, weighted_areas

MIN_ASB = 10
"""Allele-specific SNVs that a TF needs to count in the macro average."""
QUARTER = 0.75
SEED = 0
"""Of the bootstrap."""

Replicates = NDArray[np.float64]
"""(1 + replicates,): the estimate, then that of every replicate; NaN where a replicate has none."""


@dataclass(frozen=True)
class Row:
    """A statistic of a method.

    Attributes
    ----------
    subset
        Chromosomes, or the element.
    statistic, method
        Names.
    n, n_positive
        Rows it is over; of these, allele-specific or significant ones.
    value, low, high
        Estimate and 95 % interval.
    difference, difference_low, difference_high
        Against the reference method on the same replicates; None for that one.
    """

    subset: str
    statistic: str
    method: str
    n: int
    n_positive: int
    value: float
    low: float
    high: float
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None


def group_weights(group: NDArray[np.int64], replicates: int, seed: int = SEED) -> NDArray[np.float32]:
    """Return weights (rows, 1 + replicates): ones, then how often each row's group was drawn."""
    _, member = np.unique(group, return_inverse=True)
    drawn = draw_weights(np.random.default_rng(seed), int(member.max()) + 1, replicates)[member]
    return np.hstack([np.ones((len(group), 1), np.float32), drawn])


def auroc(score: NDArray, positive: NDArray[np.bool_], weights: NDArray[np.float32]) -> Replicates:
    """Return the area under the ROC curve; a tie counts one half; NaN without a positive or a negative row."""
    if positive.all() or not positive.any():
        return np.full(weights.shape[1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return weighted_areas(score[positive], score[~positive], weights[positive], weights[~positive]).auroc


def macro_auroc(
    score: NDArray, positive: NDArray[np.bool_], tf: NDArray[np.str_], weights: NDArray[np.float32], tfs: Iterable[str]
) -> Replicates:
    """Return the mean of the areas of TFs; a replicate that has no area for one is averaged over the others."""
    areas = np.array([auroc(score[tf == name], positive[tf == name], weights[tf == name]) for name in tfs])
    if not len(areas):
        return np.full(weights.shape[1], np.nan)
    known = np.isfinite(areas)
    with np.errstate(invalid="ignore"):
        return np.where(known, areas, 0).sum(0) / known.sum(0)


def agreement(effect: NDArray, favoured: NDArray, weights: NDArray[np.float32]) -> Replicates:
    """Return the share of rows whose effect has the favoured allele's sign; no effect counts one half."""
    right = (np.sign(effect) * np.sign(favoured) + 1) / 2
    with np.errstate(invalid="ignore"):
        return right @ weights.astype(np.float64) / weights.sum(0, dtype=np.float64)


def largest_quarter(effect: NDArray, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows, of those looked among, are in the quarter of the largest effects, whatever their sign."""
    size = np.abs(effect)
    return among & (size >= np.quantile(size[among], QUARTER)) if among.any() else among


def spearman(x: NDArray, y: NDArray, weights: NDArray[np.float32]) -> Replicates:
    """Return Spearman's correlation of rows that count as often as their weights say."""
    w = weights.astype(np.float64)
    total = w.sum(0)
    ranks = [_ranks(values, w) for values in (x, y)]
    # A weighted mean rank is half of the total, but for the 1 that ranks begin with.
    a, b = (rank - (total + 1) / 2 for rank in ranks)
    with np.errstate(invalid="ignore"):
        return (w * a * b).sum(0) / np.sqrt((w * a * a).sum(0) * (w * b * b).sum(0))


def _ranks(values: NDArray, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean ranks (rows, replicates) that repeated rows have; ties share theirs."""
    _, member = np.unique(values, return_inverse=True)
    own = np.zeros((int(member.max()) + 1, weights.shape[1]))
    np.add.at(own, member, weights)
    return (np.cumsum(own, 0) - own + (own + 1) / 2)[member]


def asb_rows(
    data: Bindings,
    effects: Mapping[str, NDArray],
    hit: NDArray[np.bool_],
    on: NDArray[np.bool_],
    subset: str,
    reference: str,
    replicates: int,
) -> list[Row]:
    """Return the statistics of allele-specific binding over some of the SNVs.

    Parameters
    ----------
    data
        SNVs that every method scores.
    effects
        {method: effect of each row on the row's TF}.
    hit
        Whether a JASPAR site overlaps the SNV.
    on, subset
        Those to look at, and what to call them.
    reference
        Method that the others are compared with.
    replicates
        Of the bootstrap.
    """
    if not on.any():
        return []
    positive, favoured, tf, hit = data.imbalanced[on], data.favoured[on], data.tf[on], hit[on]
    weights = group_weights(data.group[on], replicates)
    tfs = [str(name) for name in np.unique(tf) if positive[tf == name].sum() >= MIN_ASB]

    def macro(effect: NDArray, rows: NDArray[np.bool_]) -> Replicates:
        return macro_auroc(np.abs(effect[rows]), positive[rows], tf[rows], weights[rows], tfs)

    def area(effect: NDArray, rows: NDArray[np.bool_]) -> Replicates:
        return auroc(np.abs(effect[rows]), positive[rows], weights[rows])

    def sign(effect: NDArray, rows: NDArray[np.bool_]) -> Replicates:
        return agreement(effect[rows], favoured[rows], weights[rows])

    return statistic_rows(
        subset,
        {name: values[on] for name, values in effects.items()},
        positive,
        [
            (f"AUROC, mean of {len(tfs)} TFs", macro, lambda _: np.isin(tf, tfs)),
            ("AUROC, pooled", area, lambda _: np.ones(len(tf), bool)),
            ("AUROC, motif hit", area, lambda _: hit),
            ("sign", sign, lambda _: positive),
            ("sign, largest quarter", sign, lambda effect: largest_quarter(effect, positive)),
            ("sign, motif hit", sign, lambda _: positive & hit),
        ],
        reference,
    )


def mpra_rows(
    data: Mutations, effects: Mapping[str, NDArray], element: str, reference: str, replicates: int
) -> list[Row]:
    """Return the statistics of an element, over the variants that are measured and that every method scores.

    Parameters
    ----------
    data
        Variants.
    effects
        {method: one number per variant}, NaN where there is none.
    element
        See `Mutations.element`.
    reference, replicates
        See `asb_rows`.
    """
    on = (data.element == element) & data.measured & np.all([np.isfinite(values) for values in effects.values()], 0)
    if not on.any():
        return []
    positive, coefficient = data.significant[on], data.coefficient[on]
    weights = group_weights(data.group[on], replicates)
    return statistic_rows(
        element,
        {name: values[on] for name, values in effects.items()},
        positive,
        [
            ("Spearman", lambda effect, rows: spearman(effect[rows], coefficient[rows], weights[rows]), np.isfinite),
            ("AUROC", lambda effect, rows: auroc(np.abs(effect[rows]), positive[rows], weights[rows]), np.isfinite),
        ],
        reference,
    )


Estimator = Callable[[NDArray, NDArray[np.bool_]], Replicates]
Choice = Callable[[NDArray], NDArray[np.bool_]]


def statistic_rows(
    subset: str,
    effects: Mapping[str, NDArray],
    positive: NDArray[np.bool_],
    statistics: Sequence[tuple[str, Estimator, Choice]],
    reference: str,
) -> list[Row]:
    """Return a row per statistic (name, how to estimate it, which rows it is over) and method."""
    rows = []
    for name, estimate, choose in statistics:
        found = {method: estimate(effect, choose(effect)) for method, effect in effects.items()}
        for method, values in found.items():
            chosen = choose(effects[method])
            against = () if method == reference else (*_summary(values - found[reference]),)
            counts = int(chosen.sum()), int(positive[chosen].sum())
            rows.append(Row(subset, name, method, *counts, *_summary(values), *against))
    return rows


def _summary(values: Replicates) -> tuple[float, float, float]:
    """Return the estimate and the ends of its interval, over the replicates that have one."""
    drawn = values[1:][np.isfinite(values[1:])]
    return float(values[0]), *(interval(drawn) if len(drawn) else (float("nan"), float("nan")))
