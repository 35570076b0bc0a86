"""Bases of the suite: multi-models, each made once and kept by what it is made from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from experiments.paper.figure import BaseSpec
from experiments.paper.world import PaperWorld
from kipoi_tfb.models.build import build_network
from kipoi_tfb.models.tensors import load_state, save_tensors
from kipoi_tfb.training.data import LabelledWindows, TrainingData
from kipoi_tfb.training.trainer import train
from kipoi_tfb.zoo.config import PretrainConfig
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import atomic_folder
from tfb_matrix_data.splits import ACCEPTANCE, HELD_OUT, TEST, VALIDATION, Split, split_randomly

__all__ = ["Base", "BaseCard", "BaseRecipe", "make_base", "open_base"]

_LEAST_REGIONS = 200
_KEPT_FROM = 20_000
"""Regions from which a training leaves checkpoints: a smaller one takes a minute or two, and starts anew."""


@dataclass(frozen=True)
class BaseRecipe:
    """All that decides what a base is, but the matrix."""

    tfs: tuple[str, ...]
    architecture: str
    max_regions: int | None
    chromosomes: bool
    cell_types: tuple[str, ...] | None
    epochs: int
    seed: int
    length: int | None = None

    @classmethod
    def of(cls, spec: BaseSpec, tfs: tuple[str, ...], length: int | None = None) -> BaseRecipe:
        """Return the recipe of a specification, its TFs and the length of windows (None: the regions')."""
        return cls(
            tfs,
            spec.architecture,
            spec.max_regions,
            spec.chromosomes,
            spec.cell_types,
            spec.epochs,
            spec.seed,
            length,
        )

    def key(self, matrix_sha: str) -> str:
        """Return what it is kept by."""
        return hashlib.sha256(json.dumps([asdict(self), matrix_sha], sort_keys=True).encode()).hexdigest()[:16]

    @property
    def config(self) -> PretrainConfig:
        """The paper's protocol, but that training stops when four epochs were no better."""
        return PretrainConfig(
            name="paper-base",
            summary=f"Base of the paper's suite of {len(self.tfs)} TFs.",
            architecture=self.architecture,
            tfs=self.tfs,
            labels="less_sparse",
            resolved="all",
            split="paper",
            strands="both",
            output_bias="default",
            optimiser="adam",
            weight_decay=0,
            learning_rate=0.003,
            schedule="constant",
            epochs=self.epochs,
            patience=4,
            batch_size=100,
            seed=self.seed,
        )


@dataclass(frozen=True)
class BaseCard:
    """What a fine-tune asks of a base's card."""

    name: str
    architecture: str
    tasks: tuple[str, ...]
    window_length: int
    sizes: dict[str, int | float]
    members: None = None


@dataclass(frozen=True)
class Base:
    """A base on disk, in the place of a zoo entry: weights in float32, and the regions that it has seen."""

    name: str
    folder: Path
    card: BaseCard

    @cached_property
    def regions(self) -> NDArray[np.int64]:
        """Regions of the world that nothing fine-tuned from it may use."""
        return np.load(self.folder / "regions.npy")

    def network(self) -> nn.Module:
        """Return the network on the CPU."""
        card = self.card
        network = build_network(card.architecture, len(card.tasks), card.window_length, card.sizes)
        network.load_state_dict(load_state(self.folder / "weights.pt"))
        return network


def open_base(recipe: BaseRecipe, world: PaperWorld, folder: Path) -> Base | None:
    """Return a base that was made before, if it was."""
    place = folder / recipe.key(world.sha)
    if not place.is_dir():
        return None
    card = BaseCard(place.name, recipe.architecture, recipe.tfs, world.codes.shape[1], {})
    return Base(place.name, place, card)


def make_base(recipe: BaseRecipe, world: PaperWorld, folder: Path, device: torch.device, precision: str) -> Base:
    """Train a base and keep it, or return the one that is there.

    Raises
    ------
    ConfigError
        If too few regions are resolved for all of its TFs.
    DivergedError
        If training diverges.
    """
    if (there := open_base(recipe, world, folder)) is not None:
        return there
    place = folder / recipe.key(world.sha)
    split, labels = _choose(recipe, world)

    def windows(index: NDArray[np.int64]) -> LabelledWindows:
        return LabelledWindows(index, np.array(world.codes[index]), np.ascontiguousarray(labels[index]))

    data = TrainingData(list(recipe.tfs), windows(split.train), windows(split.validation), split.test, ())
    checkpoints = None
    if len(split.train) > _KEPT_FROM:
        checkpoints = folder / f"{place.name}-training"
        checkpoints.mkdir(parents=True, exist_ok=True)
    result = train(recipe.config, data, checkpoints, device, precision)
    seen = [split.train, split.validation] + ([] if recipe.chromosomes else [split.test])
    with atomic_folder(place) as temporary:
        state = {name: value.detach().cpu().contiguous() for name, value in result.network.state_dict().items()}
        save_tensors(state, temporary / "weights.pt")
        np.save(temporary / "regions.npy", np.sort(np.concatenate(seen)))
        history = [asdict(record) for record in result.history]
        what = {"recipe": asdict(recipe), "best_epoch": result.best_epoch, "history": history}
        (temporary / "base.json").write_text(json.dumps(what, indent=1) + "\n")
    made = open_base(recipe, world, folder)
    assert made is not None
    return made


def _choose(recipe: BaseRecipe, world: PaperWorld) -> tuple[Split, NDArray[np.int8]]:
    """Return the regions of each use and the labels (regions of the world, TFs)."""
    labels = np.stack([world.labels(tf, "less_sparse", recipe.cell_types) for tf in recipe.tfs], axis=1)
    resolved = (labels >= 0).all(1)
    if recipe.chromosomes:
        resolved &= ~np.isin(world.chromosome, ACCEPTANCE)
    candidates = np.flatnonzero(resolved)
    if len(candidates) < _LEAST_REGIONS:
        raise ConfigError(
            f"{len(candidates)} regions are resolved for all of {', '.join(recipe.tfs)}; too few for a base"
        )
    if recipe.max_regions is not None and len(candidates) > recipe.max_regions:
        draw = np.random.default_rng([recipe.seed, 2]).permutation(candidates)
        candidates = np.sort(draw[: recipe.max_regions])
    if not recipe.chromosomes:
        return split_randomly(candidates, recipe.seed), labels
    on = world.chromosome[candidates]
    parts = (~np.isin(on, HELD_OUT), np.isin(on, VALIDATION), np.isin(on, TEST))
    return Split(*(candidates[part] for part in parts)), labels
