"""Two scorers on the same TFs and the very same regions: who wins, by how much, and could it be chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kipoi_tfb.evaluation.areas import draw_weights, interval
from kipoi_tfb.evaluation.job import Evaluation
from kipoi_tfb.evaluation.metrics import MIN_BOUND
from tfb_matrix_data.errors import ConfigError, UnknownNameError

__all__ = ["PREVALENCES", "SCARCE", "Comparison", "Metric", "TfDifference", "compare", "describe"]

Metric = Literal["auprc", "auroc_matched", "auprc_natural"]
Outcome = Literal["win", "tie", "loss"]

PREVALENCES: tuple[Metric, Metric] = ("auprc", "auprc_natural")
"""What scorers are judged by: the AUPRC at 1:1, and at natural prevalence. Better at one may be worse at the other."""

SCARCE = (40, 200)
"""Training positives of a TF for which data are scarce: least and most."""


@dataclass(frozen=True)
class TfDifference:
    """One TF.

    Attributes
    ----------
    tf
        Name.
    bound, bound_train
        Bound regions tested, and those that trained the first scorer, or else the second (None: not known).
    first, second
        Metric of the two.
    difference
        First minus second.
    low, high
        Ends of its paired 95 % bootstrap interval: both scorers see the same resampled regions. None without
        bootstrap.
    outcome
        For the first: ``tie`` if the interval includes 0 (without bootstrap: if the difference is 0).
    """

    tf: str
    bound: int
    bound_train: int | None
    first: float
    second: float
    difference: float
    low: float | None
    high: float | None
    outcome: Outcome


@dataclass(frozen=True)
class Comparison:
    """The first scorer against the second.

    Attributes
    ----------
    first, second
        Names.
    metric
        What is compared.
    n_tfs
        TFs with enough bound regions that both score.
    mean_first, mean_second, mean_difference
        Over these TFs.
    low, high
        Ends of the 95 % bootstrap interval of the mean difference, resampling TFs; None without bootstrap.
    p
        Of Wilcoxon's signed-rank test over TFs, two-sided; 1 if all differences are 0.
    wins, ties, losses
        TFs by outcome.
    better, worse
        TFs with a difference above, or below, 0, be it chance or not.
    scarce_tfs, scarce_difference
        TFs with few training positives (`SCARCE`) and their mean difference; None where that is not known.
    tfs
        Per TF.
    """

    first: str
    second: str
    metric: Metric
    n_tfs: int
    mean_first: float
    mean_second: float
    mean_difference: float
    low: float | None
    high: float | None
    p: float
    wins: int
    ties: int
    losses: int
    better: int
    worse: int
    scarce_tfs: int
    scarce_difference: float | None
    tfs: tuple[TfDifference, ...]

    @property
    def outcome(self) -> Outcome:
        """Return what the mean difference is for the first scorer: a ``tie`` if its interval includes 0."""
        return _outcome(self.mean_difference, self.low, self.high)


def compare(
    evaluation: Evaluation, first: str, second: str, metric: Metric = "auprc", min_bound: int = MIN_BOUND
) -> Comparison:
    """Compare two scorers over the TFs that both score and that have at least `min_bound` bound regions.

    Parameters
    ----------
    evaluation
        Of both, on the same regions.
    first, second
        Their names.
    metric
        Area to compare: against GC-matched unbound regions, or against all of them (``auprc_natural``).
    min_bound
        See `kipoi_tfb.evaluation.metrics.MIN_BOUND`.

    Raises
    ------
    UnknownNameError
        If one of them was not evaluated.
    ConfigError
        If no TF is left to compare.

    Notes
    -----
    Source of the test: Wilcoxon, Biometrics Bulletin 1:80 (1945), as in Novakovsky et al. 2021, Fig. 3.
    """
    for name in (first, second):
        if name not in evaluation.tables:
            raise UnknownNameError("scorer", name, evaluation.tables)
    others = {row.tf: row for row in evaluation.tables[second]}
    rows = []
    for row in evaluation.tables[first]:
        other = others.get(row.tf)
        if other is None or row.bound < min_bound:
            continue
        a, b = getattr(row, metric), getattr(other, metric)
        if math.isnan(a) or math.isnan(b):
            continue
        ends = _paired(evaluation, first, second, row.tf, metric)
        trained = row.bound_train if row.bound_train is not None else other.bound_train
        rows.append(TfDifference(row.tf, row.bound, trained, a, b, a - b, ends[0], ends[1], _outcome(a - b, *ends)))
    if not rows:
        raise ConfigError(
            f"{first} and {second} have no TF in common with at least {min_bound} bound regions tested; "
            "nothing to compare (--min-bound lowers that)"
        )
    differences = np.array([row.difference for row in rows])
    low: float | None = None
    high: float | None = None
    if evaluation.replicates:
        weights = draw_weights(np.random.default_rng([evaluation.seed, 3]), len(rows), evaluation.replicates)
        low, high = interval(differences @ weights / len(rows))
    outcomes = [row.outcome for row in rows]
    scarce = [r.difference for r in rows if r.bound_train is not None and SCARCE[0] <= r.bound_train <= SCARCE[1]]
    return Comparison(
        first=first,
        second=second,
        metric=metric,
        n_tfs=len(rows),
        mean_first=float(np.mean([row.first for row in rows])),
        mean_second=float(np.mean([row.second for row in rows])),
        mean_difference=float(differences.mean()),
        low=low,
        high=high,
        p=_signed_rank(differences),
        wins=outcomes.count("win"),
        ties=outcomes.count("tie"),
        losses=outcomes.count("loss"),
        better=int((differences > 0).sum()),
        worse=int((differences < 0).sum()),
        scarce_tfs=len(scarce),
        scarce_difference=float(np.mean(scarce)) if scarce else None,
        tfs=tuple(rows),
    )


def describe(comparison: Comparison) -> str:
    """Return a comparison in a few lines, for the screen."""
    c = comparison
    ends = "" if c.low is None else f" [{c.low:+.4f}, {c.high:+.4f}]"
    worst = min(c.tfs, key=lambda row: row.difference)
    lines = [
        f"{c.first} against {c.second}: {_NAMES[c.metric]} {c.mean_first:.4f} and {c.mean_second:.4f}, difference "
        f"{c.mean_difference:+.4f}{ends} over {c.n_tfs} TFs, Wilcoxon p = {c.p:.2g}",
        f"  wins {c.wins}, ties {c.ties}, losses {c.losses}; higher for {c.better} TFs ({c.better / c.n_tfs:.1%}), "
        f"lowest difference {worst.difference:+.4f} ({worst.tf})",
    ]
    if c.scarce_difference is not None:
        lines.append(
            f"  {c.scarce_tfs} TFs with {SCARCE[0]}-{SCARCE[1]} training positives: difference "
            f"{c.scarce_difference:+.4f}"
        )
    return "\n".join(lines)


_NAMES: dict[Metric, str] = {
    "auprc": "AUPRC at 1:1",
    "auroc_matched": "AUROC at 1:1",
    "auprc_natural": "AUPRC at natural prevalence",
}


def _paired(
    evaluation: Evaluation, first: str, second: str, tf: str, metric: Metric
) -> tuple[float, float] | tuple[None, None]:
    areas = evaluation.bootstrapped_natural if metric == "auprc_natural" else evaluation.bootstrapped
    a, b = (areas.get(name, {}).get(tf) for name in (first, second))
    if a is None or b is None:
        return None, None
    return interval(a.auroc - b.auroc if metric == "auroc_matched" else a.auprc - b.auprc)


def _outcome(difference: float, low: float | None, high: float | None) -> Outcome:
    low, high = (difference if end is None else end for end in (low, high))
    return "win" if low > 0 else "loss" if high < 0 else "tie"


def _signed_rank(differences: np.ndarray) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test; differences of 0 are left out of it."""
    if not differences.any():
        return 1.0
    from scipy.stats import wilcoxon

    # Without them the test is exact where TFs are few.
    return float(wilcoxon(differences[differences != 0]).pvalue)
