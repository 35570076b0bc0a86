"""Whether contributions add up to what they explain."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["BOUNDS", "METHODS", "Method", "completeness_error", "is_complete"]

Method = Literal["deeplift", "ig", "ism"]
METHODS = ("deeplift", "ig", "ism")

BOUNDS: dict[str, float] = {"deeplift": 1e-4, "ig": 1e-3}
"""Largest error of contributions: of the difference that they explain, or absolute, whichever is more. Of `ism` no sum
is known that its values should have."""


def completeness_error(
    contributions: NDArray[np.floating], output: NDArray[np.floating], reference: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return by how much the sum of contributions over bases misses the difference of the logits.

    Parameters
    ----------
    contributions
        (..., length).
    output, reference
        (...): logit of the window, mean logit of its references.

    Examples
    --------
    >>> completeness_error(np.array([[1.0, 0.5]]), np.array([2.0]), np.array([0.25])).tolist()
    [0.25]
    """
    difference = output.astype(np.float64) - reference
    return np.abs(contributions.sum(-1, dtype=np.float64) - difference)


def is_complete(
    error: NDArray[np.floating], output: NDArray[np.floating], reference: NDArray[np.floating], method: str
) -> NDArray[np.bool_]:
    """Return whether contributions add up within the bound of their method; NaN, of windows without a score, do.

    Examples
    --------
    >>> is_complete(np.array([2e-4, 2e-4, 0.01]), np.array([1.0, 4.0, 20.0]), np.zeros(3), "deeplift").tolist()
    [False, True, False]
    """
    if method not in BOUNDS:
        return np.ones(error.shape, bool)
    with np.errstate(invalid="ignore"):
        return ~(error > BOUNDS[method] * np.maximum(np.abs(output - reference), 1))
