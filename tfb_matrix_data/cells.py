r"""Cells of tab-separated tables: text that shifts no column and that no spreadsheet takes for a formula.

A spreadsheet runs what begins with ``=``, ``+``, ``-`` or ``@``, quoted or not, unless an apostrophe is before it. So a
text of a user's (an ID of a VCF, a name of a BED) that begins so, and is no number, is written with one; what reads our
tables takes it away again.
"""

from __future__ import annotations

import re

__all__ = ["as_cell", "from_cell", "needs_care"]

_FORMULA = re.compile(r"[' ]*[=+@-]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_ANY = re.compile(r"^[' ]*[=+@-]|[\t\r]", re.MULTILINE)
_BREAKS = str.maketrans({"\t": "%09", "\n": "%0A", "\r": "%0D"})


def as_cell(text: str) -> str:
    r"""Return text as a cell holds it.

    Examples
    --------
    >>> as_cell("=1+1"), as_cell("-0.5"), as_cell("-"), as_cell("rs1"), as_cell("a\tb")
    ("'=1+1", '-0.5', '-', 'rs1', 'a%09b')
    """
    text = text.translate(_BREAKS)
    return f"'{text}" if len(text) > 1 and _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def from_cell(cell: str) -> str:
    """Return the text of a cell; a line break or tab that it had is not given back.

    Examples
    --------
    >>> from_cell("'=1+1"), from_cell("'s"), from_cell("-0.5")
    ('=1+1', "'s", '-0.5')
    """
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell, 1) else cell


def needs_care(texts: list[str]) -> bool:
    """Return whether a cell of one of the texts may be other than the text; quicker than to make them."""
    joined = "\n".join(texts)
    return _ANY.search(joined) is not None or joined.count("\n") >= max(len(texts), 1)
