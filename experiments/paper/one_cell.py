"""Run one cell: draw its regions, train or scan, test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from torch import nn

from experiments.paper.arms import ARMS, PaperArm
from experiments.paper.bases import Base
from experiments.paper.cell import Cell
from experiments.paper.world import PaperWorld
from kipoi_tfb.finetuning.config import FinetuneConfig
from kipoi_tfb.finetuning.first_filters import denovo_motifs
from kipoi_tfb.finetuning.nearest import Nearest, nearest_output
from kipoi_tfb.finetuning.start import start_network
from kipoi_tfb.models.run import logits_of
from kipoi_tfb.motifs.scorer import jaspar_scorer, score_motifs
from kipoi_tfb.training.data import LabelledWindows, TrainingData
from kipoi_tfb.training.trainer import train
from kipoi_tfb.zoo.card import Card
from kipoi_tfb.zoo.entry import Entry
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sampling import Sample, balanced_sample, seed_of
from tfb_matrix_data.splits import ACCEPTANCE, HELD_OUT, TEST, VALIDATION, Split, split_randomly

__all__ = ["Measured", "draw", "fine_tuned", "run_cell"]

_VALIDATING, _LEAST_VALIDATING = 10, 5
"""One bound region of so many validates, and at least so many do."""


@dataclass(frozen=True)
class Measured:
    """What a cell gives: windows to train and validate with, windows tested on, and the area."""

    n_train: int
    n_test: int
    auprc: float


@dataclass(frozen=True)
class Drawn:
    """Regions of the world of each use."""

    train: Sample
    validation: Sample
    test: Sample


def run_cell(cell: Cell, world: PaperWorld, base: Base | None, device: torch.device, precision: str) -> Measured:
    """Return what a cell measures.

    Raises
    ------
    ConfigError
        If there are too few regions; the message says how many.
    DivergedError
        If training diverges.
    """
    labels = world.labels(cell.tf, "sparse", cell.cell_types)
    drawn = draw(cell, world, labels, None if base is None else base.regions)
    tested = drawn.test.regions
    codes, truth = np.array(world.codes[tested]), drawn.test.labels
    train_windows, validation = (_windows(world, part) for part in (drawn.train, drawn.validation))
    arm, seed = ARMS[cell.arm], _seed(cell)
    if arm.how == "motif":
        scores = _motif_scores(cell, train_windows, codes, seed)
    else:
        assert base is not None
        if arm.how == "base":
            if cell.tf not in base.card.tasks:
                raise ConfigError(f"the base has no output of {cell.tf}")
            network, row = base.network(), base.card.tasks.index(cell.tf)
        else:
            data = TrainingData([cell.tf], train_windows, validation, tested, ())
            network, row = _trained(cell, arm, base, data, seed, device, precision), 0
        scores = _forward_logits(network, codes, device, precision)[:, row]
    n_train = len(drawn.train) + len(drawn.validation)
    return Measured(n_train, len(tested), float(average_precision_score(truth, scores)))


def fine_tuned(
    cell: Cell, world: PaperWorld, base: Base | Entry, seen: NDArray[np.int64], device: torch.device, precision: str
) -> nn.Module:
    """Return the network of a cell that is trained, from a base that has seen some regions of the world."""
    drawn = draw(cell, world, world.labels(cell.tf, "sparse", cell.cell_types), seen)
    train_windows, validation = (_windows(world, part) for part in (drawn.train, drawn.validation))
    data = TrainingData([cell.tf], train_windows, validation, drawn.test.regions, ())
    return _trained(cell, ARMS[cell.arm], base, data, _seed(cell), device, precision).eval()


def draw(cell: Cell, world: PaperWorld, labels: NDArray[np.int8], seen: NDArray[np.int64] | None) -> Drawn:
    """Draw the regions of a cell: bound ones, and as many unbound ones of the same GC content.

    Parameters
    ----------
    labels
        int8 (regions of the world,) of its TF.
    seen
        Regions that its base has seen, which have no use.

    Raises
    ------
    ConfigError
        If there are too few.
    """
    split = _split(cell, world, np.flatnonzero(labels >= 0), seen)
    bound = {use: int((labels[getattr(split, use)] == 1).sum()) for use in ("train", "validation", "test")}
    total = sum(bound.values())
    if total < cell.least:
        raise ConfigError(f"{total} bound regions that the base has not seen; {cell.least} are the fewest taken")
    n_validating = max(_LEAST_VALIDATING, cell.n // _VALIDATING)
    wanted = {"train": cell.n - cell.n // _VALIDATING, "validation": n_validating, "test": cell.tested}
    if cell.exact and bound["train"] < wanted["train"]:
        raise ConfigError(f"{bound['train']} bound regions to train with, {wanted['train']} asked for")
    if not cell.n:
        wanted["train"], wanted["validation"] = bound["train"], bound["validation"]
    own_seed = seed_of(_seed(cell), world.matrix.tfs.index(cell.tf))
    parts = {}
    for use, n in wanted.items():
        regions = getattr(split, use)
        limit = n if n < bound[use] else None
        parts[use] = balanced_sample(labels[regions], world.gc[regions], own_seed, limit, regions)
        if not len(parts[use].bound) or not len(parts[use].unbound):
            counts = f"{len(parts[use].bound)} bound and {len(parts[use].unbound)} unbound"
            raise ConfigError(f"{counts} regions of use {use}; at least one of each is needed")
    return Drawn(**parts)


def _seed(cell: Cell) -> int:
    return int(cell.split) if cell.split.isdigit() else 0


def _split(cell: Cell, world: PaperWorld, candidates: NDArray[np.int64], seen: NDArray[np.int64] | None) -> Split:
    if cell.split.isdigit():
        return split_randomly(candidates, int(cell.split), seen)
    if seen is not None:
        candidates = candidates[~np.isin(candidates, seen)]
    on = world.chromosome[candidates]
    parts = (~np.isin(on, (*HELD_OUT, *ACCEPTANCE)), np.isin(on, VALIDATION), np.isin(on, TEST))
    return Split(*(candidates[part] for part in parts))


def _windows(world: PaperWorld, sample: Sample) -> LabelledWindows:
    order = np.argsort(sample.regions)
    regions = sample.regions[order]
    return LabelledWindows(regions, np.array(world.codes[regions]), sample.labels[order][:, None])


def _trained(
    cell: Cell, arm: PaperArm, base: Base | Entry, data: TrainingData, seed: int, device: torch.device, precision: str
) -> nn.Module:
    """Train as the paper did: the rates, epochs and batches of `tfb finetune` are its own."""
    entry = cast(Entry, base)
    nearest = Nearest(base.card.tasks[0], False, 0.0)
    if arm.head == "copied":

        def score(windows: LabelledWindows) -> NDArray[np.float32]:
            return logits_of([base.network().to(device).eval()], windows.codes, device, precision)

        nearest = nearest_output(entry, cell.tf, data.train, score=score)
    config = FinetuneConfig(tf=cell.tf, base=base.name, arm=arm.arm, head=arm.head)
    recipe = config.recipe(cast(Card, base.card), arm.arm, seed)
    denovo = denovo_motifs(cell.tf, data.train, seed) if arm.arm == "motifs" else []
    start = start_network(arm.arm, entry, cell.tf, data.train.labels, nearest, seed, arm.head, denovo)
    return train(recipe, data, None, device, precision, start.network, start.trainable).network


def _forward_logits(
    network: nn.Module, codes: NDArray[np.uint8], device: torch.device, precision: str
) -> NDArray[np.float32]:
    """Return logits of the forward strand alone, as the paper tested."""
    placed = network.to(device).eval()
    return logits_of([placed], codes, device, precision, read=lambda one, one_hot: one(one_hot).float())


def _motif_scores(cell: Cell, train_windows: LabelledWindows, codes: NDArray[np.uint8], seed: int) -> NDArray:
    """Return the sum occupancy of the first motif found in the training windows (the paper's), or of JASPAR's best."""
    if cell.arm == "jaspar":
        return jaspar_scorer([cell.tf], train_windows.codes, train_windows.labels, seed).scores(codes)[:, 0]
    found = denovo_motifs(cell.tf, train_windows, seed, 1)
    if not found:
        raise ConfigError(f"no motif is found in {len(train_windows)} training windows")
    return score_motifs(found, codes)[:, 0]
