"""Lines of text files, each file opened and read once: it may be a pipe, gzip or bgzip, whatever its name."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from tfb_matrix_data.blocks import DAMAGED, CutOff, LongLine, decompressed, iter_blocks
from tfb_matrix_data.bounded import check_ends
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import check_bgzip_end

__all__ = ["UTF16", "Lines", "count_lines", "cut_off", "ends_in_cr", "is_utf16", "open_text", "read_lines"]

UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Lines:
    """The lines of a text file, to be gone through once: (1-based line number, line without its end).

    Parameters
    ----------
    path
        See `read_lines`.

    Attributes
    ----------
    path
        The file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lines = _text_lines(self.path)
        self._ahead: list[tuple[int, str]] = []

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        return self._ahead.pop() if self._ahead else next(self._lines)

    @property
    def first(self) -> str:
        """Return the next line, which is not taken by that: what kind of file it is, where two are possible.

        Raises
        ------
        InputError
            As `read_lines`.
        """
        if not self._ahead:
            self._ahead.append(next(self._lines))
        return self._ahead[0][1]


def read_lines(path: str | Path | Lines) -> Lines:
    """Return (1-based line number, line without its end) of a text file, plain, gzip or bgzip, one after the other.

    The file is opened once and read from its first byte to its last, as a pipe has to be. A byte order mark at its
    start is no part of the first line. `Lines` are returned as they are.

    Raises
    ------
    InputError
        As the lines are taken: if the file is missing, a folder, empty, binary, or a gzip stream that is cut off.
    """
    return path if isinstance(path, Lines) else Lines(path)


def open_text(path: str | Path) -> io.BufferedReader:
    """Open a file that is to be read once, as `tfb_matrix_data.blocks.decompressed`.

    Raises
    ------
    InputError
        If it cannot be opened, is a device, has no byte, or is bgzip and cut off; a pipe is only found to be so on
        reading.
    """
    try:
        check_ends(path)
        stream = decompressed(open(path, "rb"))  # noqa: SIM115 (closed by whoever has read it)
    except FileNotFoundError:
        raise InputError(path, "no such file") from None
    except IsADirectoryError:
        raise InputError(path, "is a folder; expected a file") from None
    except PermissionError:
        raise InputError(path, "cannot be read (permission denied)") from None
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})") from None
    check_bgzip_end(path)
    try:
        empty = not stream.peek(1)
    except DAMAGED:
        empty = False  # whoever reads it hears of it
    if empty:
        raise InputError(path, "is empty")
    return stream


def cut_off(path: str | Path, number: int, error: CutOff) -> InputError:
    """Return what to raise where the lines after a number of them cannot be had."""
    if isinstance(error, LongLine):
        return InputError(path, str(error), number + 1)
    return InputError(path, f"gzip data are damaged or cut off after line {number} ({error})")


def count_lines(path: str | Path, mark: bytes = b"\n") -> int | None:
    """Return how often a byte stands in a file (plain, gzip or bgzip): its lines, or with ``b">"`` FASTA records.

    Good for an ETA: comments count too, and what cannot be read does not. None for a pipe, which would be lost to
    whoever reads it in earnest.
    """
    if not Path(path).is_file():
        return None
    count = 0
    try:
        with open_text(path) as stream:
            while piece := stream.read1(1 << 20):
                count += piece.count(mark)
    except (OSError, InputError, *DAMAGED):
        pass  # whoever reads the file in earnest says what is wrong with it
    return count


def _text_lines(path: Path) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        for block in iter_blocks(open_text(path)):
            for line in io.StringIO(_decoded(block, path, number), newline=None):
                number += 1
                yield number, line.rstrip("\r\n")
    except CutOff as error:
        raise cut_off(path, number, error) from None


def is_utf16(path: str | Path) -> InputError:
    """Return the error of a file that starts as `UTF16` does."""
    return InputError(path, "is UTF-16 text; save it as UTF-8", 1)


def ends_in_cr(path: str | Path) -> InputError:
    """Return the error of a file whose lines end in CR alone, so that it is one line."""
    return InputError(path, "its lines end in CR alone; expected LF: tr '\\r' '\\n' < IN > OUT", 1)


def _decoded(block: bytes, path: Path, n_before: int) -> str:
    """Return the text of whole lines, checked to be such."""
    if not n_before and block.startswith(UTF16):
        raise is_utf16(path)
    zero = block.find(b"\0")
    try:
        text, wrong = block.decode(), -1
    except UnicodeDecodeError as error:
        text, wrong = "", error.start
    if zero < 0 and wrong < 0:
        return text
    binary = zero >= 0 and (wrong < 0 or zero < wrong)
    line = n_before + block.count(b"\n", 0, zero if binary else wrong) + 1
    found = (
        "is a binary file; expected text" if binary else "is not text (bytes that are not UTF-8); expected a text file"
    )
    raise InputError(path, found, line)
