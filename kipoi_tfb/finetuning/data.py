"""What one TF is fine-tuned, validated and tested on: regions of a binding matrix, or someone's own peaks."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.evaluation.regions import LabelledRegions, from_matrix
from kipoi_tfb.finetuning.peaks import Account, places_of_peaks
from kipoi_tfb.finetuning.places import Places
from kipoi_tfb.training.data import LabelledWindows, TrainingData
from kipoi_tfb.zoo.card import DataCard
from tfb_matrix_data.contigs import plain_name
from tfb_matrix_data.errors import AssemblyError, ConfigError, InputError
from tfb_matrix_data.files import check_kept, sha256
from tfb_matrix_data.genome import Genome, region_windows
from tfb_matrix_data.intervals import Anchor
from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.sampling import Sample, balanced_sample, describe, sample_tf, seed_of
from tfb_matrix_data.sequence import UNKNOWN, gc_content
from tfb_matrix_data.splits import ACCEPTANCE, TEST, VALIDATION, split_by_chromosome

__all__ = ["LEAST_BOUND", "FinetuneData", "from_binding_matrix", "from_peaks"]

logger = logging.getLogger(__name__)

LEAST_BOUND = {"train": 20, "validation": 3, "test": 5}
"""Bound regions that each part needs: with fewer there is nothing to learn, to choose by, or to test."""

_USES = {"validation": VALIDATION, "test": TEST, "excluded": ACCEPTANCE}


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
        Every resolved region of the test chromosomes; `kipoi_tfb.evaluation.job.evaluate` draws the GC-matched
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
) -> FinetuneData:
    """Return the regions of a TF of a binding matrix, split by chromosome (docs/sampling.md).

    Parameters
    ----------
    matrix, genome
        Labels and sequence.
    tf
        Of the matrix.
    length
        Of the windows; that of the regions.
    seed
        Of the draws.
    n_bound
        Bound regions to train with; default all.
    kind
        Which labels.

    Raises
    ------
    UnknownNameError
        If the matrix does not know the TF.
    ConfigError
        If a part has too few bound regions (`LEAST_BOUND`), or windows are of another length than the regions.
    """
    regions = matrix.regions
    if regions.length != length:
        raise ConfigError(f"{matrix.path} has regions of {regions.length} bp, the base takes windows of {length} bp")
    split = split_by_chromosome(regions)
    sample = sample_tf(matrix, genome, tf, split, seed, n_bound, kind=kind)
    _check_enough(sample.parts, f"{tf} in {matrix.path.name}")
    if sample.with_n:
        logger.info("%s: %d regions with unknown bases (N) in %s are left out", tf, sample.with_n, genome.path.name)
    chrom = np.array(regions.chrom_names)

    def windows(part: Sample) -> LabelledWindows:
        index, order = np.unique(part.regions, return_index=True)
        return LabelledWindows(index, region_windows(matrix, genome, index), part.labels[order][:, None])

    own = matrix.labels([tf], kind=kind)

    def every(use: str) -> LabelledWindows:
        part = sample.parts[use]
        index = getattr(split, use)
        # Bound regions beyond `n_bound` are as if there were none.
        index = index[((own[index, 0] == 0) & ~np.isnan(sample.gc[index])) | np.isin(index, part.bound)]
        return LabelledWindows(index, region_windows(matrix, genome, index), own[index])

    train, validation = windows(sample.parts["train"]), windows(sample.parts["validation"])
    test_chromosomes = tuple(name for name in TEST if name in regions.chrom_names)
    test, test_region = _resolved(
        from_matrix(matrix, genome, test_chromosomes, kind, length).only([tf]), regions.on(test_chromosomes)
    )
    excluded = tuple(ACCEPTANCE)
    card = DataCard(
        source=f"{tf} ({kind} labels) of {matrix.attrs['source']}",
        matrix_sha256=sha256(matrix.path),
        assembly=str(matrix.attrs["assembly"]),
        genome=genome.path.name,
        train_chromosomes=tuple(chrom[np.unique(regions.chrom[train.region])].tolist()),
        validation_chromosomes=tuple(chrom[np.unique(regions.chrom[validation.region])].tolist()),
        test_chromosomes=test_chromosomes,
        excluded_chromosomes=excluded,
        n_train=len(train),
        n_validation=len(validation),
    )
    training = TrainingData([tf], train, validation, split.test, excluded)
    whole = {use: every(use) for use in ("train", "validation")}
    return FinetuneData(training, whole, test, test_region, _counts(sample.parts), card)


def from_peaks(
    peaks: str | Path,
    genome: Genome,
    tf: str,
    open_regions: str | Path | BindingMatrix | None = None,
    length: int = 200,
    anchor: Literal["auto"] | Anchor = "auto",
    seed: int = 0,
    n_bound: int | None = None,
    assembly: str = "",
) -> FinetuneData:
    """Return the regions of someone's own peaks: bound and unbound ones of `length` bp, split by chromosome.

    *Bound*: around the summits (or centres) of the peaks that lie in an open region. *Unbound*: around the centres of
    the open regions that touch no peak. Without open regions every peak counts, and unbound regions are places of the
    same chromosomes away from peaks, which is an easier task: what it learns is in part what open chromatin looks like.
    How many were left out, and why, is logged as a table.

    Parameters
    ----------
    peaks
        BED or narrowPeak.
    genome
        Of the peaks' assembly.
    tf
        Its name.
    open_regions
        BED of accessible regions of the same cells, or a binding matrix, all of whose regions are open somewhere.
    length
        Of the windows.
    anchor
        What they are centred on; ``auto``: summits where the file has any, else centres.
    seed
        Of the draws.
    n_bound
        Bound regions to train with; default all.
    assembly
        Name, for the card; default the matrix's, or else the genome file's name.

    Raises
    ------
    InputError
        If a file cannot be read, a summit is outside of its peak, or peaks and open regions or genome do not seem to be
        of one assembly.
    ConfigError
        If a part has too few bound regions (`LEAST_BOUND`), or no unbound one.
    """
    check_kept(peaks, "the checksum of peaks is kept with what is learnt from them")
    if isinstance(open_regions, str | Path):
        check_kept(open_regions, "the checksum of open regions is kept with what is learnt from them")
    found = places_of_peaks(peaks, genome, open_regions, length, anchor, seed)
    bound, unbound, account = found.bound, found.unbound, found.account
    places = bound.joined(unbound)
    labels = np.repeat(np.array([1, 0], np.int8), [len(bound), len(unbound)])
    codes = _windows(genome, places, length)
    whole = ~(codes == UNKNOWN).any(1)
    account.add("- unknown bases (N) in the window", *_both(~whole, labels))
    _check_known(whole[: len(bound)], peaks, genome, account)
    places, labels, codes = places.take(whole), labels[whole], codes[whole]
    where = _uses(places)
    account.add(f"- on {', '.join(ACCEPTANCE)}, which has no use", *_both(where["excluded"], labels))
    for use, verb in _VERBS.items():
        account.add(f"left to {verb} with", *_both(where[use], labels))
    logger.info("%s", account)
    parts = _sampled(where, labels, codes, seed, tf, n_bound, str(peaks))

    def windows(part: Sample) -> LabelledWindows:
        index = np.sort(part.regions)
        return LabelledWindows(index, codes[index], labels[index][:, None])

    def chromosomes(index: NDArray[np.int64]) -> tuple[str, ...]:
        return tuple(np.unique(places.chrom[index]).tolist())

    train, validation = windows(parts["train"]), windows(parts["validation"])
    tested = np.flatnonzero(places.on(TEST))
    test = LabelledRegions(
        source=f"{Path(peaks).name}, {', '.join(chromosomes(tested))}",
        tfs=(tf,),
        codes=codes[tested],
        labels=labels[tested][:, None],
        keys=[(plain_name(c), s, e) for c, s, e in places.take(tested).rows()],
        kept=np.arange(len(tested)),
        chromosomes=chromosomes(tested),
        streams=(_stream(tf),),
    )
    is_matrix = isinstance(open_regions, BindingMatrix)
    card = DataCard(
        source=found.source,
        peaks_sha256=sha256(peaks),
        matrix_sha256=sha256(open_regions.path) if isinstance(open_regions, BindingMatrix) else None,
        open_sha256=None if is_matrix or open_regions is None else sha256(open_regions),  # type: ignore[arg-type]
        assembly=assembly or (str(open_regions.attrs["assembly"]) if is_matrix else genome.path.name),  # type: ignore[union-attr]
        genome=genome.path.name,
        train_chromosomes=chromosomes(train.region),
        validation_chromosomes=chromosomes(validation.region),
        test_chromosomes=chromosomes(tested),
        excluded_chromosomes=tuple(ACCEPTANCE),
        n_train=len(train),
        n_validation=len(validation),
    )
    training = TrainingData([tf], train, validation, tested, tuple(ACCEPTANCE))
    every = {}
    for use in ("train", "validation"):
        at = np.flatnonzero(where[use])
        index = at[(labels[at] == 0) | np.isin(at, parts[use].bound)]
        every[use] = LabelledWindows(index, codes[index], labels[index][:, None])
    return FinetuneData(training, every, test, tested, _counts(parts), card)


def _resolved(test: LabelledRegions, region: NDArray[np.int64]) -> tuple[LabelledRegions, NDArray[np.int64]]:
    """Return the windows whose label is known, and the regions that they are, of all regions given."""
    known = np.flatnonzero(test.labels[:, 0] >= 0)
    kept = test.kept[known]
    return replace(test, codes=test.codes[known], labels=test.labels[known], kept=kept), region[kept]


def _windows(genome: Genome, places: Places, length: int) -> NDArray[np.uint8]:
    try:
        return genome.windows(places.chrom, places.start, length).codes
    except AssemblyError as error:
        raise ConfigError(f"{error}") from None


def _both(chosen: NDArray[np.bool_], labels: NDArray[np.int8]) -> tuple[int, int]:
    return int((chosen & (labels == 1)).sum()), int((chosen & (labels == 0)).sum())


def _check_known(whole: NDArray[np.bool_], peaks: str | Path, genome: Genome, account: Account) -> None:
    if whole.mean() < 0.5:
        logger.info("%s", account)
        raise InputError(
            peaks,
            f"{int((~whole).sum()):,} of {len(whole):,} windows around peaks have unknown bases in "
            f"{genome.path.name}; is it the right assembly, and not masked?",
        )


def _uses(places: Places) -> dict[str, NDArray[np.bool_]]:
    """Return {use: which places are on its chromosomes}."""
    where = {use: places.on(chroms) for use, chroms in _USES.items()}
    return {**where, "train": ~np.logical_or.reduce(list(where.values()))}


def _sampled(
    where: Mapping[str, NDArray[np.bool_]],
    labels: NDArray[np.int8],
    codes: NDArray[np.uint8],
    seed: int,
    tf: str,
    n_bound: int | None,
    of: str,
) -> dict[str, Sample]:
    """Return a sample of the places of each use."""
    gc = gc_content(codes)
    bound = {use: int((labels[chosen] == 1).sum()) for use, chosen in where.items()}
    if bound["train"] < LEAST_BOUND["train"] or (n_bound or 0) > bound["train"]:
        raise _too_few("train", bound["train"], max(n_bound or 0, LEAST_BOUND["train"]), bound, of)
    parts = {}
    for use in _VERBS:
        at = np.flatnonzero(where[use])
        limit = n_bound if use == "train" else None
        parts[use] = balanced_sample(labels[at], gc[at], seed_of(seed, _stream(tf)), limit, at)
    _check_enough(parts, of)
    return parts


def _check_enough(parts: Mapping[str, Sample], of: str) -> None:
    bound = {use: len(sample.bound) for use, sample in parts.items()}
    for use, least in LEAST_BOUND.items():
        if bound[use] < least:
            raise _too_few(use, bound[use], least, bound, of)
        sample = parts[use]
        if not len(sample.unbound):
            raise ConfigError(
                f"{of}: no unbound region to {_VERBS[use]} with has the GC content of a bound one "
                f"({sample.unbound_available:,} there are); give more open regions"
            )
        if sample.short:
            bins = ", ".join(f"{i / 10:.1f}-{(i + 1) / 10:.1f}: {n}" for i, n in sorted(sample.short.items()))
            logger.warning("%s: too few unbound regions of the same GC content to %s with (%s)", of, _VERBS[use], bins)


_VERBS = {"train": "train", "validation": "validate", "test": "test"}


def _too_few(use: str, found: int, least: int, bound: Mapping[str, int], of: str) -> ConfigError:
    chroms = {"validation": f" ({', '.join(VALIDATION)})", "test": f" ({', '.join(TEST)})"}
    there = ", ".join(f"{bound[part]:,} to {verb}{chroms.get(part, '')}" for part, verb in _VERBS.items())
    return ConfigError(
        f"{of}: {found:,} bound regions to {_VERBS[use]} with, at least {least} are needed; there are {there}. "
        f"Chromosomes have fixed uses ({', '.join(ACCEPTANCE)} none): give the peaks of the whole genome"
    )


def _counts(parts: Mapping[str, Sample]) -> dict[str, dict[str, int]]:
    rows = describe(parts)[:-1]
    return {row.part: {"bound": row.bound, "unbound": row.unbound, "short": row.short} for row in rows}


def _stream(tf: str) -> int:
    return zlib.crc32(tf.encode())
