"""In silico mutagenesis: every single substitution of a stretch of sequence, scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb.models.logits import effect, impact, probability
from kipoi_tfb.models.run import heard
from kipoi_tfb.output.progress import no_bar, progress_bar, progress_within
from kipoi_tfb.output.tables import open_table
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.line import allele_line
from kipoi_tfb.variants.score import ScoringOptions
from kipoi_tfb.variants.tables import EffectTable, ScoredChunk
from tfb_matrix_data.alleles import allele_windows
from tfb_matrix_data.contigs import parse_region
from tfb_matrix_data.errors import AssemblyError, ConfigError, InputError, UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import UNKNOWN, decode
from tfb_matrix_data.variants import VariantChunk, Variants
from tfb_matrix_data.windows import window_start

__all__ = [
    "MAX_REGION",
    "WINDOWS",
    "Mutations",
    "Region",
    "RegionMutations",
    "find_region",
    "mutate_region",
    "mutate_window",
    "strongest",
    "write_mutations",
]

Window = Literal["variant", "region"]
WINDOWS = ("variant", "region")

MAX_REGION = 10_000
"""Bases that are mutated in one run: their scores are held in memory, 3 kB for each base with 163 TFs."""

_CHUNK = 256  # positions scored, or written, at once
_OTHERS = np.array([[other for other in range(4) if other != base] for base in range(4)], np.uint8)


@dataclass(frozen=True)
class Region:
    """A stretch of a contig: 0-based, half open."""

    chrom: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.chrom}:{self.start + 1}-{self.end}"

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, eq=False)
class Mutations:
    """Logits of a sequence and of all its single substitutions.

    Attributes
    ----------
    codes
        uint8 (positions,): the bases that are there, 4 where that is not known; such are not mutated.
    tfs
        Names of the columns.
    ref
        float32 (positions, TFs): with the base that is there, in the window in which the position was mutated.
    alt
        float32 (positions, 4, TFs): with A, C, G, T in its place; NaN for the base that is there.
    """

    codes: NDArray[np.uint8]
    tfs: list[str]
    ref: NDArray[np.float32]
    alt: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def effect(self) -> NDArray[np.float32]:
        """`kipoi_tfb.models.logits.effect` of the substitutions, float32 (positions, 4, TFs), NaN as in `alt`."""
        return effect(torch.from_numpy(self.ref[:, None]), torch.from_numpy(self.alt)).numpy()

    @property
    def impact(self) -> NDArray[np.float32]:
        """`kipoi_tfb.models.logits.impact` of the substitutions, as `effect`: by it TFs are ranked."""
        return impact(torch.from_numpy(self.ref[:, None]), torch.from_numpy(self.alt)).numpy()

    @property
    def contribution(self) -> NDArray[np.float32]:
        """What each base gives to binding: minus the mean effect of its three substitutions, (positions, TFs).

        Positive where the base helps: whatever takes its place weakens binding. Zero where the base is not known.
        """
        return -np.nan_to_num(self.effect).sum(1) / 3

    @property
    def probability(self) -> NDArray[np.float32]:
        """Probability of binding of the sequence as it is, float32 (positions, TFs)."""
        return probability(torch.from_numpy(self.ref)).numpy()

    def of(self, columns: list[int]) -> Self:
        """Return the same of the TFs at the given indices."""
        tfs = [self.tfs[i] for i in columns]
        return replace(self, tfs=tfs, ref=self.ref[:, columns], alt=self.alt[:, :, columns])


@dataclass(frozen=True, eq=False)
class RegionMutations(Mutations):
    """`Mutations` of a region of a genome.

    Attributes
    ----------
    region
        Where.
    contig
        The genome's name of its contig.
    flags
        As those of `tfb_matrix_data.alleles.AlleleWindows`, of each known position, ascending.
    """

    region: Region
    contig: str
    flags: list[str]


def find_region(text: str, genome: Genome) -> Region:
    """Return the region that ``chr1:1-1000``, ``chr1:1000`` or ``chr1`` is on a genome; 1-based, both ends included.

    Its contig has the genome's name.

    Raises
    ------
    InputError
        If it is none of these.
    UnknownNameError
        If its contig is not in the FASTA.
    AssemblyError
        If it ends beyond its contig.
    """
    chrom, first, last = parse_region(text, "the command line", genome.lengths)
    contig = genome.contig(chrom)
    size = genome.lengths[contig]
    if first is None or last is None:
        return Region(contig, 0, size)
    if last > size:
        raise AssemblyError(
            f"{chrom}:{first}-{last} ends beyond the contig ({size:,} bp in {genome.path.name}); "
            "is this the right assembly?"
        )
    return Region(contig, first - 1, last)


def mutate_region(predictor: Predictor, genome: Genome, region: Region, window: Window = "variant") -> RegionMutations:
    """Score every single substitution of every known base of a region.

    Parameters
    ----------
    predictor
        The networks.
    genome
        The genome.
    region
        At most `MAX_REGION` bases.
    window
        ``variant``: each substitution stands at index L/2 of a window of its own, as `kipoi_tfb.variants.score` scores
        that variant. ``region``: one window around the region's centre, in which the bases are mutated one by one.

    Raises
    ------
    ConfigError
        If the region is too long: for one run, or for one window.
    InputError
        If the region has no known base.
    UnknownNameError
        If `window` is neither.
    """
    if window not in WINDOWS:
        raise UnknownNameError("window", window, WINDOWS)
    if len(region) > MAX_REGION:
        raise ConfigError(
            f"{region} has {len(region):,} bases, and at most {MAX_REGION:,} are mutated in one run; "
            "give it in parts, or write these variants as VCF and use `tfb score`"
        )
    length = predictor.window_length
    if window == "region" and len(region) > length:
        raise ConfigError(
            f"{region} has {len(region)} bases, which one window of {length} does not hold; "
            "give a shorter region, or use a window per variant"
        )
    codes = genome.codes(region.chrom)[region.start : region.end]
    n_known = int((codes < UNKNOWN).sum())
    if not n_known:
        raise InputError(genome.path, f"has no known base in {region}, N only: nothing to mutate")
    with progress_bar("mutating", n_known) as advance:
        if window == "variant":
            return _in_own_windows(predictor, genome, region, advance)
        centre = (region.start + region.end) // 2
        around = genome.around([region.chrom], [centre], length)
        first = region.start - window_start(centre, length)
        found = mutate_window(predictor, around.codes[0], first, first + len(region), advance)
    flags = [f"n_in_window={around.n_unknown[0]}"] if around.n_unknown[0] else []
    flags += ["edge_padded"] if around.edge_padded[0] else []
    joined = ";".join(flags) or "."
    contig = genome.contig(region.chrom)
    return RegionMutations(found.codes, found.tfs, found.ref, found.alt, region, contig, [joined] * n_known)


def mutate_window(
    predictor: Predictor,
    window: NDArray[np.uint8],
    first: int,
    last: int,
    advance: Callable[..., None] | None = None,
) -> Mutations:
    """Score every single substitution of the known bases at indices first to last - 1 of one window.

    Parameters
    ----------
    predictor
        The networks.
    window
        uint8 (length,) codes.
    first, last
        Which bases.
    advance
        Told how many positions are done.
    """
    codes = window[first:last]
    known = np.flatnonzero(codes < UNKNOWN)
    ref = predictor.logits(window[None])
    parts = [np.empty((0, len(predictor.columns)), np.float32)]
    with no_bar() as nothing:
        for start in range(0, len(known), _CHUNK):
            some = known[start : start + _CHUNK]
            windows = np.repeat(window[None], 3 * len(some), axis=0)
            windows[np.arange(len(windows)), np.repeat(first + some, 3)] = _OTHERS[codes[some]].ravel()
            with progress_within(advance or nothing, len(some)) as share, heard(share):
                parts.append(predictor.allele_logits(np.repeat(window[None], len(windows), axis=0), windows)[1])
    return Mutations(codes, predictor.columns, *_placed(codes, known, ref, np.concatenate(parts)))


def write_mutations(mutations: RegionMutations, output: str | Path, tidy: bool = False) -> int:
    """Write a row per substitution, with the columns of `kipoi_tfb.variants.score.score_variants`; return how many.

    There is no ``variant_percentile``, and no ``reason`` with its ``sites``.

    Parameters
    ----------
    mutations
        Of a region.
    output
        ``.tsv``, ``.parquet`` or ``.h5``.
    tidy
        A row per substitution and TF.
    """
    table = EffectTable(mutations.tfs, tidy)
    known = np.flatnonzero(mutations.codes < UNKNOWN)
    rows = 0
    with open_table(output, table.notes) as writer:
        for start in range(0, len(known), _CHUNK):
            some = known[start : start + _CHUNK]
            variants = _snvs(mutations.region, mutations.codes, some)
            at = np.repeat(some, 3), _OTHERS[mutations.codes[some]].ravel()
            ref, alt = torch.from_numpy(mutations.ref[at[0]]), torch.from_numpy(mutations.alt[at])
            values = {"ref": probability(ref), "alt": probability(alt), "effect": effect(ref, alt)}
            scores = {name: one.numpy() for name, one in (values | {"impact": impact(ref, alt)}).items()}
            flags = [flag for flag in mutations.flags[start : start + _CHUNK] for _ in range(3)]
            line = {} if tidy else allele_line(mutations.tfs, ref, alt, ScoringOptions.top)
            status = ["ok"] * len(variants)
            spelt = zip(variants.pos.tolist(), variants.ref, variants.alt, strict=True)
            normal = [f"{mutations.contig}:{pos}:{own}>{other}" for pos, own, other in spelt]
            chunk = table.table(ScoredChunk(VariantChunk([], variants, []), status, flags, normal, scores, line))
            writer.write(chunk)
            rows += len(chunk["pos"])
    return rows


def strongest(sizes: NDArray[np.float32], n: int) -> list[int]:
    """Return the columns (last axis) with the n largest magnitudes, the largest first; NaN counts as none."""
    largest = np.abs(np.nan_to_num(sizes)).reshape(-1, sizes.shape[-1]).max(0)
    return np.argsort(-largest, kind="stable")[:n].tolist()


def _in_own_windows(
    predictor: Predictor, genome: Genome, region: Region, advance: Callable[..., None]
) -> RegionMutations:
    codes = genome.codes(region.chrom)[region.start : region.end]
    known = np.flatnonzero(codes < UNKNOWN)
    refs, alts = [], []
    flags: list[str] = []
    for start in range(0, len(known), _CHUNK):
        some = known[start : start + _CHUNK]
        windows = allele_windows(_snvs(region, codes, some), genome, predictor.window_length)
        # The three substitutions of a base share the window of what is there.
        with progress_within(advance, len(some)) as share, heard(share):
            of_ref, of_alt = predictor.allele_logits(windows.ref, windows.alt)
        refs.append(of_ref[::3])
        alts.append(of_alt)
        flags += windows.flags[::3]
    ref, alt = _placed(codes, known, np.concatenate(refs), np.concatenate(alts))
    contig = genome.contig(region.chrom)
    return RegionMutations(np.array(codes), predictor.columns, ref, alt, region, contig, flags)


def _snvs(region: Region, codes: NDArray[np.uint8], known: NDArray[np.int64]) -> Variants:
    """Return the three substitutions of each of the bases at indices `known` of a region."""
    n = 3 * len(known)
    ref = decode(np.repeat(codes[known], 3))
    alt = decode(_OTHERS[codes[known]].ravel())
    pos = region.start + 1 + np.repeat(known, 3)
    return Variants([region.chrom] * n, pos, ["."] * n, list(ref), list(alt), np.zeros(n, bool), Path(str(region)))


def _placed(
    codes: NDArray[np.uint8], known: NDArray[np.int64], ref: NDArray[np.float32], alt: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return logits of known positions (one row, or one each) and of their substitutions, laid out by position."""
    n_tfs = ref.shape[1]
    all_ref = np.full((len(codes), n_tfs), np.nan, np.float32)
    all_alt = np.full((len(codes), 4, n_tfs), np.nan, np.float32)
    all_ref[known] = ref
    all_alt[np.repeat(known, 3), _OTHERS[codes[known]].ravel()] = alt
    return all_ref, all_alt
