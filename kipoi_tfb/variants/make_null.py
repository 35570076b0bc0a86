"""Making the matched nulls of entries: effects of random variants in open regions that they were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb import __version__
from kipoi_tfb.models.logits import effect
from kipoi_tfb.output.progress import progress_bar
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

__all__ = ["LONGEST_INDEL", "N_BINS", "PER_POSITION", "draw_variants", "make_nulls", "null_chromosomes"]

PER_POSITION = 5
"""Variants at each position: three substitutions, an insertion, a deletion; they share the window with REF."""

N_BINS = 5
"""GC bins; as many positions in each."""

LONGEST_INDEL = 20
MIN_VARIANTS = 100
"""A class has at least so many variants in every GC bin: fewer do not tell one per cent from another."""

_POSITIONS_AT_ONCE = 512
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
    """Return the null of each entry: for each TF, class of alleles and GC content, the effects of random variants.

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
    effects, gc = _effects(variants, genome, predictor)
    gc_edges = np.quantile(gc, np.arange(1, N_BINS) / N_BINS)
    bins = np.repeat(np.digitize(gc, gc_edges), PER_POSITION)
    classes = allele_classes(variants.ref, variants.alt)
    shape = (len(CLASSES), N_BINS)
    counts = np.bincount(classes * N_BINS + bins, minlength=len(CLASSES) * N_BINS).reshape(shape).astype(np.int32)
    if counts.min() < MIN_VARIANTS:
        kind, gc_bin = np.unravel_index(counts.argmin(), shape)
        raise ConfigError(
            f"only {counts.min()} variants of class {CLASSES[kind]} in GC bin {gc_bin + 1} of {N_BINS} (at least "
            f"{MIN_VARIANTS} are needed); draw more than {positions} positions"
        )
    quantiles = np.empty((len(predictor.columns), *shape, len(PERCENTS)), np.float16)
    for kind, gc_bin in np.ndindex(shape):
        matched = effects[(classes == kind) & (bins == gc_bin)]
        quantiles[:, kind, gc_bin] = np.percentile(matched, PERCENTS, axis=0).T
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
        nulls.append((entry, EffectNull(record, card.tasks, gc_edges, counts, quantiles[own])))
    return nulls


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
    there are the three substitutions; an insertion behind the base, of bases drawn from the window; and a deletion of
    the bases that follow. Indels have 1 to `LONGEST_INDEL` bases, n bases with a probability of 1/n² of that of one.

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
    half, wide = length // 2, length + LONGEST_INDEL
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
    chances = 1 / np.arange(1.0, LONGEST_INDEL + 1) ** 2
    sizes = 1 + rng.choice(LONGEST_INDEL, (n, 2), p=chances / chances.sum())
    refs: list[str] = []
    alts: list[str] = []
    for window, (n_in, n_out) in zip(np.concatenate(codes), sizes.tolist(), strict=True):
        base = decode(window[half : half + 1])
        refs += [base] * (PER_POSITION - 1) + [decode(window[half : half + 1 + n_out])]
        alts += [other for other in "ACGT" if other != base]
        alts += [base + decode(rng.choice(window[:length], n_in)), base]
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


def _effects(
    variants: Variants, genome: Genome, predictor: Predictor
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return effects (variants, TFs), and the GC content of the window with REF (positions,)."""
    effects = np.empty((len(variants), len(predictor.columns)), np.float32)
    gc = np.empty(len(variants) // PER_POSITION)
    with progress_bar("random variants", len(gc)) as advance:
        for start in range(0, len(gc), _POSITIONS_AT_ONCE):
            positions = slice(start, min(start + _POSITIONS_AT_ONCE, len(gc)))
            rows = np.arange(PER_POSITION * positions.start, PER_POSITION * positions.stop)
            windows = allele_windows(variants.take(rows), genome, predictor.window_length)
            n = positions.stop - start
            ref = windows.ref[::PER_POSITION]
            gc[positions] = gc_content(ref)
            logits = torch.from_numpy(predictor.logits(np.concatenate([ref, windows.alt])))
            repeated = logits[:n].repeat_interleave(PER_POSITION, 0)
            effects[rows] = effect(repeated, logits[n:]).numpy()
            advance(n)
    return effects, gc
