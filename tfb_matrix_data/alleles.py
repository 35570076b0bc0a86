"""Windows of both alleles of a variant: the one place where an allele is applied to a window."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import AssemblyError, UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import UNKNOWN, encode
from tfb_matrix_data.variants import NO_ALT, Variants

__all__ = ["SCORED", "STATUSES", "AlleleWindows", "AssemblyCheck", "allele_windows"]

STATUSES = ("ok", "swapped", "ref_mismatch", "symbolic", "too_long", "unsupported")
"""What became of an allele; `SCORED` are scored. ``flags`` say why one is ``unsupported``."""

SCORED = ("ok", "swapped")

_LETTERS = frozenset("ACGTacgt")
_BASES = re.compile(r"[ACGTacgt]+")
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
        return np.flatnonzero(np.array([status in SCORED for status in self.status], bool))


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
    half = length // 2
    status = ["ok"] * len(variants)
    flags: list[list[str]] = [["duplicate"] if duplicate else [] for duplicate in variants.duplicate.tolist()]
    groups: dict[tuple[int, int], list[int]] = {}
    sizes = _contig_sizes(variants, genome)
    for row, (chrom, pos, ref, alt) in enumerate(
        zip(variants.chrom, variants.pos.tolist(), variants.ref, variants.alt, strict=True)
    ):
        size = sizes[chrom]
        if ref in _LETTERS and alt in _LETTERS and size is not None and 0 < pos <= size:
            groups.setdefault((1, 1), []).append(row)  # what nearly all are, without the questions below
            continue
        reason = _unsupported(ref, alt, pos, size)
        if _SYMBOLIC.search(alt) and alt != NO_ALT:
            status[row] = "symbolic"
        elif reason:
            status[row] = "unsupported"
            flags[row].append(reason)
        elif max(len(ref), len(alt)) > half:
            status[row] = "too_long"
        else:
            groups.setdefault((len(ref), len(alt)), []).append(row)
            if _can_be_normalised(ref.upper(), alt.upper()):
                flags[row].append("not_left_normalised")
    ref_codes = np.full((len(variants), length), UNKNOWN, np.uint8)
    alt_codes = ref_codes.copy()
    compared = mismatched = 0
    for members in groups.values():
        rows = np.array(members)
        placed = _place(variants, genome, members, length)
        ref_codes[rows[placed.right]] = placed.ref[placed.right]
        alt_codes[rows[placed.right]] = placed.alt[placed.right]
        swapped = np.zeros(len(rows), bool)
        if allele_swap and not placed.right.all():
            fits = [i for i in np.flatnonzero(~placed.right).tolist() if _ends_inside(variants, sizes, members[i])]
            other = _place(variants, genome, [members[i] for i in fits], length, exchanged=True) if fits else None
            if other is not None:
                at = np.array(fits)[other.right]
                swapped[at] = True
                # Exchanged twice: `other` calls the file's ALT its REF.
                ref_codes[rows[at]] = other.alt[other.right]
                alt_codes[rows[at]] = other.ref[other.right]
        wrong = ~placed.right & ~swapped
        compared += int(placed.known.sum())
        mismatched += int((wrong & placed.known).sum())
        for i in np.flatnonzero(~placed.right).tolist():
            status[members[i]] = "swapped" if swapped[i] else "ref_mismatch"
        for i in np.flatnonzero(placed.n_unknown).tolist():
            flags[members[i]].append(f"n_in_window={placed.n_unknown[i]}")
            if placed.edge_padded[i]:
                flags[members[i]].append("edge_padded")
    if check is not None:
        check.update(compared, mismatched, genome, variants)
    return AlleleWindows(status, [";".join(f) if f else "." for f in flags], ref_codes, alt_codes)


class _Placed(NamedTuple):
    """Alleles of one pair of lengths on the genome: windows, whether REF is what it has, whether it has known bases."""

    ref: NDArray[np.uint8]
    alt: NDArray[np.uint8]
    right: NDArray[np.bool_]
    known: NDArray[np.bool_]
    n_unknown: NDArray[np.int64]
    edge_padded: NDArray[np.bool_]


def _place(variants: Variants, genome: Genome, members: list[int], length: int, exchanged: bool = False) -> _Placed:
    """Cut the windows of alleles whose REFs (and whose ALTs) are equally long; `exchanged`: ALT is taken for REF."""
    half = length // 2
    refs, alts = (variants.alt, variants.ref) if exchanged else (variants.ref, variants.alt)
    n_ref, n_alt = len(refs[members[0]]), len(alts[members[0]])
    ref_bases = encode("".join([refs[i] for i in members])).reshape(-1, n_ref)
    alt_bases = encode("".join([alts[i] for i in members])).reshape(-1, n_alt)
    # One cut serves both alleles: the window, and behind it the bases that a deletion moves in.
    n_wide = length + max(0, n_ref - n_alt)
    wide = genome.windows([variants.chrom[i] for i in members], variants.pos[members] - 1 - half, n_wide)
    here = wide.codes[:, half : half + n_ref]
    if n_ref == n_alt:
        alt_window = wide.codes.copy()
        alt_window[:, half : half + n_alt] = alt_bases
    else:
        alt_window = np.hstack([wide.codes[:, :half], alt_bases, wide.codes[:, half + n_ref :]])[:, :length]
    right, known = (here == ref_bases).all(1), (here != UNKNOWN).all(1)
    return _Placed(wide.codes[:, :length], alt_window, right, known, wide.n_unknown, wide.edge_padded)


def _ends_inside(variants: Variants, sizes: dict[str, int | None], row: int) -> bool:
    """Return whether the genome has as many bases at an allele's position as its ALT has."""
    return int(variants.pos[row]) - 1 + len(variants.alt[row]) <= (sizes[variants.chrom[row]] or 0)


def _can_be_normalised(ref: str, alt: str) -> bool:
    """Return whether an allele has a shorter form or one further left (Tan et al. 2015, 10.1093/bioinformatics/btv112).

    It is normalised if, and only if, the alleles end with different bases, and begin with different ones or one of
    them is a single base: no genome is needed to tell.
    """
    return ref != alt and (ref[-1] == alt[-1] or (min(len(ref), len(alt)) > 1 and ref[0] == alt[0]))


def _unsupported(ref: str, alt: str, pos: int, size: int | None) -> str:
    """Return why an allele cannot be placed on the genome or spelt out, or an empty string."""
    if alt == NO_ALT:
        return "no_alt"
    if not _BASES.fullmatch(ref) or not (_BASES.fullmatch(alt) or _SYMBOLIC.search(alt)):
        return "iupac_allele"
    if size is None:
        return "unknown_contig"
    if pos < 1 or pos - 1 + len(ref) > size:
        return "outside_contig"
    return ""


def _contig_sizes(variants: Variants, genome: Genome) -> dict[str, int | None]:
    sizes: dict[str, int | None] = {}
    for chrom in dict.fromkeys(variants.chrom):
        try:
            sizes[chrom] = genome.lengths[genome.contig(chrom)]
        except UnknownNameError:
            sizes[chrom] = None
    return sizes
