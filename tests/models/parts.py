"""What the tests of networks look at."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def of_type(network: nn.Module, kind: type[nn.Module]) -> list:
    """Return the layers of a kind, in their order."""
    return [module for module in network.modules() if isinstance(module, kind)]


def random_one_hot(n: int = 8, length: int = 200) -> Tensor:
    """Return one-hot windows (n, 4, length) of random sequence."""
    torch.manual_seed(0)
    return nn.functional.one_hot(torch.randint(0, 4, (n, length)), 4).transpose(1, 2).float()
