"""The layer of outputs, whose numbers of a window do not depend on where in a batch it stands."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Head"]

_NARROW, _WIDE_ENOUGH = (2, 3), 4
"""Numbers of outputs for which MKL, on a processor without AVX2, computes last bits by a row's place; the first not."""
_BY = 4
"""Of features whose number is no multiple of this, MKL on an AMD EPYC computes last bits by a row's place where there
are two to ten outputs (seen with 10, 22, 26 and 542 features, not with 20, 28 and 832)."""


class Head(nn.Linear):
    """A linear layer; in evaluation few outputs are computed among empty ones, and odd features beside zeros.

    MKL's product with a matrix of two or three columns takes, by SSE4.2 alone, another kernel for the rows at the end
    of a batch: the last bits of a window's logits then depend on its place (seen with batches of 16, 32, 64 and 96;
    1, 4, 5, 6 and more outputs do not).
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, outputs) of features (batch, features)."""
        lacking = _WIDE_ENOUGH - self.out_features if self.out_features in _NARROW else 0
        odd = -self.in_features % _BY
        if self.training or not (lacking or odd):
            return super().forward(features)
        features = F.pad(features, (0, odd)) if odd else features
        wide = F.linear(features, F.pad(self.weight, (0, odd, 0, lacking)), F.pad(self.bias, (0, lacking)))
        return wide[:, : self.out_features]
