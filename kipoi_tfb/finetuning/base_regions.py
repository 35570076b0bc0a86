"""Which regions of a binding matrix a base was made from: those that a fine-tune of it may have to leave alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.training.data import choose_regions
from kipoi_tfb.zoo.entry import Entry
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import sha256
from tfb_matrix_data.matrix import BindingMatrix

__all__ = ["base_regions"]


def base_regions(entry: Entry, matrix: BindingMatrix) -> NDArray[np.int64]:
    """Return the regions that an entry was trained or validated on, int64 indices, ascending.

    They are computed anew from the configuration on its card. Those whose window has an N, which no model is made from,
    are among them.

    Parameters
    ----------
    entry
        Made by `tfb pretrain`.
    matrix
        The one that it was made from: indices of another mean other regions.

    Raises
    ------
    ConfigError
        If it was made from another matrix, or its card does not say from which regions.
    """
    card = entry.card
    config = card.training.config
    if card.finetuned is not None or config is None:
        raise ConfigError(
            f"{entry.name} is fine-tuned itself: its card does not say which regions it was made from. "
            "Name a base that `tfb pretrain` made"
        )
    made_from = card.data.matrix_sha256
    if made_from is None:
        raise ConfigError(f"{entry.name} was not made from a binding matrix: it is not known from which regions")
    found = sha256(matrix.path)
    if made_from != found:
        raise ConfigError(
            f"{entry.name} was made from another binding matrix (sha256 {made_from[:12]}...) than {matrix.path} "
            f"({found[:12]}...): its regions are other ones. Give the matrix that it was made from"
        )
    _, split = choose_regions(config, matrix, card.tasks)
    return np.union1d(split.train, split.validation)
