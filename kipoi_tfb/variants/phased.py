"""Haplotypes of one sample's phased genotypes, in step with the chunks of alleles that are scored."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.variants.columns import HAPLOTYPE
from tfb_matrix_data.alleles import SCORED, AlleleWindows, normal_texts
from tfb_matrix_data.contigs import plain_name
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.genotypes import ABSENT, read_genotypes, sample_column
from tfb_matrix_data.haplotypes import HaplotypeAllele, context_of
from tfb_matrix_data.variants import NO_ALT, VariantChunk

__all__ = ["Haplotypes", "Phased"]

_REACH = 20
"""Windows to either side in which others are looked for: what deletions take from a window, it gets from beyond."""


class Haplotypes(NamedTuple):
    """The haplotypes of some alleles.

    Attributes
    ----------
    state, others
        Of each allele, see `tfb_matrix_data.haplotypes.Context`.
    rows
        int64 (windows,): which alleles have windows, ascending.
    without, within
        uint8 (windows, length): of the haplotype without the allele, and with it.
    """

    state: list[str]
    others: list[list[str]]
    rows: NDArray[np.int64]
    without: NDArray[np.uint8]
    within: NDArray[np.uint8]

    def columns(self) -> dict[str, NDArray]:
        """Return the columns of `kipoi_tfb.variants.columns.HAPLOTYPE`."""
        texts = (self.state, [";".join(names) or "." for names in self.others])
        return {name: np.array([*values, None], object)[:-1] for name, values in zip(HAPLOTYPE, texts, strict=True)}


class Phased:
    """Finds the haplotypes of a sample, chunk by chunk.

    Parameters
    ----------
    header
        Header lines of the VCF.
    sample
        Name of the sample.
    name
        What messages call the input.
    genome
        Its genome.
    length
        Even length of the windows.

    Raises
    ------
    InputError, UnknownNameError
        See `tfb_matrix_data.genotypes.sample_column`.
    """

    def __init__(self, header: Sequence[bytes], sample: str, name: str, genome: Genome, length: int) -> None:
        self._column = sample_column(header, sample, name)
        self._genome, self._length = genome, length

    def of(
        self, placed: Iterable[tuple[VariantChunk, AlleleWindows]]
    ) -> Iterator[tuple[VariantChunk, AlleleWindows, Haplotypes]]:
        """Yield chunks of sorted alleles with their haplotypes, as soon as all that may be near them was read."""
        waiting: deque[_Waiting] = deque()
        around: dict[str, list[HaplotypeAllele]] = {}
        for chunk, windows in placed:
            last = _Waiting(chunk, windows, self._alleles(chunk, windows))
            waiting.append(last)
            for contig, allele in last.alleles:
                if allele.genotype.state != ABSENT and _is_change(allele):
                    around.setdefault(contig, []).append(allele)
            while len(waiting) > 1 and self._is_beyond(waiting[0], last):
                yield self._found(waiting.popleft(), around)
                self._forget(waiting, around)
        while waiting:
            yield self._found(waiting.popleft(), around)

    def _is_beyond(self, first: _Waiting, last: _Waiting) -> bool:
        """Whether all alleles that may be near those of one chunk are read, given the last one that is."""
        (contig, allele), (newest, further) = first.alleles[-1], last.alleles[-1]
        return contig != newest or further.start > allele.start + self._length * _REACH

    def _forget(self, waiting: Iterable[_Waiting], around: dict[str, list[HaplotypeAllele]]) -> None:
        """Drop alleles that are near none of those that wait."""
        alleles = [pair for one in waiting for pair in one.alleles]
        for contig in around.keys() - {contig for contig, _ in alleles}:
            del around[contig]
        contig, first = alleles[0]
        from_here = first.start - self._length * _REACH
        around[contig] = [other for other in around.get(contig, []) if other.end > from_here]

    def _alleles(self, chunk: VariantChunk, windows: AlleleWindows) -> list[tuple[str, HaplotypeAllele]]:
        """Return each allele with the plain name of its contig."""
        variants, half = chunk.variants, self._length // 2
        genotypes = read_genotypes(chunk.lines, chunk.n_alleles, self._column)
        normal = normal_texts(variants, windows, self._genome)
        found = []
        for row, genotype in enumerate(genotypes):
            pos, ref, alt = int(variants.pos[row]) - 1, variants.ref[row], variants.alt[row]
            contig = plain_name(variants.chrom[row])
            if windows.status[row] not in SCORED:
                text = f"{variants.chrom[row]}:{pos + 1}:{ref}>{alt}"
                found.append((contig, HaplotypeAllele(text, pos, len(ref), pos + len(ref), None, genotype)))
                continue
            start, n_ref, n_alt = (int(column[row]) for column in (windows.start, windows.n_ref, windows.n_alt))
            end = start + n_ref
            if not n_ref or not n_alt:
                end = max(end, pos + _n_alike(ref.upper(), alt.upper()) + n_ref)
            bases = windows.alt[row, half : half + n_alt]
            found.append((contig, HaplotypeAllele(normal[row], start, n_ref, end, bases, genotype)))
        return found

    def _found(
        self, waiting: _Waiting, around: dict[str, list[HaplotypeAllele]]
    ) -> tuple[VariantChunk, AlleleWindows, Haplotypes]:
        chunk, windows, alleles = waiting
        half, reach = self._length // 2, self._length * _REACH
        state, others, rows = [], [], []
        pairs: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = []
        starts = {}
        for contig in {contig for contig, _ in alleles}:
            around.setdefault(contig, []).sort(key=_place)
            starts[contig] = [other.start for other in around[contig]]
        for row, (contig, allele) in enumerate(alleles):
            ref = windows.ref[row, half : half + allele.n_ref]
            near = slice(
                bisect_left(starts[contig], allele.start - reach), bisect_right(starts[contig], allele.start + reach)
            )
            codes = self._genome.codes(chunk.variants.chrom[row]) if allele.alt is not None else np.empty(0, np.uint8)
            context = context_of(allele, ref, around[contig][near], codes, self._length)
            state.append(context.state)
            others.append(context.others)
            if context.without is not None and context.within is not None:
                rows.append(row)
                pairs.append((context.without, context.within))
        without, within = np.array(pairs, np.uint8).reshape(-1, 2, self._length).swapaxes(0, 1)
        return chunk, windows, Haplotypes(state, others, np.array(rows, np.int64), without, within)


class _Waiting(NamedTuple):
    """A chunk whose haplotypes are not known yet, and its alleles, each with its contig."""

    chunk: VariantChunk
    windows: AlleleWindows
    alleles: list[tuple[str, HaplotypeAllele]]


def _place(allele: HaplotypeAllele) -> tuple[int, bool]:
    return allele.start, allele.n_ref > 0


def _n_alike(one: str, other: str) -> int:
    """Return how many letters two texts begin with that are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _is_change(allele: HaplotypeAllele) -> bool:
    """Whether an allele changes something by itself: not ``*``, which stands for a deletion of another record."""
    return allele.text.rpartition(">")[2] not in ("*", NO_ALT)
