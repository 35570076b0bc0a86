"""Where a peak's summit is said: column 10 of narrowPeak, and what tells narrowPeak from other BED files.

narrowPeak has a signal, a p-value and a q-value in columns 7 to 9 and the summit's offset from the start in column 10
(-1: none). More columns may follow: ENCODE's IDR peaks have 20. In BED9 and BED12, columns 7 to 10 are thickStart,
thickEnd, a colour and a count of blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Literal

from tfb_matrix_data.errors import InputError

__all__ = ["N_COLUMNS", "UNCLEAR", "AnyAnchor", "Format", "Kind", "another_kind", "summit_of"]

N_COLUMNS = 10
_SIGNAL, _Q, _SUMMIT = 6, 8, 9
_BLOCKS = 12
_NONE = "."

_SAY_WHICH = "say whether column 10 is the summit: anchor summit or centre"
UNCLEAR = f"columns 7 to 10 may be narrowPeak's, with the summit, or other ones; {_SAY_WHICH}"
"""What to say of a file whose first line is of that kind."""


AnyAnchor = Literal["auto", "summit", "centre"]
"""What is the point of an interval: with ``auto`` the summit, if the file says summits."""


class Kind(IntEnum):
    """Whether a line is narrowPeak."""

    OTHER = 0
    NARROW_PEAK = 1
    UNCLEAR = 2


def another_kind(first: Kind, line: int) -> str:
    """Return what to say of a line that is narrowPeak, or is not, where the first line of the file is the opposite."""
    is_, was = ("is not", "is") if first == Kind.NARROW_PEAK else ("is", "is not")
    return f"{is_} narrowPeak, but line {line} {was}; {_SAY_WHICH}"


def summit_of(fields: Sequence[str], start: int, end: int) -> tuple[int, Kind]:
    """Return the offset of the summit that column 10 of a line says, -1 for none, and what kind of line it is.

    A line is narrowPeak if it has ten columns or more, of which 7 to 9 are numbers and 10 is a whole number (``100.0``
    is one) or a dot, and if these are not the columns of BED12. It is unclear if column 10 is another number, or 7 to 9
    may be thickStart, thickEnd and the colour 0 of BED9.

    Examples
    --------
    >>> summit_of("chr1 10 50 a 0 . 7.5 -1 2.1 20.0".split(), 10, 50)
    (20, <Kind.NARROW_PEAK: 1>)
    >>> summit_of("chr1 10 50 a 0 + 12 48 0 2 5,6 0,34".split(), 10, 50)
    (-1, <Kind.OTHER: 0>)
    """
    if len(fields) < N_COLUMNS or any(_number(field) is None for field in fields[_SIGNAL:_SUMMIT]):
        return -1, Kind.OTHER
    offset = _number(fields[_SUMMIT])
    if fields[_SUMMIT] == _NONE:
        return -1, Kind.NARROW_PEAK
    if offset is None or _has_blocks(fields):
        return -1, Kind.OTHER
    if not offset.is_integer() or offset < -1:
        return -1, Kind.UNCLEAR
    thick_start, thick_end = (_number(field) for field in fields[_SIGNAL:_Q])
    thick = start <= thick_start <= thick_end <= end and thick_end > 0  # type: ignore[operator]  # both are numbers
    whole = fields[_SIGNAL].isdecimal() and fields[_SIGNAL + 1].isdecimal()
    return int(offset), Kind.UNCLEAR if thick and whole and fields[_Q] == "0" else Kind.NARROW_PEAK


class Format:
    """Whether a track is narrowPeak: its first line says so, the others have to be alike.

    Parameters
    ----------
    path
        The track.
    anchor
        What is asked for.
    """

    def __init__(self, path: Path, anchor: AnyAnchor) -> None:
        self.path, self.anchor = path, anchor
        self.kind: Kind | None = None
        self.line = 0

    def summit(self, number: int, offset: int, kind: Kind) -> int:
        """Return the offset of a line's summit as it is to be taken, -1 for none.

        Parameters
        ----------
        number
            1-based line.
        offset, kind
            What `summit_of` says of it.

        Raises
        ------
        InputError
            If a summit was asked for and the line has none, or it is not clear whether it has one.
        """
        if self.anchor == "summit":
            if kind == Kind.OTHER:
                raise InputError(self.path, "has no summit in column 10; take the anchor centre", number)
            return offset
        if self.kind is None:
            self.kind, self.line = kind, number
            if kind == Kind.UNCLEAR:
                raise InputError(self.path, UNCLEAR, number)
        if kind not in (self.kind, Kind.UNCLEAR):
            raise InputError(self.path, another_kind(self.kind, self.line), number)
        return offset if self.kind == Kind.NARROW_PEAK else -1

    def is_other(self, number: int) -> None:
        """Take a line and all behind it for one without a summit, if it is the first."""
        if self.kind is None:
            self.kind, self.line = Kind.OTHER, number


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _has_blocks(fields: Sequence[str]) -> bool:
    """Return whether columns 10 to 12 are BED12's: a count of blocks, their sizes, and their starts, the first 0."""
    if len(fields) < _BLOCKS:
        return False
    sizes, starts = (field.rstrip(",").split(",") for field in fields[N_COLUMNS:_BLOCKS])
    whole = all(number.isdecimal() for number in [fields[_SUMMIT], *sizes, *starts])
    return whole and len(sizes) == len(starts) == int(fields[_SUMMIT]) and starts[0] == "0"
