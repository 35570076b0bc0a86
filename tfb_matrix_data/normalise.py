"""What an allele changes, in one form whatever its spelling: trimmed, and left-aligned against the genome.

Two alleles change the genome in the same way if, and only if, their normal forms are the same (Tan, Abecasis and Kang
2015, 10.1093/bioinformatics/btv112); vt and ``bcftools norm`` write that form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.genome import Genome
from tfb_matrix_data.records import spans
from tfb_matrix_data.sequence import UNKNOWN, decode, encode, first_base, may_be

__all__ = [
    "Changes",
    "Fit",
    "NormalForm",
    "Spelt",
    "Trimmed",
    "end_alike",
    "fit",
    "left_aligned",
    "normal_forms",
    "spell",
    "trimmed",
]

_IS_BASE = np.zeros(256, bool)
_IS_BASE[np.frombuffer(b"ACGTacgt", np.uint8)] = True
_UPPER = np.uint8(0xDF)
"""Clears the bit that makes a letter a small one."""
_REACH = 32
"""Bases that an indel is first looked for to the left; the few that go on are followed one by one."""
_PIECE = 1 << 20


class Spelt(NamedTuple):
    """Alleles as letters.

    Attributes
    ----------
    letters
        uint8, all alleles with a byte between them.
    starts, lengths
        int64 (alleles,): where each is in `letters`.
    bases
        bool (alleles,): of A, C, G and T in any case only.
    """

    letters: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    bases: NDArray[np.bool_]

    def codes(self, rows: NDArray[np.int64], lead: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the codes of `lengths` bases of some alleles, `lead` bases in, one allele behind the other."""
        return encode(self.letters[spans(self.starts[rows] + lead, lengths)].tobytes())


class Changes(NamedTuple):
    """What alleles change, one form for all their spellings once they are `left_aligned`.

    Attributes
    ----------
    contigs
        Contig of each.
    start
        int64 (changes,): 0-based position of the first base that is changed; of an insertion, of the base behind it.
    n_ref, n_alt
        int64 (changes,): how many bases of the genome are replaced, and by how many.
    alt
        uint8 codes of these, one change behind the other.
    """

    contigs: list[str]
    start: NDArray[np.int64]
    n_ref: NDArray[np.int64]
    n_alt: NDArray[np.int64]
    alt: NDArray[np.uint8]

    def take(self, rows: NDArray[np.int64]) -> Changes:
        """Return the changes at the given indices."""
        alt = self.alt[spans((np.cumsum(self.n_alt) - self.n_alt)[rows], self.n_alt[rows])]
        contigs = list(map(self.contigs.__getitem__, rows.tolist()))
        return Changes(contigs, self.start[rows], self.n_ref[rows], self.n_alt[rows], alt)


class Trimmed(NamedTuple):
    """Alleles and what they change, without what REF and ALT share at their ends.

    Attributes
    ----------
    ref, alt
        Alleles.
    lead
        int64 (alleles,): how many bases before the change they share.
    n_ref, n_alt
        int64 (alleles,): how many are left of either.
    several
        bool (alleles,): of bases, one of the two of more than one.
    """

    ref: Spelt
    alt: Spelt
    lead: NDArray[np.int64]
    n_ref: NDArray[np.int64]
    n_alt: NDArray[np.int64]
    several: NDArray[np.bool_]

    def exchanged(self) -> Trimmed:
        """Return the same with ALT as REF."""
        return Trimmed(self.alt, self.ref, self.lead, self.n_alt, self.n_ref, self.several)

    def changes(self, contigs: list[str], start: NDArray[np.int64], rows: NDArray[np.int64]) -> Changes:
        """Return what some alleles change, given the contig and 0-based position of their records."""
        lead, n_alt = self.lead[rows], self.n_alt[rows]
        return Changes(contigs, start + lead, self.n_ref[rows], n_alt, self.alt.codes(rows, lead, n_alt))


class NormalForm(NamedTuple):
    """An allele as vt and ``bcftools norm`` write it.

    Attributes
    ----------
    pos
        1-based position of the first REF base.
    ref, alt
        In capitals. An indel has the base before it in both; where there is none, the one behind it.
    """

    pos: int
    ref: str
    alt: str


def spell(alleles: list[str]) -> Spelt:
    """Return alleles as letters."""
    letters = np.frombuffer("\n".join(alleles).encode("ascii", "replace"), np.uint8)
    lengths = np.fromiter(map(len, alleles), np.int64, len(alleles))
    ends = np.cumsum(lengths + 1) - 1
    is_base = _IS_BASE[letters]
    is_base[ends[:-1]] = True
    bases = lengths > 0
    bases[np.searchsorted(ends, np.flatnonzero(~is_base))] = False
    return Spelt(letters, ends - lengths, lengths, bases)


def end_alike(ref: Spelt, alt: Spelt, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which alleles may have a shorter form or one further left; the others are in their normal form.

    An allele is normalised if REF and ALT end with different bases, and begin with different ones or one of them is a
    single base: no genome is needed to tell. The converse has two exceptions: REF and ALT that are the same, and an
    indel at the start of a contig, which has no base before it.
    """

    def alike(at: Callable[[Spelt], NDArray[np.int64]]) -> NDArray[np.bool_]:
        one, other = (spelt.letters[at(spelt)[rows]] & _UPPER for spelt in (ref, alt))
        return one == other

    several = np.minimum(ref.lengths, alt.lengths)[rows] > 1
    return alike(lambda spelt: spelt.starts + spelt.lengths - 1) | (several & alike(lambda spelt: spelt.starts))


def trimmed(ref: Spelt, alt: Spelt) -> Trimmed:
    """Return alleles without what REF and ALT share, those that are both spelt in bases.

    What they share at the end is taken off first, so that an indel in a repeat stands as far left as its record has it.
    Of REF and ALT that are the same, nothing is taken off.
    """
    lead, n_ref, n_alt = np.zeros_like(ref.lengths), ref.lengths.copy(), alt.lengths.copy()
    several = ref.bases & alt.bases & (np.maximum(n_ref, n_alt) > 1)
    rows = np.flatnonzero(several)  # few, and what follows is for them alone
    if len(rows):
        of_ref, of_alt = n_ref[rows], n_alt[rows]
        shorter = np.minimum(of_ref, of_alt)
        behind = _n_alike(ref, alt, ref.starts[rows] + of_ref - 1, alt.starts[rows] + of_alt - 1, shorter, -1)
        behind[(behind == of_ref) & (of_ref == of_alt)] = 0
        before = _n_alike(ref, alt, ref.starts[rows], alt.starts[rows], shorter - behind, 1)
        before[before == np.maximum(of_ref, of_alt)] = 0
        lead[rows] = before
        n_ref[rows] -= before + behind
        n_alt[rows] -= before + behind
    return Trimmed(ref, alt, lead, n_ref, n_alt, several)


def _n_alike(
    ref: Spelt, alt: Spelt, at_ref: NDArray[np.int64], at_alt: NDArray[np.int64], most: NDArray[np.int64], step: int
) -> NDArray[np.int64]:
    """Return how many letters of REF and ALT are the same from two places on, at most `most`, in steps of 1 or -1."""
    # One more than may be alike is laid out, and counts as different: no run is empty.
    runs = most + 1
    along = spans(np.zeros_like(runs), runs)

    def letters(spelt: Spelt, at: NDArray[np.int64]) -> NDArray[np.uint8]:
        places = np.clip(np.repeat(at, runs) + step * along, 0, len(spelt.letters) - 1)
        return spelt.letters[places] & _UPPER

    alike = letters(ref, at_ref) == letters(alt, at_alt)
    ends = np.cumsum(runs)
    alike[ends - 1] = False
    return np.minimum.reduceat(np.where(alike, np.iinfo(np.int64).max, along), ends - runs)


class Fit(NamedTuple):
    """Whether alleles are what the genome has.

    Attributes
    ----------
    right
        bool (alleles,): they are. An IUPAC letter of the genome is the first base of the alphabet that it stands for.
    undecided
        bool (alleles,): the genome does not say, nor contradict: it has N there, or a letter that stands for the
        allele's base and for one before it.
    known
        bool (alleles,): the genome has nothing but A, C, G and T there.
    """

    right: NDArray[np.bool_]
    undecided: NDArray[np.bool_]
    known: NDArray[np.bool_]


def fit(genome: Genome, contigs: list[str], start: NDArray[np.int64], spelt: Spelt, rows: NDArray[np.int64]) -> Fit:
    """Return which alleles are what the genome has from `start` on.

    They must not be empty, nor reach beyond their contig.
    """
    lengths = spelt.lengths[rows]
    here = genome.stretches(contigs, start, lengths)
    first = np.cumsum(lengths) - lengths
    own = spelt.codes(rows, np.zeros_like(lengths), lengths)
    same = here == own
    possible = same.copy()
    unknown = np.flatnonzero(here == UNKNOWN)
    if len(unknown):
        of = np.repeat(np.arange(len(rows)), lengths)[unknown]
        letters = genome.letters([contigs[row] for row in of.tolist()], spans(start, lengths)[unknown])
        same[unknown] = first_base(letters) == own[unknown]
        possible[unknown] = may_be(letters, own[unknown])
    right = np.logical_and.reduceat(same, first)
    undecided = np.logical_and.reduceat(possible, first) & ~right
    return Fit(right, undecided, np.logical_and.reduceat(here != UNKNOWN, first))


def left_aligned(genome: Genome, changes: Changes, right: NDArray[np.bool_]) -> Changes:
    """Return changes with every insertion and deletion as far left as it says the same.

    That ends at an unknown base and at the start of the contig, and nowhere else: however long a repeat is, all
    spellings of a change in it have one form.

    Parameters
    ----------
    genome
        The genome.
    changes
        As their records have them.
    right
        bool (changes,): what is replaced is what the genome has; others stay where they are.
    """
    rows = np.flatnonzero(((changes.n_ref == 0) != (changes.n_alt == 0)) & right)
    if not len(rows):
        return changes
    indels = changes.take(rows)
    shift = _shifts(genome, indels)
    start, alt = changes.start.copy(), changes.alt.copy()
    start[rows] -= shift
    # Moved to the left by one base, what is inserted has its last base first.
    sizes = indels.n_alt
    turn = np.repeat(shift, sizes), np.repeat(sizes, sizes)
    offset = np.repeat((np.cumsum(changes.n_alt) - changes.n_alt)[rows], sizes)
    within = spans(np.zeros_like(sizes), sizes)
    alt[offset + within] = changes.alt[offset + (within - turn[0]) % turn[1]]
    return changes._replace(start=start, alt=alt)


def _shifts(genome: Genome, indels: Changes) -> NDArray[np.int64]:
    """Return how far left each insertion or deletion can go."""
    sizes = indels.n_ref + indels.n_alt
    reach = max(_REACH, int(sizes.max()))
    # One base more than is looked at, so that no window lies wholly before its contig.
    before = genome.windows(indels.contigs, indels.start - reach, reach + 1).codes[:, :reach]
    # It can go one further while the base before it is its own last one: a base and the one `size` further on.
    own = np.full((len(sizes), int(sizes.max())), UNKNOWN, np.uint8)
    own[_at(indels.n_ref)] = genome.stretches(indels.contigs, indels.start, indels.n_ref)
    own[_at(indels.n_alt)] = indels.alt
    back = np.arange(reach)[::-1]
    partner = np.take_along_axis(np.concatenate([before, own], 1), back + sizes[:, None], 1)
    alike = (before[:, ::-1] == partner) & (partner < UNKNOWN)
    shifts = np.where(alike.all(1), reach, alike.argmin(1))
    for row in np.flatnonzero(shifts == reach).tolist():
        codes = genome.codes(indels.contigs[row])
        shifts[row] += _repeat_before(codes, int(indels.start[row]) - reach, int(sizes[row]))
    return shifts


def _at(lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the (row, column) of each base of alleles that are written from column 0 on."""
    return np.repeat(np.arange(len(lengths)), lengths), spans(np.zeros_like(lengths), lengths)


def _repeat_before(codes: NDArray[np.uint8], end: int, size: int) -> int:
    """Return how many bases before `end` are, one by one, those that stand `size` further on."""
    first, piece = end, _REACH
    while first:
        last, first = first, max(0, first - piece)
        here = codes[first:last]
        alike = (here == codes[first + size : last + size]) & (here < UNKNOWN)
        if not alike.all():
            return end - last + int(alike[::-1].argmin())
        piece = min(2 * piece, _PIECE)
    return end


def normal_forms(genome: Genome, changes: Changes) -> list[NormalForm]:
    """Return how left-aligned changes are written, REF being what the genome has."""
    if not len(changes.start):
        return []
    # With the base before; at the start of a contig an indel has the one behind instead.
    lead = np.minimum(changes.start, 1)
    lengths = changes.n_ref + np.where(lead | (changes.n_ref * changes.n_alt), lead, 1)
    genomic = decode(genome.written(changes.contigs, changes.start - lead, lengths))
    inserted = decode(changes.alt)
    forms = []
    at = at_alt = 0
    columns = (changes.start, changes.n_ref, changes.n_alt, lengths)
    for start, n_ref, n_alt, length in zip(*(column.tolist() for column in columns), strict=True):
        around, alt = genomic[at : at + length], inserted[at_alt : at_alt + n_alt]
        at, at_alt = at + length, at_alt + n_alt
        if n_ref and n_alt:
            forms.append(NormalForm(start + 1, around[-n_ref:], alt))
        elif start:
            forms.append(NormalForm(start, around, around[0] + alt))
        else:
            forms.append(NormalForm(1, around, alt + around[-1]))
    return forms
