"""What the steps of a fine-tune share: what it is about, and what training gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kipoi_tfb.finetuning.config import FinetuneConfig
from kipoi_tfb.finetuning.data import FinetuneData
from kipoi_tfb.finetuning.features import FeatureBank, window_features
from kipoi_tfb.finetuning.first_filters import denovo_motifs
from kipoi_tfb.finetuning.nearest import Nearest, nearest_output
from kipoi_tfb.motifs.profiles import Motif
from kipoi_tfb.training.trainer import EpochRecord
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.finetuned_card import HeadCard
from kipoi_tfb.zoo.networks import outputs_of
from tfb_matrix_data.matrix import BindingMatrix

__all__ = ["Trained", "Work"]


@dataclass(frozen=True)
class Work:
    """What all steps of a fine-tune need."""

    config: FinetuneConfig
    base: Entry
    data: FinetuneData
    folder: Path
    device: torch.device
    precision: str
    command: str
    date: str
    matrix: BindingMatrix | None
    replicates: int
    bank: FeatureBank | None

    def features(self, region: NDArray[np.int64], codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what the base's output layer sees of windows, float32 (windows, features)."""
        if self.bank is not None:
            return self.bank.of(region)
        return window_features(self.base, codes, self.device)

    @cached_property
    def denovo(self) -> list[Motif]:
        """Motifs found in the training windows, the same for all networks."""
        return denovo_motifs(self.config.tf, self.data.training.train, self.config.seed)

    def nearest(self) -> Nearest:
        """Return the base's output that is nearest to the TF."""
        weight, bias = (value.numpy() for value in outputs_of(self.base)[:2])
        train_windows, tf, device = self.data.training.train, self.config.tf, str(self.device)
        if self.bank is None:
            return nearest_output(self.base, tf, train_windows, device)
        bank = self.bank
        return nearest_output(
            self.base, tf, train_windows, device, lambda windows: bank.of(windows.region) @ weight.T + bias
        )


@dataclass(frozen=True)
class Trained:
    """The networks of all seeds of an arm.

    Attributes
    ----------
    network, seed, best_epoch
        The best by validation; of a fitted output layer, the mean.
    seeds, losses
        All seeds, and the lowest validation loss of each.
    head_from
        See `kipoi_tfb.zoo.card.FinetunedCard`.
    head
        How an output layer was fitted.
    histories
        {seed: its epochs}, where networks were trained.
    rate
        The learning rate of all seeds.
    swept
        {learning rate: validation loss} of those that were tried first; None: the training diverged.
    sizes
        Of the network, other than its base's.
    filters
        See `kipoi_tfb.finetuning.start.Start`.
    """

    network: nn.Module
    seed: int
    best_epoch: int
    seeds: tuple[int, ...]
    losses: tuple[float, ...]
    head_from: str | None
    head: HeadCard | None = None
    histories: Mapping[int, Sequence[EpochRecord]] = field(default_factory=dict)
    rate: float | None = None
    swept: Mapping[float, float | None] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    filters: tuple[str, ...] | None = None
