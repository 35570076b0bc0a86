"""Everything that can be evaluated: zoo entries, motifs and other baselines, tables of scores."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.evaluation.keyed_table import KeyedTable, read_keyed
from kipoi_tfb.evaluation.regions import LabelledRegions, from_matrix
from kipoi_tfb.evaluation.scorers import EntryScorer, GroupScorer
from tfb_matrix_data.contigs import plain_name
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.splits import ACCEPTANCE, TEST, VALIDATION

__all__ = [
    "BASELINES",
    "EntryScorer",
    "GroupScorer",
    "Scorer",
    "TableScorer",
    "Teacher",
    "is_baseline",
    "open_scorer",
    "seen_chromosomes",
    "window_length",
]

logger = logging.getLogger(__name__)

_HELD_OUT = (*VALIDATION, *TEST, *ACCEPTANCE)
_TABLES = (".tsv", ".parquet", ".tsv.gz")
_MOTIFS = (".meme", ".jaspar", ".pfm")
_NOT_TFS = {"n_unknown", "length", "name", "strand"}
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


@dataclass(frozen=True)
class Teacher:
    """What baselines that learn are fitted on: the regions of a matrix but for those held out.

    Attributes
    ----------
    matrix, genome
        Labels and sequence.
    kind
        Which labels.
    held_out
        Chromosomes not to learn from: those tested, and those that no released model trains on.
    """

    matrix: BindingMatrix
    genome: Genome
    kind: Kind = "sparse"
    held_out: tuple[str, ...] = _HELD_OUT

    @classmethod
    def sparing(cls, matrix: BindingMatrix, genome: Genome, tested: Sequence[str], kind: Kind = "sparse") -> Teacher:
        """Return a teacher that has not seen the chromosomes tested either."""
        return cls(matrix, genome, kind, (*_HELD_OUT, *tested))

    @property
    def chromosomes(self) -> tuple[str, ...]:
        """Chromosomes to learn from."""
        held_out = {plain_name(name) for name in self.held_out}
        return tuple(name for name in self.matrix.regions.chrom_names if plain_name(name) not in held_out)

    def lesson(self, tfs: Sequence[str], length: int) -> LabelledRegions:
        """Return windows of `length` with the labels of those of the TFs that the matrix knows."""
        known = [tf for tf in tfs if tf in self.matrix.tfs]
        if not known:
            raise UnknownNameError("TF", tfs[0], self.matrix.tfs)
        return from_matrix(self.matrix, self.genome, self.chromosomes, self.kind, length).only(known)


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


BASELINES = ("jaspar", "jaspar-oracle", "composition", "denovo")
"""Names of scorers that are made for the TFs tested."""


def is_baseline(name: str) -> bool:
    """Return whether a scorer is made for the regions tested: `open_scorer` needs them then."""
    return name in BASELINES or name.lower().endswith(_MOTIFS)


def open_scorer(
    name: str, data: LabelledRegions | None = None, device: str = "auto", teacher: Teacher | None = None, seed: int = 0
) -> Scorer | TableScorer:
    """Return a scorer by its name.

    Parameters
    ----------
    name
        A zoo entry, a group of them, or the folder of either; one of `BASELINES`; a file of motifs (.meme, .jaspar,
        .pfm) that are named by TFs; a table of scores (.tsv, .tsv.gz, .parquet).
    data
        What is tested; needed where `is_baseline` says so.
    device
        For networks; see `kipoi_tfb.models.device.choose_device`.
    teacher
        What baselines learn from. ``jaspar`` and files of motifs choose the best of a TF's profiles there, and on the
        tested regions where there is no teacher (as ``jaspar-oracle`` always does, which flatters them).
    seed
        Of draws in learning.

    Raises
    ------
    UnknownNameError, InputError, EntryError
        If there is no such thing.
    ConfigError
        If it has to learn and there is no `teacher`.
    """
    if is_baseline(name):
        if data is None:
            raise ValueError(f"{name} is made for the regions tested: give them")
        if name in BASELINES:
            return _baseline(name, data, teacher, seed)
        return _motif_file(name, data, teacher, seed)
    if name.lower().endswith(_TABLES):
        return TableScorer(name)
    from kipoi_tfb.zoo.find import is_group

    if is_group(name):
        return GroupScorer(name, device)
    try:
        return EntryScorer(name, device)
    except UnknownNameError as error:
        others = (*BASELINES, "a file of motifs (.meme, .jaspar, .pfm)", "a table of scores (.tsv, .parquet)")
        raise UnknownNameError("scorer", name, [*others, *error.choices]) from None


def _baseline(name: str, data: LabelledRegions, teacher: Teacher | None, seed: int) -> Scorer:
    if name == "jaspar-oracle":
        return _jaspar(name, data, data, None, seed)
    if name == "jaspar":
        return _jaspar(name, data, None if teacher is None else _lesson(name, data, teacher), 2000, seed)
    if teacher is None:
        raise ConfigError(f"{name} has to learn: give --matrix and --genome, whose other chromosomes it learns from")
    lesson = _lesson(name, data, teacher)
    if name == "composition":
        from kipoi_tfb.evaluation.composition import composition_scorer

        return composition_scorer(lesson.tfs, lesson.codes, lesson.labels, seed)
    from kipoi_tfb.motifs.denovo import denovo_scorer

    return denovo_scorer(lesson.tfs, lesson.codes, lesson.labels, seed)


def _lesson(name: str, data: LabelledRegions, teacher: Teacher) -> LabelledRegions:
    logger.info("%s learns from %s", name, ", ".join(teacher.chromosomes))
    return teacher.lesson(data.tfs, data.codes.shape[1])


def _jaspar(name: str, data: LabelledRegions, lesson: LabelledRegions | None, at_most: int | None, seed: int) -> Scorer:
    from kipoi_tfb.motifs.profiles import jaspar_scorer
    from tfb_matrix_data.modes import read_profiles

    profiles = read_profiles()
    if lesson is None:
        logger.info("%s: no matrix to choose profiles by, so each TF gets the one that is best on these regions", name)
        lesson, at_most = data, None
    known = [tf for tf in lesson.tfs if tf in profiles]
    if not known:
        raise UnknownNameError("TF with a JASPAR profile", lesson.tfs[0], profiles)
    chosen = lesson.only(known)
    return jaspar_scorer(known, chosen.codes, chosen.labels, seed, at_most, name)


def _motif_file(path: str, data: LabelledRegions, teacher: Teacher | None, seed: int) -> Scorer:
    """Return a scorer of a file's motifs; of several for a TF, the one that is best on the lesson."""
    from kipoi_tfb.motifs.profiles import MotifScorer, choose_profiles, read_motifs

    by_tf: dict[str, list] = {}
    names = {tf.upper(): tf for tf in data.tfs}
    motifs = read_motifs(path)
    for motif in motifs:
        tf = next((names[n.upper()] for n in (motif.name, motif.tf, motif.matrix_id) if n.upper() in names), None)
        if tf is not None:
            by_tf.setdefault(tf, []).append(motif)
    if not by_tf:
        found = ", ".join(motif.name for motif in motifs[:5])
        raise InputError(path, f"no motif is named like a TF of {data.source} ({', '.join(data.tfs[:5])}): {found}")
    if all(len(own) == 1 for own in by_tf.values()):
        return MotifScorer(path, {tf: own[0] for tf, own in by_tf.items()})
    taught = teacher is not None and all(tf in teacher.matrix.tfs for tf in by_tf)
    lesson = (_lesson(path, data, teacher) if taught and teacher else data).only(list(by_tf))
    return MotifScorer(path, choose_profiles(by_tf, lesson.codes, lesson.labels, seed))


def seen_chromosomes(scorer: object) -> tuple[str, ...]:
    """Return the chromosomes that a scorer must not be tested on."""
    return tuple(getattr(scorer, "seen_chromosomes", ()))


def window_length(scorers: Sequence[object], default: int) -> int:
    """Return the length of the windows that the scorers take.

    Raises
    ------
    ConfigError
        If they take different ones.
    """
    lengths = {str(s.name): s.window_length for s in scorers if hasattr(s, "window_length") and hasattr(s, "name")}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} {length} bp" for name, length in lengths.items())
        raise ConfigError(f"the scorers take windows of different lengths ({said}); evaluate them one by one")
    return next(iter(lengths.values()), default)
