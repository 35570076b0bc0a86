"""How weights move: the optimiser, the learning rate of each step, and what does not move."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from kipoi_tfb.zoo.config import PretrainConfig

__all__ = ["keep_frozen", "learning_rate", "make_optimiser"]


def learning_rate(config: PretrainConfig, step: int, total: int) -> float:
    """Return the rate of a step of so many: constant, or up for 30 % of the steps and down again along a cosine."""
    peak = config.learning_rate
    if config.schedule == "constant":
        return peak
    position = step / max(1, total - 1)
    if position < 0.3:
        return peak * (0.04 + 0.96 * (1 - math.cos(math.pi * position / 0.3)) / 2)
    return peak * (1 + math.cos(math.pi * (position - 0.3) / 0.7)) / 2 + 1e-6


def keep_frozen(network: nn.Module) -> None:
    """Let batch normalisation that does not learn use, and keep, its running averages."""
    for module in network.modules():
        if isinstance(module, _BatchNorm) and not any(p.requires_grad for p in module.parameters(recurse=False)):
            module.eval()


def make_optimiser(config: PretrainConfig, objective: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """Return the optimiser of the parameters that learn; only matrices decay."""
    adam = torch.optim.AdamW if config.optimiser == "adamw" else torch.optim.Adam
    # Decay pulls weights together; on biases and normalisation it would only fight what they are there for.
    learning = [parameter for parameter in objective.parameters() if parameter.requires_grad]
    vectors = [parameter for parameter in learning if parameter.ndim < 2]
    others = [parameter for parameter in learning if parameter.ndim >= 2]
    decay = config.weight_decay if config.optimiser == "adamw" else 0.0
    groups = [{"params": others, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    return adam(groups, lr=config.learning_rate, fused=device.type in {"cpu", "cuda"})
