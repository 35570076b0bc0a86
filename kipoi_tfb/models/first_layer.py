"""The motifs of a network's first layer, and which of them training changed most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tfb_matrix_data.errors import UnknownNameError

__all__ = ["ChangedMotif", "first_filters", "most_changed"]

_LAYERS: dict[str, tuple[str, str | None]] = {
    "paper-cnn": ("features.0.weight", "features.1"),
    "danq": ("features.0.weight", None),
    "motif-cnn": ("scan_weight", "scan_norm"),
}
"""{architecture: (its first convolution's weight, the batch normalisation of what that gives)}."""
_EPSILON = 1e-5  # torch's batch normalisation
_FAINT = 0.1
"""Filters that weigh less than this share of the median say nothing: any step is a large one for them."""


class ChangedMotif(NamedTuple):
    """The filter that changed most.

    Attributes
    ----------
    filter
        Its number, from 0.
    change
        Of its weights: length of the difference by length of the weights before (L2).
    median
        Of the change, over the filters.
    before, after
        float64 (4, width): its weights for A, C, G and T, see `first_filters`.
    """

    filter: int
    change: float
    median: float
    before: NDArray[np.float64]
    after: NDArray[np.float64]


def first_filters(architecture: str, state: Mapping[str, Tensor]) -> NDArray[np.float64]:
    """Return the filters of the first layer as they act, float64 (filters, 4, width).

    Batch normalisation is folded into them, and the mean of the four bases taken off at each position: it adds the
    same whatever the sequence is, as a bias does.

    Parameters
    ----------
    architecture
        Name.
    state
        The network's state_dict.

    Raises
    ------
    UnknownNameError
        If nothing is known of the architecture.
    """
    if architecture not in _LAYERS:
        raise UnknownNameError("architecture to take motifs from", architecture, _LAYERS)
    name, norm = _LAYERS[architecture]
    filters = state[name].detach().cpu().double().numpy()
    filters = filters.reshape(len(filters), 4, -1)
    if norm is not None:
        gain, variance = (state[f"{norm}.{part}"].detach().cpu().double() for part in ("weight", "running_var"))
        filters = filters * (gain / (variance + _EPSILON).sqrt()).numpy()[:, None, None]
    return filters - filters.mean(1, keepdims=True)


def most_changed(before: NDArray[np.float64], after: NDArray[np.float64]) -> ChangedMotif:
    """Return the filter that changed most for what it was; filters that weighed hardly anything do not count.

    Parameters
    ----------
    before, after
        Of `first_filters`, (filters, 4, width).

    Examples
    --------
    >>> before = np.array([[[1.0], [-1.0], [0.0], [0.0]], [[2.0], [-2.0], [0.0], [0.0]]])
    >>> found = most_changed(before, before + 0.5)
    >>> found.filter, round(found.change, 3), round(found.median, 3)
    (0, 0.707, 0.53)
    """
    size = np.linalg.norm(before, axis=(1, 2))
    counts = size >= _FAINT * np.median(size)
    change = np.where(counts, np.linalg.norm(after - before, axis=(1, 2)) / np.maximum(size, 1e-30), 0.0)
    best = int(np.argmax(change))
    return ChangedMotif(best, float(change[best]), float(np.median(change[counts])), before[best], after[best])
