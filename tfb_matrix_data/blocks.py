"""Text read in blocks of whole lines, to the last one that is there."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import BGZIP_END

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["DAMAGED", "CutOff", "LongLine", "decompressed", "group_lines", "iter_blocks", "iter_lines", "read_line"]

DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading gzip data raises where they are damaged or end too early."""

_BLOCK = 1 << 20
_LONGEST = 1 << 30
_GZIP, _BOM = b"\x1f\x8b", b"\xef\xbb\xbf"
_HEAD = 18  # of a bgzip block, with the mark that tells it from other gzip


class CutOff(Exception):
    """Raised by `iter_blocks` after the last whole line of a file whose end is missing or damaged, or not read."""


class LongLine(CutOff):
    """Raised by `iter_blocks` before a line of more than 1 GiB."""


def decompressed(stream: io.BufferedReader) -> io.BufferedReader:
    """Return the stream, or what is in it if that is gzip, without a byte order mark at its start.

    It is read once, from its first byte on: it may be a pipe. What is damaged is raised on reading.
    """
    head, stream = _looked_at(stream)
    if head.startswith(_GZIP):
        head, stream = _looked_at(io.BufferedReader(_Gunzip(stream, head[12:14] == b"BC"), _BLOCK))
    if head.startswith(_BOM):
        stream.read(len(_BOM))
    return stream


def _looked_at(stream: io.BufferedReader) -> tuple[bytes, io.BufferedReader]:
    """Return the first bytes of a stream, and a stream that begins with them again."""
    head, damage = b"", None
    try:
        # Not `peek`, which shows what has come so far: of a pipe, that may be one byte.
        while len(head) < _HEAD and (piece := stream.read1(_HEAD - len(head))):
            head += piece
    except DAMAGED as error:
        damage = error
    return head, io.BufferedReader(_LookedAt(head, stream, damage), _BLOCK)


class _LookedAt(io.RawIOBase):
    """Some bytes, then what is wrong if anything is, else the rest of a stream."""

    def __init__(self, head: bytes, stream: io.BufferedReader, damage: Exception | None) -> None:
        self.head, self.stream, self.damage = head, stream, damage

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        if self.head:
            piece, self.head = self.head[: len(view)], self.head[len(view) :]
            view[: len(piece)] = piece
            return len(piece)
        if self.damage is not None:
            raise self.damage
        return self.stream.readinto1(view)

    def close(self) -> None:
        self.stream.close()
        super().close()


class _Gunzip(io.RawIOBase):
    """Gzip data, of which everything before a damaged place is handed on: `gzip` would drop what a read had so far.

    Bgzip must end with its marker: data that are cut off between two blocks would pass for whole ones.
    """

    def __init__(self, stream: io.BufferedReader, is_bgzip: bool) -> None:
        self.stream, self.is_bgzip = stream, is_bgzip
        self.source = _Watched(stream)
        self.file = gzip.GzipFile(fileobj=self.source)  # type: ignore[call-overload]  # `read` is all it needs

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self.file.read1(len(view))
        view[: len(data)] = data
        if not data and len(view) and self.is_bgzip and self.source.last != BGZIP_END:
            raise EOFError("bgzip's end marker is missing")
        return len(data)

    def close(self) -> None:
        self.stream.close()
        super().close()


class _Watched:
    """A stream that knows what its last bytes were, as far as it has been read; it may be a pipe."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self.stream = stream
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.last = (self.last + data[-len(BGZIP_END) :])[-len(BGZIP_END) :]
        return data


def iter_blocks(stream: io.BufferedReader, first: bytes = b"", size: int = _BLOCK) -> Iterator[bytes]:
    """Yield the lines of a stream in blocks of at least `size` bytes, `first` before them.

    Where the end of the file is missing, all but the last line if that has no end, then `CutOff`; where a line has
    more than 1 GiB, `LongLine`.
    """
    with stream:
        lost: CutOff | None = None
        ended = False
        begun: list[bytes] = []  # pieces of a line whose end has not come: joined once, or long lines take long
        while not ended:
            pieces, n_bytes = [first], 0
            first = b""
            try:
                # Not `read`: it would drop what it had so far when it comes to a damaged place.
                while n_bytes < size and not ended:
                    pieces.append(stream.read1(size))
                    n_bytes += len(pieces[-1])
                    ended = not pieces[-1]
            except DAMAGED as error:
                lost, ended = CutOff(str(error)), True
            text = b"".join(pieces)
            end = text.rfind(b"\n") + 1
            if end:
                yield b"".join([*begun, text[:end]])
                begun = []
            begun.append(text[end:])
            if sum(map(len, begun)) > _LONGEST:
                lost, ended = _too_long(), True
    if lost is not None:
        raise lost
    if rest := b"".join(begun):
        yield rest


def read_line(stream: io.BufferedReader) -> bytes:
    """Return the next line of a stream with its end, or raise `LongLine`."""
    line = stream.readline(_LONGEST + 1)
    if len(line) > _LONGEST:
        raise _too_long()
    return line


def _too_long() -> LongLine:
    return LongLine(f"a line of more than {_LONGEST:,} bytes; is this text?")


def iter_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines with their ends, one by one."""
    for block in blocks:
        yield from io.BytesIO(block)  # unlike splitlines, which would also cut at a lone \r


def group_lines(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines in blocks; an error comes after all lines before it."""
    block: list[bytes] = []
    size = 0
    try:
        for line in lines:
            block.append(line)
            size += len(line)
            if size >= _BLOCK:
                yield b"".join(block)
                block, size = [], 0
    except (CutOff, InputError):
        if block:
            yield b"".join(block)
        raise
    if block:
        yield b"".join(block)
