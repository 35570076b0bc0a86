"""Windows laid out for lightmotif, and what a PWM's scores of all their positions come to per window."""

from __future__ import annotations

from typing import NamedTuple

import lightmotif
import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.sequence import UNKNOWN, decode

__all__ = ["MATCH", "BestHits", "Matches", "StripedWindows"]

MATCH = 5.0
"""Natural log-odds from which a match is called a site: of the places of random sequence, some 2 % have one."""

_MULTIPLE = 64  # lightmotif lays sequence out in 16 or 32 rows: with a multiple of both no window goes over a row's end
_MAX_EXP = 80.0  # e^88 is the largest float32
_TINY = np.finfo(np.float32).tiny


class BestHits(NamedTuple):
    """The highest-scoring position of each window.

    Attributes
    ----------
    score
        float32 (windows,).
    start
        int64 (windows,): first base of the hit, on the forward strand, counted from the window's.
    reverse
        bool (windows,): the motif lies on the reverse strand.
    """

    score: NDArray[np.float32]
    start: NDArray[np.int64]
    reverse: NDArray[np.bool_]


class Matches(NamedTuple):
    """Places of windows that match a PWM.

    Attributes
    ----------
    window
        int64 (matches,): ascending.
    start
        int64 (matches,): first base, on the forward strand, counted from the window's.
    reverse
        bool (matches,): the motif lies on the reverse strand.
    score
        float32 (matches,).
    """

    window: NDArray[np.int64]
    start: NDArray[np.int64]
    reverse: NDArray[np.bool_]
    score: NDArray[np.float32]


class StripedWindows:
    """Windows of one length, to be scored with one PWM after the other.

    Parameters
    ----------
    codes
        uint8 (windows, length); N has log-odds 0 at every position of a PWM.

    Notes
    -----
    PWMs are natural log-odds (4, width), rows in the order A C G T, no wider than the windows.
    """

    def __init__(self, codes: NDArray[np.uint8]) -> None:
        self._n, self._length = codes.shape
        filled = np.full((-(-self._n // _MULTIPLE) * _MULTIPLE, self._length), UNKNOWN, np.uint8)
        filled[: self._n] = codes
        self._striped = lightmotif.stripe(decode(filled.ravel()))

    def occupancy(self, pwm: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the log of the summed odds of all positions on both strands, float32 (windows,)."""
        shift = max(0.0, float(pwm.max(0).sum()) - _MAX_EXP)  # lowers all scores, so that no odds overflow
        lowered = pwm.copy()
        lowered[:, 0] -= shift
        odds = sum(np.exp(scores).sum(1) for scores in self._strands(lowered, -shift))
        return self._in_order(np.log(np.maximum(odds, _TINY)) + shift)

    def best(self, pwm: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the highest score of any position on either strand, float32 (windows,)."""
        return self._in_order(np.maximum(*(scores.max(1) for scores in self._strands(pwm))))

    def best_hits(self, pwm: NDArray[np.float64]) -> BestHits:
        """Return the highest-scoring position of each window; the forward strand and the first where scores tie."""
        forward, reverse = self._strands(pwm)
        tops = [(scores.max(1), scores.argmax(1)) for scores in (forward, reverse)]
        (top, at), (other_top, other_at) = [tuple(map(self._in_order, both)) for both in tops]
        flipped = other_top > top
        return BestHits(np.where(flipped, other_top, top), np.where(flipped, other_at, at), flipped)

    def matches(self, pwm: NDArray[np.float64], least: float = MATCH) -> Matches:
        """Return all places on either strand that score at least so much, by window, place, and strand."""
        scores = np.stack(
            [each.transpose(2, 0, 1).reshape(-1, each.shape[1])[: self._n] for each in self._strands(pwm)], axis=-1
        )
        window, start, reverse = np.nonzero(scores >= least)
        return Matches(window, start, reverse.astype(bool), scores[window, start, reverse])

    def _strands(self, pwm: NDArray[np.float64], unknown: float = 0.0) -> list[NDArray[np.float32]]:
        """Return the scores on each strand, (windows per row, positions, rows).

        lightmotif lays a sequence out in rows, one below the other, and stores it column by column: reshaped, with no
        copy, window w of row r is number r * (windows per row) + w.
        """
        background = np.zeros(pwm.shape[1])
        background[0] = unknown
        forward = np.vstack([pwm, background])
        found = []
        for strand in (forward, forward[[3, 2, 1, 0, 4], ::-1]):
            matrix = lightmotif.ScoringMatrix({base: row.tolist() for base, row in zip("ACGTN", strand, strict=True)})
            columns = np.asarray(matrix.calculate(self._striped)).T
            positions = self._length - pwm.shape[1] + 1
            found.append(columns.reshape(len(columns) // self._length, self._length, -1)[:, :positions])
        return found

    def _in_order(self, values: NDArray) -> NDArray:
        return values.T.ravel()[: self._n]
