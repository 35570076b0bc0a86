"""What became of the alleles of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tfb_matrix_data.alleles import AlleleWindows

__all__ = ["ScoringSummary"]


@dataclass
class ScoringSummary:
    """What became of the alleles.

    Attributes
    ----------
    records, alleles
        How many were read; as many were written.
    status, flags
        How many alleles have each.
    taken_over
        Pieces that an earlier, killed run had finished.
    problems
        What is wrong although the output was written: the end of the input is lost, no index could be made, no allele
        is on a contig of the genome.
    warnings
        What may be meant so: there is no record, they are not sorted, or the genome is masked.
    notices
        What the output lacks, and why: there is no null for a percentile.
    """

    records: int = 0
    alleles: int = 0
    status: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    taken_over: int = 0
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def count(self, windows: AlleleWindows, records: int = 0) -> None:
        """Add a chunk."""
        self.records += records
        self.alleles += len(windows.status)
        self.status.update(windows.status)
        for flags in windows.flags:
            if flags != ".":
                self.flags.update(flag.partition("=")[0] for flag in flags.split(";"))
