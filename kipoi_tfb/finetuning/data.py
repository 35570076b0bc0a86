"""What one TF is fine-tuned, validated and tested on: regions of a binding matrix."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.evaluation.regions import LabelledRegions, from_matrix
from kipoi_tfb.finetuning.base_regions import base_regions
from kipoi_tfb.finetuning.config import FinetuneConfig, SplitName
from kipoi_tfb.training.data import LabelledWindows, TrainingData
from kipoi_tfb.zoo.card import DataCard
from kipoi_tfb.zoo.entry import Entry
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import sha256
from tfb_matrix_data.genome import Genome, region_windows
from tfb_matrix_data.matrix import BindingMatrix, Kind, Regions
from tfb_matrix_data.sampling import Sample, describe, sample_tf
from tfb_matrix_data.splits import ACCEPTANCE, TEST, VALIDATION, Split, split_by_chromosome, split_randomly

__all__ = [
    "LEAST_BOUND",
    "USES",
    "FinetuneData",
    "check_enough",
    "counts_of",
    "from_binding_matrix",
    "load_finetune_data",
    "too_few",
]

logger = logging.getLogger(__name__)

LEAST_BOUND = {"train": 20, "validation": 3, "test": 5}
"""Bound regions that each part needs: with fewer there is nothing to learn, to choose by, or to test."""


@dataclass(frozen=True)
class FinetuneData:
    """All regions of one TF, by use.

    Attributes
    ----------
    training
        Windows and labels (windows, 1) that train and validate: GC-matched, 1:1.
    every
        {train or validation: every resolved window, with its label}, of which `training` is a part.
    test
        Every resolved region of the part that tests; `kipoi_tfb.evaluation.job.evaluate` draws the GC-matched
        ones.
    test_region
        int64 (windows,): index of each of `test`, as of the others.
    counts
        {train, validation or test: {bound, unbound, short}}; `short` are the unbound regions that GC bins lacked.
    card
        Where they are from.
    """

    training: TrainingData
    every: dict[str, LabelledWindows]
    test: LabelledRegions
    test_region: NDArray[np.int64]
    counts: dict[str, dict[str, int]]
    card: DataCard


def from_binding_matrix(
    matrix: BindingMatrix,
    genome: Genome,
    tf: str,
    length: int = 200,
    seed: int = 0,
    n_bound: int | None = None,
    kind: Kind = "sparse",
    split: SplitName = "chromosomes",
    exclude: NDArray[np.int64] | None = None,
    cell_types: Sequence[str] | None = None,
) -> FinetuneData:
    """Return the regions of a TF of a binding matrix, split by chromosome or as in the paper (docs/sampling.md).

    Parameters
    ----------
    matrix, genome
        Labels and sequence.
    tf
        Of the matrix.
    length
        Of the windows; that of the regions.
    seed
        Of the draws; with ``paper`` of the split too.
    n_bound
        Bound regions to train with; default all.
    kind
        Which labels.
    split
        ``chromosomes``: fixed uses. ``paper``: 80/10/10 at random, for reproducing the paper's figures only.
    exclude
        Indices of regions that have no use, such as those that the base was made from
        (`kipoi_tfb.finetuning.base_regions`).
    cell_types
        Labels of these alone; default all.

    Raises
    ------
    UnknownNameError
        If the matrix does not know the TF or a cell type.
    ConfigError
        If a part has too few bound regions (`LEAST_BOUND`), windows are of another length than the regions, or the TF
        was not profiled in one of the cell types.

    Notes
    -----
    Source of ``paper``: Novakovsky et al. 2021, Methods, "individual models", doi:10.1186/s13059-021-02499-5.
    """
    regions = matrix.regions
    if regions.length != length:
        raise ConfigError(f"{matrix.path} has regions of {regions.length} bp, the base takes windows of {length} bp")
    if cell_types is not None:
        matrix.check_profiled([tf], cell_types)
    own = matrix.labels([tf], kind=kind, cell_types=cell_types)
    located = np.flatnonzero((own[:, 0] >= 0) & (regions.start >= 0))
    uses = split_randomly(located, seed, exclude) if split == "paper" else _by_chromosome(regions, exclude)
    sample = sample_tf(matrix, genome, tf, uses, seed, n_bound, kind=kind, cell_types=cell_types)
    n_excluded = None if exclude is None else int(np.isin(located, exclude).sum())
    check_enough(sample.parts, f"{tf} in {matrix.path.name}", _advice(split, n_excluded))
    if sample.with_n:
        logger.info("%s: %d regions with unknown bases (N) in %s are left out", tf, sample.with_n, genome.path.name)

    def windows(part: Sample) -> LabelledWindows:
        index, order = np.unique(part.regions, return_index=True)
        return LabelledWindows(index, region_windows(matrix, genome, index), part.labels[order][:, None])

    def every(use: str) -> LabelledWindows:
        part = sample.parts[use]
        index = getattr(uses, use)
        # Bound regions beyond `n_bound` are as if there were none.
        index = index[((own[index, 0] == 0) & ~np.isnan(sample.gc[index])) | np.isin(index, part.bound)]
        return LabelledWindows(index, region_windows(matrix, genome, index), own[index])

    def chromosomes(index: NDArray[np.int64]) -> tuple[str, ...]:
        return tuple(regions.chrom_names[code] for code in np.unique(regions.chrom[index]))

    train, validation = windows(sample.parts["train"]), windows(sample.parts["validation"])
    tested = chromosomes(uses.test) if split == "paper" else tuple(c for c in TEST if c in regions.chrom_names)
    excluded = () if split == "paper" else tuple(ACCEPTANCE)
    windows_tested = from_matrix(matrix, genome, tested, kind, length, [tf], cell_types, uses.test)
    test, test_region = _resolved(windows_tested, uses.test)
    card = DataCard(
        source=f"{tf} ({kind} labels) of {matrix.attrs['source']}",
        matrix_sha256=sha256(matrix.path),
        assembly=str(matrix.attrs["assembly"]),
        genome=genome.path.name,
        train_chromosomes=chromosomes(train.region),
        validation_chromosomes=chromosomes(validation.region),
        test_chromosomes=tested,
        excluded_chromosomes=excluded,
        n_train=len(train),
        n_validation=len(validation),
        split="paper" if split == "paper" else None,
        cell_types=None if cell_types is None else tuple(cell_types),
        n_excluded=n_excluded,
    )
    training = TrainingData([tf], train, validation, uses.test, excluded)
    whole = {use: every(use) for use in ("train", "validation")}
    return FinetuneData(training, whole, test, test_region, counts_of(sample.parts), card)


def load_finetune_data(
    config: FinetuneConfig,
    base: Entry,
    matrix: BindingMatrix,
    genome: Genome,
    exclude: NDArray[np.int64] | None = None,
) -> FinetuneData:
    """Return the regions of a binding matrix that a configuration asks for.

    Parameters
    ----------
    config, base
        What to fine-tune, and from what.
    matrix, genome
        Labels and sequence.
    exclude
        With `exclude_base`: the regions that the base was made from, if they are known already.
    """
    if config.exclude_base and exclude is None:
        exclude = base_regions(base, matrix)
    return from_binding_matrix(
        matrix, genome, config.tf, base.card.window_length, config.seed, config.n_bound, config.labels, config.split,
        exclude if config.exclude_base else None, config.cell_types,
    )  # fmt: skip


def _by_chromosome(regions: Regions, exclude: NDArray[np.int64] | None) -> Split:
    """Return the split by chromosome, of which some regions may have no use: also if none is left for a part."""
    split = split_by_chromosome(regions)
    if exclude is None:
        return split
    return Split(*(part[~np.isin(part, exclude)] for part in (split.train, split.validation, split.test)))


def _advice(split: SplitName, n_excluded: int | None) -> str:
    """Return why there may be too few regions, and what to do, where it is not the usual reason."""
    if n_excluded:
        return f"{n_excluded:,} regions that the base was made from are left out: take a base that was made from fewer"
    return "It is split at random, 80/10/10: take a TF with more bound regions" if split == "paper" else ""


def _resolved(test: LabelledRegions, region: NDArray[np.int64]) -> tuple[LabelledRegions, NDArray[np.int64]]:
    """Return the windows whose label is known, and the regions that they are, of all regions given."""
    known = np.flatnonzero(test.labels[:, 0] >= 0)
    kept = test.kept[known]
    return replace(test, codes=test.codes[known], labels=test.labels[known], kept=kept), region[kept]


USES = {"train": "train", "validation": "validate", "test": "test"}
"""What regions do in each part."""


def check_enough(parts: Mapping[str, Sample], of: str, advice: str = "") -> None:
    """Refuse samples with too few bound regions, or no unbound one; say of which GC content there are too few unbound.

    Parameters
    ----------
    parts
        {train, validation and test: regions}.
    of
        What they are of, for messages.
    advice
        For `too_few`.

    Raises
    ------
    ConfigError
        If one has fewer than `LEAST_BOUND`.
    """
    bound = {use: len(sample.bound) for use, sample in parts.items()}
    for use, least in LEAST_BOUND.items():
        if bound[use] < least:
            raise too_few(use, bound[use], least, bound, of, advice)
        sample = parts[use]
        if not len(sample.unbound):
            raise ConfigError(
                f"{of}: no unbound region to {USES[use]} with has the GC content of a bound one "
                f"({sample.unbound_available:,} there are); give more open regions"
            )
        if sample.short:
            bins = ", ".join(f"{i / 10:.1f}-{(i + 1) / 10:.1f}: {n}" for i, n in sorted(sample.short.items()))
            logger.warning("%s: too few unbound regions of the same GC content to %s with (%s)", of, USES[use], bins)


def too_few(use: str, found: int, least: int, bound: Mapping[str, int], of: str, advice: str = "") -> ConfigError:
    """Return the error that a part has too few bound regions; `advice` where chromosomes are not the reason."""
    chroms = {} if advice else {"validation": f" ({', '.join(VALIDATION)})", "test": f" ({', '.join(TEST)})"}
    there = ", ".join(f"{bound[part]:,} to {verb}{chroms.get(part, '')}" for part, verb in USES.items())
    usual = f"Chromosomes have fixed uses ({', '.join(ACCEPTANCE)} none): give the peaks of the whole genome"
    return ConfigError(
        f"{of}: {found:,} bound regions to {USES[use]} with, at least {least} are needed; there are {there}. "
        f"{advice or usual}"
    )


def counts_of(parts: Mapping[str, Sample]) -> dict[str, dict[str, int]]:
    """Return {part: {bound, unbound, short}}."""
    rows = describe(parts)[:-1]
    return {row.part: {"bound": row.bound, "unbound": row.unbound, "short": row.short} for row in rows}
