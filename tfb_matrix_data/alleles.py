"""Windows of both alleles of a variant: the one place where an allele is applied to a window."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import AssemblyError, UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.records import spans
from tfb_matrix_data.sequence import UNKNOWN, encode
from tfb_matrix_data.variants import NO_ALT, Variants
from tfb_matrix_data.windows import window_start

__all__ = ["SCORED", "STATUSES", "AlleleWindows", "AssemblyCheck", "allele_windows"]

STATUSES = ("ok", "swapped", "ref_mismatch", "symbolic", "too_long", "unsupported")
"""What became of an allele; `SCORED` are scored. ``flags`` say why one is ``unsupported``."""

SCORED = ("ok", "swapped")

_IS_BASE = np.zeros(256, bool)
_IS_BASE[np.frombuffer(b"ACGTacgt", np.uint8)] = True
_UPPER = np.uint8(0xDF)
"""Clears the bit that makes a letter a small one."""
_SYMBOLIC = re.compile(r"[<>\[\]*]|^\.|\.$")


class AlleleWindows(NamedTuple):
    """What became of each allele, and its windows.

    Attributes
    ----------
    status
        One of `STATUSES` per allele.
    flags
        Semicolon-separated remarks per allele, ``"."`` for none: ``n_in_window=COUNT`` and ``edge_padded`` (over
        all bases that the two windows need), ``duplicate``, ``not_left_normalised`` (the same change can be written
        shorter or further left; the windows are those of the position in the file); why one is unsupported:
        ``no_alt``, ``iupac_allele``, ``unknown_contig``, ``outside_contig``.
    ref, alt
        uint8 (alleles, length) codes, all unknown (4) where the status is not one of `SCORED`. The first REF base is
        at index length / 2 of both; an indel shifts the right flank, which is read from further (or less far) on.
    """

    status: list[str]
    flags: list[str]
    ref: NDArray[np.uint8]
    alt: NDArray[np.uint8]

    @property
    def scored(self) -> NDArray[np.int64]:
        """Return the rows whose status is one of `SCORED`, ascending."""
        return np.flatnonzero(np.fromiter(map(SCORED.__contains__, self.status), bool, len(self.status)))


class AssemblyCheck:
    """Stops a run in which REF alleles are mostly not what the genome has.

    Counts the first alleles whose REF could be compared with a known base. Raises once all of at least 3, or more
    than half of at least 20, differ, so that a few wrong records stay a matter of their own status.
    """

    SAMPLE = 1000

    def __init__(self) -> None:
        self.compared = self.mismatched = 0

    def update(self, compared: int, mismatched: int, genome: Genome, variants: Variants) -> None:
        """Add the counts of a chunk.

        Raises
        ------
        AssemblyError
            With the rate, when the sample says that this is another assembly.
        """
        if self.compared >= self.SAMPLE:
            return
        self.compared += compared
        self.mismatched += mismatched
        all_wrong = self.compared >= 3 and self.mismatched == self.compared
        most_wrong = self.compared >= 20 and self.mismatched > self.compared / 2
        if all_wrong or most_wrong:
            raise AssemblyError(
                f"{variants.path}: REF differs from {genome.path.name} for {self.mismatched} of the first "
                f"{self.compared} alleles ({self.mismatched / self.compared:.0%}); "
                "this FASTA is another assembly than the VCF's (tfb score --ignore-assembly goes on)"
            )


def allele_windows(
    variants: Variants,
    genome: Genome,
    length: int = 200,
    check: AssemblyCheck | None = None,
    allele_swap: bool = False,
) -> AlleleWindows:
    """Return the REF and ALT windows of variants, and the status of every allele.

    Parameters
    ----------
    variants
        Alleles; none is dropped.
    genome
        The genome they are on.
    length
        Even window length in bp. An allele longer than half of it is ``too_long``.
    check
        Counts REF mismatches over the chunks of one file.
    allele_swap
        Where REF is not what the genome has but ALT is, the status is ``swapped`` instead of ``ref_mismatch``. The
        windows stay those of the file's REF and ALT, so that the sign of an effect keeps its meaning.

    Raises
    ------
    AssemblyError
        From `check`.
    """
    half, n = length // 2, len(variants)
    ref, alt = _spell(variants.ref), _spell(variants.alt)
    sizes = _contig_sizes(variants, genome)
    start = variants.pos - 1
    flags = ["."] * n

    def remark(rows: NDArray[np.int64], remarks: Iterable[str]) -> None:
        for row, text in zip(rows.tolist(), remarks, strict=False):  # `remarks` may repeat one for ever
            flags[row] = text if flags[row] == "." else f"{flags[row]};{text}"

    remark(np.flatnonzero(variants.duplicate), repeat("duplicate"))
    bases = ref.bases & alt.bases
    outside = (start < 0) | (start + ref.lengths > sizes)
    too_long = np.maximum(ref.lengths, alt.lengths) > half
    status = np.array(["ok"] * n, object)
    status[too_long] = "too_long"
    status[outside] = "unsupported"
    remark(np.flatnonzero(bases & outside & (sizes < 0)), repeat("unknown_contig"))
    remark(np.flatnonzero(bases & outside & (sizes >= 0)), repeat("outside_contig"))
    for row in np.flatnonzero(~bases).tolist():
        status[row], flag = _not_bases(variants.alt[row])
        if flag:
            remark(np.array([row]), [flag])
    place = bases & ~outside & ~too_long
    longer = np.flatnonzero(place & ((ref.lengths > 1) | (alt.lengths > 1)))
    shortened = [row for row in longer[_end_alike(ref, alt, longer)].tolist() if _differ(variants, row)]
    remark(np.array(shortened), repeat("not_left_normalised"))
    ref_codes = np.full((n, length), UNKNOWN, np.uint8)
    alt_codes = ref_codes.copy()
    compared = mismatched = 0
    # An indel costs twice as much to place as an allele of equal lengths, which nearly all are.
    same = ref.lengths == alt.lengths
    for rows in (np.flatnonzero(place & same), np.flatnonzero(place & ~same)):
        if not len(rows):
            continue
        placed = _place(variants, genome, rows, ref, alt, length)
        right, swapped = placed.right, np.zeros(len(rows), bool)
        ref_codes[rows[right]] = placed.ref[right]
        alt_codes[rows[right]] = placed.alt[right]
        if allele_swap:
            fits = np.flatnonzero(~right & (start[rows] + alt.lengths[rows] <= sizes[rows]))
            if len(fits):
                # Exchanged, `other` calls the file's ALT its REF.
                other = _place(variants, genome, rows[fits], alt, ref, length)
                swapped[fits] = other.right
                ref_codes[rows[swapped]] = other.alt[other.right]
                alt_codes[rows[swapped]] = other.ref[other.right]
        wrong = ~right & ~swapped
        status[rows[wrong]], status[rows[swapped]] = "ref_mismatch", "swapped"
        compared += int(placed.known.sum())
        mismatched += int((wrong & placed.known).sum())
        padded = (start[rows] < half) | (start[rows] + placed.needed > sizes[rows])
        unknown = np.flatnonzero(placed.n_unknown)
        remark(rows[unknown], map("n_in_window={}".format, placed.n_unknown[unknown].tolist()))
        remark(rows[padded], repeat("edge_padded"))
    if check is not None:
        check.update(compared, mismatched, genome, variants)
    return AlleleWindows(status.tolist(), flags, ref_codes, alt_codes)


class _Spelt(NamedTuple):
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


def _spell(alleles: list[str]) -> _Spelt:
    letters = np.frombuffer("\n".join(alleles).encode("ascii", "replace"), np.uint8)
    lengths = np.fromiter(map(len, alleles), np.int64, len(alleles))
    ends = np.cumsum(lengths + 1) - 1
    is_base = _IS_BASE[letters]
    is_base[ends[:-1]] = True
    bases = lengths > 0
    bases[np.searchsorted(ends, np.flatnonzero(~is_base))] = False
    return _Spelt(letters, ends - lengths, lengths, bases)


class _Placed(NamedTuple):
    """Alleles on the genome.

    Attributes
    ----------
    ref, alt
        uint8 (alleles, length) windows.
    right, known
        bool (alleles,): REF is what the genome has there; the genome has no unknown base there.
    needed
        int64 (alleles,): how far from the position on the two windows reach.
    n_unknown
        int64 (alleles,): unknown bases in all that they need.
    """

    ref: NDArray[np.uint8]
    alt: NDArray[np.uint8]
    right: NDArray[np.bool_]
    known: NDArray[np.bool_]
    needed: NDArray[np.int64]
    n_unknown: NDArray[np.int64]


def _place(
    variants: Variants, genome: Genome, rows: NDArray[np.int64], ref: _Spelt, alt: _Spelt, length: int
) -> _Placed:
    """Cut the windows of some alleles: the one place where an allele is put into a window."""
    half = length // 2
    contigs = list(map(variants.chrom.__getitem__, rows.tolist()))
    start = window_start(variants.pos[rows] - 1, length)
    window = genome.windows(contigs, start, length)
    at, codes, first = _laid_out(ref, rows, half)
    here = window.codes[at]
    right = np.logical_and.reduceat(here == codes, first)
    known = np.logical_and.reduceat(here != UNKNOWN, first)
    shift = ref.lengths[rows] - alt.lengths[rows]
    n_unknown = window.n_unknown
    alt_window = window.codes.copy()
    if shift.any():
        # Behind the allele, bases come from `shift` further on (or less far).
        moved = genome.windows(contigs, start + shift, length).codes
        alt_window[:, half:] = moved[:, half:]
        only_moved = np.arange(length) >= length - shift[:, None]
        n_unknown = n_unknown + ((moved == UNKNOWN) & only_moved).sum(1)
    at, codes, _ = _laid_out(alt, rows, half)
    alt_window[at] = codes
    return _Placed(window.codes, alt_window, right, known, half + np.maximum(shift, 0), n_unknown)


def _laid_out(
    alleles: _Spelt, rows: NDArray[np.int64], half: int
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], NDArray[np.uint8], NDArray[np.int64]]:
    """Return the (row, column) of each base of some alleles in their windows, its code, and where each allele starts.

    An allele's first base is at column `half`.
    """
    lengths = alleles.lengths[rows]
    first = np.cumsum(lengths) - lengths
    codes = encode(alleles.letters[spans(alleles.starts[rows], lengths)].tobytes())
    at = np.repeat(np.arange(len(rows)), lengths), spans(np.full(len(rows), half), lengths)
    return at, codes, first


def _end_alike(ref: _Spelt, alt: _Spelt, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which alleles have a shorter form or one further left (Tan et al. 2015, 10.1093/bioinformatics/btv112).

    An allele is normalised if, and only if, REF and ALT end with different bases, and begin with different ones or one
    of them is a single base: no genome is needed to tell. Where both are the same, this says nothing.
    """

    def alike(at: Callable[[_Spelt], NDArray[np.int64]]) -> NDArray[np.bool_]:
        one, other = (spelt.letters[at(spelt)[rows]] & _UPPER for spelt in (ref, alt))
        return one == other

    several = np.minimum(ref.lengths, alt.lengths)[rows] > 1
    return alike(lambda spelt: spelt.starts + spelt.lengths - 1) | (several & alike(lambda spelt: spelt.starts))


def _differ(variants: Variants, row: int) -> bool:
    return variants.ref[row].upper() != variants.alt[row].upper()


def _not_bases(alt: str) -> tuple[str, str]:
    """Return the status and the flag of alleles that are not both spelt in bases."""
    if alt in ("", NO_ALT):
        return "unsupported", "no_alt"
    return ("symbolic", "") if _SYMBOLIC.search(alt) else ("unsupported", "iupac_allele")


def _contig_sizes(variants: Variants, genome: Genome) -> NDArray[np.int64]:
    """Return the length of each allele's contig, -1 where the genome has none of that name."""
    sizes: dict[str, int] = {}
    for chrom in dict.fromkeys(variants.chrom):
        try:
            sizes[chrom] = genome.lengths[genome.contig(chrom)]
        except UnknownNameError:
            sizes[chrom] = -1
    return np.fromiter(map(sizes.__getitem__, variants.chrom), np.int64, len(variants))
