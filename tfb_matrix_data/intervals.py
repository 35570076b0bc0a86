"""Genomic intervals from BED files, and the windows around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError, UnknownNameError, few
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.lines import Lines, read_lines
from tfb_matrix_data.summits import UNCLEAR, Kind, another_kind, summit_of

__all__ = [
    "ANCHORS",
    "Anchor",
    "Intervals",
    "check_contigs",
    "contig_sizes",
    "is_contig",
    "iter_intervals",
    "no_contig_of",
    "parse_line",
    "read_intervals",
]

Anchor = Literal["centre", "summit"]
ANCHORS = ("centre", "summit")


@dataclass(frozen=True)
class Intervals:
    """Intervals of a BED file, in its order; 0-based, half open.

    Attributes
    ----------
    chrom
        str (intervals,).
    start, end
        int64 (intervals,).
    name
        Column 4, ``"."`` where there is none.
    strand
        Column 6 (``+``, ``-`` or ``.``).
    summit
        int64 offset of the peak's summit from its start (narrowPeak's column 10), -1 where there is none.
    kind
        int8 `tfb_matrix_data.summits.Kind`: whether the line is narrowPeak.
    line
        int64 1-based line in the file.
    path
        The file.
    """

    chrom: NDArray[np.str_]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    name: list[str]
    strand: list[str]
    summit: NDArray[np.int64]
    kind: NDArray[np.int8]
    line: NDArray[np.int64]
    path: Path

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, rows: slice) -> Intervals:
        return Intervals(
            self.chrom[rows],
            self.start[rows],
            self.end[rows],
            self.name[rows],
            self.strand[rows],
            self.summit[rows],
            self.kind[rows],
            self.line[rows],
            self.path,
        )

    def take(self, rows: NDArray[np.int64]) -> Intervals:
        """Return the intervals at the given row indices."""
        return Intervals(
            self.chrom[rows],
            self.start[rows],
            self.end[rows],
            [self.name[row] for row in rows.tolist()],
            [self.strand[row] for row in rows.tolist()],
            self.summit[rows],
            self.kind[rows],
            self.line[rows],
            self.path,
        )

    def anchor(self, anchor: Anchor = "centre") -> NDArray[np.int64]:
        """Return the 0-based position of each interval's centre, (start + end) // 2, or of its summit.

        Raises
        ------
        InputError
            If summits are asked for and an interval has none, or one outside of itself.
        UnknownNameError
            If `anchor` is neither.
        """
        if anchor not in ANCHORS:
            raise UnknownNameError("anchor", anchor, ANCHORS)
        if anchor == "centre":
            return (self.start + self.end) // 2
        wrong = (self.summit < 0) | (self.start + self.summit >= self.end)
        if wrong.any():
            at = int(wrong.argmax())
            found = f"summit offset {self.summit[at]} of an interval of {self.end[at] - self.start[at]} bp"
            raise InputError(
                self.path,
                ("no summit" if self.summit[at] < 0 else found)
                + "; expected narrowPeak with the offset in column 10, or use the centre as the anchor",
                int(self.line[at]),
            )
        return self.start + self.summit

    def best_anchor(self) -> Anchor:
        """Return ``summit`` where the file is narrowPeak and says summits, else ``centre``.

        The first line decides what the file is.

        Raises
        ------
        InputError
            If that is not clear, or other lines are of another kind; the message names the line.
        """
        first = self.kind[0]
        wrong = (self.kind != first) & (self.kind != Kind.UNCLEAR)
        if first == Kind.UNCLEAR:
            raise InputError(self.path, UNCLEAR, int(self.line[0]))
        if wrong.any():
            raise InputError(self.path, another_kind(Kind(first), int(self.line[0])), int(self.line[wrong.argmax()]))
        return "summit" if first == Kind.NARROW_PEAK and (self.summit >= 0).any() else "centre"


def iter_intervals(path: str | Path | Lines, chunk_size: int = 16384) -> Iterator[Intervals]:
    """Yield the intervals of a BED file (BED3 to BED12, narrowPeak; plain, gzip, bgzip or a pipe) in chunks.

    Lines that are blank or begin with ``#``, ``track`` or ``browser`` are skipped. What is narrowPeak:
    `tfb_matrix_data.summits`.

    Raises
    ------
    InputError
        If the file cannot be read, has no interval, or a line is not BED: too few columns, a start or end that is
        not a whole number or negative, a start beyond the end. The message names the line.
    """
    lines = read_lines(path)
    path = lines.path
    rows: list[tuple] = []
    n_chunks = 0
    for number, line in lines:
        if not line.strip() or line.startswith("#") or line.split(None, 1)[0] in {"track", "browser"}:
            continue
        rows.append(parse_line(path, number, line))
        if len(rows) == chunk_size:
            yield _intervals(rows, path)
            n_chunks += 1
            rows = []
    if rows:
        yield _intervals(rows, path)
    elif not n_chunks:
        raise InputError(path, "has no interval (only comments, track lines or blank lines)")


def read_intervals(path: str | Path | Lines) -> Intervals:
    """Return all intervals of a BED file; see `iter_intervals`."""
    (intervals,) = iter_intervals(path, chunk_size=1 << 62)
    return intervals


def check_contigs(intervals: Intervals, genome: Genome) -> None:
    """Check that all intervals are on the genome.

    Raises
    ------
    InputError
        If an interval's contig is not in the FASTA or the interval ends beyond it; the message names the line.
    """
    sizes = contig_sizes(intervals.chrom, genome)
    wrong = intervals.end > sizes
    if not wrong.any():
        return
    at = int(wrong.argmax())
    chrom, line = str(intervals.chrom[at]), int(intervals.line[at])
    try:
        genome.contig(chrom)
    except UnknownNameError as error:
        raise InputError(intervals.path, str(error), line) from None
    raise InputError(
        intervals.path,
        f"{chrom}:{intervals.start[at]}-{intervals.end[at]} ends beyond the contig "
        f"({sizes[at]:,} bp in {genome.path.name}); is this the right assembly?",
        line,
    )


def contig_sizes(chrom: NDArray[np.str_], genome: Genome) -> NDArray[np.int64]:
    """Return the length of the contig that each name means, -1 where the FASTA has none, int64 (names,)."""
    names, inverse = np.unique(chrom, return_inverse=True)
    return np.array([_contig_size(genome, name) for name in names.tolist()], np.int64)[inverse]


def is_contig(genome: Genome, name: str) -> bool:
    """Return whether the genome has a contig, under either name."""
    return _contig_size(genome, name) >= 0


def no_contig_of(genome: Genome, names: Iterable[str]) -> str:
    """Return what to say where none of the contigs that are named is one of the genome's."""
    return (
        f"nothing is on a contig of {genome.path.name}, which has {few(genome.lengths)}; found {few(names)}; "
        "is this the right assembly, and are contigs named alike?"
    )


def _contig_size(genome: Genome, chrom: str) -> int:
    """Return a contig's length, -1 if there is none of that name."""
    try:
        return genome.lengths[genome.contig(chrom)]
    except UnknownNameError:
        return -1


def parse_line(path: Path, number: int, line: str) -> tuple[str, int, int, str, str, int, Kind, int]:
    """Return the chrom, start, end, name, strand, summit offset (-1: none), kind and number of a BED line.

    Raises
    ------
    InputError
        If the line is not BED; see `iter_intervals`.
    """
    fields = line.split("\t") if "\t" in line else line.split()
    if len(fields) < 3:
        raise InputError(path, f"{len(fields)} column(s), expected at least chrom, start and end", number)
    try:
        start, end = int(fields[1]), int(fields[2])
    except ValueError:
        raise InputError(path, f"start {fields[1]!r}, end {fields[2]!r}: expected whole numbers", number) from None
    if not 0 <= start <= end < 1 << 63:
        raise InputError(path, f"start {start}, end {end}: expected 0 <= start <= end (0-based, half open)", number)
    name = fields[3] if len(fields) > 3 and fields[3] else "."
    strand = fields[5] if len(fields) > 5 and fields[5] in {"+", "-"} else "."
    # Other files of ten columns exist (BED5 beside BED5): only who asks for summits must have them.
    summit, kind = summit_of(fields, start, end)
    return fields[0], start, end, name, strand, summit, kind, number


def _intervals(rows: list[tuple], path: Path) -> Intervals:
    chrom, start, end, name, strand, summit, kind, line = zip(*rows, strict=True)
    return Intervals(
        np.array(chrom),
        np.array(start, np.int64),
        np.array(end, np.int64),
        list(name),
        list(strand),
        np.array(summit, np.int64),
        np.array(kind, np.int8),
        np.array(line, np.int64),
        path,
    )
