"""A scorer whose scores are means over windows beside each other, and one that sees the middle of wider windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.evaluation.scorers import Scorer, TableScorer
from kipoi_tfb.prediction.shifts import mean_over_shifts, window_shifts
from tfb_matrix_data.errors import ConfigError

__all__ = ["MovedScorer", "moved_scorers"]


class MovedScorer:
    """A scorer of windows of one length as one of wider windows; see `kipoi_tfb.evaluation.scorers.Scorer`.

    Parameters
    ----------
    scorer
        Whose; it has a ``window_length``.
    margin
        By how many bp windows are wider at either end.
    shifts
        Scores are the mean over the window in the middle and those that are moved by so many bp; default the former.

    Raises
    ------
    ConfigError
        If the scorer takes windows of any length.
    """

    def __init__(self, scorer: Scorer, margin: int, shifts: Sequence[int] = ()) -> None:
        if not hasattr(scorer, "window_length"):
            raise ConfigError(f"{scorer.name} takes windows of any length, and has none to move")
        self.name = f"{scorer.name} (mean of {1 + len(shifts)} windows)" if shifts else scorer.name
        self.tfs = scorer.tfs
        self.window_length = scorer.window_length + 2 * margin
        self.calibrated = getattr(scorer, "calibrated", False)
        self.seen_chromosomes = tuple(getattr(scorer, "seen_chromosomes", ()))
        self.train_chromosomes = tuple(getattr(scorer, "train_chromosomes", ()))
        self._scorer, self._length, self._shifts = scorer, scorer.window_length, tuple(shifts)

    def scores(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 (windows, TFs), the mean over the shifts."""
        return mean_over_shifts(self._scorer.scores, codes, self._shifts, self._length)


def moved_scorers(
    first: Scorer | TableScorer | None, others: Mapping[str, Scorer | TableScorer], shifts: tuple[int, int]
) -> tuple[Scorer, dict[str, Scorer | TableScorer]]:
    """Return a scorer as the mean over moved windows, and others that see the one in the middle.

    Parameters
    ----------
    first
        What is tested; None if it is opened later, as baselines are.
    others
        By name; what takes windows of any length stays as it is.
    shifts
        (largest, step) in bp.

    Raises
    ------
    ConfigError
        If the first takes windows of any length, or shifts make no sense.
    """
    if first is None or isinstance(first, TableScorer):
        raise ConfigError("--shifts moves the windows of an entry; what is tested is none")
    beside = window_shifts(*shifts, getattr(first, "window_length", 200))
    margin = max(beside)
    middle = {
        name: MovedScorer(each, margin) if hasattr(each, "window_length") else each for name, each in others.items()
    }
    return MovedScorer(first, margin, beside), middle
