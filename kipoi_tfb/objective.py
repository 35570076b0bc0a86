"""What training minimises: cross-entropy where labels are resolved, of each member of an ensemble."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from kipoi_tfb.motif_cnn import MotifCNN

__all__ = ["Objective", "masked_loss"]


def masked_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean binary cross-entropy over the resolved labels (not -1); 0 where none is resolved.

    Parameters
    ----------
    logits
        float (batch, TFs).
    labels
        int8 (batch, TFs): 1, 0, or -1 for unresolved.
    """
    resolved = (labels >= 0).float()
    targets = labels.clamp(min=0).float()
    total = F.binary_cross_entropy_with_logits(logits.float(), targets, weight=resolved, reduction="sum")
    return total / resolved.sum().clamp(min=1)


class Objective(nn.Module):
    """A network as a function of a batch to its loss.

    The members of an ensemble learn each by its own loss: by that of their mean they would learn to correct each
    other, and be one network.

    Parameters
    ----------
    network
        Gives logits of windows; an ensemble has `embed` and `member_logits`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, one_hot: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of one-hot windows (batch, 4, length) with labels (batch, TFs), averaged over members."""
        if isinstance(self.network, MotifCNN):
            members = self.network.member_logits(self.network.embed(one_hot))
        else:
            members = [self.network(one_hot)]
        return sum((masked_loss(logits, labels) for logits in members), start=one_hot.new_zeros(())) / len(members)
