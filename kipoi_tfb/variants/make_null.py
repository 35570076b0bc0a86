"""Making the matched nulls of entries: effects of random variants in open regions that they were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb import __version__
from kipoi_tfb.models.logits import effect, impact
from kipoi_tfb.models.run import heard
from kipoi_tfb.output.progress import progress_bar, progress_within
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.null import CLASSES, PERCENTS, EffectNull, NullRecord, allele_classes
from tfb_matrix_data.alleles import allele_windows
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import sha256
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sequence import decode, gc_content
from tfb_matrix_data.variants import Variants
from tfb_matrix_data.windows import window_start

__all__ = ["LONGEST", "N_BINS", "PER_POSITION", "draw_variants", "make_nulls", "null_chromosomes"]

PER_POSITION = 6
"""Variants at each position: three substitutions, an MNV, an insertion, a deletion; the first four share a window."""

N_BINS = 5
"""GC bins; as many variants in each."""

LONGEST = 20
"""Bases that are inserted, deleted or replaced at once, at most."""

MIN_VARIANTS = 100
"""A class has at least so many variants in every GC bin: fewer do not tell one per cent from another."""

_AT_ONCE = 3072
_ROUNDS = 100


def make_nulls(
    predictor: Predictor,
    matrix: BindingMatrix,
    genome: Genome,
    chromosomes: Sequence[str] | None = None,
    positions: int = 20_000,
    seed: int = 1,
    command: str = "",
) -> list[tuple[Entry, EffectNull]]:
    """Return the null of each entry: by TF, class of alleles and GC content, what random variants do.

    Parameters
    ----------
    predictor
        The networks, with all columns of their entries; they are run side by side over the same variants.
    matrix
        Its regions that are open in a cell type are where variants are drawn.
    genome
        Genome of the matrix's assembly.
    chromosomes
        Default: those that the entries' cards hold out for validation and test. On chromosomes that trained, effects
        may be larger than they would be anywhere else.
    positions
        Places to draw, with `PER_POSITION` variants at each.
    seed
        The same seed and input give the same null.
    command
        What the record says that made it.

    Raises
    ------
    ConfigError
        If a chromosome is the acceptance set, the entries hold out different ones, or there are too few variants.
    UnknownNameError
        If the matrix has no region on a chromosome.
    """
    entries = list({id(entry): entry for entry in predictor.sources}.values())
    names = null_chromosomes(entries, matrix, chromosomes)
    variants = draw_variants(matrix, genome, names, positions, predictor.window_length, seed)
    logits = _logits(variants, genome, predictor)
    gc_edges = np.quantile(logits.gc, np.arange(1, N_BINS) / N_BINS)
    bins = np.digitize(logits.gc, gc_edges)
    classes = allele_classes(variants.ref, variants.alt)
    shape = (len(CLASSES), N_BINS)
    counts = np.bincount(classes * N_BINS + bins, minlength=len(CLASSES) * N_BINS).reshape(shape).astype(np.int32)
    if counts.min() < MIN_VARIANTS:
        kind, gc_bin = np.unravel_index(counts.argmin(), shape)
        raise ConfigError(
            f"only {counts.min()} variants of class {CLASSES[kind]} in GC bin {gc_bin + 1} of {N_BINS} (at least "
            f"{MIN_VARIANTS} are needed); draw more than {positions} positions"
        )
    made_of: dict[str, Any] = {
        "matrix_sha256": sha256(matrix.path),
        "genome": genome.path.name,
        "genome_sha256": sha256(genome.path),
        "chromosomes": tuple(names),
        "positions": positions,
        "seed": seed,
        "command": command,
        "version": __version__,
    }
    nulls = []
    for entry in entries:
        card = entry.card
        record = NullRecord(entry=card.name, weights_sha256=card.weights.sha256, **made_of)
        own = [i for i, source in enumerate(predictor.sources) if source is entry]
        quantiles = _quantiles(logits.of(own), classes, bins)
        nulls.append((entry, EffectNull(record, card.tasks, gc_edges, counts, *quantiles)))
    return nulls


def _quantiles(logits: _Logits, classes: NDArray[np.int64], bins: NDArray[np.int64]) -> tuple[NDArray, ...]:
    """Return `PERCENTS` of effects, impacts, logits of the better-bound allele, and largest impacts."""
    n_tfs = logits.alt.shape[1]
    by_class = (len(CLASSES), N_BINS, len(PERCENTS))
    effects, impacts = np.empty((n_tfs, *by_class), np.float16), np.empty((n_tfs, *by_class), np.float32)
    activity, largest = np.empty((n_tfs, N_BINS, len(PERCENTS)), np.float16), np.empty(by_class, np.float16)
    for gc_bin in range(N_BINS):
        inside = np.flatnonzero(bins == gc_bin)
        ref, alt = (torch.from_numpy(values[inside]) for values in (logits.ref, logits.alt))
        activity[:, gc_bin] = np.percentile(torch.maximum(ref, alt).numpy(), PERCENTS, axis=0).T
        for kind in range(len(CLASSES)):
            matched = torch.from_numpy(classes[inside] == kind)
            sizes = impact(ref[matched], alt[matched])
            effects[:, kind, gc_bin] = np.percentile(effect(ref[matched], alt[matched]).numpy(), PERCENTS, axis=0).T
            impacts[:, kind, gc_bin] = np.percentile(sizes.numpy(), PERCENTS, axis=0).T
            largest[kind, gc_bin] = np.percentile(sizes.abs().amax(1).numpy(), PERCENTS)
    return effects, impacts, activity, largest


def null_chromosomes(
    entries: Sequence[Entry], matrix: BindingMatrix, chromosomes: Sequence[str] | None = None
) -> list[str]:
    """Return the chromosomes of a null; see `make_nulls`."""
    if chromosomes is None:
        sets = {(*e.card.data.validation_chromosomes, *e.card.data.test_chromosomes) for e in entries}
        if len(sets) > 1:
            raise ConfigError("the entries hold out different chromosomes; name some with --chromosomes")
        (held_out,) = sets
        chromosomes = [name for name in held_out if name in matrix.regions.chrom_names]
        if not chromosomes:
            raise ConfigError(
                f"{matrix.path} has no region on {', '.join(held_out) or 'a chromosome'} that {entries[0].name} holds "
                "out; name others with --chromosomes"
            )
    for entry in entries:
        never = sorted({*chromosomes} & {*entry.card.data.excluded_chromosomes})
        if never:
            raise ConfigError(f"{', '.join(never)} has no use in {entry.name} (its card excludes it); name others")
    return list(chromosomes)


def draw_variants(
    matrix: BindingMatrix, genome: Genome, chromosomes: Sequence[str], n: int, length: int, seed: int
) -> Variants:
    """Return random variants, `PER_POSITION` at each of n random positions in open regions, position by position.

    A region is any that is open in a cell type in which a TF was profiled (the TF's label is resolved); every one is
    as likely, and so is every base of it. Positions whose window has an unknown base are drawn again. At each position
    there are the three substitutions; an MNV: bases from here on are replaced by bases drawn from the window, the first
    and the last by other ones than they are; an insertion behind the base, of bases drawn from the window; and a
    deletion of the bases that follow. Indels have 1 to `LONGEST` bases, MNVs 2 to `LONGEST`, n bases with a probability
    in proportion to 1/n².

    Raises
    ------
    ConfigError
        If there are not enough positions.
    """
    rng = np.random.default_rng(seed)
    index = matrix.regions.on(chromosomes)
    index = index[(matrix.labels(None, index, "less_sparse") >= 0).any(1)]
    if not len(index):
        raise ConfigError(f"{matrix.path} has no open region on {', '.join(chromosomes)}")
    names = np.array(matrix.regions.chrom_names)[matrix.regions.chrom[index]]
    starts = matrix.regions.start[index]
    half, wide = length // 2, length + LONGEST
    chrom: list[str] = []
    found: list[NDArray] = []
    codes: list[NDArray[np.uint8]] = []
    for _ in range(_ROUNDS):
        at = rng.integers(len(index), size=n)
        position = starts[at] + rng.integers(matrix.regions.length, size=n)
        windows = genome.windows(names[at], window_start(position, length), wide)
        whole = np.flatnonzero(windows.n_unknown == 0)[: n - len(chrom)]
        chrom += names[at[whole]].tolist()
        found.append(position[whole])
        codes.append(windows.codes[whole])
        if len(chrom) == n:
            break
    else:
        raise ConfigError(
            f"only {len(chrom)} of {_ROUNDS * n} positions on {', '.join(chromosomes)} have a window without unknown "
            f"bases in {genome.path.name}; {n} are needed"
        )
    sizes = np.stack([_sizes(rng, n, 1), _sizes(rng, n, 1), _sizes(rng, n, 2)], 1)
    refs: list[str] = []
    alts: list[str] = []
    for window, (n_in, n_out, n_replaced) in zip(np.concatenate(codes), sizes.tolist(), strict=True):
        base, replaced = decode(window[half : half + 1]), window[half : half + n_replaced]
        new = rng.choice(window[:length], n_replaced)
        new[[0, -1]] = (replaced[[0, -1]] + rng.integers(1, 4, 2)) % 4
        refs += [base] * 3 + [decode(replaced), base, decode(window[half : half + 1 + n_out])]
        alts += [other for other in "ACGT" if other != base]
        alts += [decode(new), base + decode(rng.choice(window[:length], n_in)), base]
    items = n * PER_POSITION
    return Variants(
        chrom=[name for name in chrom for _ in range(PER_POSITION)],
        pos=np.repeat(np.concatenate(found) + 1, PER_POSITION),
        id=["."] * items,
        ref=refs,
        alt=alts,
        duplicate=np.zeros(items, bool),
        path=Path("random variants"),
    )


def _sizes(rng: np.random.Generator, n: int, least: int) -> NDArray[np.int64]:
    """Return n numbers of bases, from `least` to `LONGEST`, each with a probability in proportion to 1/n²."""
    sizes = np.arange(least, LONGEST + 1)
    chances = 1 / sizes.astype(np.float64) ** 2
    return rng.choice(sizes, n, p=chances / chances.sum())


class _Logits(NamedTuple):
    """What networks say of random variants.

    Attributes
    ----------
    ref, alt
        float32 (variants, TFs): logits of binding.
    gc
        GC content of the window with REF, (variants,).
    """

    ref: NDArray[np.float32]
    alt: NDArray[np.float32]
    gc: NDArray[np.float64]

    def of(self, columns: list[int]) -> _Logits:
        """Return those of some TFs."""
        return _Logits(self.ref[:, columns], self.alt[:, columns], self.gc)


def _logits(variants: Variants, genome: Genome, predictor: Predictor) -> _Logits:
    ref, alt = np.empty((2, len(variants), len(predictor.columns)), np.float32)
    gc = np.empty(len(variants))
    with progress_bar("random variants", len(variants)) as advance:
        for start in range(0, len(variants), _AT_ONCE):
            rows = np.arange(start, min(start + _AT_ONCE, len(variants)))
            windows = allele_windows(variants.take(rows), genome, predictor.window_length)
            gc[rows] = gc_content(windows.ref)
            with progress_within(advance, len(rows)) as share, heard(share):
                ref[rows], alt[rows] = predictor.allele_logits(windows.ref, windows.alt)
    return _Logits(ref, alt, gc)
