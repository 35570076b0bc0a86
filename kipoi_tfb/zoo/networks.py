"""Entries on one base share it: in memory, and in the work of predicting.

Where fine-tuning changed nothing but the outputs, the entry is a row of numbers under its base's network, and a few
motifs beside it if it has motifs of its own. Many such entries are loaded as one network with as many outputs, whose
costly part runs once per window.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kipoi_tfb.models.build import for_inference
from kipoi_tfb.models.head import Head
from kipoi_tfb.models.logits import probability
from kipoi_tfb.models.motif_cnn import MotifCNN, OwnMotifs
from kipoi_tfb.models.run import logits_of
from kipoi_tfb.zoo.card import Card
from kipoi_tfb.zoo.entry import Entry, open_entry
from kipoi_tfb.zoo.find import find_entry
from tfb_matrix_data.errors import EntryError

__all__ = [
    "Outputs",
    "SideBySide",
    "body_of",
    "entry_probability",
    "join_outputs",
    "load",
    "load_network",
    "load_side_by_side",
    "outputs_of",
    "sharing_copy",
    "with_outputs",
]

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


class Outputs(NamedTuple):
    """What entries have over the layers of their base.

    Attributes
    ----------
    weight, bias
        Of the output layer, float32 (TFs, features) and (TFs,).
    filters, share
        Of `kipoi_tfb.models.motif_cnn.OwnMotifs`, float32 (motifs, 4, 1, width) and (TFs, motifs); of most entries no
        motif.
    """

    weight: Tensor
    bias: Tensor
    filters: Tensor
    share: Tensor


def load(name: str, trainable: bool = False) -> tuple[nn.Module, Card]:
    """Return the network of a zoo entry (float32, evaluation mode, on the CPU) and its card.

    `forward` takes one-hot windows float32 (batch, 4, length), rows in the order A C G T, and returns logits
    (batch, TFs) in the order of ``card.tasks``, of the strand that it was given. The probabilities of this package are
    the logistic function of the mean of the logits of both strands: `kipoi_tfb.models.both_strands` and `probability`.
    For captum and tangermeme, `kipoi_tfb.models.attributable` makes a module of that mean.

    Entries that differ from one base only in the output layer share the base's tensors: there is one copy of these in
    memory, however many are loaded. Moving a network leaves the others where they are; changing its weights in place
    does not.

    Parameters
    ----------
    name
        Name of the entry (``multi163``, ``tf/JUND``), or the path of its folder.
    trainable
        The network as it was trained, with batch normalisation and gradients, sharing nothing. The default is made to
        predict: batch normalisation is folded into other layers, and no weight asks for a gradient.

    Raises
    ------
    UnknownNameError, EntryError, ChecksumError
        If there is no such entry, it is not valid, or its weights are not those of its card.

    Examples
    --------
    >>> network, card = load("multi50")
    >>> any(weight.requires_grad for weight in network.parameters()), len(card.tasks)
    (False, 50)
    """
    entry = find_entry(name)
    return entry.network().eval() if trainable else load_network(entry), entry.card


def load_network(entry: Entry) -> nn.Module:
    """Return the network in float32 on the CPU, ready to predict (`kipoi_tfb.models.build.for_inference`).

    Entries that differ from one base only in their outputs share its tensors in memory.
    """
    if entry.own_outputs() is None:
        return for_inference(entry.network())
    try:
        return with_outputs(body_of(entry.find_base()), outputs_of(entry))
    except EntryError as error:
        raise EntryError(f"{entry.name}: {error}") from None


def entry_probability(entry: Entry, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what an entry gives codes (windows, length): probabilities float32 (windows, TFs), on the CPU."""
    logits = logits_of([load_network(entry)], codes, torch.device("cpu"))
    return probability(torch.from_numpy(logits)).numpy()


def load_side_by_side(entries: Sequence[Entry]) -> SideBySide:
    """Load entries, those that differ only in their outputs as one network.

    Such are the entries that were fine-tuned from one base by their output layer alone, with motifs of their own or
    without, and the base itself.
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
    """Return what is the same for all entries whose networks differ in their outputs only; None: nothing is."""
    if entry.card.finetuned is None:
        return entry.card.weights.sha256
    return entry.card.finetuned.base_weights_sha256 if entry.own_outputs() is not None else None


def _one_network(entries: Sequence[Entry]) -> nn.Module:
    if len(entries) == 1:
        return load_network(entries[0])
    # An entry in a folder of its own may bring a copy of the base: of the same weights, by their sha256.
    tuned = next((entry for entry in entries if entry.card.finetuned is not None), None)
    base = entries[0] if tuned is None else tuned.find_base()
    return with_outputs(body_of(base), join_outputs([outputs_of(entry) for entry in entries]))


def outputs_of(entry: Entry) -> Outputs:
    """Return what an entry has over its base's layers; of an entry that is none's, over its own.

    Raises
    ------
    EntryError
        If they are not those of the TFs and motifs that its card names.
    """
    own = entry.own_outputs() or entry.state_dict()
    weight, bias = own["head.weight"].float(), own["head.bias"].float()
    none = torch.empty(0, 4, 1, OwnMotifs.WIDTH), torch.empty(len(weight), 0)
    filters, share = (own.get(f"own_motifs.{part}", no) for part, no in zip(("weight", "share"), none, strict=True))
    n_tfs, n_motifs = len(entry.card.tasks), entry.card.sizes.get("own_motifs", 0)
    found = (*weight.shape[:1], *bias.shape, *filters.shape[:1], *share.shape)
    if found != (n_tfs, n_tfs, n_motifs, n_tfs, n_motifs):
        raise EntryError(
            f"{entry.name}: weights do not fit the card, which has {n_tfs} TFs and {n_motifs} motifs: outputs of shape "
            f"{tuple(weight.shape)} and {tuple(bias.shape)}, motifs of {tuple(filters.shape)} and {tuple(share.shape)}"
        )
    return Outputs(weight, bias, filters.float(), share.float())


def join_outputs(parts: Sequence[Outputs]) -> Outputs:
    """Return outputs side by side: each sees its own motifs and no other's. Equal motifs are kept once."""
    filters, place = torch.cat([part.filters for part in parts]).unique(dim=0, return_inverse=True)
    apart = torch.block_diag(*(part.share for part in parts))
    share = apart.new_zeros(len(apart), len(filters)).index_add_(1, place, apart)
    return Outputs(torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts]), filters, share)


def body_of(base: Entry) -> nn.Module:
    """Return the network of a base, ready to predict; it is the same object for all who ask, and not to be changed."""
    return _body(str(base.folder), base.card.weights.sha256)


@lru_cache(maxsize=_BODIES)
def _body(folder: str, weights_sha256: str) -> nn.Module:
    entry = open_entry(Path(folder))
    if entry.card.weights.sha256 != weights_sha256:
        raise EntryError(f"{folder}: was replaced while it was read; try again")
    return for_inference(entry.network())


def with_outputs(body: nn.Module, outputs: Outputs) -> nn.Module:
    """Return a network that shares the memory of another's layers but has outputs of its own.

    Parameters
    ----------
    body
        With an output layer `head`, which is left out.
    outputs
        What stands in its place; motifs for `MotifCNN` alone.

    Raises
    ------
    EntryError
        If the output layer is of another size than the features, or the network takes no motifs or others.
    """
    weight, bias, filters, share = outputs
    before = cast(nn.Linear, body.get_submodule("head"))
    if weight.ndim != 2 or weight.shape[1] != before.in_features or bias.shape != weight.shape[:1]:
        raise EntryError(
            f"an output layer of shape {tuple(weight.shape)} and {tuple(bias.shape)} does not fit a network whose "
            f"last layer takes {before.in_features} features"
        )
    network = sharing_copy(body)
    head = Head(weight.shape[1], len(weight), device="meta")
    head.weight = nn.Parameter(weight, requires_grad=False)
    head.bias = nn.Parameter(bias, requires_grad=False)
    network.set_submodule("head", head.eval())
    if isinstance(network, MotifCNN):
        network.own_motifs = _own_motifs(filters, share) if len(filters) else None
    elif len(filters):
        raise EntryError(f"a {type(network).__name__} takes no motifs of a TF's own")
    return network


def _own_motifs(filters: Tensor, share: Tensor) -> OwnMotifs:
    motifs = OwnMotifs(len(filters), len(share))
    if filters.shape != motifs.weight.shape or share.shape != motifs.share.shape:
        raise EntryError(
            f"motifs of shape {tuple(filters.shape)} and {tuple(share.shape)} are not {tuple(motifs.weight.shape)} and "
            f"{tuple(motifs.share.shape)}"
        )
    motifs.load_state_dict({"weight": filters, "share": share})
    return motifs.requires_grad_(False).eval()


def sharing_copy(network: nn.Module) -> nn.Module:
    """Return a network of the same tensors in memory, which can be moved to another device by itself."""
    memo: dict[int, object] = {}
    for parameter in network.parameters():
        memo[id(parameter)] = nn.Parameter(parameter.detach(), requires_grad=parameter.requires_grad)
    for buffer in network.buffers():
        memo[id(buffer)] = buffer.detach()
    return copy.deepcopy(network, memo)
