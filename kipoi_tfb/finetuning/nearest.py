"""The base's output that is nearest to a TF: its own, or the one that tells its training windows best."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.metrics import average_precision_score

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.training.data import LabelledWindows
from kipoi_tfb.zoo.entry import Entry

__all__ = ["Nearest", "nearest_output"]

logger = logging.getLogger(__name__)

_LOOKED_AT = 2000  # training windows


@dataclass(frozen=True)
class Nearest:
    """The base's output that is nearest to a TF.

    Attributes
    ----------
    tf
        Name of the output.
    own
        Whether it is the TF's own.
    bias
        By how much to raise its logits for the shares of bound regions to agree.
    """

    tf: str
    own: bool
    bias: float


def nearest_output(
    base: Entry,
    tf: str,
    train: LabelledWindows,
    device: str = "cpu",
    score: Callable[[LabelledWindows], NDArray[np.float32]] | None = None,
) -> Nearest:
    """Return the base's output of the TF, or else the one that ranks the training windows best, by AUPRC.

    Parameters
    ----------
    base
        To fine-tune.
    tf
        Its name may be one that nobody knows.
    train
        Windows with one column of labels, of which some two thousand are looked at.
    device
        See `kipoi_tfb.models.device`.
    score
        What gives the base's logits (windows, TFs) of windows, if not the base itself.
    """
    step = max(1, len(train) // _LOOKED_AT)
    looked_at = LabelledWindows(train.region[::step], train.codes[::step], train.labels[::step])
    labels = looked_at.labels[:, 0] == 1
    logits = score(looked_at) if score else Predictor([base], device=device).logits(looked_at.codes)
    tasks = base.card.tasks
    if tf in tasks:
        at = tasks.index(tf)
    else:
        at = int(np.argmax([average_precision_score(labels, column) for column in logits.T]))
        logger.info("%s has no output for %s; %s tells its training regions best", base.card.name, tf, tasks[at])
    return Nearest(tasks[at], tf in tasks, _bias(logits[:, at].astype(np.float64), float(labels.mean())))


def _bias(logits: NDArray[np.float64], share: float) -> float:
    """Return what to add to logits for the mean probability to be a share."""
    bound = float(np.abs(logits).max()) + 20
    share = min(max(share, 1e-3), 1 - 1e-3)
    return float(brentq(lambda bias: expit(logits + bias).mean() - share, -bound, bound))
