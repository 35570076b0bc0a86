"""Windows of both alleles of a variant: the one place where an allele is applied to a window."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import AssemblyError, UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.normalise import (
    Changes,
    NormalForm,
    Trimmed,
    end_alike,
    fit,
    left_aligned,
    normal_forms,
    spell,
    trimmed,
)
from tfb_matrix_data.records import spans
from tfb_matrix_data.sequence import UNKNOWN, first_base
from tfb_matrix_data.variants import NO_ALT, Variants
from tfb_matrix_data.windows import window_start

__all__ = ["SCORED", "STATUSES", "AlleleWindows", "AssemblyCheck", "allele_windows", "normal_texts"]

STATUSES = ("ok", "swapped", "ref_mismatch", "ref_unknown", "symbolic", "too_long", "unsupported")
"""What became of an allele; `SCORED` are scored. ``flags`` say why one is ``unsupported``."""

SCORED = ("ok", "swapped")

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
        shorter or further left); why one is unsupported: ``no_alt``, ``iupac_allele``, ``unknown_contig``,
        ``outside_contig``.
    ref, alt
        uint8 (alleles, length) codes, all unknown (4) where the status is not one of `SCORED`. The first base that the
        left-aligned allele changes (of an insertion, the base behind it) is at index length / 2 of both; an indel
        shifts the right flank, which is read from further (or less far) on. So all spellings of one change have the
        same windows.
    start
        int64 (alleles,): 0-based position of that base; of an allele that is not scored, that of its record.
    n_ref, n_alt
        int64 (alleles,): how many bases from index length / 2 on are the allele's own in `ref` and in `alt`; an
        insertion has none in `ref`, a deletion none in `alt`.
    normal
        The normal forms of the scored alleles whose records have another one, by row.
    """

    status: list[str]
    flags: list[str]
    ref: NDArray[np.uint8]
    alt: NDArray[np.uint8]
    start: NDArray[np.int64]
    n_ref: NDArray[np.int64]
    n_alt: NDArray[np.int64]
    normal: dict[int, NormalForm]

    @property
    def scored(self) -> NDArray[np.int64]:
        """Return the rows whose status is one of `SCORED`, ascending."""
        return np.flatnonzero(np.fromiter(map(SCORED.__contains__, self.status), bool, len(self.status)))

    def take(self, rows: NDArray[np.int64]) -> AlleleWindows:
        """Return those of some alleles, in the order of `rows`."""
        status, flags = ([values[row] for row in rows.tolist()] for values in (self.status, self.flags))
        normal = {new: self.normal[row] for new, row in enumerate(rows.tolist()) if row in self.normal}
        codes, sizes = (self.ref[rows], self.alt[rows]), (self.start[rows], self.n_ref[rows], self.n_alt[rows])
        return AlleleWindows(status, flags, *codes, *sizes, normal)


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
        Even window length in bp. An allele that changes more bases than half of it is ``too_long``.
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
    start, sizes = variants.pos - 1, _contig_sizes(variants, genome)
    spelt = trimmed(spell(variants.ref), spell(variants.alt))
    found = _Found(variants, genome, length, sizes)
    found.remark(np.flatnonzero(variants.duplicate), repeat("duplicate"))
    place = found.reject(spelt)
    compared = mismatched = 0
    # An allele of several bases takes several times as long as one of a single base, which nearly all are.
    for rows in (np.flatnonzero(place & ~spelt.several), np.flatnonzero(place & spelt.several)):
        if not len(rows):
            continue
        right, undecided, known = fit(genome, found.contigs(rows), start[rows], spelt.ref, rows)
        swapped = np.zeros(len(rows), bool)
        if allele_swap:
            other = np.flatnonzero(~right & ~undecided & (start[rows] + spelt.alt.lengths[rows] <= sizes[rows]))
            if len(other):
                some = rows[other]
                swapped[other] = fit(genome, found.contigs(some), start[some], spelt.alt, some).right
        wrong = ~right & ~swapped & ~undecided
        for rule, status in ((wrong, "ref_mismatch"), (undecided, "ref_unknown"), (swapped, "swapped")):
            found.status[rows[rule]] = status
        compared += int(known.sum())
        mismatched += int((wrong & known).sum())
        if not swapped.any():
            found.place(spelt, rows, right)
            continue
        found.place(spelt, rows[~swapped], right[~swapped])
        found.place(spelt, rows[swapped], np.ones(swapped.sum(), bool), exchanged=True)
    if check is not None:
        check.update(compared, mismatched, genome, variants)
    return found.windows(spelt)


def normal_texts(variants: Variants, windows: AlleleWindows, genome: Genome) -> list[str]:
    """Return each allele's normal form, ``"."`` for one that is not scored: one text for all spellings of a change.

    Like ``chr19:11089231:A>G``: with the genome's name of the contig, in capitals, left-aligned, and as short as it can
    be, but for the base that an indel needs before it (`tfb_matrix_data.normalise`).
    """
    names: dict[str, str] = {}
    texts = ["."] * len(variants)
    for row in windows.scored.tolist():
        chrom = variants.chrom[row]
        if chrom not in names:
            names[chrom] = genome.contig(chrom)
        pos, ref, alt = windows.normal.get(row) or (variants.pos[row], variants.ref[row], variants.alt[row])
        texts[row] = f"{names[chrom]}:{pos}:{ref.upper()}>{alt.upper()}"
    return texts


class _Found:
    """What `allele_windows` finds out, allele by allele."""

    def __init__(self, variants: Variants, genome: Genome, length: int, sizes: NDArray[np.int64]) -> None:
        n = len(variants)
        self.variants, self.genome, self.length, self.sizes = variants, genome, length, sizes
        self.status = np.array(["ok"] * n, object)
        self.flags = ["."] * n
        self.ref, self.alt = (np.full((n, length), UNKNOWN, np.uint8) for _ in range(2))
        self.start = variants.pos - 1
        self.normal: dict[int, NormalForm] = {}

    def contigs(self, rows: NDArray[np.int64]) -> list[str]:
        return list(map(self.variants.chrom.__getitem__, rows.tolist()))

    def remark(self, rows: NDArray[np.int64], remarks: Iterable[str]) -> None:
        for row, text in zip(rows.tolist(), remarks, strict=False):  # `remarks` may repeat one for ever
            self.flags[row] = text if self.flags[row] == "." else f"{self.flags[row]};{text}"

    def reject(self, spelt: Trimmed) -> NDArray[np.bool_]:
        """Say which alleles are not looked up in the genome, and return the others."""
        bases, sizes = spelt.ref.bases & spelt.alt.bases, self.sizes
        outside = (self.start < 0) | (self.start + spelt.ref.lengths > sizes)
        too_long = np.maximum(spelt.n_ref, spelt.n_alt) > self.length // 2
        self.status[too_long] = "too_long"
        self.status[outside] = "unsupported"
        self.remark(np.flatnonzero(bases & outside & (sizes < 0)), repeat("unknown_contig"))
        self.remark(np.flatnonzero(bases & outside & (sizes >= 0)), repeat("outside_contig"))
        for row in np.flatnonzero(~bases).tolist():
            self.status[row], flag = _not_bases(self.variants.alt[row])
            if flag:
                self.remark(np.array([row]), [flag])
        return bases & ~outside & ~too_long

    def place(self, spelt: Trimmed, rows: NDArray[np.int64], right: NDArray[np.bool_], exchanged: bool = False) -> None:
        """Cut the windows of alleles whose REF is what the genome has where that is `right`, and remark on all of them.

        All or none are of several bases. `exchanged`: it is ALT that the genome has, and the change is the one from it.
        """
        if not len(rows):
            return
        alleles, outputs = (spelt.exchanged(), (self.alt, self.ref)) if exchanged else (spelt, (self.ref, self.alt))
        changes = alleles.changes(self.contigs(rows), self.start[rows], rows)
        if spelt.several[rows[0]]:
            changes = left_aligned(self.genome, changes, right)
            self.start[rows[right]] = changes.start[right]
            self._compare(alleles, changes, rows, right, exchanged)
        placed = _cut(self.genome, changes, self.length)
        for codes, windows in zip(outputs, (placed.ref, placed.alt), strict=True):
            codes[rows if right.all() else rows[right]] = windows if right.all() else windows[right]
        unknown = np.flatnonzero(placed.n_unknown)
        self.remark(rows[unknown], map("n_in_window={}".format, placed.n_unknown[unknown].tolist()))
        padded = (changes.start < self.length // 2) | (changes.start + placed.needed > self.sizes[rows])
        self.remark(rows[padded], repeat("edge_padded"))

    def _compare(
        self, alleles: Trimmed, changes: Changes, rows: NDArray[np.int64], right: NDArray[np.bool_], exchanged: bool
    ) -> None:
        """Keep the normal forms of alleles that are written in another one, and remark on these."""
        loose = end_alike(alleles.ref, alleles.alt, rows) & (alleles.n_ref[rows] < alleles.ref.lengths[rows])
        others = np.flatnonzero(loose & right)
        for row, form in zip(rows[others].tolist(), normal_forms(self.genome, changes.take(others)), strict=True):
            own = NormalForm(form.pos, form.alt, form.ref) if exchanged else form
            if own != (self.variants.pos[row], self.variants.ref[row].upper(), self.variants.alt[row].upper()):
                self.normal[row] = own
        deviates = [row for row, is_right in zip(rows[loose].tolist(), right[loose], strict=True)
                    if not is_right or row in self.normal]  # fmt: skip
        self.remark(np.array(deviates, np.int64), repeat("not_left_normalised"))

    def windows(self, spelt: Trimmed) -> AlleleWindows:
        return AlleleWindows(
            self.status.tolist(), self.flags, self.ref, self.alt, self.start, spelt.n_ref, spelt.n_alt, self.normal
        )


class _Placed(NamedTuple):
    """Changes in their windows.

    Attributes
    ----------
    ref, alt
        uint8 (changes, length) windows.
    needed
        int64 (changes,): how far from the first changed base on the two windows reach.
    n_unknown
        int64 (changes,): unknown bases in all that they need.
    """

    ref: NDArray[np.uint8]
    alt: NDArray[np.uint8]
    needed: NDArray[np.int64]
    n_unknown: NDArray[np.int64]


def _cut(genome: Genome, changes: Changes, length: int) -> _Placed:
    """Cut the windows of some changes: the one place where an allele is put into a window."""
    half = length // 2
    start = window_start(changes.start, length)
    window = genome.windows(changes.contigs, start, length)
    shift = changes.n_ref - changes.n_alt
    n_unknown = window.n_unknown - _reduce(genome, changes, window.codes)
    alt_window = window.codes.copy()
    if shift.any():
        # Behind the allele, bases come from `shift` further on (or less far). Not from wholly before the contig, where
        # nothing is taken from: what is inserted fills the window.
        moved = genome.windows(changes.contigs, np.maximum(start + shift, 1 - length), length).codes
        alt_window[:, half:] = moved[:, half:]
        only_moved = np.arange(length) >= length - shift[:, None]
        n_unknown = n_unknown + ((moved == UNKNOWN) & only_moved).sum(1)
    n_alt = changes.n_alt
    alt_window[np.repeat(np.arange(len(n_alt)), n_alt), spans(np.full(len(n_alt), half), n_alt)] = changes.alt
    return _Placed(window.codes, alt_window, half + np.maximum(shift, 0), n_unknown)


def _reduce(genome: Genome, changes: Changes, windows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Write VCF's base for each IUPAC letter of the genome that is replaced, into the windows; return how many."""
    half, n_ref = windows.shape[1] // 2, changes.n_ref
    row, along = np.repeat(np.arange(len(n_ref)), n_ref), spans(np.zeros_like(n_ref), n_ref)
    unknown = np.flatnonzero(windows[row, half + along] == UNKNOWN)
    if not len(unknown):
        return np.zeros_like(n_ref)
    row, along = row[unknown], along[unknown]
    letters = genome.letters([changes.contigs[i] for i in row.tolist()], changes.start[row] + along)
    windows[row, half + along] = first_base(letters)
    return np.bincount(row[first_base(letters) < UNKNOWN], minlength=len(n_ref))


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
