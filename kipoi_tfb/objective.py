"""What training minimises: the masked loss of a network's logits, and of outputs that only training has."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Objective", "masked_loss", "tf_weights"]


def masked_loss(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the mean binary cross-entropy over the resolved labels (not -1); 0 where none is resolved.

    Parameters
    ----------
    logits
        float (batch, TFs).
    labels
        int8 (batch, TFs): 1, 0, or -1 for unresolved.
    weights
        float (TFs,): weight of each TF's labels; default 1.
    """
    resolved = (labels >= 0).float()
    targets = labels.clamp(min=0).float()
    weight = resolved if weights is None else resolved * weights
    total = F.binary_cross_entropy_with_logits(logits.float(), targets, weight=weight, reduction="sum")
    return total / resolved.sum().clamp(min=1)


def tf_weights(labels: NDArray[np.int8], power: float) -> Tensor | None:
    """Return the weight of each TF's labels, float (TFs,), with a mean of 1 over the resolved labels; None for power 0.

    Parameters
    ----------
    labels
        int8 (windows, TFs) of the training windows.
    power
        A TF weighs (median bound windows / its bound windows) to this power, between 1/5 and 8.
    """
    if not power:
        return None
    bound, resolved = (labels == 1).sum(0), (labels >= 0).sum(0)
    weights = (np.median(bound) / np.maximum(bound, 1)) ** power
    weights = np.clip(weights, 0.2, 8)
    return torch.from_numpy(weights * resolved.sum() / (weights * resolved).sum()).float()


class Objective(nn.Module):
    """A network and, for training alone, outputs that say whether there is any evidence of binding.

    Parameters
    ----------
    network
        With `embed` and a linear `head`.
    evidence_weight
        Weight of the second loss; 0 for none.
    weights
        See `tf_weights`.
    """

    weights: Tensor | None

    def __init__(self, network: nn.Module, evidence_weight: float = 0.0, weights: Tensor | None = None) -> None:
        super().__init__()
        self.network = network
        self.evidence_weight = evidence_weight
        self.register_buffer("weights", weights, persistent=False)
        if evidence_weight:
            head = network.get_submodule("head")
            self.evidence = nn.Linear(head.in_features, head.out_features)  # type: ignore[arg-type]

    def forward(self, one_hot: Tensor, labels: Tensor, evidence: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return (what to minimise, the loss of the network's own outputs) of a batch."""
        embedded = self.network.embed(one_hot)  # type: ignore[operator]
        loss = masked_loss(self.network.head(embedded), labels, self.weights)  # type: ignore[operator]
        if not self.evidence_weight or evidence is None:
            return loss, loss.detach()
        second = masked_loss(self.evidence(embedded), evidence, self.weights)
        return loss + self.evidence_weight * second, loss.detach()
