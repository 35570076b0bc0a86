"""Training data in memory: windows as codes, labels as int8, split by use."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kipoi_tfb.models.logits import to_one_hot
from kipoi_tfb.training.related import choose_related
from kipoi_tfb.zoo.config import MostResolved, PretrainConfig, Related
from tfb_matrix_data.errors import ConfigError, few
from tfb_matrix_data.genome import Genome, region_windows
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sequence import UNKNOWN
from tfb_matrix_data.splits import Split, split_by_chromosome, split_randomly

__all__ = ["LabelledWindows", "TrainingData", "choose_regions", "load_training_data", "region_windows"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelledWindows:
    """Windows with their labels.

    Attributes
    ----------
    region
        int64 (windows,): index in the matrix.
    codes
        uint8 (windows, length).
    labels
        int8 (windows, TFs): 1 bound, 0 unbound, -1 unresolved.
    taught
        float16 (windows, TFs): probabilities that a teacher gives them, or None.
    """

    region: NDArray[np.int64]
    codes: NDArray[np.uint8]
    labels: NDArray[np.int8]
    taught: NDArray[np.float16] | None = None

    def __len__(self) -> int:
        return len(self.region)

    def part(self, part: slice, device: torch.device) -> Tensor:
        """Return one-hot windows (batch, 4, length) of consecutive windows."""
        return to_one_hot(torch.from_numpy(self.codes[part]).to(device))


@dataclass(frozen=True)
class TrainingData:
    """What a multi-task model is trained and validated on, and what it must not see.

    Attributes
    ----------
    tfs
        Names of the label columns.
    train, validation
        Windows with labels.
    test_regions
        int64 indices of the regions kept for the test.
    excluded_chromosomes
        Chromosomes with no use at all.
    """

    tfs: list[str]
    train: LabelledWindows
    validation: LabelledWindows
    test_regions: NDArray[np.int64]
    excluded_chromosomes: tuple[str, ...]


def load_training_data(config: PretrainConfig, matrix: BindingMatrix, genome: Genome) -> TrainingData:
    """Select, split and read everything that a configuration asks for; windows with an N are dropped.

    Raises
    ------
    UnknownNameError
        If the matrix lacks a TF or a cell type.
    ConfigError
        If the split leaves nothing, or a TF that was asked for by name was not profiled in the cell types, or has no
        bound or no unbound region to train on.
    """
    tfs = _choose_tfs(config, matrix)
    labels, split = choose_regions(config, matrix, tfs)
    train = _labelled(matrix, genome, split.train, labels)
    validation = _labelled(matrix, genome, split.validation, labels)
    _check_labels(config, tfs, train.labels)
    logger.info("%d TFs; %d windows train, %d validate", len(tfs), len(train), len(validation))
    excluded = () if config.split == "paper" else config.split.excluded
    return TrainingData(tfs, train, validation, split.test, excluded)


def choose_regions(config: PretrainConfig, matrix: BindingMatrix, tfs: Sequence[str]) -> tuple[NDArray[np.int8], Split]:
    """Return the labels (regions of the matrix, TFs), and which regions a configuration trains, validates and tests on.

    Those whose window has an N are still among them.
    """
    labels = matrix.labels(tfs, kind=config.labels, cell_types=config.cell_types)
    located = matrix.regions.start >= 0
    combine = np.logical_or if config.resolved == "any" else np.logical_and
    # Column by column: the labels of one TF lie together in memory.
    resolved = functools.reduce(combine, (column >= 0 for column in labels.T))
    split = _split(config, matrix, np.flatnonzero(resolved & located))
    if config.teacher is not None:
        # What no label says, the teacher does: of the regions with none, too.
        split = replace(split, train=_split(config, matrix, np.flatnonzero(located)).train)
    return labels, replace(split, train=_share(split.train, config))


def _choose_tfs(config: PretrainConfig, matrix: BindingMatrix) -> list[str]:
    profiled = _profiled(config, matrix)
    if config.tfs == "all":
        if len(profiled) < len(matrix.tfs):
            logger.info("%d of %d TFs were profiled in %s", len(profiled), len(matrix.tfs), _cells(config))
        return profiled
    if isinstance(config.tfs, MostResolved):
        tfs = matrix.select_multimodel(config.tfs.most_resolved, config.cell_types)
    elif isinstance(config.tfs, Related):
        _check_profiled([config.tfs.of], profiled, config, matrix)
        tfs = choose_related(config.tfs, matrix, config.seed, config.cell_types)
    else:
        tfs = list(config.tfs)
    _check_profiled(tfs, profiled, config, matrix)
    return tfs


def _profiled(config: PretrainConfig, matrix: BindingMatrix) -> list[str]:
    """Return the TFs that were profiled in the cell types, in the matrix's order; all where none are named."""
    if config.cell_types is None:
        return matrix.tfs
    try:
        return matrix.profiled_in(config.cell_types)
    except ConfigError as error:
        raise ConfigError(f"field 'cell_types': {error}") from None


def _check_profiled(tfs: list[str], profiled: list[str], config: PretrainConfig, matrix: BindingMatrix) -> None:
    never = [tf for tf in tfs if tf in matrix.tfs and tf not in profiled]
    if never:
        raise ConfigError(
            f"field 'cell_types': {', '.join(never)} {'was' if len(never) == 1 else 'were'} never profiled in "
            f"{_cells(config)}; leave them out of `tfs`, or take other cell types (in these: {few(profiled, 12)})"
        )


def _check_labels(config: PretrainConfig, tfs: list[str], labels: NDArray[np.int8]) -> None:
    """Refuse TFs that have labels of one kind only; warn of them where all TFs were asked for."""
    for value, what, other in ((1, "bound", "unbound"), (0, "unbound", "bound")):
        empty = [tf for tf, column in zip(tfs, labels.T, strict=True) if not (column == value).any()]
        if empty and config.tfs != "all":
            others = ", ".join(tf for tf in tfs if tf not in empty) or "none"
            raise ConfigError(
                f"no {what} training region for {', '.join(empty)}; leave them out of `tfs` (that leaves: {others})"
            )
        if empty:
            logger.warning("no %s training region for %s: its output can only say %r", what, ", ".join(empty), other)


def _cells(config: PretrainConfig) -> str:
    return ", ".join(config.cell_types or ())


def _split(config: PretrainConfig, matrix: BindingMatrix, candidates: NDArray[np.int64]) -> Split:
    if config.split == "paper":
        return split_randomly(candidates, config.seed)
    chosen = config.split
    return split_by_chromosome(
        matrix.regions, candidates, chosen.validation, chosen.test, chosen.excluded, train=chosen.train
    )


def _share(index: NDArray[np.int64], config: PretrainConfig) -> NDArray[np.int64]:
    n = round(config.fraction * len(index)) if config.max_regions is None else config.max_regions
    if n >= len(index):
        return index
    return index[np.sort(np.random.default_rng(config.seed).permutation(len(index))[:n])]


def _labelled(
    matrix: BindingMatrix, genome: Genome, index: NDArray[np.int64], labels: NDArray[np.int8]
) -> LabelledWindows:
    codes = region_windows(matrix, genome, index)
    whole = ~(codes == UNKNOWN).any(1)
    index = index[whole]
    return LabelledWindows(index, codes[whole], np.ascontiguousarray(labels[index]))
