"""Windows that an entry is right about: bound ones that it predicts to be bound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.interpretation.grammar import known_windows
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.entry import Entry
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.genome import Genome, region_windows
from tfb_matrix_data.intervals import Anchor
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["CorrectWindows", "bound_of_matrix", "bound_of_regions", "correctly_predicted"]

PREDICTED = 0.5
"""Probability from which a window is predicted to be bound."""


class CorrectWindows(NamedTuple):
    """Windows that are bound and predicted to be.

    Attributes
    ----------
    codes
        uint8 (windows, length).
    bound
        How many bound ones were looked at.
    """

    codes: NDArray[np.uint8]
    bound: int


def correctly_predicted(
    predictor: Predictor, codes: NDArray[np.uint8], bound: NDArray[np.bool_], most: int = 2000, seed: int = 0
) -> CorrectWindows:
    """Return the windows that a TF binds and the entry says so (P >= 0.5), at most so many, in a random order.

    Parameters
    ----------
    predictor
        With a column per column of `bound`.
    codes
        uint8 (windows, length).
    bound
        bool (windows, TFs).
    most, seed
        At most so many bound windows are looked at, drawn by the seed.

    Raises
    ------
    ConfigError
        If there is none.
    """
    rows = np.flatnonzero(bound.any(1))
    rows = np.random.default_rng(seed).permutation(rows)[:most]
    right = (predictor.probability(codes[rows]) >= PREDICTED) & bound[rows] if len(rows) else bound[rows]
    if not right.any():
        raise ConfigError(
            f"of {len(rows)} bound regions the entry predicts none with a probability of at least {PREDICTED:g}: there "
            "is nothing that its filters are right about; give regions of TFs that it knows"
        )
    return CorrectWindows(codes[rows[right.any(1)]], len(rows))


def bound_of_matrix(
    entry: Entry,
    matrix: BindingMatrix,
    genome: Genome,
    tfs: Sequence[str] | None = None,
    chromosomes: Sequence[str] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the windows of a binding matrix that have known bases only, and which TFs bind them.

    Parameters
    ----------
    entry
        Whose TFs are looked at.
    matrix, genome
        Labels (sparse) and sequence.
    tfs
        Default those of the entry.
    chromosomes
        Default those that the entry was tested on.

    Raises
    ------
    ConfigError
        If the entry reads windows of another length than the matrix has, or names no chromosomes.
    """
    length, regions = entry.card.window_length, matrix.regions
    if length != regions.length:
        raise ConfigError(
            f"{entry.name} reads {length} bp, the regions of {matrix.path.name} have {regions.length}; give --regions"
        )
    chosen = list(chromosomes or entry.card.data.test_chromosomes)
    if not chosen:
        raise ConfigError(f"{entry.name} names no chromosomes that it was tested on; give --chromosomes")
    index = regions.on(chosen)
    labels = matrix.labels(list(tfs or entry.card.tasks), index, "sparse")
    some = (labels == 1).any(1)
    codes = region_windows(matrix, genome, index[some])
    whole = (codes < UNKNOWN).all(1)
    return codes[whole], labels[some][whole] == 1


def bound_of_regions(
    entry: Entry, regions: str | Path, genome: Genome, n_tfs: int, anchor: Anchor = "centre"
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return windows around regions, which are taken to be bound by all of so many TFs."""
    codes, _ = known_windows(regions, genome, entry.card.window_length, anchor)
    return codes, np.ones((len(codes), n_tfs), bool)
