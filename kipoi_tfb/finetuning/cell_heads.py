"""Fitting outputs of TFs in cell types under layers that stay as they are, all at once.

In the open regions of one cell type, what a TF binds is told better by an output for it there than by the TF's output
of all cell types. There are hundreds of such outputs, each with few regions: so they are fitted together, in one pass
after another over all regions, each held to the base's output of its TF by a penalty on the squared distance. The
validation chromosome says how strongly, for all of them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from torch import Tensor
from torch.nn import functional as F

from kipoi_tfb.output.progress import progress_bar

__all__ = ["CELL_PENALTIES", "CellHeads", "CellLesson", "fit_cell_heads", "mean_auprc", "mean_loss"]

CELL_PENALTIES = (0.03, 0.01, 0.003, 0.001)
"""Strengths of the hold that are tried, from the strongest."""
_EPOCHS, _BATCH, _RATE = 3, 4096, 2e-3


@dataclass(frozen=True)
class CellLesson:
    """What outputs see, and should say.

    Attributes
    ----------
    features
        float16 or float32 (windows, features): the mean over both strands.
    labels
        int8 (windows, outputs): 1 bound, 0 unbound, -1 unresolved, so where the region is not open in the cell type.
    """

    features: NDArray[np.floating]
    labels: NDArray[np.int8]


@dataclass(frozen=True)
class CellHeads:
    """Outputs.

    Attributes
    ----------
    weight, bias
        float32 (outputs, features) and (outputs,).
    penalty
        The strength of the hold, by validation.
    losses
        {strength: validation loss}.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    penalty: float
    losses: dict[float, float]


def fit_cell_heads(
    train: CellLesson,
    validation: CellLesson,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    seed: int = 0,
    penalties: Sequence[float] = CELL_PENALTIES,
) -> CellHeads:
    """Fit outputs by each strength of the hold, and return those with the lowest validation loss.

    The same seed gives the same numbers, with as many threads. The start itself is none of the candidates: see
    `mean_loss` for its loss.

    Parameters
    ----------
    train, validation
        What to fit to, and what decides.
    weight, bias
        float32 (outputs, features) and (outputs,): to start from, and to be held to.
    seed
        Of the order of windows.
    penalties
        Strengths of the hold; at least one.
    """
    found: dict[float, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
    losses: dict[float, float] = {}
    steps = len(penalties) * _EPOCHS * len(train.labels)
    with progress_bar("fitting outputs", steps) as advance:
        for penalty in penalties:
            found[penalty] = _fit(train, weight, bias, penalty, seed, advance)
            losses[penalty] = mean_loss(validation, *found[penalty])
    best = min(penalties, key=losses.__getitem__)
    return CellHeads(*found[best], best, losses)


def mean_loss(lesson: CellLesson, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> float:
    """Return the cross-entropy of each output over its resolved windows, averaged over the outputs that have some."""
    logits = lesson.features.astype(np.float32) @ weight.T + bias
    resolved = lesson.labels >= 0
    losses = np.logaddexp(0, np.where(lesson.labels == 1, -logits, logits)) * resolved
    n = resolved.sum(0)
    return float((losses.sum(0)[n > 0] / n[n > 0]).mean())


def mean_auprc(lesson: CellLesson, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> float:
    """Return the AUPRC of each output over its resolved windows, averaged over the outputs that have bound ones."""
    logits = lesson.features.astype(np.float32) @ weight.T + bias
    areas = []
    for own, labels in zip(logits.T, lesson.labels.T, strict=True):
        if (labels == 1).any():
            areas.append(average_precision_score(labels[labels >= 0] == 1, own[labels >= 0]))
    return float(np.mean(areas))


def _fit(
    lesson: CellLesson,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    penalty: float,
    seed: int,
    advance: Callable[[int], None],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    labels, n = torch.from_numpy(lesson.labels), len(lesson.labels)
    start, shift = torch.from_numpy(weight), torch.from_numpy(bias)
    change = torch.zeros_like(start, requires_grad=True)
    moved = torch.zeros_like(shift, requires_grad=True)
    # Each output's loss is a mean over its own resolved windows, so that outputs of few are held no more than others.
    share = ((labels >= 0).sum(0).clamp(min=1) / n).float()
    per_epoch = max(n // _BATCH, 1)
    optimiser = torch.optim.Adam([change, moved], lr=_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, _EPOCHS * per_epoch)
    random = np.random.default_rng(seed)
    for _ in range(_EPOCHS):
        order = random.permutation(n)
        for step in range(per_epoch):
            rows = np.sort(order[step * _BATCH : (step + 1) * _BATCH])
            seen = torch.from_numpy(lesson.features[rows].astype(np.float32))
            logits = seen @ (start + change).T + (shift + moved)
            loss = _loss(logits, labels[rows], share) + penalty / 2 * change.square().sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            advance(len(rows))
        advance(n - per_epoch * min(_BATCH, n))
    return (start + change).detach().numpy(), (shift + moved).detach().numpy()


def _loss(logits: Tensor, labels: Tensor, share: Tensor) -> Tensor:
    """Return the sum over outputs of their mean losses, by what a batch says of them."""
    known = (labels >= 0).float()
    each = F.binary_cross_entropy_with_logits(logits, labels.clamp(min=0).float(), weight=known, reduction="none")
    return (each.mean(0) / share).sum()
