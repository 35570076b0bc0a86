"""The filters of a network's first layer at work: where they match a window, and what the network says without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kipoi_tfb.models.changes import images
from kipoi_tfb.models.ensemble import Ensemble
from kipoi_tfb.models.logits import average, strand_logits
from kipoi_tfb.models.motif_cnn import MotifCNN
from tfb_matrix_data.errors import ConfigError

__all__ = ["FirstLayer", "first_layer"]


class FirstLayer:
    """The first layer of a network of layers, up to its first ReLU: of `PaperCNN` and `DanQ`.

    Parameters
    ----------
    network
        As it was trained, in evaluation mode (`kipoi_tfb.zoo.entry.Entry.network`).

    Attributes
    ----------
    width
        Bases that a filter reads.
    margin
        Bases before a window's first at which a filter may begin to match.
    """

    margin = 0

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        layers = list(cast(nn.Sequential, network.get_submodule("features")))
        self._relu = next(layer for layer in layers if isinstance(layer, nn.ReLU))
        upto = layers[: layers.index(self._relu)]
        self._read = nn.Sequential(*(layer for layer in upto if not isinstance(layer, nn.MaxPool1d)))
        self.n_filters, _, self.width = cast(nn.Conv1d, layers[0]).weight.shape

    def activations(self, one_hot: Tensor) -> Tensor:
        """Return how well each filter matches at each place of windows (batch, 4, length), as the next layer sees it.

        Float (batch, filters, places), 0 where it sees no match. The reverse complement's are those of the flipped
        window.
        """
        return F.relu(self._read(one_hot))

    def without_each(self, one_hot: Tensor) -> Iterator[Tensor]:
        """Yield the strand-averaged logits (batch, TFs) of windows, then those with each filter in turn silenced.

        A silenced filter matches nowhere: what the next layer sees of it is 0.
        """
        silent: int | None = None

        def silence(layer: nn.Module, given: tuple[Tensor, ...], found: Tensor) -> Tensor | None:
            if silent is None:
                return None
            found = found.clone()
            found[:, silent] = 0
            return found

        hook = self._relu.register_forward_hook(silence)
        try:
            for number in (None, *range(self.n_filters)):
                silent = number
                yield average(strand_logits(self.network, one_hot))
        finally:
            hook.remove()


class _OfMotifs(FirstLayer):
    """The scan of `MotifCNN`. Motifs of an output's own (`OwnMotifs`) stand beside it and are none of its filters.

    The trunk sees matches above 0, the outputs the best match in the window whatever it is: silenced, a filter has
    nothing for the trunk, and in place of its best match the mean of the windows that are given together.
    """

    def __init__(self, network: MotifCNN) -> None:
        self.network: MotifCNN = network
        self.n_filters, _, _, self.width = network.scan_weight.shape
        self.margin = self.width // 2

    def activations(self, one_hot: Tensor) -> Tensor:
        network = self.network
        matches = F.conv2d(images(one_hot), network.scan_weight, padding=(0, self.margin))
        return F.relu(network.scan_norm(matches))[:, :, 0]

    def without_each(self, one_hot: Tensor) -> Iterator[Tensor]:
        network = self.network
        scanned = network._scan(one_hot)
        best = scanned.amax((2, 3))
        strands = torch.cat([scanned, scanned.flip(3)])
        own = 0 if network.own_motifs is None else network.own_motifs(one_hot)
        mean = best.mean(0)
        for number in (None, *range(self.n_filters)):
            seen, matches = strands, best
            if number is not None:
                seen, matches = strands.clone(), best.clone()
                seen[:, number], matches[:, number] = 0, mean[number]
            both = matches.repeat(2, 1)
            features = torch.cat([trunk(seen, both) for trunk in network.trunks], dim=1) / len(network.trunks)
            yield average(torch.stack(network.head(features).chunk(2), 1)) + own


def first_layer(network: nn.Module) -> FirstLayer:
    """Return the first layer of a network, as it was trained.

    Raises
    ------
    ConfigError
        If it is an ensemble, or of an architecture that has none of this kind, or its batch normalisation is folded
        away.
    """
    if isinstance(network, MotifCNN):
        return _OfMotifs(network)
    if isinstance(network, Ensemble):
        raise ConfigError("an Ensemble has no first layer of its own: take one of the entries that it is the mean of")
    features = getattr(network, "features", None)
    if not isinstance(features, nn.Sequential) or not isinstance(features[0], nn.Conv1d):
        raise ConfigError(
            f"{type(network).__name__} has no first layer of filters as it was trained; take `Entry.network()`, of "
            "architecture paper-cnn, danq or motif-cnn"
        )
    return FirstLayer(network)
