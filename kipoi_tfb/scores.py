"""From windows to scores: the one place where a network's logits become probabilities and effects."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["as_tensor", "both_strands", "effect", "probability", "to_one_hot"]


@runtime_checkable
class ReadsBothStrands(Protocol):
    """A network that shares work between the strands."""

    def both_strands(self, one_hot: Tensor) -> Tensor:
        """Return logits (2 x batch, TFs): of the windows, then of their reverse complements."""


def to_one_hot(codes: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return one-hot windows (batch, 4, length) of uint8 codes (batch, length), on the codes' device; N is zero.

    The device-side twin of `tfb_matrix_data.sequence.one_hot`, to which it is equal by test.
    """
    bases = torch.arange(4, dtype=torch.uint8, device=codes.device)
    return (codes[:, None, :] == bases[:, None]).to(dtype)


def both_strands(network: nn.Module, one_hot: Tensor) -> Tensor:
    """Return logits (batch, TFs) averaged over the two strands; NaN for a window without a single known base.

    With the rows in the order A C G T, the reverse complement is the window flipped along both axes.
    """
    if isinstance(network, ReadsBothStrands):
        logits = network.both_strands(one_hot).float()
    else:
        logits = network(torch.cat([one_hot, one_hot.flip((1, 2))])).float()
    forward, reverse = logits.chunk(2)
    unknown = ~one_hot.flatten(1).any(1)
    return ((forward + reverse) / 2).masked_fill(unknown[:, None], torch.nan)


def probability(logits: Tensor) -> Tensor:
    """Return the probability of binding, between 0 and 1: the logistic function of the strand-averaged logit."""
    return torch.sigmoid(logits)


def effect(logits_ref: Tensor, logits_alt: Tensor) -> Tensor:
    """Return the effect of an allele: the log-odds of binding with ALT minus with REF (natural logarithm).

    Positive: the ALT allele strengthens binding; negative: it weakens it.
    """
    return logits_alt - logits_ref


def as_tensor(codes: NDArray, device: torch.device | str = "cpu") -> Tensor:
    """Return codes as a tensor on a device, copied where the array is read-only (a memory map)."""
    return torch.from_numpy(codes if codes.flags.writeable else codes.copy()).to(device, non_blocking=True)
