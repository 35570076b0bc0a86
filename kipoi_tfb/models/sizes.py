"""How large a network may be: checked before anything is allocated. Without torch: cards are read with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = [
    "ENSEMBLE",
    "LONGEST_WINDOW",
    "MEMBERS",
    "MOST_PARAMETERS",
    "MOST_TFS",
    "check_sizes",
    "check_window",
]

ENSEMBLE = "ensemble"
"""Name of an architecture on cards. It is not one of `kipoi_tfb.models.ARCHITECTURES`: its members are trained, and put
together (`kipoi_tfb.models.ensemble`)."""
MEMBERS = (2, 8)
"""How many members an ensemble has, at least and at most."""
LONGEST_WINDOW = 4096
MOST_TFS = 10_000
MOST_PARAMETERS = 1 << 27
"""512 MB in float32; the largest network of the zoo has a tenth of it."""


class _Range(NamedTuple):
    least: float
    most: float
    whole: bool = True


_SIZES = {
    "filters": _Range(1, 4096),
    "width": _Range(1, 101),
    "pool": _Range(1, 64),
    "channels": _Range(1, 2048),
    "blocks": _Range(0, 10),
    "hidden": _Range(1, 8192),
    "dropout": _Range(0, 0.95, whole=False),
    "members": _Range(1, 32),
    "own_motifs": _Range(0, 1024),
}
"""Of `kipoi_tfb.models.motif_cnn.MotifCNN`; which sizes an architecture has is known where it is built."""


def check_sizes(sizes: Mapping[str, float]) -> Mapping[str, float]:
    """Return sizes of a network, each checked to be in its range.

    Raises
    ------
    ValueError
        If one is not; the message says what is allowed.

    Examples
    --------
    >>> check_sizes({"filters": 1e9})
    Traceback (most recent call last):
        ...
    ValueError: filters is 1000000000.0; expected a whole number from 1 to 4096
    """
    for name, value in sizes.items():
        least, most, whole = _SIZES.get(name, _Range(-1e9, 1e9, whole=False))
        number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not (number and least <= value <= most):  # no comparison holds of nan
            kind = "a whole number" if whole else "a number"
            raise ValueError(f"{name} is {_said(value)}; expected {kind} from {least:g} to {most:g}")
    return sizes


def check_window(length: int) -> int:
    """Return the length of a window, checked to be even, as its centre needs it, and not too long.

    Raises
    ------
    ValueError
        If it is not; the message says what is allowed.
    """
    if not 2 <= length <= LONGEST_WINDOW or length % 2:
        raise ValueError(f"a window of {_said(length)} bp; expected an even number from 2 to {LONGEST_WINDOW}")
    return length


def _said(value: float) -> str:
    """Return a number as text; one of thousands of digits, which Python does not print, by its size."""
    return repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "more than 30 digits long"
