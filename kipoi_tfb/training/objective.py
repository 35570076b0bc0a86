"""What training minimises: cross-entropy with resolved labels and with a teacher, of each member of an ensemble."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from kipoi_tfb.models.motif_cnn import MotifCNN

__all__ = ["Objective", "masked_loss", "taught_loss"]


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


def taught_loss(logits: Tensor, taught: Tensor) -> Tensor:
    """Return the mean binary cross-entropy of logits (batch, TFs) against a teacher's probabilities (batch, TFs)."""
    return F.binary_cross_entropy_with_logits(logits.float(), taught.float())


class Objective(nn.Module):
    """A network as a function of a batch to its loss.

    The members of an ensemble learn each by its own loss: by that of their mean they would learn to correct each
    other, and be one network.

    Parameters
    ----------
    network
        Gives logits of windows; an ensemble has `embed` and `member_logits`.
    teacher_weight
        Share of the loss that is against the teacher's probabilities.
    """

    def __init__(self, network: nn.Module, teacher_weight: float = 0.0) -> None:
        super().__init__()
        self.network = network
        self.teacher_weight = teacher_weight

    def forward(self, one_hot: Tensor, labels: Tensor, taught: Tensor | None = None) -> Tensor:
        """Return the loss of windows, averaged over members.

        Parameters
        ----------
        one_hot
            (batch, 4, length).
        labels
            int8 (batch, TFs), see `masked_loss`.
        taught
            (batch, TFs): probabilities that a teacher gives, or None.
        """
        if isinstance(self.network, MotifCNN):
            members = self.network.member_logits(self.network.embed(one_hot))
        else:
            members = [self.network(one_hot)]
        losses = [self._loss(logits, labels, taught) for logits in members]
        return sum(losses, start=one_hot.new_zeros(())) / len(members)

    def _loss(self, logits: Tensor, labels: Tensor, taught: Tensor | None) -> Tensor:
        loss = masked_loss(logits, labels)
        if taught is None:
            return loss
        return (1 - self.teacher_weight) * loss + self.teacher_weight * taught_loss(logits, taught)
