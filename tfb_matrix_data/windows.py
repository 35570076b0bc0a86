"""Windows of one length, and the one rule for where they lie."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["Windows", "count_unknown", "window_start"]

_Position = TypeVar("_Position", int, NDArray[np.int64])


class Windows(NamedTuple):
    """Sequence windows of one length.

    Attributes
    ----------
    codes
        uint8 of shape (windows, length).
    n_unknown
        int64 (windows,): bases that are not A, C, G or T, those beyond the contig's ends included.
    edge_padded
        bool (windows,): the window reaches beyond an end of its contig.
    """

    codes: NDArray[np.uint8]
    n_unknown: NDArray[np.int64]
    edge_padded: NDArray[np.bool_]


def window_start(position: _Position, length: int) -> _Position:
    """Return where the window of even length L around a 0-based position p starts: [p - L/2, p + L/2).

    Examples
    --------
    >>> window_start(1000, 200)
    900
    """
    return position - length // 2


def count_unknown(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how many unknown bases each window has."""
    # Truth values are added up three times as fast in bytes, which hold the counts of windows of usual length.
    small = codes.shape[1] < 256
    return (codes == UNKNOWN).sum(1, dtype=np.uint8 if small else np.int64).astype(np.int64)
