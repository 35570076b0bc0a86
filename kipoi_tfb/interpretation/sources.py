"""Windows to explain: around regions, of sequences, or of both alleles of variants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.alleles import AssemblyCheck, allele_windows
from tfb_matrix_data.contigs import find_contig
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.fasta import iter_sequences, sequence_windows
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import Anchor, iter_intervals
from tfb_matrix_data.lines import count_lines
from tfb_matrix_data.placing import place_windows
from tfb_matrix_data.variant_lines import open_variants
from tfb_matrix_data.variants import iter_chunks
from tfb_matrix_data.windows import window_start

__all__ = ["ExplainedWindows", "Source"]

NO_CHROM = "."


class ExplainedWindows(NamedTuple):
    """Windows, and what they are called.

    Attributes
    ----------
    name
        str (windows,): of the region or the sequence, or the variant.
    allele
        str (windows,): ``ref`` or ``alt`` of a variant, else ``.``.
    chrom
        str (windows,): contig as the FASTA spells it; ``.`` of a sequence.
    start
        int64 (windows,): 0-based position of the first base, on the contig or in the sequence. Behind an indel, bases
        of ALT have positions that follow on.
    codes
        uint8 (windows, length).
    shuffled
        uint8 (windows, length): of which windows shuffles are references; of both alleles REF's.
    """

    name: NDArray[np.str_]
    allele: NDArray[np.str_]
    chrom: NDArray[np.str_]
    start: NDArray[np.int64]
    codes: NDArray[np.uint8]
    shuffled: NDArray[np.uint8]

    def take(self, rows: Sequence[int]) -> ExplainedWindows:
        """Return some windows."""
        at = list(rows)
        return ExplainedWindows(
            self.name[at], self.allele[at], self.chrom[at], self.start[at], self.codes[at], self.shuffled[at]
        )


@dataclass(frozen=True)
class Source:
    """What is to be explained: one of three files, and the genome of all but sequences.

    Attributes
    ----------
    regions
        BED.
    sequences
        FASTA.
    variants
        See `tfb_matrix_data.variant_lines.open_variants`.
    genome
        Of regions or variants.
    anchor
        Where windows of regions are centred.
    """

    regions: Path | None = None
    sequences: Path | None = None
    variants: Path | None = None
    genome: Genome | None = None
    anchor: Anchor = "centre"

    def __post_init__(self) -> None:
        given = [one for one in (self.regions, self.sequences, self.variants) if one is not None]
        if len(given) != 1:
            raise ConfigError("give one of --regions, --sequences and --variants")
        if self.sequences is None and self.genome is None:
            raise ConfigError(f"{given[0]}: regions and variants need --genome")

    @property
    def path(self) -> Path:
        """Return the file."""
        return next(one for one in (self.regions, self.sequences, self.variants) if one is not None)

    def count(self) -> int | None:
        """Return how many items there are, roughly."""
        return count_lines(self.path, b">") if self.sequences else count_lines(self.path)

    def windows(self, length: int, chunk_size: int) -> Iterator[ExplainedWindows]:
        """Yield windows of even length, of so many items at a time; of variants two windows each.

        Raises
        ------
        InputError
            If the file or a line of it is not valid.
        """
        if self.sequences is not None:
            yield from _of_sequences(self.sequences, length, chunk_size)
        elif self.genome is None:
            raise ConfigError("regions and variants need --genome")
        elif self.regions is not None:
            yield from _of_regions(self.regions, self.genome, self.anchor, length, chunk_size)
        else:
            yield from _of_variants(self.path, self.genome, length, chunk_size)


def _of_sequences(path: Path, length: int, chunk_size: int) -> Iterator[ExplainedWindows]:
    for part in iter_sequences(path, chunk_size):
        codes = sequence_windows(part, length).codes
        none = np.full(len(codes), NO_CHROM)
        yield ExplainedWindows(np.array(part.name), none, none, window_start(part.length // 2, length), codes, codes)


def _of_regions(path: Path, genome: Genome, anchor: Anchor, length: int, chunk_size: int) -> Iterator[ExplainedWindows]:
    for part in iter_intervals(path, chunk_size):
        codes = place_windows(part, genome, length, anchor)[0].codes
        spelt = {name: find_contig(name, genome.lengths) or name for name in np.unique(part.chrom).tolist()}
        place = [
            f"{c}:{s}-{e}" for c, s, e in zip(part.chrom.tolist(), part.start.tolist(), part.end.tolist(), strict=True)
        ]
        name = [own if own not in {"", "."} else at for own, at in zip(part.name, place, strict=True)]
        chrom = np.array([spelt[one] for one in part.chrom.tolist()])
        start = window_start(part.anchor(anchor), length)
        yield ExplainedWindows(np.array(name), np.full(len(codes), NO_CHROM), chrom, start, codes, codes)


def _of_variants(path: Path, genome: Genome, length: int, chunk_size: int) -> Iterator[ExplainedWindows]:
    check = AssemblyCheck()
    for chunk in iter_chunks(open_variants(path, genome=genome), chunk_size):
        variants = chunk.variants
        if not len(variants):
            raise InputError(path, "holds no variant")
        found = allele_windows(variants, genome, length, check)
        spelt = {name: find_contig(name, genome.lengths) or name for name in set(variants.chrom)}
        name = [
            f"{c}:{p}:{r}>{a}"
            for c, p, r, a in zip(variants.chrom, variants.pos.tolist(), variants.ref, variants.alt, strict=True)
        ]
        codes = np.stack([found.ref, found.alt], 1).reshape(-1, length)
        yield ExplainedWindows(
            np.repeat(name, 2),
            np.tile(["ref", "alt"], len(variants)),
            np.repeat([spelt[one] for one in variants.chrom], 2),
            np.repeat(window_start(found.start, length), 2),
            codes,
            np.repeat(found.ref, 2, axis=0),
        )
