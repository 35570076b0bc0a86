"""Lines of a VCF as arrays: a block of text is cut into columns in one go, not record by record."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLUMNS", "N_FIXED", "Records", "is_record", "only_records", "parse_records", "spans"]

COLUMNS = ("CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
"""What every record has, in this order."""

N_FIXED = len(COLUMNS)

_TAB, _NEWLINE, _COMMA = b"\t\n,"
_N_HEAD = 5
_MAX_DIGITS = 18  # what an int64 holds


@dataclass(frozen=True)
class Records:
    """Whole lines of a VCF that are records.

    Attributes
    ----------
    text
        The lines.
    bounds
        int64 (records + 1,): where each line starts, and where the last one ends.
    head_end
        int64 (records,): where the tab behind ALT is.
    pos
        int64 (records,): POS.
    n_alleles
        int64 (records,): how many ALTs each has, 1 for ``.``.
    fault
        The first line that is no record, behind these; None if all were.
    """

    text: bytes
    bounds: NDArray[np.int64]
    head_end: NDArray[np.int64]
    pos: NDArray[np.int64]
    n_alleles: NDArray[np.int64]
    fault: bytes | None = None

    def __len__(self) -> int:
        return len(self.pos)

    def part(self, start: int, end: int) -> Records:
        """Return the records [start, end), with a text of their own."""
        first, last = int(self.bounds[start]), int(self.bounds[end])
        some = slice(start, end)
        return Records(
            self.text[first:last],
            self.bounds[start : end + 1] - first,
            self.head_end[some] - first,
            self.pos[some],
            self.n_alleles[some],
        )

    def fill(self, start: int, n_alleles: int, n_bytes: int) -> tuple[int, bool]:
        """Return the end of the fewest records from `start` on that reach one of two sizes, and whether they do."""
        alleles = np.concatenate([[0], np.cumsum(self.n_alleles)])
        enough = np.searchsorted(alleles, alleles[start] + n_alleles)
        end = max(start + 1, min(int(enough), int(np.searchsorted(self.bounds, self.bounds[start] + n_bytes))))
        return min(end, len(self)), end <= len(self)

    def lines(self) -> list[bytes]:
        """Return each line."""
        bounds = self.bounds.tolist()
        return [self.text[start:end] for start, end in pairwise(bounds)]

    def columns(self) -> tuple[list[str], list[str], list[str], list[str]]:
        """Return CHROM, ID, REF and ALT of each record."""
        # The first five columns with the tab behind each, one record behind the other: one text to decode and split.
        starts = self.bounds[:-1]
        lengths = self.head_end + 1 - starts
        head = np.frombuffer(self.text, np.uint8)[spans(starts, lengths)]
        fields = head.tobytes().decode(errors="replace").split("\t")
        chrom, name, ref, alt = (fields[i:-1:_N_HEAD] for i in (0, 2, 3, 4))
        return chrom, name, ref, alt


def is_record(line: bytes) -> bool:
    """Return whether a line is meant to be a record: it is neither blank nor commented out."""
    return not line.startswith(b"#") and bool(line.strip())


def only_records(text: bytes) -> bytes:
    """Return whole lines without those that are blank or begin with ``#``."""
    return b"".join(line for line in io.BytesIO(text) if is_record(line))


def parse_records(text: bytes) -> Records:
    """Return the records of whole lines (the last may lack its end), up to the first line that is none.

    A record has at least `N_FIXED` tab-separated columns, the second a number. Lines that are blank or begin with
    ``#`` are left out.
    """
    if text.startswith((b"#", b"\n", b"\r\n")) or b"\n#" in text or b"\n\n" in text or b"\n\r\n" in text:
        text = only_records(text)
    records = _parsed(text)
    if records.fault is not None and not records.fault.strip():  # of spaces or tabs
        records = _parsed(only_records(text))
    return records


def _parsed(text: bytes) -> Records:
    data = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(data == _NEWLINE)
    if text and not text.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.append(0, ends + 1)[: len(ends)]
    # Tabs beyond the end: a last line of few columns finds none of its own there.
    tabs = np.append(np.flatnonzero(data == _TAB), [len(data)] * N_FIXED)
    first = np.searchsorted(tabs, starts)
    good = tabs[first + N_FIXED - 2] < ends
    n = len(starts) if good.all() else int(good.argmin())
    pos, is_number = _numbers(data, tabs[first[:n]] + 1, tabs[first[:n] + 1])
    n = n if is_number.all() else int(is_number.argmin())
    ref_end, alt_end = tabs[first[:n] + 3], tabs[first[:n] + 4]
    n_alleles = np.ones(n, np.int64)
    if b"," in text:
        commas = np.flatnonzero(data == _COMMA)
        n_alleles += np.searchsorted(commas, alt_end) - np.searchsorted(commas, ref_end)
    fault = text[starts[n] : ends[n] + 1] if n < len(starts) else None
    bounds = np.append(starts[:n], min(ends[n - 1] + 1, len(data)) if n else 0)
    return Records(text, bounds, alt_end, pos[:n], n_alleles, fault)


def spans(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of all ranges [start, start + length), one range behind the other.

    Examples
    --------
    >>> spans(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    return np.arange(lengths.sum()) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)


def _numbers(
    data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the numbers at [start, end) of a text, and which of them are such."""
    width = ends - starts
    value, is_number = np.zeros(len(width), np.int64), (width > 0) & (width <= _MAX_DIGITS)
    for place in range(min(int(width.max(initial=0)), _MAX_DIGITS)):
        # Digits from the right; of shorter numbers, what stands before them counts as zero.
        digit = data[np.maximum(ends - 1 - place, 0)] - np.uint8(ord("0"))
        has = place < width
        is_number &= ~has | (digit < 10)
        value += np.where(has, digit, np.int64(0)) * 10**place
    return value, is_number
