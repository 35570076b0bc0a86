"""Entries on one base share it: in memory, and in the work of predicting.

Where fine-tuning changed nothing but the output layer, the entry is a row of numbers under its base's network. Many
such entries are loaded as one network with as many outputs, whose costly part runs once per window.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from kipoi_tfb.architectures import for_inference
from kipoi_tfb.entry import Entry, open_entry
from tfb_matrix_data.errors import EntryError

__all__ = ["SideBySide", "body_of", "load_side_by_side", "sharing_copy", "with_head"]

_BODIES = 4
"""Bases that stay in memory: of each there is one copy, however many entries are loaded."""


class SideBySide(NamedTuple):
    """The networks of some entries.

    Attributes
    ----------
    networks
        Ready to predict, on the CPU.
    order
        For each TF of each entry, in their order, its place among the outputs of all networks.
    """

    networks: list[nn.Module]
    order: list[int]


def load_side_by_side(entries: Sequence[Entry]) -> SideBySide:
    """Load entries, those that differ only in the output layer as one network.

    Such are the entries that were fine-tuned from one base by their output layer alone, and the base itself.
    """
    groups: dict[str, list[int]] = {}
    for number, entry in enumerate(entries):
        groups.setdefault(_body_key(entry) or f"{number}", []).append(number)
    networks, places, at = [], {}, 0
    for members in groups.values():
        network = _one_network([entries[number] for number in members])
        networks.append(network)
        for number in members:
            n_outputs = len(entries[number].card.tasks)
            places[number] = range(at, at + n_outputs)
            at += n_outputs
    return SideBySide(networks, [place for number in range(len(entries)) for place in places[number]])


def _body_key(entry: Entry) -> str | None:
    """Return what is the same for all entries whose networks differ in the output layer only; None: nothing is."""
    if entry.card.finetuned is None:
        return entry.card.weights.sha256
    return entry.card.finetuned.base_weights_sha256 if entry.own_head() is not None else None


def _one_network(entries: Sequence[Entry]) -> nn.Module:
    if len(entries) == 1:
        return entries[0].load()
    # An entry in a folder of its own may bring a copy of the base: of the same weights, by their sha256.
    tuned = next((entry for entry in entries if entry.card.finetuned is not None), None)
    base = entries[0] if tuned is None else tuned.find_base()
    heads = [head_of(entry) for entry in entries]
    return with_head(body_of(base), torch.cat([weight for weight, _ in heads]), torch.cat([bias for _, bias in heads]))


def head_of(entry: Entry) -> tuple[Tensor, Tensor]:
    """Return the output layer of an entry, float32: weight (TFs, features) and bias (TFs,)."""
    own = entry.own_head()
    if own is None:
        state = entry.state_dict()
        own = state["head.weight"], state["head.bias"]
    return own[0].float(), own[1].float()


def body_of(base: Entry) -> nn.Module:
    """Return the network of a base, ready to predict; it is the same object for all who ask, and not to be changed."""
    return _body(str(base.folder), base.card.weights.sha256)


@lru_cache(maxsize=_BODIES)
def _body(folder: str, weights_sha256: str) -> nn.Module:
    entry = open_entry(Path(folder))
    if entry.card.weights.sha256 != weights_sha256:
        raise EntryError(f"{folder}: was replaced while it was read; try again")
    return for_inference(entry.network())


def with_head(body: nn.Module, weight: Tensor, bias: Tensor) -> nn.Module:
    """Return a network that shares the memory of another's layers but has an output layer of its own.

    Parameters
    ----------
    body
        With an output layer `head`, which is left out.
    weight, bias
        Of the output layer, (TFs, features) and (TFs,).

    Raises
    ------
    EntryError
        If the output layer is of another size than the features.
    """
    before = cast(nn.Linear, body.get_submodule("head"))
    if weight.ndim != 2 or weight.shape[1] != before.in_features or bias.shape != weight.shape[:1]:
        raise EntryError(
            f"an output layer of shape {tuple(weight.shape)} and {tuple(bias.shape)} does not fit a network whose "
            f"last layer takes {before.in_features} features"
        )
    network = sharing_copy(body)
    head = nn.Linear(weight.shape[1], len(weight), device="meta")
    head.weight = nn.Parameter(weight.float(), requires_grad=False)
    head.bias = nn.Parameter(bias.float(), requires_grad=False)
    network.set_submodule("head", head.eval())
    return network


def sharing_copy(network: nn.Module) -> nn.Module:
    """Return a network of the same tensors in memory, which can be moved to another device by itself."""
    memo: dict[int, object] = {}
    for parameter in network.parameters():
        memo[id(parameter)] = nn.Parameter(parameter.detach(), requires_grad=parameter.requires_grad)
    for buffer in network.buffers():
        memo[id(buffer)] = buffer.detach()
    return copy.deepcopy(network, memo)
