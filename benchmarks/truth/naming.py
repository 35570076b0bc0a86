"""Does a size tell allele-specific binding, and does it name the TF? A comparison of `benchmarks.truth.sizes`.

The rule, fixed before any candidate was computed, on the SNVs of `CHOSEN_ON` alone:

1. Eligible are candidates by which the assayed TF has a median rank of at most `MOST_RANK` among all TFs, over ASB
   SNVs (all candidates, if none is).
2. The criterion is the mean of two z-scores over all candidates: of the AUROC of ASB from non-ASB, mean over TFs, and
   of the share of ASB SNVs on which the assayed TF is among the six named. The second alone would favour TFs that are
   bound everywhere: assayed TFs are bound there by selection.
3. The largest criterion wins; of those within `TIE` of it, the one with the fewest constants, then the first in the
   list.

`CONFIRMED_ON` is looked at once, for the winner and what is published beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.truth.statistics import (
    MIN_ASB,
    Replicates,
    Row,
    agreement,
    auroc,
    group_weights,
    macro_auroc,
    statistic_rows,
)
from benchmarks.truth.tables import Bindings

__all__ = [
    "BOUND",
    "CHOSEN_ON",
    "CONFIRMED_ON",
    "CRITERION",
    "MACRO",
    "MOST_RANK",
    "POOLED",
    "RANK",
    "TOP_SIX",
    "UNBOUND",
    "choose",
    "criterion",
    "named",
    "rank_of",
    "size_rows",
    "weighted_median",
]

CHOSEN_ON, CONFIRMED_ON = ("chr19", "chr20"), ("chr21", "chr22")

NAMED = 3
"""TFs that are named as gained, and as many as lost."""
BOUND = 0.1
"""Nothing is named that is bound with less probability by both alleles."""
MOST_RANK, TIE = 3, 0.1

MACRO, POOLED, RANK = "AUROC, mean of TFs", "AUROC, pooled", "median rank"
TOP_SIX, UNBOUND, CRITERION = "in the top six", "named but unbound", "criterion"


def rank_of(size: NDArray, column: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the rank, from 1, of one TF per row by |size| (rows, TFs); TFs of equal size share their mean rank."""
    sizes = np.abs(size)
    own = sizes[np.arange(len(sizes)), column][:, None]
    return 1 + (sizes > own).sum(1) + ((sizes == own).sum(1) - 1) / 2


def named(size: NDArray, occupancy: NDArray, least: float = BOUND, n: int = NAMED) -> NDArray[np.bool_]:
    """Return which TFs are named: the n largest gains and losses of each row, of TFs that are bound.

    Parameters
    ----------
    size
        (rows, TFs), signed.
    occupancy
        (rows, TFs): probability of the better-bound allele.
    least
        Of it, for a TF to be named.
    n
        Of either sign.
    """
    found = np.zeros(size.shape, bool)
    rows = np.arange(len(size))[:, None]
    for sign in (1, -1):
        left = np.where(occupancy >= least, sign * size, 0)
        best = np.argsort(-left, axis=1, kind="stable")[:, :n]
        found[rows, best] |= left[rows, best] > 0
    return found


def weighted_median(values: NDArray, weights: NDArray[np.float32]) -> Replicates:
    """Return the (lower) median of rows that count as often as their weights say, per column of weights."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order], axis=0, dtype=np.float64)
    at = (reached >= reached[-1] / 2).argmax(0)
    return np.where(reached[-1] > 0, values[order][at], np.nan)


def size_rows(
    data: Bindings,
    column: NDArray[np.int64],
    sizes: Mapping[str, NDArray],
    occupancy: NDArray,
    on: NDArray[np.bool_],
    subset: str,
    reference: str,
    replicates: int,
) -> list[Row]:
    """Return the statistics of candidates over some of the SNVs.

    Parameters
    ----------
    data
        SNVs, all of which are scored.
    column
        The TF that was assayed, as a column of the sizes.
    sizes
        Candidates by name, (SNVs, TFs).
    occupancy
        (SNVs, TFs), see `named`.
    on, subset
        Those to look at, and what to call them.
    reference
        Candidate that the others are compared with.
    replicates
        Of the bootstrap over DHS regions.
    """
    positive, tf, column, occupancy = data.imbalanced[on], data.tf[on], column[on], occupancy[on]
    weights, rows = group_weights(data.group[on], replicates), np.arange(on.sum())
    sizes = {name: values[on] for name, values in sizes.items()}
    tfs = [str(name) for name in np.unique(tf) if positive[tf == name].sum() >= MIN_ASB]
    own = {name: np.abs(values[rows, column]) for name, values in sizes.items()}
    ranks = {name: rank_of(values, column) for name, values in sizes.items()}
    hits = {name: named(values, occupancy)[rows, column] * 2.0 - 1 for name, values in sizes.items()}
    of_named = {name: _unbound(values, occupancy) for name, values in sizes.items()}
    every = np.ones(len(rows), bool)

    def macro(size: NDArray, at: NDArray[np.bool_]) -> Replicates:
        return macro_auroc(size[at], positive[at], tf[at], weights[at], tfs)

    def area(size: NDArray, at: NDArray[np.bool_]) -> Replicates:
        return auroc(size[at], positive[at], weights[at])

    def median(rank: NDArray, at: NDArray[np.bool_]) -> Replicates:
        return weighted_median(rank[at], weights[at])

    def share(hit: NDArray, at: NDArray[np.bool_]) -> Replicates:
        return agreement(hit[at], np.ones(at.sum()), weights[at])

    def mean(counts: NDArray, at: NDArray[np.bool_]) -> Replicates:
        unbound, all_named = counts[at].T @ weights[at].astype(np.float64)
        return unbound / all_named

    return [
        *statistic_rows(
            subset,
            own,
            positive,
            [(MACRO, macro, lambda _: np.isin(tf, tfs)), (POOLED, area, lambda _: every)],
            reference,
        ),
        *statistic_rows(subset, ranks, positive, [(RANK, median, lambda _: positive)], reference),
        *statistic_rows(subset, hits, positive, [(TOP_SIX, share, lambda _: positive)], reference),
        *statistic_rows(subset, of_named, positive, [(UNBOUND, mean, lambda _: every)], reference),
    ]


def _unbound(size: NDArray, occupancy: NDArray) -> NDArray[np.float64]:
    """Return, per row, how many TFs are named without a threshold: those that neither allele binds, and all."""
    names = named(size, occupancy, least=0)
    return np.stack([(names & (occupancy < BOUND)).sum(1), names.sum(1)], 1).astype(np.float64)


def criterion(rows: Sequence[Row]) -> dict[str, float]:
    """Return the criterion of each candidate from its statistics on `CHOSEN_ON`."""
    scores = []
    for statistic in (MACRO, TOP_SIX):
        values = {row.method: row.value for row in rows if row.statistic == statistic}
        found = np.array(list(values.values()))
        scores.append(dict(zip(values, (found - found.mean()) / found.std(), strict=True)))
    return {name: (scores[0][name] + scores[1][name]) / 2 for name in scores[0]}


def choose(rows: Sequence[Row], constants: Mapping[str, int]) -> str:
    """Return the winner by the rule of this module.

    Parameters
    ----------
    rows
        Statistics of all candidates on `CHOSEN_ON`.
    constants
        Of each candidate, in the order of the list.
    """
    score = criterion(rows)
    eligible = [row.method for row in rows if row.statistic == RANK and row.value <= MOST_RANK] or list(score)
    best = max(score[name] for name in eligible)
    ties = [name for name in constants if name in eligible and score[name] >= best - TIE]
    return min(ties, key=lambda name: constants[name])
