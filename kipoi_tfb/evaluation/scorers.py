"""What scores windows, TF by TF: zoo entries, networks, tables of scores that someone else computed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.evaluation.keyed_table import KeyedTable, read_keyed
from kipoi_tfb.evaluation.regions import LabelledRegions
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entries, find_entry
from tfb_matrix_data.errors import ConfigError, EntryError, InputError, UnknownNameError
from tfb_matrix_data.names import tf_of

__all__ = [
    "EntryScorer",
    "GroupScorer",
    "KnownScores",
    "NetworkScorer",
    "PooledScorer",
    "Scorer",
    "TableScorer",
    "seen_chromosomes",
]

logger = logging.getLogger(__name__)

_NOT_TFS = {"n_unknown", "flags", "length", "name", "strand"}
"""Columns of `tfb predict`'s tables that are no scores: nothing to wonder about."""


class Scorer(Protocol):
    """What gives windows a score per TF.

    Attributes
    ----------
    name
        For the table and the figure.
    tfs
        Names of the columns.

    Notes
    -----
    A scorer may also have: ``calibrated`` (bool: its scores are log odds of binding, natural logarithm);
    ``window_length`` (int: it takes no other windows); ``seen_chromosomes`` and ``train_chromosomes`` (what it must
    not be tested on, and what of that it was trained on).
    """

    @property
    def name(self) -> str:
        """Return what to call it."""
        ...

    @property
    def tfs(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        ...

    def scores(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 (windows, TFs) of codes (windows, length); higher is more bound."""
        ...


class EntryScorer:
    """A zoo entry; see `Scorer`. Its scores are strand-averaged logits."""

    calibrated = True

    def __init__(self, name: str, device: str = "auto") -> None:
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
    """All entries of a group as one `Scorer`; its scores are strand-averaged logits."""

    calibrated = True

    def __init__(self, name: str, device: str = "auto") -> None:
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


class PooledScorer:
    """A scorer of TFs as one of TFs in cell types: what it says of the TF is what it says of each; see `Scorer`.

    Parameters
    ----------
    scorer
        Of all the TFs.
    outputs
        Names such as ``JUND@K562``.

    Raises
    ------
    UnknownNameError
        If the scorer lacks a TF.
    """

    def __init__(self, scorer: Scorer, outputs: Sequence[str]) -> None:
        self.name = f"{scorer.name} (of all cell types)"
        self.tfs = tuple(outputs)
        self.seen_chromosomes = tuple(getattr(scorer, "seen_chromosomes", ()))
        self.train_chromosomes = tuple(getattr(scorer, "train_chromosomes", ()))
        self._scorer = scorer
        for output in outputs:
            if tf_of(output) not in scorer.tfs:
                raise UnknownNameError(f"TF of {scorer.name}", tf_of(output), scorer.tfs)
        self._columns = [scorer.tfs.index(tf_of(output)) for output in outputs]

    def scores(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 (windows, outputs)."""
        return self._scorer.scores(codes)[:, self._columns]


@dataclass(frozen=True)
class NetworkScorer:
    """A scorer of logits; see `Scorer`.

    Attributes
    ----------
    name
        For the table.
    tfs
        Of the columns.
    logits
        Function of codes (windows, length) to float32 (windows, TFs).
    """

    name: str
    tfs: tuple[str, ...]
    logits: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    calibrated = True

    def scores(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits float32 (windows, TFs) of codes (windows, length)."""
        return self.logits(codes)


class TableScorer:
    """A table of scores that someone else computed: one row per region, one column per TF.

    Scores that are all between 0 and 1 are taken for probabilities, and their calibration is measured.

    Parameters
    ----------
    path
        TSV or Parquet; see `kipoi_tfb.evaluation.keyed_table.read_keyed`.
    """

    def __init__(self, path: str | Path) -> None:
        self.name = str(path)
        self._table: KeyedTable = read_keyed(path)
        self.tfs = tuple(name for name in self._table.columns if name not in _NOT_TFS)
        if not self.tfs:
            raise InputError(path, "has no column of scores; expected one per TF, named by it")
        self.probabilities = all(
            np.nanmin(column, initial=0) >= 0 and np.nanmax(column, initial=1) <= 1
            for column in map(self._table.columns.__getitem__, self.tfs)
        )

    def join(self, data: LabelledRegions) -> NDArray[np.float32]:
        """Return the scores float32 (windows, TFs) of the regions tested; NaN for TFs without a label there.

        Raises
        ------
        InputError
            If a region that is tested has no row or no finite score, or a column of a tested TF is not of numbers.
        """
        for tf in data.tfs:
            if tf in self._table.text:
                value, row = self._table.text[tf]
                raise InputError(self._table.path, f"column {tf!r}: {value!r} is not a score", self._table.line(row))
        tested = np.flatnonzero((data.labels >= 0).any(1))
        needed = np.zeros(len(data.keys), bool)
        needed[data.kept[tested]] = True
        rows = self._table.align(data.keys, needed)[data.kept]
        scores = np.full((len(data), len(self.tfs)), np.nan, np.float32)
        for place, tf in enumerate(self.tfs):
            if tf not in data.tfs:
                continue
            column = np.where(rows < 0, np.nan, self._table.columns[tf][rows])
            labelled = data.labels[:, data.tfs.index(tf)] >= 0
            missing = np.flatnonzero(labelled & ~np.isfinite(column))
            if len(missing):
                raise InputError(
                    self._table.path,
                    f"column {tf!r}: no finite score for {len(missing):,} of {int(labelled.sum()):,} regions that are "
                    "tested; score them, or take their labels out",
                    self._table.line(int(rows[missing[0]])),
                )
            scores[:, place] = column
        return scores

    def scores(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Refuse: a table knows regions, not sequence."""
        raise ConfigError(f"{self.name} is a table of scores: it cannot score other windows")


class KnownScores(TableScorer):
    """A scorer of logits that were computed before, of the very windows that are tested.

    Parameters
    ----------
    name, tf
        Of the scorer and its column.
    logits
        float32 (windows,).
    """

    calibrated = True
    probabilities = False

    def __init__(self, name: str, tf: str, logits: NDArray[np.float32]) -> None:
        self.name, self.tfs, self._logits = name, (tf,), logits

    def join(self, data: LabelledRegions) -> NDArray[np.float32]:
        """Return the scores float32 (windows, 1)."""
        if len(data) != len(self._logits):
            raise ConfigError(f"{self.name}: {len(self._logits)} scores for {len(data)} windows")
        return self._logits[:, None]


def seen_chromosomes(scorer: object) -> tuple[str, ...]:
    """Return the chromosomes that a scorer must not be tested on; of a zoo entry, its card is asked."""
    return _seen(scorer) if isinstance(scorer, Entry) else tuple(getattr(scorer, "seen_chromosomes", ()))


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
