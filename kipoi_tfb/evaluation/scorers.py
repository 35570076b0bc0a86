"""Zoo entries that can be evaluated: one, or all of a group."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import EntryError

if TYPE_CHECKING:
    from kipoi_tfb.zoo.entry import Entry

__all__ = ["EntryScorer", "GroupScorer"]

logger = logging.getLogger(__name__)


class EntryScorer:
    """A zoo entry; see `kipoi_tfb.evaluation.open.Scorer`. Its scores are strand-averaged logits."""

    calibrated = True

    def __init__(self, name: str, device: str = "auto") -> None:
        from kipoi_tfb.prediction.predictor import Predictor
        from kipoi_tfb.zoo.find import find_entry

        self.entry = find_entry(name)
        self.name = self.entry.name
        self.tfs = tuple(self.entry.card.tasks)
        self.window_length = self.entry.card.window_length
        self.train_chromosomes = tuple(self.entry.card.data.train_chromosomes)
        self.seen_chromosomes = _seen(self.entry)
        self._predictor = Predictor([self.entry], device=device)

    def scores(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits float32 (windows, TFs)."""
        return self._predictor.logits(codes)


class GroupScorer:
    """All entries of a group as one `kipoi_tfb.evaluation.open.Scorer`; its scores are strand-averaged logits."""

    calibrated = True

    def __init__(self, name: str, device: str = "auto") -> None:
        from kipoi_tfb.prediction.predictor import Predictor
        from kipoi_tfb.zoo.find import find_entries

        self.name = name
        entries = find_entries(name)
        self._predictor = Predictor(entries, device=device)
        self.tfs = tuple(self._predictor.columns)
        self.window_length = self._predictor.window_length
        self.train_chromosomes = tuple(sorted({c for entry in entries for c in entry.card.data.train_chromosomes}))
        self.seen_chromosomes = tuple(sorted({c for entry in entries for c in _seen(entry)}))

    def scores(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits float32 (windows, TFs)."""
        return self._predictor.logits(codes)


def _seen(entry: Entry) -> tuple[str, ...]:
    """Return the chromosomes that an entry, or the one that it was fine-tuned from, was trained or validated on."""
    card = entry.card
    own = {*card.data.train_chromosomes, *card.data.validation_chromosomes}
    if card.base is not None:
        try:
            own |= set(_seen(entry.find_base()))
        except EntryError:
            logger.warning(
                "%s: its base %s is not here, so what that one was trained on is not known", card.name, card.base
            )
    return tuple(sorted(own))
