"""Columns of a table that say which known motif each of its rows is most like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.motifs.tomtom import Match

__all__ = ["MATCH_MEANING", "match_columns"]

MATCH_MEANING = {
    "match": "JASPAR profile that the motif is most like",
    "match_id": "its identifier",
    "p": "Tomtom's p-value of that",
    "q": "its q-value over all profiles (Benjamini and Hochberg)",
}
"""What each of `match_columns` holds."""


def match_columns(matches: Sequence[Match | None]) -> dict[str, NDArray]:
    """Return name, identifier, p and q of the best matches; dots and NaN where there is none."""
    return {
        "match": np.array(["." if one is None else one.motif.name for one in matches], object),
        "match_id": np.array(["." if one is None else one.motif.matrix_id for one in matches], object),
        "p": np.array([np.nan if one is None else one.p for one in matches]),
        "q": np.array([np.nan if one is None else one.q for one in matches]),
    }
