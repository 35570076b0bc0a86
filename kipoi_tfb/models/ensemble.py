"""Networks side by side under one output layer, whose logits are the mean of theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from kipoi_tfb.models.changes import ChangedWindows
from kipoi_tfb.models.head import Head
from kipoi_tfb.models.motif_cnn import MotifCNN

__all__ = ["Ensemble", "join"]


class Ensemble(nn.Module):
    """The mean of the logits of several motif networks.

    What the last layers of the members see stands side by side, and one layer `head` reads it, so that an ensemble is a
    body under a head like any network.

    Parameters
    ----------
    parts
        Members; their own output layers are taken away.
    n_outputs
        Number of TFs.

    Notes
    -----
    Source of the method: Lakshminarayanan et al. 2017, doi:10.48550/arXiv.1612.01474; logits are averaged here, not
    probabilities, as they are over strands.
    """

    def __init__(self, parts: Sequence[MotifCNN], n_outputs: int) -> None:
        super().__init__()
        width = sum(part.head.in_features for part in parts)
        for part in parts:
            part.set_submodule("head", nn.Identity())
        self.parts = nn.ModuleList(parts)
        self.head = Head(width, n_outputs)

    def forward(self, one_hot: Tensor) -> Tensor:
        """Return logits (batch, TFs) for one-hot windows (batch, 4, length)."""
        return self._head(self.embed(one_hot))

    def embed(self, one_hot: Tensor) -> Tensor:
        """Return what the head sees, (batch, features), of one-hot windows (batch, 4, length)."""
        return torch.cat([part(one_hot) for part in self.parts], dim=1)

    def both_strands(self, one_hot: Tensor) -> Tensor:
        """Return the logits of the windows and, below them, of their reverse complements: (2 x batch, TFs)."""
        return self._head(torch.cat([part.both_strands(one_hot) for part in self._members()], dim=1))

    def change_logits(self, windows: ChangedWindows) -> list[Tensor]:
        """Return the logits of windows, then of each of their changes: of images and, below, of their reverses."""
        seen = [part.change_logits(windows) for part in self._members()]
        return [self._head(torch.cat(features, dim=1)) for features in zip(*seen, strict=True)]

    def fold(self) -> None:
        """Fold batch normalisation into the layer before it, where there is one; for inference only."""
        self.eval()
        for part in self._members():
            part.fold()

    def _members(self) -> list[MotifCNN]:
        return list(self.parts)  # type: ignore[arg-type]

    def _head(self, features: Tensor) -> Tensor:
        if self.training:
            return self.head(features)
        # As the members' own heads: float32 under bfloat16 too.
        with torch.autocast(features.device.type, enabled=False):
            return self.head(features.float())


def join(ensemble: Ensemble, states: Sequence[Mapping[str, Tensor]]) -> None:
    """Give an ensemble the weights of its members, the output layer the mean of theirs.

    Parameters
    ----------
    ensemble
        Of networks of the members' sizes.
    states
        The state_dict of each member, whose outputs are those of the ensemble.
    """
    n = len(states)
    state = {
        f"parts.{i}.{name}": value
        for i, own in enumerate(states)
        for name, value in own.items()
        if not name.startswith("head.")
    }
    state["head.weight"] = torch.cat([own["head.weight"] for own in states], dim=1) / n
    state["head.bias"] = torch.stack([own["head.bias"] for own in states]).mean(0)
    ensemble.load_state_dict(state)
