"""Windows of haplotypes: an allele amid the others that are on the same molecule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.genotypes import CARRIED, MISSING, UNPHASED, Genotype
from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["STATES", "Context", "HaplotypeAllele", "context_of"]

STATES = (
    "together", "partial", "alone", "overlap", "differs", "neighbour_not_scored", "unphased", "missing", "absent",
    "not_scored",
)  # fmt: skip
"""What is known of an allele's haplotype; see `Context`."""


@dataclass(frozen=True, eq=False)
class HaplotypeAllele:
    """An allele of which a sample may have a copy.

    Attributes
    ----------
    text
        Its normal form, or how the record has it where it is not scored.
    start
        0-based position of the first base that it changes; of an insertion, of the base behind it.
    n_ref
        How many bases of the genome it replaces.
    end
        Behind the last base that it may be said to change: an indel that is left-aligned reaches to where the record
        has it, since in between it is the same change, but not together with others.
    alt
        uint8 codes of what it puts there; None where it is not scored.
    genotype
        Where the sample has it.
    """

    text: str
    start: int
    n_ref: int
    end: int
    alt: NDArray[np.uint8] | None
    genotype: Genotype

    def overlaps(self, other: HaplotypeAllele) -> bool:
        """Whether the two cannot be applied to one sequence, or not without a guess."""
        if self.start < other.end and other.start < self.end:
            return True
        return self.start == other.start == self.end == other.end  # two insertions: which is first?


class Context(NamedTuple):
    """An allele's window on its haplotype.

    Attributes
    ----------
    state
        ``together``: with others, in the window; ``partial``: so, or alone, but for others that may be there too,
        nobody knows; ``alone``. Without windows: ``overlap``: some of those on the haplotype change the same bases;
        ``differs``: the sample has it on several haplotypes, and others not on all of these; ``neighbour_not_scored``;
        ``unphased``, ``missing``, ``absent``: the genotype of the allele itself; ``not_scored``: its status.
    others
        Normal forms of the others on its haplotype, in their order on it.
    without, within
        uint8 (length,): the haplotype without and with the allele, whose first changed base is at index length / 2 of
        both; None where there are no others, or the state has no windows.
    """

    state: str
    others: list[str]
    without: NDArray[np.uint8] | None = None
    within: NDArray[np.uint8] | None = None


def context_of(
    own: HaplotypeAllele,
    ref: NDArray[np.uint8],
    others: Sequence[HaplotypeAllele],
    codes: NDArray[np.uint8],
    length: int,
) -> Context:
    """Return what an allele's window is on the haplotype that has it.

    From the allele outwards, the others on its haplotype are applied to the genome until either side of the window is
    full.

    Parameters
    ----------
    own
        The allele.
    ref
        uint8 (own.n_ref,): the bases that it replaces.
    others
        Alleles around it on the contig, by their start, insertions before others; itself, and those of which the sample
        is known to have no copy, may be among them.
    codes
        uint8 codes of the contig.
    length
        Even length of the window.
    """
    if own.alt is None:
        return Context("not_scored", [])
    if own.genotype.state != CARRIED:
        return Context(own.genotype.state, [])
    half = length // 2
    near = [other for other in others if other.text != own.text and (other.genotype.haplotypes or _maybe(other))]
    on, seen = [], set()
    unknown = differs = False
    for other in near:
        together = own.genotype.together(other.genotype)
        if together:
            if other.text not in seen:  # a record that is given twice is one change
                on.append(other)
                seen.add(other.text)
        elif own.start - half < other.end and other.start < own.start + half:
            unknown |= together is None
            differs |= together is False and bool(own.genotype.haplotypes & other.genotype.haplotypes)
    left = _Arm(codes, own, [other for other in reversed(on) if _is_left(other, own)], half, -1)
    right = _Arm(
        codes, own, [other for other in on if not _is_left(other, own)], half - min(own.n_ref, len(own.alt)), 1
    )
    applied = [*reversed(left.applied), *right.applied]
    names = [other.text for other in applied]
    for wrong, state in (
        (left.clash or right.clash, "overlap"),
        (any(other.alt is None for other in applied), "neighbour_not_scored"),
        (differs, "differs"),
    ):
        if wrong:
            return Context(state, names)
    if not applied:
        return Context("partial" if unknown else "alone", [])
    without, within = (np.concatenate([left.bases, middle, right.bases])[:length] for middle in (ref, own.alt))
    return Context("partial" if unknown else "together", names, without, within)


def _maybe(allele: HaplotypeAllele) -> bool:
    return allele.genotype.state in (MISSING, UNPHASED)


def _is_left(other: HaplotypeAllele, own: HaplotypeAllele) -> bool:
    """Whether an allele lies before another one; an insertion does before the base that it is put before."""
    return other.start < own.start or (other.start == own.start and other.n_ref == 0 and own.n_ref > 0)


class _Arm:
    """One side of a window, from an allele outwards.

    Attributes
    ----------
    bases
        uint8 (n,), in the order of the genome; unknown (4) beyond the contig.
    applied
        Alleles that change it, from the middle outwards, to the first of which `clash` is true.
    clash
        Whether one changes the same bases as the one before it.
    """

    def __init__(
        self, codes: NDArray[np.uint8], own: HaplotypeAllele, others: list[HaplotypeAllele], n: int, step: int
    ) -> None:
        self.applied: list[HaplotypeAllele] = []
        self.clash = False
        parts: list[NDArray[np.uint8]] = []
        at, before = own.start if step < 0 else own.start + own.n_ref, own
        for other in others:
            reached = other.start if step > 0 else other.start + other.n_ref
            between = codes[at:reached] if step > 0 else codes[reached:at]
            if len(between) >= n and not other.overlaps(before):
                break
            self.applied.append(other)
            if other.alt is None:
                break
            if other.overlaps(before):
                self.clash = True
                break
            added = np.concatenate([between, other.alt] if step > 0 else [other.alt, between])
            parts.append(added[:n] if step > 0 else added[max(0, len(added) - n) :])
            n -= len(parts[-1])
            at, before = other.start + other.n_ref if step > 0 else other.start, other
            if not n:
                break
        rest = codes[at : at + n] if step > 0 else codes[max(0, at - n) : at]
        padding = np.full(n - len(rest), UNKNOWN, np.uint8)
        parts += [rest, padding] if n else []
        self.bases = np.concatenate([np.empty(0, np.uint8), *parts[::step]])
