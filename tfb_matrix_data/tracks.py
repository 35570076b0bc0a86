"""Tracks of millions of lines, read in blocks: Arrow parses a block, and Python only one that Arrow cannot.

A block that is not plain tab-separated numbers (comments in the middle, spaces, a fault) is read line by line with
the same meaning, so the message names the line; memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from tfb_matrix_data import blocks
from tfb_matrix_data.errors import InputError, UnknownNameError
from tfb_matrix_data.files import check_kept
from tfb_matrix_data.intervals import parse_line
from tfb_matrix_data.lines import cut_off, open_text, read_lines

__all__ = [
    "Block",
    "Sizes",
    "Track",
    "check_place",
    "data_lines",
    "iter_blocks",
    "iter_track",
    "read_columns",
    "read_sizes",
]

_BLOCK = 4 << 20
_LONGEST = 1 << 32
_NO_DATA = ("#", "track", "browser")
_REMAP_COLUMNS, _NARROWPEAK_COLUMNS = 9, 10
_CHROM = pa.dictionary(pa.int32(), pa.string())


class Sizes(NamedTuple):
    """Lengths of the contigs of a genome in bp by name, and the name of the file that says so."""

    lengths: dict[str, int]
    name: str


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
        int64 (intervals,): the summit where the track has one, else the centre, (start + end) // 2.
    """

    names: list[str]
    chrom: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    point: NDArray[np.int64]


def read_sizes(path: str | Path) -> Sizes:
    """Return the contig lengths of a FASTA (plain or bgzip), or of a ``chrom.sizes`` or ``.fai`` file.

    Raises
    ------
    InputError
        If the file is neither, or a contig has two lengths; the message names the line.
    """
    path = Path(path)
    lines = read_lines(path)
    if lines.first.startswith(">"):
        from tfb_matrix_data.genome import Genome

        check_kept(path, "contigs of a FASTA are looked up in an index")
        return Sizes(dict(Genome(path).lengths), path.name)
    lengths: dict[str, int] = {}
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) < 2 or not fields[1].isdecimal() or int(fields[1]) == 0:
            expected = "expected FASTA, or lines of contig name and length (chrom.sizes)"
            raise InputError(path, f"{expected}; {line[:60]!r} is not a chromosome and its length", number)
        if lengths.setdefault(fields[0], int(fields[1])) != int(fields[1]):
            raise InputError(path, f"{fields[0]} has another length than before", number)
    return Sizes(lengths, path.name)


def iter_track(path: Path, sizes: Sizes | None = None, summits: bool = False) -> Iterator[Track]:
    """Yield the intervals of a BED-like track (plain, gzip or bgzip; in any order) in its order, by blocks.

    Parameters
    ----------
    path
        BED3 to BED12 or narrowPeak. Lines that are blank or begin with ``#``, ``track`` or ``browser`` are skipped.
    sizes
        Contigs that the track must lie on; None checks nothing.
    summits
        Take narrowPeak's summit (column 10 of ten) or ReMap's (columns 7 and 8 of nine, where they span 1 bp
        inside the interval) as the point. An interval without one (-1) has its centre as the point.

    Raises
    ------
    InputError
        If the file cannot be read or has no interval, a line is not BED, a summit lies outside of its interval,
        or an interval is not on the contigs of `sizes`. The message names the line.
    """
    n_intervals = 0
    for block in iter_blocks(path):
        track = _fast(block, summits)
        if track is None or not _sound(track, sizes):
            track = _slow(block, path, sizes, summits)
        n_intervals += len(track.start)
        yield track
    if not n_intervals:
        raise InputError(path, "has no interval (only comments, track lines or blank lines)")


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


def _fast(block: Block, summits: bool) -> Track | None:
    types = {0: _CHROM, 1: pa.int64(), 2: pa.int64()}
    if summits and block.n_columns == _NARROWPEAK_COLUMNS:
        types[9] = pa.int64()
    elif summits and block.n_columns == _REMAP_COLUMNS:
        types |= {6: pa.int64(), 7: pa.int64()}
    columns = read_columns(block, types)
    if columns is None:
        return None
    chrom, start, end, *more = columns[0], *(column.to_numpy() for column in columns[1:])
    point = (start + end) // 2
    if len(more) == 1:
        point = np.where(more[0] == -1, point, start + more[0])
    elif more:
        point = np.where(_remap_summit(start, end, *more), more[0], point)
    return Track(chrom.dictionary.to_pylist(), chrom.indices.to_numpy(), start, end, point)


def _remap_summit(start, end, thick_start, thick_end):  # noqa: ANN001 (whole numbers, or arrays of them)
    return (thick_end - thick_start == 1) & (start <= thick_start) & (thick_start < end)


def _sound(track: Track, sizes: Sizes | None) -> bool:
    """Whether nothing is wrong with the intervals that the slow reading would have to say, or would skip."""
    if any(not name or name.startswith("#") or name in _NO_DATA or name != name.strip() for name in track.names):
        return False
    inside = (track.point >= track.start) & (track.point < np.maximum(track.end, track.start + 1))
    if not ((track.start >= 0) & (track.start <= track.end) & (track.end < _LONGEST) & inside).all():
        return False
    if sizes is None:
        return True
    lengths = np.array([sizes.lengths.get(name, -1) for name in track.names], np.int64)
    return bool((track.end <= lengths[track.chrom]).all())


def _slow(block: Block, path: Path, sizes: Sizes | None, summits: bool) -> Track:
    """Read a block line by line, with everything that can be wrong named."""
    names: dict[str, int] = {}
    rows: list[tuple[int, int, int, int]] = []
    for number, line in data_lines(block, path):
        chrom, start, end, *_, offset, _ = parse_line(path, number, line)
        if end >= _LONGEST:
            raise InputError(path, f"end {end} is beyond any contig (at most {_LONGEST - 1})", number)
        point = (start + end) // 2
        fields = line.split("\t") if "\t" in line else line.split()
        if summits and offset >= 0:  # of ten columns
            point = start + offset
            if point >= max(end, start + 1):
                raise InputError(path, f"summit offset {offset} of an interval of {end - start} bp", number)
        elif summits and len(fields) == _REMAP_COLUMNS and fields[6].isdecimal() and fields[7].isdecimal():
            thick = int(fields[6]), int(fields[7])
            point = thick[0] if _remap_summit(start, end, *thick) else point
        check_place(path, number, chrom, start, end, sizes)
        rows.append((names.setdefault(chrom, len(names)), start, end, point))
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return Track(list(names), columns[0].astype(np.int32), columns[1], columns[2], columns[3])


def check_place(path: Path, number: int, chrom: str, start: int, end: int, sizes: Sizes | None) -> None:
    """Check that an interval, read from that line of `path`, lies on a contig of the genome.

    Raises
    ------
    InputError
        If it does not.
    """
    if sizes is None:
        return
    if chrom not in sizes.lengths:
        unknown = UnknownNameError("contig", chrom, sizes.lengths)
        raise InputError(path, f"{unknown} Is this the assembly of {sizes.name}?", number)
    if end > sizes.lengths[chrom]:
        raise InputError(
            path,
            f"{chrom}:{start}-{end} ends beyond the contig ({sizes.lengths[chrom]:,} bp in {sizes.name}); "
            "is this the right assembly?",
            number,
        )
