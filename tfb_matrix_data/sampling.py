"""Choosing what a model learns from and is tested on: bound regions, and unbound ones that match them in GC content.

One function serves training, fine-tuning, evaluation and experiments: `balanced_sample` on arrays, `sample_tf` on a
matrix and a genome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.genome import Genome, region_windows
from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.sequence import UNKNOWN, gc_content
from tfb_matrix_data.splits import Split

__all__ = [
    "GC_BINS",
    "Matched",
    "PartCounts",
    "Sample",
    "TfSample",
    "balanced_sample",
    "describe",
    "gc_bins",
    "match_gc",
    "sample_tf",
    "seed_of",
]

GC_BINS = 10


class Matched(NamedTuple):
    """Chosen background regions.

    Attributes
    ----------
    chosen
        int64 positions in the background array, ascending.
    short
        {GC bin: number of regions that the bin had too few of}.
    """

    chosen: NDArray[np.int64]
    short: dict[int, int]


def match_gc(gc_bound: NDArray[np.float64], gc_background: NDArray[np.float64], seed: int) -> Matched:
    """Draw one background region per bound region from the same tenth of GC content.

    A bin with too few background regions gives all it has.

    Parameters
    ----------
    gc_bound, gc_background
        GC content (0 to 1) of the bound regions and of those to choose from.
    seed
        The same seed and input give the same choice.

    Notes
    -----
    Source: Novakovsky et al. 2021, Methods, "individual models", doi:10.1186/s13059-021-02499-5.
    """
    rng = np.random.default_rng(seed)
    bins_bound, bins_background = gc_bins(gc_bound), gc_bins(gc_background)
    chosen, short = [], {}
    for gc_bin, wanted in enumerate(np.bincount(bins_bound, minlength=GC_BINS).tolist()):
        pool = np.flatnonzero(bins_background == gc_bin)
        if wanted > len(pool):
            short[gc_bin] = wanted - len(pool)
        elif wanted:
            pool = rng.choice(pool, wanted, replace=False)
        if wanted:
            chosen.append(pool)
    return Matched(np.sort(np.concatenate([np.zeros(0, np.int64), *chosen])), short)


@dataclass(frozen=True)
class Sample:
    """Bound regions, and as many unbound ones of the same GC content as there are.

    Attributes
    ----------
    bound, unbound
        int64 indices of the regions chosen, ascending.
    short
        {GC bin: number of unbound regions that the bin had too few of}.
    bound_available, unbound_available
        Regions there were to choose from, after the exclusion.
    bound_excluded, unbound_excluded
        Regions left out since they were to be excluded.
    """

    bound: NDArray[np.int64]
    unbound: NDArray[np.int64]
    short: dict[int, int]
    bound_available: int
    unbound_available: int
    bound_excluded: int
    unbound_excluded: int

    def __len__(self) -> int:
        return len(self.bound) + len(self.unbound)

    @property
    def regions(self) -> NDArray[np.int64]:
        """All chosen, int64: the bound ones, then the unbound ones."""
        return np.concatenate([self.bound, self.unbound])

    @property
    def labels(self) -> NDArray[np.int8]:
        """int8 labels of `regions`: 1, then 0."""
        return np.repeat(np.array([1, 0], np.int8), [len(self.bound), len(self.unbound)])


def balanced_sample(
    labels: NDArray[np.int8],
    gc: NDArray[np.float64],
    seed: int,
    n_bound: int | None = None,
    regions: NDArray[np.int64] | None = None,
    exclude: ArrayLike | None = None,
    at_most: int | None = None,
) -> Sample:
    """Take the bound regions, and draw one unbound region for each from the same tenth of GC content.

    A bin with too few unbound regions gives all it has. The same seed and input give the same choice. With the same
    seed a sample of fewer bound regions is part of every larger one, its unbound regions included.

    Parameters
    ----------
    labels
        int8 (regions,): 1 bound, 0 unbound; others are never chosen.
    gc
        float64 (regions,): GC content, 0 to 1.
    seed
        Decides which unbound regions are drawn, and which bound ones where `n_bound` is given.
    n_bound
        Number of bound regions to take; default all.
    regions
        int64 (regions,): index of each in the matrix; default their positions.
    exclude
        Indices never to choose, such as the regions that another model was trained on.
    at_most
        Bound regions to take where there are more.

    Raises
    ------
    ConfigError
        If there are fewer bound regions than `n_bound`, or arrays differ in length.

    Notes
    -----
    Source: Novakovsky et al. 2021, Methods, "individual models", doi:10.1186/s13059-021-02499-5. The paper does not
    say how its smaller sets were drawn; that they are nested is our choice: what differs between them is the size.
    """
    index = np.arange(len(labels)) if regions is None else np.asarray(regions, np.int64)
    if not len(labels) == len(gc) == len(index):
        raise ConfigError(
            f"{len(labels)} labels, {len(gc)} GC contents, {len(index)} regions: expected as many of each"
        )
    left_out = np.zeros(len(labels), bool) if exclude is None else np.isin(index, np.asarray(exclude, np.int64))
    bound, unbound = (np.flatnonzero((labels == value) & ~left_out) for value in (1, 0))
    matched = match_gc(gc[bound], gc[unbound], seed)
    chosen, taken, short = bound, unbound[matched.chosen], matched.short
    if n_bound is None and at_most is not None and len(bound) > at_most:
        n_bound = at_most
    if n_bound is not None:
        if not 0 < n_bound <= len(bound):
            raise ConfigError(f"cannot take {n_bound} bound regions: there are {len(bound)}")
        chosen, taken, short = _first(n_bound, chosen, taken, gc, seed)
    return Sample(
        bound=np.sort(index[chosen]),
        unbound=np.sort(index[taken]),
        short=short,
        bound_available=len(bound),
        unbound_available=len(unbound),
        bound_excluded=int(((labels == 1) & left_out).sum()),
        unbound_excluded=int(((labels == 0) & left_out).sum()),
    )


def _first(
    n_bound: int, bound: NDArray[np.int64], matched: NDArray[np.int64], gc: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[int, int]]:
    """Return the first `n_bound` bound regions of a fixed random order, and of each GC bin as many matched ones."""
    rng = np.random.default_rng([seed, 1])
    chosen = rng.permutation(bound)[:n_bound]
    matched = rng.permutation(matched)
    wanted = np.bincount(gc_bins(gc[chosen]), minlength=GC_BINS).tolist()
    bins = gc_bins(gc[matched])
    taken = [matched[bins == gc_bin][:n] for gc_bin, n in enumerate(wanted)]
    short = {i: n - len(part) for i, (n, part) in enumerate(zip(wanted, taken, strict=True)) if n > len(part)}
    return chosen, np.concatenate(taken), short


def gc_bins(gc: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the tenth of GC content (0 to 9) of each region, int64, of GC contents from 0 to 1."""
    return np.minimum((gc * GC_BINS).astype(np.int64), GC_BINS - 1)


def seed_of(seed: int, tf: int) -> int:
    """Return the seed of a TF, by its index in the matrix, so that each TF has a stream of its own."""
    return int(np.random.default_rng([seed, tf]).integers(1 << 31))


@dataclass(frozen=True)
class TfSample:
    """What there is to train, validate and test one TF with.

    Attributes
    ----------
    parts
        ``train``, ``validation`` and ``test``.
    gc
        float64 (regions of the matrix,): GC content, NaN where a window was not read or has an N.
    with_n
        Resolved regions that were left out because their window has an N.
    """

    parts: dict[str, Sample]
    gc: NDArray[np.float64]
    with_n: int


def sample_tf(
    matrix: BindingMatrix,
    genome: Genome,
    tf: str,
    split: Split,
    seed: int = 0,
    n_bound: int | None = None,
    exclude: ArrayLike | None = None,
    kind: Kind = "sparse",
    cell_types: Sequence[str] | None = None,
) -> TfSample:
    """Draw a balanced sample of one TF within each part of a split; windows with an N are left out.

    The test part is what `tfb evaluate` draws with the same seed and labels on the same chromosomes.

    Parameters
    ----------
    matrix, genome
        Labels and sequence.
    tf
        Name of the TF.
    split
        From `tfb_matrix_data.splits`, of all regions with coordinates or fewer.
    seed
        See `balanced_sample`; each TF has a stream of its own.
    n_bound
        Bound regions to train with; validation and test are not cut.
    exclude
        Indices never to choose, in any part.
    kind
        Which labels.
    cell_types
        Labels of these alone; default all.

    Raises
    ------
    UnknownNameError, ConfigError
        If the matrix does not know the TF or a cell type, the TF was not profiled in one that is named, or there are
        fewer bound regions to train with than `n_bound`.
    """
    if cell_types is not None:
        matrix.check_profiled([tf], cell_types)
    labels = matrix.labels([tf], kind=kind, cell_types=cell_types)[:, 0]
    index = np.sort(np.concatenate([split.train, split.validation, split.test]))
    index = index[labels[index] >= 0]
    gc = np.full(len(matrix), np.nan)
    with_n = 0
    for start in range(0, len(index), 1 << 17):
        part = index[start : start + (1 << 17)]
        codes = region_windows(matrix, genome, part)
        whole = ~(codes == UNKNOWN).any(1)
        gc[part[whole]] = gc_content(codes[whole])
        with_n += int((~whole).sum())
    own_seed = seed_of(seed, matrix.tfs.index(tf))
    parts = {}
    for use in ("train", "validation", "test"):
        regions = getattr(split, use)
        regions = regions[~np.isnan(gc[regions])]
        limit = n_bound if use == "train" else None
        parts[use] = balanced_sample(labels[regions], gc[regions], own_seed, limit, regions, exclude)
    return TfSample(parts, gc, with_n)


class PartCounts(NamedTuple):
    """One row of the report on a sample: what a part has, and what there was."""

    part: str
    bound: int
    unbound: int
    bound_available: int
    unbound_available: int
    bound_excluded: int
    unbound_excluded: int
    short: int


def describe(parts: Mapping[str, Sample]) -> list[PartCounts]:
    """Return a row of counts per part and their total; `short` are the unbound regions that GC bins had too few of.

    >>> half = np.full(3, 0.5)
    >>> [row[:3] for row in describe({"train": balanced_sample(np.array([1, 0, 0], np.int8), half, seed=0)})]
    [('train', 1, 1), ('total', 1, 1)]
    """
    rows = [
        PartCounts(
            name,
            len(sample.bound),
            len(sample.unbound),
            sample.bound_available,
            sample.unbound_available,
            sample.bound_excluded,
            sample.unbound_excluded,
            sum(sample.short.values()),
        )
        for name, sample in parts.items()
    ]
    counts = np.array([row[1:] for row in rows], np.int64).reshape(-1, len(PartCounts._fields) - 1)
    return [*rows, PartCounts("total", *counts.sum(0).tolist())]
