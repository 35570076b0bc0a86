"""Scores as rows of a report: each allele with what the model predicts, in words, from the file's own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kipoi_tfb.report.record import Group, Row
from kipoi_tfb.report.scores import score_numbers
from kipoi_tfb.report.words import group_title
from kipoi_tfb.variants import reasons
from kipoi_tfb.variants.reasons import Reason, Reasons
from tfb_matrix_data.alleles import SCORED, AlleleWindows, allele_windows
from tfb_matrix_data.errors import AssemblyError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode
from tfb_matrix_data.variants import Variants

__all__ = ["TF_SCORES", "rows_of"]

TF_SCORES = ("ref", "alt", "impact")
"""Columns per TF that rows are made of."""

_PART = 1024
"""Alleles whose windows are in memory at once."""

_WHY = {
    "no_alt": "the record has no ALT allele",
    "iupac_allele": "an allele has a letter other than A, C, G, T",
    "unknown_contig": "the genome has no such contig",
    "outside_contig": "the position is outside the contig",
    "ref_unknown": "the genome does not say which base is there (N)",
    "symbolic": "ALT is symbolic: it has no sequence to score",
    "too_long": "it changes more bases than half the window",
}


def rows_of(
    table: pa.Table, numbers: NDArray[np.int64], tfs: Sequence[str], info: Sequence[str], genome: Genome, length: int
) -> Iterator[Row]:
    """Yield the rows of alleles.

    Parameters
    ----------
    table
        Columns of the allele, `TF_SCORES` of every TF, and fields of INFO.
    numbers
        int64 (alleles,): the place of each in the file of scores, from 1.
    tfs
        The TFs to speak of.
    info
        Fields of INFO to show.
    genome
        The one that was scored with.
    length
        Of the networks' window, in bp.

    Raises
    ------
    AssemblyError
        If the genome is another one: it has other bases under an allele.
    """
    teller = Reasons(tfs)
    for start in range(0, table.num_rows, _PART):
        part = table.slice(start, _PART)
        yield from _Part(part, numbers[start : start + _PART], tfs, info).rows(teller, genome, length)


class _Part:
    """Some alleles."""

    def __init__(self, table: pa.Table, numbers: NDArray[np.int64], tfs: Sequence[str], info: Sequence[str]) -> None:
        self.numbers, self.tfs = numbers.tolist(), tfs
        names = ("chrom", "pos", "id", "ref", "alt", "status", "flags", "normal")
        self.fixed: dict[str, list[Any]] = {name: _dotted(table[name].to_pylist()) for name in names}
        self.info = {name: _texts(table[name].to_pylist()) for name in info}
        there = "variant_percentile" in table.column_names
        self.percentile = table["variant_percentile"].to_pylist() if there else [None] * table.num_rows
        self.ref, self.alt, self.impact = (
            np.stack([score_numbers(table[f"{tf}_{score}"]) for tf in tfs], 1) for score in TF_SCORES
        )

    def rows(self, teller: Reasons, genome: Genome, length: int) -> Iterator[Row]:
        variants = self._variants()
        windows = allele_windows(variants, genome, length, allele_swap="swapped" in self.fixed["status"])
        self._check(windows, genome)
        said = teller(windows, self.ref, self.alt, self.impact)
        for i, reason in enumerate(said):
            yield self._row(i, reason if windows.status[i] in SCORED else None, genome)

    def _variants(self) -> Variants:
        chrom, names, ref, alt = (self.fixed[name] for name in ("chrom", "id", "ref", "alt"))
        pos = np.array(self.fixed["pos"], np.int64)
        return Variants(chrom, pos, names, ref, alt, np.zeros(len(pos), bool), Path("the scores"))

    def _check(self, windows: AlleleWindows, genome: Genome) -> None:
        for i, (found, told) in enumerate(zip(windows.status, self.fixed["status"], strict=True)):
            if found != told:
                chrom, pos, ref, alt = (self.fixed[name][i] for name in ("chrom", "pos", "ref", "alt"))
                raise AssemblyError(
                    f"{genome.path.name} is not the genome of these scores: {chrom}:{pos}:{ref}>{alt} is {told} in the "
                    f"scores, and {found} with this one; give the FASTA that `tfb score` had"
                )

    def _row(self, i: int, reason: Reason | None, genome: Genome) -> Row:
        fixed = {name: values[i] for name, values in self.fixed.items()}
        info = {name: values[i] for name, values in self.info.items()}
        if reason is None:
            return Row(self.numbers[i], **fixed, info=info, why_not=self._why_not(i, genome))
        impact = np.nan_to_num(self.impact[i])
        best = int(np.abs(impact).argmax())
        known = not np.isnan(self.impact[i, best])
        percentile = self.percentile[i]
        return Row(
            self.numbers[i],
            **fixed,
            info=info,
            kind=_kind(fixed["normal"]),
            largest_impact=float(impact[best]) if known else None,
            largest_tf=self.tfs[best] if known else "",
            p_ref=float(self.ref[i, best]) if known else None,
            p_alt=float(self.alt[i, best]) if known else None,
            variant_percentile=None if percentile is None or np.isnan(percentile) else float(percentile),
            groups=[self._group(group) for group in reason.groups],
            bound=[self.tfs[j] for j in reason.beside],
        )

    def _group(self, group: reasons.Group) -> Group:
        names = [self.tfs[j] for j in group.tfs]
        return Group(group_title(group, names), group.rises, group.crosses, names, own_site=bool(group.site))

    def _why_not(self, i: int, genome: Genome) -> str:
        status, flags = self.fixed["status"][i], self.fixed["flags"][i].split(";")
        if status == "ref_mismatch":
            chrom, pos, ref = (self.fixed[name][i] for name in ("chrom", "pos", "ref"))
            there = decode(genome.windows([chrom], [pos - 1], len(ref)).codes[0])
            return f"REF is {_short(ref)} in the file; the genome has {_short(there)} there"
        return next((_WHY[name] for name in (*flags, status) if name in _WHY), status)


def _kind(normal: str) -> str:
    """Return what kind of change a normal form is.

    Examples
    --------
    >>> [_kind(f"chr1:5:{change}") for change in ("A>C", "A>AT", "AT>A", "AT>GC")]
    ['substitution', 'insertion', 'deletion', 'several bases']
    """
    ref, _, alt = normal.rpartition(":")[2].partition(">")
    if len(ref) == len(alt) == 1:
        return "substitution"
    if len(ref) == 1 and alt.startswith(ref):
        return "insertion"
    return "deletion" if len(alt) == 1 and ref.startswith(alt) else "several bases"


def _texts(values: Sequence[Any]) -> list[str]:
    """Return values of INFO as text; none as empty text."""
    return [
        "" if value in (None, ".") else f"{value:.6g}" if isinstance(value, float) else str(value) for value in values
    ]


def _dotted(values: Sequence[Any]) -> list[Any]:
    """Return values of columns of the allele; a VCF has nothing where a table has a dot."""
    return ["." if value is None else value for value in values]


def _short(bases: str) -> str:
    return bases if len(bases) <= 12 else f"{bases[:10]}... ({len(bases)} bp)"
