"""Tracks of millions of lines, read in blocks: Arrow parses a block, and Python only one that Arrow cannot.

A block that is not plain tab-separated numbers (comments in the middle, spaces, a fault) is read line by line with
the same meaning, so the message names the line; memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from tfb_matrix_data import blocks
from tfb_matrix_data.contigs import Spelling
from tfb_matrix_data.errors import InputError, few
from tfb_matrix_data.intervals import parse_line
from tfb_matrix_data.lines import cut_off, open_text
from tfb_matrix_data.sizes import Sizes, check_place
from tfb_matrix_data.summits import N_COLUMNS, AnyAnchor, Format, Kind

__all__ = [
    "Block",
    "Track",
    "TrackCount",
    "data_lines",
    "iter_blocks",
    "iter_track",
    "read_columns",
]

_BLOCK = 4 << 20
_LONGEST = 1 << 32
_NO_DATA = ("#", "track", "browser")
_REMAP_COLUMNS = 9
_CHROM = pa.dictionary(pa.int32(), pa.string())


class Block(NamedTuple):
    """Whole lines of a file: the bytes, the 1-based number of the first line, and the file's column count."""

    data: bytes
    line: int
    n_columns: int


class Track(NamedTuple):
    """Some intervals of a track, 0-based and half open.

    Attributes
    ----------
    names
        Contig names.
    chrom
        int32 (intervals,): index into `names`.
    start, end
        int64 (intervals,).
    point
        int64 (intervals,): the summit where it is wanted and said, else the centre, (start + end) // 2.
    n_summits
        How many of the points of all intervals that were read are summits.
    n_lacking, n_beyond
        Intervals that were left out, since the genome has no such contig, or a shorter one.
    """

    names: list[str]
    chrom: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    point: NDArray[np.int64]
    n_summits: int = 0
    n_lacking: int = 0
    n_beyond: int = 0


@dataclass
class TrackCount:
    """What the intervals of a track were, for the log.

    Attributes
    ----------
    n
        Intervals in the file.
    n_summits, n_lacking, n_beyond
        See `Track`.
    """

    n: int = 0
    n_summits: int = 0
    n_lacking: int = 0
    n_beyond: int = 0

    @property
    def n_off(self) -> int:
        """Intervals that were left out."""
        return self.n_lacking + self.n_beyond

    def add(self, track: Track) -> None:
        """Add a part of the track."""
        self.n += len(track.start) + track.n_lacking + track.n_beyond
        self.n_summits += track.n_summits
        self.n_lacking += track.n_lacking
        self.n_beyond += track.n_beyond

    def anchor(self) -> str:
        """Return which points were taken, in words."""
        if not self.n_summits:
            return "centres"
        return "summits" if self.n_summits == self.n else f"summits; centres of {self.n - self.n_summits:,} without one"

    def left_out(self) -> str:
        """Return what was left out, in words; nothing if that was nothing."""
        parts = [f"{self.n_lacking:,} on contigs that the genome lacks"] if self.n_lacking else []
        parts += [f"{self.n_beyond:,} that end beyond their contig"] if self.n_beyond else []
        return f"; left out {' and '.join(parts)}" if parts else ""


def iter_track(
    path: Path, sizes: Sizes | None = None, anchor: AnyAnchor = "centre", strict: bool = False
) -> Iterator[Track]:
    """Yield the intervals of a BED-like track (plain, gzip or bgzip; in any order) in its order, by blocks.

    Parameters
    ----------
    path
        BED3 to BED12 or narrowPeak. Lines that are blank or begin with ``#``, ``track`` or ``browser`` are skipped.
    sizes
        Contigs that the intervals must lie on, or are left out, and that names are spelt as; None takes all.
    anchor
        ``summit``: the point is narrowPeak's summit, column 10, whatever the other columns. ``auto``: it is if the
        file is narrowPeak, see `tfb_matrix_data.summits`; of ReMap's files (nine columns) it is columns 7 and 8 where
        they span 1 bp inside the interval. An interval without one (-1) has its centre as the point.
    strict
        Refuse an interval that is not on the contigs of `sizes`.

    Raises
    ------
    InputError
        If the file cannot be read or has no interval, a line is not BED, a summit lies outside of its interval, it is
        not clear whether there are summits, or no interval (with `strict`: not every one) is on the contigs of
        `sizes`. The message names the line.
    """
    form, n_intervals, n_kept = Format(path, anchor), 0, 0
    names: dict[str, None] = {}
    spelling = Spelling(sizes.lengths if sizes else (), path)
    for block in iter_blocks(path):
        track = _fast(block, form)
        if track is None or not _sound(track):
            track = _slow(block, path, form)
        n_intervals += len(track.start)
        if sizes is not None:
            names |= dict.fromkeys(track.names)
            track = track._replace(names=spelling.of(track.names))
            track = _on_contigs(track, block, path, sizes, strict)
        n_kept += len(track.start)
        yield track
    if not n_intervals:
        raise InputError(path, "has no interval (only comments, track lines or blank lines)")
    if sizes is not None and not n_kept:
        raise InputError(
            path,
            f"no interval is on the contigs of {sizes.name}, which are {few(sizes.lengths)}; found {few(names)}; "
            "is this the right assembly, and are contigs named alike?",
        )


def _on_contigs(track: Track, block: Block, path: Path, sizes: Sizes, strict: bool) -> Track:
    """Return a track without intervals that do not lie on the contigs, and without other names."""
    size_of = np.array([sizes.lengths.get(name, -1) for name in track.names], np.int64)
    lengths = size_of[track.chrom]
    off = track.end > lengths
    if not off.any():
        return track
    if strict:
        for number, line in data_lines(block, path):
            check_place(path, number, *parse_line(path, number, line)[:3], sizes)
    kept, n_lacking = ~off, int((lengths < 0).sum())
    return track._replace(
        names=[name for name in track.names if name in sizes.lengths],
        chrom=(np.cumsum(size_of >= 0) - 1)[track.chrom[kept]].astype(np.int32),
        start=track.start[kept],
        end=track.end[kept],
        point=track.point[kept],
        n_lacking=n_lacking,
        n_beyond=int(off.sum()) - n_lacking,
    )


def iter_blocks(path: Path) -> Iterator[Block]:
    """Yield the whole lines of a file, plain, gzip or bgzip, in blocks of some megabytes, without its first comments.

    Raises
    ------
    InputError
        As `tfb_matrix_data.files.read_lines`.
    """
    number, n_columns = 1, 0
    try:
        for data in blocks.iter_blocks(open_text(path), size=_BLOCK):
            behind = number + data.count(b"\n")
            if not n_columns:
                data, skipped, n_columns = _skip_comments(data)
                number += skipped
            if data:
                yield Block(data.removesuffix(b"\n"), number, n_columns)
            number = behind
    except blocks.CutOff as error:
        raise cut_off(path, number - 1, error) from None


def read_columns(block: Block, types: dict[int, pa.DataType]) -> list[pa.Array] | None:
    """Return some columns of a tab-separated block, by 0-based index, or None where Arrow cannot read them so."""
    names = [str(i) for i in range(block.n_columns)]
    if len(names) <= max(types) or b"\t0x" in block.data or b"\t0X" in block.data:  # Arrow would read hexadecimals
        return None
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(block.data),
            read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=len(block.data) + 1, use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=[str(i) for i in types],
                column_types={str(i): kind for i, kind in types.items()},
                null_values=[],
            ),
        )
    except pa.ArrowInvalid:
        return None
    return [column.combine_chunks() for column in table.columns]


def data_lines(block: Block, path: Path) -> Iterator[tuple[int, str]]:
    """Yield (1-based line number, line) of a block without blank lines, comments and track lines.

    Raises
    ------
    InputError
        If a line is not text.
    """
    for number, raw in enumerate(block.data.split(b"\n"), block.line):
        try:
            line = raw.decode().rstrip("\r")
        except UnicodeDecodeError:
            raise InputError(path, "is not text (bytes that are not UTF-8); expected a text file", number) from None
        if "\0" in line:
            raise InputError(path, "is a binary file; expected text", number)
        if not _is_comment(line):
            yield number, line


def _is_comment(line: str) -> bool:
    return not line.strip() or line.startswith("#") or line.split(None, 1)[0] in _NO_DATA


def _skip_comments(data: bytes) -> tuple[bytes, int, int]:
    """Return the block from its first line of data on, how many lines were skipped, and the columns of that line."""
    skipped = 0
    newline = b"\n"
    while newline:
        line, newline, rest = data.partition(b"\n")
        text = line.decode("utf-8", "replace")
        if not _is_comment(text):
            return data, skipped, text.count("\t") + 1
        data, skipped = rest, skipped + 1
    return b"", skipped, 0


def _fast(block: Block, form: Format) -> Track | None:
    """Return the intervals of a block that is plain enough, None of another, and of the first one of peaks."""
    types = {0: _CHROM, 1: pa.int64(), 2: pa.int64()}
    wanted, many = form.anchor != "centre", block.n_columns >= N_COLUMNS
    remap = wanted and form.anchor == "auto" and block.n_columns == _REMAP_COLUMNS
    if wanted and many:
        if form.anchor == "auto" and form.kind != Kind.NARROW_PEAK:
            return None  # line by line: is any of them narrowPeak?
        types |= dict.fromkeys(range(6, N_COLUMNS), pa.float64())
    elif remap:
        types |= {6: pa.int64(), 7: pa.int64()}
    elif wanted and form.anchor == "summit":
        return None
    columns = read_columns(block, types)
    if columns is None:
        return None
    if not many:
        form.is_other(block.line)
    chrom, start, end, *more = columns[0], *(column.to_numpy() for column in columns[1:])
    point = (start + end) // 2
    has_summit = np.zeros(len(point), bool)
    if wanted and many:
        offset = more[-1]
        if not (np.equal(np.mod(offset, 1), 0) & (offset >= -1)).all():
            return None
        has_summit = offset >= 0
        point = np.where(has_summit, start + offset.astype(np.int64), point)
    elif remap:
        has_summit = _remap_summit(start, end, *more)
        point = np.where(has_summit, more[0], point)
    names, contig = chrom.dictionary.to_pylist(), chrom.indices.to_numpy()
    return Track(names, contig, start, end, point, int(has_summit.sum()))


def _remap_summit(start, end, thick_start, thick_end):  # noqa: ANN001 (whole numbers, or arrays of them)
    return (thick_end - thick_start == 1) & (start <= thick_start) & (thick_start < end)


def _sound(track: Track) -> bool:
    """Whether nothing is wrong with the intervals that the slow reading would have to say, or would skip."""
    odd = (not name or name.startswith("#") or name in _NO_DATA or name != name.strip() for name in track.names)
    if any(odd) or any("\0" in name for name in track.names):
        return False
    inside = (track.point >= track.start) & (track.point < np.maximum(track.end, track.start + 1))
    return bool(((track.start >= 0) & (track.start <= track.end) & (track.end < _LONGEST) & inside).all())


def _slow(block: Block, path: Path, form: Format) -> Track:
    """Read a block line by line, with everything that can be wrong named."""
    names: dict[str, int] = {}
    rows: list[tuple[int, int, int, int]] = []
    n_summits = 0
    for number, line in data_lines(block, path):
        chrom, start, end, *_, offset, kind, _ = parse_line(path, number, line)
        if end >= _LONGEST:
            raise InputError(path, f"end {end} is beyond any contig (at most {_LONGEST - 1})", number)
        point = None
        if form.anchor != "centre":
            offset = form.summit(number, offset, kind)
            point = start + offset if offset >= 0 else _remap_point(line, start, end, form)
            if point is not None and point >= max(end, start + 1):
                problem = f"summit offset {offset} of an interval of {end - start} bp"
                raise InputError(path, f"{problem}; if column 10 is no summit: anchor centre", number)
        n_summits += point is not None
        rows.append((names.setdefault(chrom, len(names)), start, end, (start + end) // 2 if point is None else point))
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return Track(list(names), columns[0].astype(np.int32), columns[1], columns[2], columns[3], n_summits)


def _remap_point(line: str, start: int, end: int, form: Format) -> int | None:
    fields = line.split("\t") if "\t" in line else line.split()
    if form.anchor != "auto" or len(fields) != _REMAP_COLUMNS or not (fields[6] + fields[7]).isdecimal():
        return None
    thick = int(fields[6]), int(fields[7])
    return thick[0] if _remap_summit(start, end, *thick) else None
