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

__all__ = ["STATUSES", "AlleleWindows", "AssemblyCheck", "allele_windows"]

STATUSES = ("ok", "ref_mismatch", "symbolic", "too_long", "unsupported")
"""What became of an allele; only ``ok`` is scored. ``flags`` say why one is ``unsupported``."""

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
        all bases that the two windows need), ``duplicate``; why one is unsupported: ``no_alt``, ``iupac_allele``,
        ``unknown_contig``, ``outside_contig``.
    ref, alt
        uint8 (alleles, length) codes, all unknown (4) where the status is not ``ok``. The first REF base is at index
        length / 2 of both; an indel shifts the right flank, which is read from further (or less far) on.
    """

    status: list[str]
    flags: list[str]
    ref: NDArray[np.uint8]
    alt: NDArray[np.uint8]

    @property
    def scored(self) -> NDArray[np.int64]:
        """Return the rows with status ``ok``, ascending."""
        return np.flatnonzero(np.array([status == "ok" for status in self.status], bool))


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
                "this FASTA is another assembly than the VCF's"
            )


def allele_windows(
    variants: Variants, genome: Genome, length: int = 200, check: AssemblyCheck | None = None
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
        reason = _unsupported(ref, alt, pos, sizes[chrom])
        if _SYMBOLIC.search(alt) and alt != NO_ALT:
            status[row] = "symbolic"
        elif reason:
            status[row] = "unsupported"
            flags[row].append(reason)
        elif max(len(ref), len(alt)) > half:
            status[row] = "too_long"
        else:
            groups.setdefault((len(ref), len(alt)), []).append(row)
    ref_codes = np.full((len(variants), length), UNKNOWN, np.uint8)
    alt_codes = ref_codes.copy()
    compared = mismatched = 0
    for (n_ref, n_alt), members in groups.items():
        rows = np.array(members)
        ref_bases = encode("".join(variants.ref[i] for i in members)).reshape(-1, n_ref)
        alt_bases = encode("".join(variants.alt[i] for i in members)).reshape(-1, n_alt)
        # One cut serves both alleles: the window, and behind it the bases that a deletion moves in.
        n_wide = length + max(0, n_ref - n_alt)
        wide = genome.windows([variants.chrom[i] for i in members], variants.pos[rows] - 1 - half, n_wide)
        here = wide.codes[:, half : half + n_ref]
        known = (here != UNKNOWN).all(1)
        wrong = (here != ref_bases).any(1)
        compared += int(known.sum())
        mismatched += int((wrong & known).sum())
        alt_window = np.hstack([wide.codes[:, :half], alt_bases, wide.codes[:, half + n_ref :]])[:, :length]
        ref_codes[rows[~wrong]] = wide.codes[~wrong, :length]
        alt_codes[rows[~wrong]] = alt_window[~wrong]
        for i, row in enumerate(members):
            if wrong[i]:
                status[row] = "ref_mismatch"
            if wide.n_unknown[i]:
                flags[row].append(f"n_in_window={wide.n_unknown[i]}")
            if wide.edge_padded[i]:
                flags[row].append("edge_padded")
    if check is not None:
        check.update(compared, mismatched, genome, variants)
    return AlleleWindows(status, [";".join(f) or "." for f in flags], ref_codes, alt_codes)


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
