"""What a fine-tuned network takes over from its base, and which of it learns: the arms of the paper and two more."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.metrics import average_precision_score
from torch import nn

from kipoi_tfb.models.build import build_network
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.training.data import LabelledWindows
from kipoi_tfb.training.initialise import start_at_prior, start_from_jaspar
from kipoi_tfb.zoo.entry import Entry
from tfb_matrix_data.errors import ConfigError, UnknownNameError

__all__ = ["ARMS", "Arm", "Nearest", "Start", "layer_group", "nearest_output", "start_network"]

logger = logging.getLogger(__name__)

_LOOKED_AT = 2000  # training windows, to find the base's nearest output


@dataclass(frozen=True)
class Arm:
    """A way to transfer.

    Attributes
    ----------
    transferred
        Groups of layers that start from the base (see `layer_group`); others start at random.
    frozen
        Groups that do not learn.
    frozen_matrices
        Groups whose matrices do not learn, though biases and batch normalisation do.
    learning_rate
        By default; None: nothing is trained, the output layer is fitted (`kipoi_tfb.finetuning.head`).
    jaspar
        Whether the first filters start from JASPAR's profiles.
    what
        For the user.
    """

    transferred: frozenset[str]
    learning_rate: float | None
    what: str
    frozen: frozenset[str] = frozenset()
    frozen_matrices: frozenset[str] = frozenset()
    jaspar: bool = False

    @property
    def only_head(self) -> bool:
        """Whether nothing but the output layer learns."""
        return self.frozen == _ALL

    @property
    def tunes_first(self) -> bool:
        """Whether the base's first convolution learns on."""
        return "first" in self.transferred - self.frozen - self.frozen_matrices


_ALL = frozenset({"first", "conv", "dense"})
_TUNED, _FRESH = 3e-4, 3e-3

ARMS: dict[str, Arm] = {
    "everything": Arm(_ALL, _TUNED, "all layers start from the base, and learn"),
    "conv": Arm(_ALL - {"dense"}, _TUNED, "all convolutions start from the base; fully connected layers are new"),
    "first-conv": Arm(frozenset({"first"}), _TUNED, "the first convolution starts from the base; the rest is new"),
    "frozen-conv": Arm(_ALL, _TUNED, "as everything, but convolutions do not learn", _ALL - {"dense"}),
    "frozen-dense": Arm(
        _ALL,
        _TUNED,
        "as everything, but the matrices of the fully connected layers do not learn",
        frozen_matrices=frozenset({"dense"}),
    ),
    "head": Arm(_ALL, None, "only the output layer is new", _ALL),
    "motif-head": Arm(_ALL, None, "the output layer is new, and sees motifs of the TF's own", _ALL),
    "scratch": Arm(frozenset(), _FRESH, "nothing is from the base but its architecture"),
    "jaspar": Arm(frozenset(), _FRESH, "as scratch, but the first filters start from JASPAR's profiles", jaspar=True),
}
"""Arms of transfer by name.

The learning rates are the paper's: 3e-4 to fine-tune, 3e-3 from scratch.

Notes
-----
Source: Novakovsky et al. 2021, Methods and Fig. 2, doi:10.1186/s13059-021-02499-5; `frozen-dense` and `head` are ours.
"""

_GROUPS: dict[str, tuple[tuple[str, str], ...]] = {
    "paper-cnn": ((r"features\.[01]\.", "first"), (r"features\.", "conv"), (r"trunk\.", "dense")),
    "danq": ((r"features\.", "first"), (r"recurrent\.", "conv"), (r"trunk\.", "dense")),
    "motif-cnn": ((r"scan_", "first"), (r"trunks\.\d+\.dense", "dense"), (r"trunks\.", "conv")),
}


def layer_group(architecture: str, name: str) -> str:
    """Return the group of layers that a weight belongs to: ``first``, ``conv``, ``dense`` or ``head``.

    ``first`` is the first convolution with its batch normalisation; ``conv`` is what lies between it and the fully
    connected layers, the recurrent layers of DanQ too; ``dense`` are the fully connected layers, ``head`` the last.

    Raises
    ------
    UnknownNameError
        If nothing is known of the architecture.

    Examples
    --------
    >>> [layer_group("paper-cnn", name) for name in ("features.0.weight", "features.4.bias", "head.weight")]
    ['first', 'conv', 'head']
    """
    if architecture not in _GROUPS:
        raise UnknownNameError("architecture to transfer from", architecture, _GROUPS)
    if name.startswith("head."):
        return "head"
    for pattern, group in _GROUPS[architecture]:
        if re.match(pattern, name):
            return group
    raise ValueError(f"{name} belongs to no group of {architecture}: add it to kipoi_tfb.finetuning.start")


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


@dataclass(frozen=True)
class Start:
    """A network to train, and the names of those of its parameters that learn."""

    network: nn.Module
    trainable: frozenset[str]
    head_from: str | None


def start_network(arm: str, base: Entry, tf: str, labels: NDArray[np.int8], nearest: Nearest, seed: int) -> Start:
    """Return a network of the base's architecture with one output, as an arm starts it.

    The output starts from the base's nearest one where all that it sees is the base's (`everything`, `frozen-conv`,
    `frozen-dense`, `head`), raised so that the shares of bound regions agree; else at random, its bias at the prior.

    Parameters
    ----------
    arm
        One of `ARMS`.
    base
        Where it starts from.
    tf
        Of the output.
    labels
        int8 (windows, 1) of the training windows.
    nearest
        Of `nearest_output`.
    seed
        Of what starts at random.

    Raises
    ------
    UnknownNameError
        If there is no such arm.
    ConfigError
        If the base's architecture has no filters that could start from JASPAR's profiles.
    """
    if arm not in ARMS:
        raise UnknownNameError("arm", arm, ARMS)
    way, card = ARMS[arm], base.card
    torch.manual_seed(seed)
    network = build_network(card.architecture, 1, card.window_length, card.sizes)
    start_at_prior(network, labels)
    if way.jaspar:
        if card.architecture != "motif-cnn":
            raise ConfigError(
                f"arm jaspar needs a base of architecture motif-cnn; {base.name} is a {card.architecture}"
            )
        start_from_jaspar(network, [tf], card.tasks)
    state, before = network.state_dict(), base.network().state_dict()
    for name in state:
        if layer_group(card.architecture, name) in way.transferred:
            state[name] = before[name]
    head_from = None
    if way.transferred == _ALL:
        head_from, row = nearest.tf, card.tasks.index(nearest.tf)
        state["head.weight"] = before["head.weight"][row : row + 1]
        state["head.bias"] = before["head.bias"][row : row + 1] + nearest.bias
    network.load_state_dict(state)
    return Start(network, _trainable(network, card.architecture, way), head_from)


def _trainable(network: nn.Module, architecture: str, arm: Arm) -> frozenset[str]:
    def learns(name: str, parameter: nn.Parameter) -> bool:
        group = layer_group(architecture, name)
        return group not in arm.frozen and not (group in arm.frozen_matrices and parameter.ndim > 1)

    return frozenset(name for name, parameter in network.named_parameters() if learns(name, parameter))
