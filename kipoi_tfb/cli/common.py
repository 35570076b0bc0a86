"""What the commands share."""

from __future__ import annotations

import sys

__all__ = ["listed", "say"]


def listed(names: str) -> list[str] | None:
    """Return the names of a comma-separated option, one that is given twice once; None where it was not given.

    >>> listed("SP1, JUND,SP1")
    ['SP1', 'JUND']
    """
    return list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip())) or None


def say(message: str) -> None:
    """Tell the user something that is not the output: on stderr."""
    print(message, file=sys.stderr)
