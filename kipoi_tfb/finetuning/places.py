"""Places on a genome: which touch which, without a table or a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.contigs import plain_name, plain_names
from tfb_matrix_data.windows import window_start

__all__ = ["Places"]


@dataclass(frozen=True)
class Places:
    """Intervals, 0-based and half open.

    Attributes
    ----------
    chrom
        str (places,).
    start, end
        int64 (places,).
    """

    chrom: NDArray[np.str_]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start)

    def take(self, chosen: NDArray) -> Places:
        """Return those of a mask or of indices."""
        return Places(self.chrom[chosen], self.start[chosen], self.end[chosen])

    def joined(self, other: Places) -> Places:
        """Return these, then the others."""
        return Places(
            np.concatenate([self.chrom, other.chrom]),
            np.concatenate([self.start, other.start]),
            np.concatenate([self.end, other.end]),
        )

    def resized(self, length: int) -> Places:
        """Return the places of a length around the centres, (start + end) // 2."""
        start = window_start((self.start + self.end) // 2, length)
        return Places(self.chrom, start, start + length)

    def rows(self) -> list[tuple[str, int, int]]:
        """Return (chrom, start, end) of each."""
        return list(zip(self.chrom.tolist(), self.start.tolist(), self.end.tolist(), strict=True))

    def on(self, chroms: tuple[str, ...]) -> NDArray[np.bool_]:
        """Return which are on these chromosomes, in any spelling of their names."""
        return np.isin(plain_names(self.chrom), [plain_name(name) for name in chroms])

    def touch(self, others: Places) -> NDArray[np.bool_]:
        """Return which share a base with any of the others."""
        found = np.zeros(len(self), bool)
        own_chrom, other_chrom = plain_names(self.chrom), plain_names(others.chrom)
        for chrom in np.intersect1d(own_chrom, other_chrom):
            at, of = np.flatnonzero(own_chrom == chrom), np.flatnonzero(other_chrom == chrom)
            of = of[np.argsort(others.start[of], kind="stable")]
            reach = np.maximum.accumulate(others.end[of])  # the furthest end of those that start so early
            before = np.searchsorted(others.start[of], self.end[at], side="left")
            found[at] = (before > 0) & (reach[np.maximum(before - 1, 0)] > self.start[at])
        return found

    def covered(self) -> dict[str, int]:
        """Return {chromosome: bases in any of them}."""
        found = {}
        for chrom in np.unique(self.chrom).tolist():
            at = np.flatnonzero(self.chrom == chrom)
            at = at[np.argsort(self.start[at], kind="stable")]
            reach = np.maximum.accumulate(self.end[at])
            before = np.append(0, reach[:-1])  # what is up to here is counted already
            found[chrom] = int(np.maximum(self.end[at] - np.maximum(self.start[at], before), 0).sum())
        return found

    def distinct(self) -> Places:
        """Return them without those that share a base with an earlier one of the same chromosome, in genome order."""
        order = np.lexsort((self.start, self.chrom))
        kept, chrom, end = [], None, -1
        for at in order.tolist():
            if self.chrom[at] != chrom or self.start[at] >= end:
                kept.append(at)
                chrom, end = self.chrom[at], int(self.end[at])
        return self.take(np.array(kept, np.int64))
