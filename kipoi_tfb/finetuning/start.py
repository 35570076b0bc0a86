"""The network that a fine-tune starts from: what an arm takes over from the base, and which of it learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kipoi_tfb.finetuning.arms import ARMS, Arm, layer_group
from kipoi_tfb.finetuning.first_filters import check_takes, start_from_motifs
from kipoi_tfb.finetuning.nearest import Nearest
from kipoi_tfb.models.sizes import ENSEMBLE
from kipoi_tfb.motifs.profiles import Motif
from kipoi_tfb.training.initialise import start_at_prior, start_from_jaspar
from kipoi_tfb.zoo.entry import Entry, blank_network
from tfb_matrix_data.errors import ConfigError, UnknownNameError

__all__ = ["Start", "start_network"]


@dataclass(frozen=True)
class Start:
    """A network to train, and the names of those of its parameters that learn.

    Attributes
    ----------
    head_from
        The base's output that its own one started from, if it did.
    filters
        Names of the motifs that the first filters started from, of the arm ``motifs``.
    """

    network: nn.Module
    trainable: frozenset[str]
    head_from: str | None
    filters: tuple[str, ...] | None = None


def start_network(
    arm: str,
    base: Entry,
    tf: str,
    labels: NDArray[np.int8],
    nearest: Nearest,
    seed: int,
    head: Literal["copied", "new"] = "copied",
    denovo: Sequence[Motif] | None = None,
) -> Start:
    """Return a network of the base's architecture with one output, as an arm starts it.

    The output starts from the base's nearest one where all that it sees is the base's (`everything`, `frozen-conv`,
    `frozen-dense`, `head`), raised so that the shares of bound regions agree; else at random, its bias at the prior.

    Parameters
    ----------
    arm
        One of `kipoi_tfb.finetuning.arms.ARMS`.
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
    head
        ``new``: the output starts at random, its bias too, whatever the arm transfers.
    denovo
        Of the arm ``motifs``: those of `kipoi_tfb.finetuning.first_filters.denovo_motifs`.

    Raises
    ------
    UnknownNameError
        If there is no such arm.
    ConfigError
        If the arm fits an output that is to be new or trains layers of an ensemble, the base's architecture is not the
        one whose filters the arm starts from motifs, or those that were found are not given.
    """
    if arm not in ARMS:
        raise UnknownNameError("arm", arm, ARMS)
    way, card = ARMS[arm], base.card
    if head == "new" and way.learning_rate is None:
        raise ConfigError(f"arm {arm} fits an output layer that starts from the base's: it cannot start new")
    if card.architecture == ENSEMBLE and way.learning_rate is not None:
        members = ", ".join(member.name for member in card.members or ())
        raise ConfigError(
            f"arm {arm} trains layers, and {base.name} is the mean of networks that were trained apart ({members}): "
            "take one of them as the base, or --arm head"
        )
    torch.manual_seed(seed)
    network = blank_network(card, 1)
    if head == "copied":
        start_at_prior(network, labels)
    if way.jaspar:
        if card.architecture != "motif-cnn":
            other = "; its arm is motifs" if card.architecture == "paper-cnn" else ""
            raise ConfigError(
                f"arm jaspar needs a base of architecture motif-cnn; {base.name} is a {card.architecture}{other}"
            )
        start_from_jaspar(network, [tf], card.tasks)
    filters = None
    if way.motifs:
        check_takes(card.architecture, base.name)
        if denovo is None:
            raise ConfigError("arm motifs needs the motifs found in the training windows (`denovo_motifs`)")
        filters = tuple(start_from_motifs(network, denovo, seed))
    state, before = network.state_dict(), base.network().state_dict()
    for name in state:
        if layer_group(card.architecture, name) in way.transferred:
            state[name] = before[name]
    head_from = None
    if way.transfers_all and head == "copied":
        head_from, row = nearest.tf, card.tasks.index(nearest.tf)
        state["head.weight"] = before["head.weight"][row : row + 1]
        state["head.bias"] = before["head.bias"][row : row + 1] + nearest.bias
    network.load_state_dict(state)
    return Start(network, _trainable(network, card.architecture, way), head_from, filters)


def _trainable(network: nn.Module, architecture: str, arm: Arm) -> frozenset[str]:
    def learns(name: str, parameter: nn.Parameter) -> bool:
        group = layer_group(architecture, name)
        return group not in arm.frozen and not (group in arm.frozen_matrices and parameter.ndim > 1)

    return frozenset(name for name, parameter in network.named_parameters() if learns(name, parameter))
