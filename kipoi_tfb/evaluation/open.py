"""Everything that can be evaluated: zoo entries, motifs and other baselines, tables of scores."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from kipoi_tfb.evaluation.regions import LabelledRegions, from_matrix
from kipoi_tfb.evaluation.scorers import EntryScorer, GroupScorer, Scorer, TableScorer
from tfb_matrix_data.contigs import plain_name
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError, few
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.names import cell_of, tf_of
from tfb_matrix_data.splits import HELD_OUT

__all__ = ["BASELINES", "LabelSource", "is_baseline", "open_scorer", "outputs_in_cells", "window_length"]

logger = logging.getLogger(__name__)

_TABLES = (".tsv", ".parquet", ".tsv.gz")
_MOTIFS = (".meme", ".jaspar", ".pfm")


@dataclass(frozen=True)
class LabelSource:
    """What baselines that learn are fitted on: the regions of a matrix but for those held out.

    Attributes
    ----------
    matrix, genome
        Labels and sequence.
    kind
        Which labels.
    held_out
        Chromosomes not to learn from: those tested, and those that no released model trains on.
    cell_types
        Labels of these alone; default all.
    """

    matrix: BindingMatrix
    genome: Genome
    kind: Kind = "sparse"
    held_out: tuple[str, ...] = HELD_OUT
    cell_types: tuple[str, ...] | None = None

    @classmethod
    def sparing(
        cls,
        matrix: BindingMatrix,
        genome: Genome,
        tested: Sequence[str],
        kind: Kind = "sparse",
        cell_types: Sequence[str] | None = None,
    ) -> LabelSource:
        """Return a source that leaves out the chromosomes tested too."""
        return cls(matrix, genome, kind, (*HELD_OUT, *tested), None if cell_types is None else tuple(cell_types))

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
        given = self.matrix, self.genome, self.chromosomes, self.kind, length
        return from_matrix(*given, known, self.cell_types)


BASELINES = ("jaspar", "jaspar-oracle", "composition", "denovo")
"""Names of scorers that are made for the TFs tested."""


def is_baseline(name: str) -> bool:
    """Return whether a scorer is made for the regions tested: `open_scorer` needs them then."""
    return name in BASELINES or name.lower().endswith(_MOTIFS)


def open_scorer(
    name: str,
    data: LabelledRegions | None = None,
    device: str = "auto",
    source: LabelSource | None = None,
    seed: int = 0,
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
    source
        What baselines learn from. ``jaspar`` and files of motifs choose the best of a TF's profiles there, and on the
        tested regions where there is no source (as ``jaspar-oracle`` always does, which flatters them).
    seed
        Of draws in learning.

    Raises
    ------
    UnknownNameError, InputError, EntryError
        If there is no such thing.
    ConfigError
        If it has to learn and there is no `source`.
    """
    if is_baseline(name):
        if data is None:
            raise ValueError(f"{name} is made for the regions tested: give them")
        if name in BASELINES:
            return _baseline(name, data, source, seed)
        return _motif_file(name, data, source, seed)
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


def _baseline(name: str, data: LabelledRegions, source: LabelSource | None, seed: int) -> Scorer:
    if name == "jaspar-oracle":
        return _jaspar(name, data, data, None, seed)
    if name == "jaspar":
        return _jaspar(name, data, None if source is None else _lesson(name, data, source), 2000, seed)
    if source is None:
        raise ConfigError(f"{name} has to learn: give --matrix and --genome, whose other chromosomes it learns from")
    lesson = _lesson(name, data, source)
    if name == "composition":
        from kipoi_tfb.evaluation.composition import composition_scorer

        return composition_scorer(lesson.tfs, lesson.codes, lesson.labels, seed)
    from kipoi_tfb.motifs.denovo import denovo_scorer

    return denovo_scorer(lesson.tfs, lesson.codes, lesson.labels, seed)


def _lesson(name: str, data: LabelledRegions, source: LabelSource) -> LabelledRegions:
    logger.info("%s learns from %s", name, ", ".join(source.chromosomes))
    return source.lesson(data.tfs, data.codes.shape[1])


def _jaspar(name: str, data: LabelledRegions, lesson: LabelledRegions | None, at_most: int | None, seed: int) -> Scorer:
    from kipoi_tfb.motifs.scorer import jaspar_scorer
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


def _motif_file(path: str, data: LabelledRegions, source: LabelSource | None, seed: int) -> Scorer:
    """Return a scorer of a file's motifs; of several for a TF, the one that is best on the lesson."""
    from kipoi_tfb.motifs.profiles import read_motifs
    from kipoi_tfb.motifs.scorer import MotifScorer, choose_profiles

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
    knows_all = source is not None and all(tf in source.matrix.tfs for tf in by_tf)
    lesson = (_lesson(path, data, source) if knows_all and source else data).only(list(by_tf))
    return MotifScorer(path, choose_profiles(by_tf, lesson.codes, lesson.labels, seed))


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


def outputs_in_cells(
    scorer: Scorer | TableScorer, cell_types: Sequence[str] | None = None, tfs: Sequence[str] | None = None
) -> list[str]:
    """Return the outputs of a scorer that are TFs in cell types (``JUND@K562``); of most scorers, none.

    Parameters
    ----------
    scorer
        Whose.
    cell_types, tfs
        Only these; a TF by its name or by that of an output. Default all.

    Raises
    ------
    ConfigError
        If it has such outputs, but none of these.
    """
    every = [output for output in scorer.tfs if cell_of(output)]
    chosen = [
        output
        for output in every
        if (cell_types is None or cell_of(output) in cell_types)
        and (tfs is None or output in tfs or tf_of(output) in tfs)
    ]
    if every and not chosen:
        raise ConfigError(f"{scorer.name} has no output of these TFs in these cell types; it has {few(every)}")
    return chosen
