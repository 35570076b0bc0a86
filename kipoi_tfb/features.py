"""What frozen layers make of windows, computed once: where only the output layer learns, it needs no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kipoi_tfb.datasets import LabelledWindows
from kipoi_tfb.scores import as_tensor, to_one_hot

__all__ = ["FeatureHead", "LabelledFeatures", "labelled_features"]

_BATCH = 256


@dataclass(frozen=True)
class LabelledFeatures:
    """Features with their labels; takes the place of `kipoi_tfb.datasets.LabelledWindows` in training.

    Attributes
    ----------
    region
        int64 (windows,): index of each.
    features
        float32 (windows, 2, features): of the window, and of its reverse complement.
    labels
        int8 (windows, TFs): 1 bound, 0 unbound, -1 unresolved.
    """

    region: NDArray[np.int64]
    features: NDArray[np.float32]
    labels: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.region)

    def inputs(
        self, samples: NDArray[np.int64], flip: NDArray[np.bool_], shifts: NDArray[np.int64], device: torch.device
    ) -> Tensor:
        """Return the features (batch, features) of samples, of the reverse complement where `flip` says so."""
        return torch.from_numpy(self.features[samples, flip.astype(np.int64)]).to(device)

    def part(self, part: slice, device: torch.device) -> Tensor:
        """Return the features (batch, 2, features) of consecutive windows."""
        return as_tensor(self.features[part], device)


class FeatureHead(nn.Module):
    """The output layer of a network as a network of its own, on features; the layer is shared with it.

    Parameters
    ----------
    network
        With a linear layer `head`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.head = network.get_submodule("head")

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, TFs) of features (batch, features)."""
        return self.head(features)

    def both_strands(self, features: Tensor) -> Tensor:
        """Return the logits of windows, then of their reverse complements, of features (batch, 2, features)."""
        return self.head(torch.cat([features[:, 0], features[:, 1]]))


@torch.inference_mode()
def labelled_features(network: nn.Module, windows: LabelledWindows, device: torch.device) -> LabelledFeatures:
    """Return what the output layer of a network sees of windows, on both strands, without dropout.

    Parameters
    ----------
    network
        With `embed`; it is left in evaluation mode, on the device.
    windows
        With labels.
    device
        Where to compute.
    """
    network = network.to(device).eval()
    embed = cast(Callable[[Tensor], Tensor], network.embed)
    parts = []
    for start in range(0, len(windows), _BATCH):
        one_hot = to_one_hot(as_tensor(windows.codes[start : start + _BATCH], device))
        both = [embed(strand).float().cpu() for strand in (one_hot, one_hot.flip((1, 2)))]
        parts.append(torch.stack(both, dim=1).numpy())
    return LabelledFeatures(windows.region, np.concatenate(parts), windows.labels)
