"""From windows to scores: the one place where a network's logits become probabilities and effects."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor, nn

__all__ = [
    "BOUND",
    "NOTABLE",
    "as_tensor",
    "average",
    "both_strands",
    "difference",
    "disagreement",
    "effect",
    "impact",
    "is_bound",
    "probability",
    "strand_logits",
    "to_one_hot",
]

BOUND = 0.1
"""A TF that neither allele binds with so much probability is not named as gained or lost."""

NOTABLE = 0.5
"""Impact from which a TF is counted as gained or lost; a random variant in an open region has it for a TF in one of ten
cases (`benchmarks.truth.cuts`)."""

_LESS_ODDS = 1.0


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


def strand_logits(network: nn.Module, one_hot: Tensor) -> Tensor:
    """Return logits (batch, 2, TFs) of the window and of its reverse complement; NaN where no base is known.

    With the rows in the order A C G T, the reverse complement is the window flipped along both axes.
    """
    if isinstance(network, ReadsBothStrands):
        logits = network.both_strands(one_hot).float()
    else:
        logits = network(torch.cat([one_hot, one_hot.flip((1, 2))])).float()
    unknown = ~one_hot.flatten(1).any(1)
    # Not `chunk(2)`, which `torch.export` takes for a batch of one size.
    return logits.unflatten(0, (2, -1)).transpose(0, 1).masked_fill(unknown[:, None, None], torch.nan)


def average(strands: Tensor) -> Tensor:
    """Return logits (batch, TFs) averaged over the two strands of `strand_logits`."""
    forward, reverse = strands.unbind(1)
    return (forward + reverse) / 2


def both_strands(network: nn.Module, one_hot: Tensor) -> Tensor:
    """Return logits (batch, TFs) averaged over the two strands; NaN for a window without a single known base."""
    return average(strand_logits(network, one_hot))


def probability(logits: Tensor) -> Tensor:
    """Return the probability of binding, between 0 and 1: the logistic function of the strand-averaged logit."""
    if logits.device.type == "cpu" and not logits.requires_grad and not torch.compiler.is_compiling():
        # torch rounds what is left over behind the last full vector in another way: bytes would depend on neighbours.
        return torch.as_tensor(expit(logits.numpy()))
    return torch.sigmoid(logits)


def effect(logits_ref: Tensor, logits_alt: Tensor) -> Tensor:
    """Return the effect of an allele: the log-odds of binding with ALT minus with REF (natural logarithm).

    Positive: the ALT allele strengthens binding; negative: it weakens it.
    """
    return logits_alt - logits_ref


def impact(logits_ref: Tensor, logits_alt: Tensor) -> Tensor:
    """Return how large an effect is, signed as `effect`: the effect times how well the better-bound allele is bound.

    The change of log-odds alone is largest for TFs that bind neither allele. The weight is P / (P + e (1 - P)), P being
    the larger of the two probabilities: the probability at odds that are divided by e, 0.04 at P = 0.1, 0.27 at 0.5 and
    0.77 at 0.9. Of 45 ways to say the size, it is best at telling allele-specific binding and the TF that was assayed
    (`benchmarks.truth.choose_size`).
    """
    return effect(logits_ref, logits_alt) * probability(torch.maximum(logits_ref, logits_alt) - _LESS_ODDS)


def is_bound(logits_ref: Tensor, logits_alt: Tensor) -> Tensor:
    """Return which TFs bind an allele with a probability of at least `BOUND`."""
    return torch.maximum(logits_ref, logits_alt) >= math.log(BOUND / (1 - BOUND))


def difference(logits_ref: Tensor, logits_alt: Tensor) -> Tensor:
    """Return the probability of binding with ALT minus with REF; its sign is that of `effect`."""
    return probability(logits_alt) - probability(logits_ref)


def disagreement(strands_ref: Tensor, strands_alt: Tensor) -> Tensor:
    """Return by how much the effects (batch, TFs) of the two strands differ, >= 0; from `strand_logits` of the alleles.

    A protein binds double-stranded DNA: what the strands do not agree on is the network's error, in units of `effect`.
    """
    forward, reverse = effect(strands_ref, strands_alt).unbind(1)
    return (forward - reverse).abs()


def as_tensor(codes: NDArray, device: torch.device | str = "cpu") -> Tensor:
    """Return codes as a tensor on a device, copied where the array is read-only (a memory map)."""
    tensor = torch.from_numpy(codes if codes.flags.writeable else codes.copy())
    if torch.device(device).type == "cuda":
        tensor = tensor.pin_memory()  # else the copy waits for what the GPU is at
    return tensor.to(device, non_blocking=True)
