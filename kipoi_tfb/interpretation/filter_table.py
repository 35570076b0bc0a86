"""Filters as a table, before and after fine-tuning side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.interpretation.filters import FilterMotif
from kipoi_tfb.interpretation.match_columns import MATCH_MEANING, match_columns
from kipoi_tfb.output.tables import Notes, open_table

__all__ = ["write_filters"]

_OWN = {
    "sites": "places of these windows, of either strand, that the filter matches with at least half of its largest "
    "activation",
    "information": "bits of the motif of these places, over all its columns",
    **MATCH_MEANING,
    "influence": "mean squared change of the probabilities when the filter is silenced",
}
_MEANING = {
    "filter": "number of the filter, from 0",
    "consensus": "likeliest base of each column of the motif",
    **_OWN,
    "tf": "TF whose log-odds of binding change most, on average, when the filter is silenced",
    "tf_change": "by how much they change: below 0 where the filter speaks for binding",
    "start": "JASPAR profile that the filter was before training; a dot where it was random",
    "start_id": "its identifier",
    "start_q": "q-value of the motif and that profile",
    "became": "kept: the motif is like the profile that it started as (q <= 0.05), and no other is more like it; "
    "alike: another is; lost: it is not like it any more; a dot where it was random",
    "change": "of the filter's weights by fine-tuning: length of the difference by that of the base's",
    **{f"base_{name}": f"{said}, of the base" for name, said in _OWN.items()},
}


def write_filters(rows: Sequence[FilterMotif], path: str | Path, base: Sequence[FilterMotif] | None = None) -> int:
    """Write a row per filter, and return how many.

    Parameters
    ----------
    rows
        Of `kipoi_tfb.interpretation.filters.entry_filters`.
    path
        .tsv, .parquet or .h5.
    base
        The same filters of the base, on the same windows.
    """
    columns: dict[str, NDArray] = {
        "filter": np.array([row.filter for row in rows], np.int64),
        "consensus": _text([row.motif.consensus if row.sites else "" for row in rows]),
        **_own(rows),
        "tf": _text([row.tf for row in rows]),
        "tf_change": _numbers([row.tf_change for row in rows]),
    }
    if any(row.start is not None for row in rows):
        starts = [row.start for row in rows]
        columns["start"] = _text(["" if one is None else one.name for one in starts])
        columns["start_id"] = _text(["" if one is None else one.matrix_id for one in starts])
        columns["start_q"] = _numbers([np.nan if row.start_match is None else row.start_match.q for row in rows])
        columns["became"] = _text([row.kept for row in rows])
    if base is not None:
        columns["change"] = _numbers([row.change for row in rows])
        columns |= {f"base_{name}": values for name, values in _own(base).items()}
    with open_table(path, Notes({}, _MEANING)) as table:
        table.write(columns)
    return len(rows)


def _own(rows: Sequence[FilterMotif]) -> dict[str, NDArray]:
    return {
        "sites": np.array([row.sites for row in rows], np.int64),
        "information": _numbers([row.information for row in rows]),
        **match_columns([row.match for row in rows]),
        "influence": np.array([row.influence for row in rows]),
    }


def _text(values: Sequence[str]) -> NDArray:
    return np.array([value or "." for value in values], object)


def _numbers(values: Sequence[float]) -> NDArray[np.float32]:
    return np.array(values, np.float32)
