"""Zoo entries as the torch modules that Kipoi loads by name from a ``model.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kipoi_tfb.models.logits import both_strands, effect, probability
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.networks import load_network

__all__ = ["RegionModel", "VariantModel"]


class _EntryModel(nn.Module):
    """The network of an entry, whose weights have been checked.

    Parameters
    ----------
    card
        Path of the entry's ``card.yaml``; relative to the model's folder when Kipoi loads it.
    """

    def __init__(self, card: str = "card.yaml") -> None:
        super().__init__()
        entry = open_entry(Path(card).parent)
        self.tasks = entry.card.tasks
        self.network = load_network(entry)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> None:
        """Do nothing: Kipoi hands over the weights once more, without having checked their sha256."""

    def _logits(self, one_hot: Tensor) -> Tensor:
        # Kipoi never disables autograd by itself.
        with torch.set_grad_enabled(one_hot.requires_grad):
            return both_strands(self.network, one_hot.float())


class RegionModel(_EntryModel):
    """Binding probability per TF of one-hot windows, both strands averaged."""

    def forward(self, one_hot: Tensor) -> dict[str, Tensor]:
        """Return {TF: probabilities (batch,)} of one-hot windows (batch, 4, length); NaN where no base is known."""
        return dict(zip(self.tasks, probability(self._logits(one_hot)).unbind(1), strict=True))


class VariantModel(_EntryModel):
    """Probabilities with REF and ALT and the effect of the allele, per TF; both strands averaged."""

    def forward(self, ref: Tensor, alt: Tensor) -> dict[str, Tensor]:
        """Return {TF_ref, TF_alt, TF_effect: values (batch,)}; NaN where an allele was not placed on the genome."""
        logits_ref, logits_alt = self._logits(torch.cat([ref, alt])).chunk(2)
        values = (probability(logits_ref), probability(logits_alt), effect(logits_ref, logits_alt))
        return {
            f"{tf}_{what}": column
            for what, value in zip(("ref", "alt", "effect"), values, strict=True)
            for tf, column in zip(self.tasks, value.unbind(1), strict=True)
        }
