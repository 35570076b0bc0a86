"""Fitting an output layer under layers that stay as they are: a convex problem, solved and not trained.

The base has seen the training regions, and its own output for a TF is fitted to them already: an output layer that is
fitted to them freely does worse on others. So the new weights are held to those that they start from, more or less
strongly (a penalty on the squared distance), and the validation chromosome says how strongly, or to stay at the start.

An output that the base has already is fitted and judged as the base was, among all regions: against unbound regions of
the same GC content it would learn to leave GC content out, which is right there and wrong everywhere else.

Where motifs of the TF stand beside what the base sees (`kipoi_tfb.finetuning.own_motifs`), its nearest output may be
worth less than they are, or nothing. There is then a second start, in which that output and each motif weigh what the
training windows say they are worth, and validation chooses between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import average_precision_score

from kipoi_tfb.zoo.finetuned_card import HeadCard
from tfb_matrix_data.sampling import gc_bins

__all__ = [
    "PENALTIES",
    "PENALTIES_NATURAL",
    "FittedHead",
    "Lesson",
    "balancing_weights",
    "fit_beside_motifs",
    "fit_head",
    "natural_draw",
]

PENALTIES = (1.0, 0.3, 0.1, 0.03, 0.01)
"""Strengths tried, from hardly any change to nearly none of the start."""
PENALTIES_NATURAL = (0.3, 0.1, 0.03, 0.01, 0.003)
"""At natural prevalence, where most windows are easy and the mean loss is a fifth."""
_LEAST_UNBOUND, _UNBOUND_EACH = 20_000, 3
"""Unbound windows in a draw at natural prevalence: of all, some; at least so many, and so many for each bound one."""
_STEPS = 40
_HOLD_SHARE = 0.01
"""Penalty on what a motifs' start changes of the base's output, per variance of its logits."""


@dataclass(frozen=True)
class Lesson:
    """What an output layer sees, and should say.

    Attributes
    ----------
    features
        float32 (windows, features): the mean over both strands.
    bound
        bool (windows,).
    weight
        float32 (windows,): how much each counts.
    """

    features: NDArray[np.float32]
    bound: NDArray[np.bool_]
    weight: NDArray[np.float32]

    def logits(self, layer: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return what an output layer, its weights and then its bias, makes of the windows."""
        return self.features @ layer[:-1].astype(np.float32) + np.float32(layer[-1])

    def loss(self, layer: NDArray[np.float64]) -> float:
        """Return the cross-entropy of an output layer."""
        logits = self.logits(layer)
        losses = np.logaddexp(0, np.where(self.bound, -logits, logits))
        return float(self.weight @ losses) / float(self.weight.sum())

    def auprc(self, layer: NDArray[np.float64]) -> float:
        """Return the area under the precision-recall curve of an output layer."""
        return float(average_precision_score(self.bound, self.logits(layer), sample_weight=self.weight))


@dataclass(frozen=True)
class FittedHead:
    """An output layer of one TF.

    Attributes
    ----------
    weight, bias
        float32 (1, features) and (1,).
    losses
        Validation loss of each seed's own fit.
    card
        How it was found.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    losses: tuple[float, ...]
    card: HeadCard


def balancing_weights(bound: NDArray[np.bool_], gc: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return weights that make the unbound windows of each tenth of GC content count as much as the bound ones there.

    It is what drawing one unbound window for each bound one does on average; no window is left out.

    >>> balancing_weights(np.array([True, False, False]), np.array([0.42, 0.45, 0.48])).tolist()
    [1.0, 0.5, 0.5]
    """
    bins = gc_bins(gc)
    n_bound = np.bincount(bins[bound], minlength=int(bins.max(initial=0)) + 1)
    n_unbound = np.bincount(bins[~bound], minlength=len(n_bound))
    share = n_bound / np.maximum(n_unbound, 1)
    return np.where(bound, 1.0, share[bins]).astype(np.float32)


def natural_draw(bound: NDArray[np.bool_], seed: int, most_bound: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return some windows and weights by which they stand for all: indices, ascending, and float32 of as many.

    >>> index, weight = natural_draw(np.arange(40_000) < 10, 0, 5)
    >>> len(index), float(weight[0]), round(float(weight.sum()))
    (20005, 2.0, 40000)
    """
    rng = np.random.default_rng(seed)
    index, weight = [], []
    n_bound = min(int(bound.sum()), most_bound)
    for of, most in ((bound, n_bound), (~bound, max(_LEAST_UNBOUND, _UNBOUND_EACH * n_bound))):
        found = np.flatnonzero(of)
        drawn = found if len(found) <= most else rng.choice(found, most, replace=False)
        index.append(drawn)
        weight.append(np.full(len(drawn), len(found) / max(len(drawn), 1), np.float32))
    order = np.argsort(np.concatenate(index))
    return np.concatenate(index)[order], np.concatenate(weight)[order]


def fit_head(
    lessons: Sequence[Lesson],
    validation: Lesson,
    start: NDArray[np.float32],
    bias: float,
    penalties: Sequence[float] = PENALTIES,
    also: NDArray[np.float32] | None = None,
) -> FittedHead:
    """Fit an output layer to several draws of training windows, and return the mean of what comes of them.

    The start is kept unless a penalty lowers the validation loss and the AUPRC there is no lower; of such penalties,
    the one with the lowest loss.

    Parameters
    ----------
    lessons
        A draw of training windows per seed.
    validation
        What decides.
    start
        float32 (features,): weights to start from, and to be held to.
    bias
        To start from; it is free.
    penalties
        Strengths of the hold, from the strongest; at least one.
    also
        Other weights of the validation windows, by which the AUPRC must be no lower either.
    """
    paths = [_path(lesson, start, bias, penalties) for lesson in lessons]
    begin = np.append(start.astype(np.float64), bias)
    candidates: list[tuple[float | None, NDArray[np.float64], list[NDArray[np.float64]]]] = [(None, begin, [begin])]
    for penalty, *own in zip(penalties, *paths, strict=True):
        candidates.append((penalty, np.mean(own, axis=0), own))
    areas = [validation.auprc(head) for _, head, _ in candidates]
    losses = [validation.loss(head) for _, head, _ in candidates]
    other = validation if also is None else replace(validation, weight=also)
    others = areas if also is None else [other.auprc(head) for _, head, _ in candidates]
    no_lower = (i for i in range(len(candidates)) if areas[i] >= areas[0] and others[i] >= others[0])
    best = min(no_lower, key=losses.__getitem__)
    penalty, head, own = candidates[best]
    card = HeadCard(
        penalties=tuple(penalties),
        penalty=penalty,
        start_auprc=round(areas[0], 5),
        auprc=round(areas[best], 5),
        start_loss=round(losses[0], 5),
        loss=round(losses[best], 5),
    )
    return FittedHead(
        weight=head[None, :-1].astype(np.float32),
        bias=head[-1:].astype(np.float32),
        losses=tuple(validation.loss(each) for each in own),
        card=card,
    )


def fit_beside_motifs(
    lessons: Sequence[Lesson],
    validation: Lesson,
    start: NDArray[np.float32],
    bias: float,
    hold: NDArray[np.float32],
) -> FittedHead:
    """Fit an output layer that sees motifs beside what the base sees, from the better of two starts.

    One is the base's output alone, the other gives it and each motif a share (`_shares`): of what `fit_head` makes of
    either, the one with the lower validation loss is returned. Losses and areas of the start on its card are those
    of the base's output.

    Parameters
    ----------
    lessons, validation
        As for `fit_head`; the last features are the motifs'.
    start
        float32 (features without motifs,): the base's output.
    bias
        Of the base's output.
    hold
        float32 (motifs,): penalty on the weight of each in the second start.
    """
    alone = fit_head(lessons, validation, np.pad(start, (0, len(hold))), bias)
    shares = np.mean([_shares(lesson, start, bias, hold) for lesson in lessons], axis=0)
    weight = np.concatenate([shares[0] * start, shares[1:-1]]).astype(np.float32)
    shared = fit_head(lessons, validation, weight, float(shares[0] * bias + shares[-1]))
    if alone.card.loss <= shared.card.loss:
        return alone
    before = {"start_auprc": alone.card.start_auprc, "start_loss": alone.card.start_loss}
    card = shared.card.model_copy(update={**before, "base_share": round(float(shares[0]), 4)})
    return replace(shared, card=card)


def _shares(lesson: Lesson, start: NDArray[np.float32], bias: float, hold: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what a logistic regression multiplies the base's logit and each motif with, and what it adds."""
    n_base = len(start)
    logit = lesson.features[:, :n_base] @ start + np.float32(bias)
    seen = np.column_stack([logit, lesson.features[:, n_base:]]).astype(np.float64)
    begin = np.zeros(len(hold) + 2)
    begin[0] = 1.0
    penalty = np.concatenate([[_HOLD_SHARE * max(float(logit.var()), 1e-6)], hold, [0.0]])
    sign, total = np.where(lesson.bound, 1.0, -1.0), float(lesson.weight.sum())

    def objective(shares: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits, change = seen @ shares[:-1] + shares[-1], shares - begin
        loss = float(lesson.weight @ np.logaddexp(0, -sign * logits)) / total
        residual = lesson.weight * (expit(logits) - lesson.bound) / total
        gradient = np.append(residual @ seen, residual.sum()) + penalty * change
        return loss + float(penalty @ change**2) / 2, gradient

    return minimize(objective, begin, method="L-BFGS-B", jac=True).x


def _path(
    lesson: Lesson, start: NDArray[np.float32], bias: float, penalties: Sequence[float]
) -> list[NDArray[np.float64]]:
    """Return weights and bias for each penalty; each fit goes on from the one before."""
    total = float(lesson.weight.sum())
    before = lesson.features @ start + np.float32(bias)
    sign = np.where(lesson.bound, np.float32(1), np.float32(-1))

    def objective(change: NDArray[np.float64], penalty: float) -> tuple[float, NDArray[np.float64]]:
        logits = before + lesson.features @ change[:-1].astype(np.float32) + np.float32(change[-1])
        loss = float(lesson.weight @ np.logaddexp(0, -sign * logits)) / total
        residual = (lesson.weight * (expit(logits) - lesson.bound) / total).astype(np.float32)
        gradient = np.append(residual @ lesson.features + penalty * change[:-1], residual.sum())
        return loss + penalty / 2 * float(change[:-1] @ change[:-1]), gradient

    change, path = np.zeros(len(start) + 1), []
    begin = np.append(start.astype(np.float64), bias)
    for penalty in penalties:
        change = minimize(objective, change, (penalty,), method="L-BFGS-B", jac=True, options={"maxiter": _STEPS}).x
        path.append(begin + change)
    return path
