"""What one TF is fine-tuned, validated and tested on: someone's own peaks, split by chromosome."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.evaluation.regions import LabelledRegions
from kipoi_tfb.finetuning.data import LEAST_BOUND, USES, FinetuneData, check_enough, counts_of, too_few
from kipoi_tfb.finetuning.peaks import Account, places_of_peaks
from kipoi_tfb.finetuning.places import Places
from kipoi_tfb.training.data import LabelledWindows, TrainingData
from kipoi_tfb.zoo.card import DataCard
from tfb_matrix_data.contigs import plain_name
from tfb_matrix_data.errors import AssemblyError, ConfigError, InputError
from tfb_matrix_data.files import check_kept, sha256
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import Anchor
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sampling import Sample, balanced_sample, seed_of
from tfb_matrix_data.sequence import UNKNOWN, gc_content
from tfb_matrix_data.splits import ACCEPTANCE, TEST, VALIDATION

__all__ = ["from_peaks"]

logger = logging.getLogger(__name__)

_PLACES = {"validation": VALIDATION, "test": TEST, "excluded": ACCEPTANCE}


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
    for use, verb in USES.items():
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
    return FinetuneData(training, every, test, tested, counts_of(parts), card)


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
    where = {use: places.on(chroms) for use, chroms in _PLACES.items()}
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
        raise too_few("train", bound["train"], max(n_bound or 0, LEAST_BOUND["train"]), bound, of)
    parts = {}
    for use in USES:
        at = np.flatnonzero(where[use])
        limit = n_bound if use == "train" else None
        parts[use] = balanced_sample(labels[at], gc[at], seed_of(seed, _stream(tf)), limit, at)
    check_enough(parts, of)
    return parts


def _stream(tf: str) -> int:
    return zlib.crc32(tf.encode())
