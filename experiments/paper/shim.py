"""Temporary: what the product's branches will give."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from kipoi_tfb.finetuning.config import FinetuneConfig
from kipoi_tfb.finetuning.start import Start, start_network
from kipoi_tfb.zoo.config import PretrainConfig

_READY = "head" in FinetuneConfig.model_fields


def recipe_of(base: Any, tf: str, arm: str, head: str, seed: int) -> PretrainConfig:
    more = {"head": head} if _READY else {}
    return FinetuneConfig(tf=tf, base=base.name, arm=arm, **more).recipe(base.card, arm, seed)


def start(arm: str, base: Any, tf: str, data: Any, nearest: Any, seed: int, head: str) -> Start:
    labels = data.train.labels
    if "head" in inspect.signature(start_network).parameters:
        return start_network(arm, base, tf, labels, nearest, seed, head=head)
    found = start_network(arm, base, tf, labels, nearest, seed)
    if head == "new":
        torch.manual_seed(seed + 1)
        layer = torch.nn.Linear(found.network.head.in_features, 1)
        found.network.head.load_state_dict(layer.state_dict())
    return found
