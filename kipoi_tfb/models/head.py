"""The layer of outputs, whose numbers of a window do not depend on where in a batch it stands."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Head"]

_NARROW, _WIDE_ENOUGH = (2, 3), 4
"""Numbers of outputs for which MKL, on a processor without AVX2, computes last bits by a row's place; the first not."""
_ALIGNED = 4
"""Features of which rows begin at 16 bytes: of others, MKL on AMD's AVX-512 computes last bits by a row's place."""


class Head(nn.Linear):
    """A linear layer; in evaluation, few outputs are computed among empty ones, and odd features beside empty ones.

    MKL's product with a matrix of two or three columns takes, by SSE4.2 alone, another kernel for the rows at the end
    of a batch: the last bits of a window's logits then depend on its place (seen with batches of 16, 32, 64 and 96;
    1, 4, 5, 6 and more outputs do not). On an AMD EPYC with AVX-512 they do for two to ten outputs wherever the number
    of features is no multiple of four (DanQ's 925; every width from 5 to 39 was tried).
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, outputs) of features (batch, features)."""
        odd = -self.in_features % _ALIGNED
        lacking = _WIDE_ENOUGH - self.out_features if self.out_features in _NARROW else 0
        if self.training or not (odd or lacking):
            return super().forward(features)
        weight, bias = F.pad(self.weight, (0, odd, 0, lacking)), F.pad(self.bias, (0, lacking))
        wide = F.linear(F.pad(features, (0, odd)) if odd else features, weight, bias)
        return wide[:, : self.out_features]
