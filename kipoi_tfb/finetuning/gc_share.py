"""Taking out of an output a share of what it says by GC content alone, where that costs nothing among all regions.

Open regions with more GC are bound more often by most TFs, and an output that is fitted among all regions says so;
against regions of the same GC content that is noise. Beside the best output among all regions a small step costs
nothing to the first order, while what it gains at 1:1 is of the first order: a little can be taken out for nothing, all
of it cannot (docs/tf-models.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from kipoi_tfb.finetuning.head import FittedHead, Lesson

__all__ = ["GC_SHARES", "take_out_gc"]

GC_SHARES = (0.05, 0.1, 0.15)
"""Shares that are tried beside none. Larger ones gain more at 1:1, and lose on regions that did not choose them."""
_MOST = 10_000
"""Windows that tell how GC content is read off the features: of more, nothing changes."""
_HOLD = 0.01
"""Ridge penalty of that, per unit of weight."""


def take_out_gc(
    found: FittedHead,
    lesson: Lesson,
    gc: NDArray[np.float64],
    validation: Lesson,
    balanced: NDArray[np.float32],
    shares: Sequence[float] = GC_SHARES,
) -> FittedHead:
    """Return an output layer with a share of what it says by GC content taken out, or as it is.

    The share is the one with the highest AUPRC at 1:1 on the validation windows, of those whose AUPRC among all of them
    is no lower than without. The mean of the logits over all regions stays.

    Parameters
    ----------
    found
        The output layer.
    lesson, gc
        Training windows, weighted to stand for all, and the GC content of each, from 0 to 1.
    validation
        What decides: windows as they are.
    balanced
        float32 (validation windows,): weights by which unbound regions are as the bound ones are by GC content.
    shares
        What is tried beside 0.

    Returns
    -------
    FittedHead
        Its card says the share, `gc_share`, and what came of it; where none is taken out, it is `found`.
    """
    layer = np.append(found.weight[0], found.bias).astype(np.float64)
    said = _said_by_gc(layer, lesson, gc)
    layers = [layer, *(layer - share * said for share in shares)]
    natural = [validation.auprc(each) for each in layers]
    matched = replace(validation, weight=balanced)
    areas = [matched.auprc(each) for each in layers]
    best = max((i for i in range(len(layers)) if natural[i] >= natural[0]), key=areas.__getitem__)
    if best == 0:
        return found
    update = {
        "gc_share": (0.0, *shares)[best],
        "auprc": round(natural[best], 5),
        "loss": round(validation.loss(layers[best]), 5),
    }
    return replace(
        found,
        weight=layers[best][None, :-1].astype(np.float32),
        bias=layers[best][-1:].astype(np.float32),
        card=found.card.model_copy(update=update),
    )


def _said_by_gc(layer: NDArray[np.float64], lesson: Lesson, gc: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the output layer, weights and bias, that says what another says by GC content, and 0 on average."""
    every = -(-len(gc) // _MOST)
    features, weight = lesson.features[::every], lesson.weight[::every].astype(np.float64)
    reads = Ridge(_HOLD * weight.sum()).fit(features, gc[::every].astype(np.float32), sample_weight=weight)
    mean = _mean(gc, lesson.weight)
    spread = gc - mean
    slope = _mean(spread * lesson.logits(layer), lesson.weight) / max(_mean(spread**2, lesson.weight), 1e-12)
    return slope * np.append(reads.coef_.astype(np.float64), float(reads.intercept_) - mean)


def _mean(values: NDArray, weight: NDArray[np.float32]) -> float:
    return float(np.average(values, weights=weight))
