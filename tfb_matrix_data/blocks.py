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

__all__ = ["DAMAGED", "CutOff", "decompressed", "group_lines", "iter_blocks", "iter_lines"]

DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading gzip data raises where they are damaged or end too early."""

_BLOCK = 1 << 20
_BGZIP_HEAD = 18


class CutOff(Exception):
    """Raised by `iter_blocks` after the last whole line of a file whose end is missing or damaged."""


def decompressed(stream: io.BufferedReader) -> io.BufferedReader:
    """Return the stream, or what is in it if that is gzip."""
    return io.BufferedReader(_Gunzip(stream), 1 << 20) if stream.peek(2)[:2] == b"\x1f\x8b" else stream


class _Gunzip(io.RawIOBase):
    """Gzip data, of which everything before a damaged place is handed on: `gzip` would drop what a read had so far.

    Bgzip must end with its marker: data that are cut off between two blocks would pass for whole ones.
    """

    def __init__(self, stream: io.BufferedReader) -> None:
        self.stream = stream
        self.source = _Watched(stream)
        self.file = gzip.GzipFile(fileobj=self.source)  # type: ignore[call-overload]  # `read` is all it needs

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self.file.read1(len(view))
        view[: len(data)] = data
        if not data and len(view) and self.source.is_bgzip and self.source.last != BGZIP_END:
            raise EOFError("bgzip's end marker is missing")
        return len(data)

    def close(self) -> None:
        self.stream.close()
        super().close()


class _Watched:
    """A stream that knows what its last bytes were, as far as it has been read; it may be a pipe."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self.stream = stream
        self.is_bgzip = stream.peek(_BGZIP_HEAD)[12:14] == b"BC"
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.last = (self.last + data[-len(BGZIP_END) :])[-len(BGZIP_END) :]
        return data


def iter_blocks(stream: io.BufferedReader, rest: bytes = b"") -> Iterator[bytes]:
    """Yield the lines of a stream in blocks, `rest` before them.

    Where the end of the file is missing, all but the last line if that has no end, then `CutOff`.
    """
    with stream:
        lost, ended = "", False
        while not ended:
            pieces, size = [rest], 0
            try:
                # Not `read`: it would drop what it had so far when it comes to a damaged place.
                while size < _BLOCK and not ended:
                    pieces.append(stream.read1(_BLOCK))
                    size += len(pieces[-1])
                    ended = not pieces[-1]
            except DAMAGED as error:
                lost, ended = str(error), True
            text = b"".join(pieces)
            end = text.rfind(b"\n") + 1
            rest = text[end:]
            if end:
                yield text[:end]
    if lost:
        raise CutOff(lost)
    if rest:
        yield rest


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
