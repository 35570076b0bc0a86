"""The table of metrics: its rows, their averages, its files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from kipoi_tfb.evaluation.areas import draw_weights, interval
from tfb_matrix_data.cells import as_cell
from tfb_matrix_data.files import atomic_path

__all__ = ["MIN_BOUND", "REPLICATES", "Summary", "TfMetrics", "macro", "summarise", "write_json", "write_metrics"]

MIN_BOUND = 40
"""Bound regions that a TF needs on the tested chromosomes to count in the macro average."""
REPLICATES = 1000
"""Bootstrap replicates."""


@dataclass(frozen=True)
class TfMetrics:
    """One row of the table of metrics.

    Attributes
    ----------
    tf
        Name.
    bound_train
        Bound regions on the chromosomes that trained the model; None if that is not known.
    bound, unbound
        Regions tested.
    matched
        Unbound regions drawn to match the bound ones in GC content, 1:1 but where a GC bin ran short.
    auprc
        Area under the precision-recall curve (average precision) against the matched ones.
    auroc
        Area under the ROC curve at natural prevalence, against all unbound regions.
    auprc_natural
        Area under the precision-recall curve at natural prevalence.
    auroc_matched
        Area under the ROC curve against the matched ones.
    ece
        Expected calibration error at natural prevalence (`kipoi_tfb.evaluation.areas.calibration_error`); None where
        the scores are no probabilities.
    auprc_low, auprc_high, ...
        Ends of the 95 % bootstrap intervals; None without bootstrap.
    """

    tf: str
    bound_train: int | None
    bound: int
    unbound: int
    matched: int
    auprc: float
    auroc: float
    auprc_natural: float
    auroc_matched: float = math.nan
    ece: float | None = None
    auprc_low: float | None = None
    auprc_high: float | None = None
    auroc_low: float | None = None
    auroc_high: float | None = None
    auprc_natural_low: float | None = None
    auprc_natural_high: float | None = None
    auroc_matched_low: float | None = None
    auroc_matched_high: float | None = None


@dataclass(frozen=True)
class Summary:
    """Averages over the TFs with enough bound regions.

    Attributes
    ----------
    n_tfs
        How many these are.
    auprc, auroc, auprc_natural, auroc_matched
        Means of the columns of `TfMetrics`.
    prevalence
        Mean share of bound regions among those tested: what `auprc_natural` of a coin would be.
    ece
        Mean, None where there is none.
    auprc_interval, auroc_interval, auprc_natural_interval
        95 % intervals of the means, resampling TFs; None without bootstrap.
    """

    n_tfs: int
    auprc: float
    auroc: float
    auprc_natural: float
    auroc_matched: float
    prevalence: float
    ece: float | None
    auprc_interval: tuple[float, float] | None
    auroc_interval: tuple[float, float] | None
    auprc_natural_interval: tuple[float, float] | None


def macro(rows: Sequence[TfMetrics], min_bound: int = MIN_BOUND) -> tuple[int, float, float]:
    """Return (TFs, mean AUPRC, mean AUROC) over the TFs with at least `min_bound` bound regions tested."""
    summary = summarise(rows, min_bound, replicates=0)
    return summary.n_tfs, summary.auprc, summary.auroc


def summarise(
    rows: Sequence[TfMetrics], min_bound: int = MIN_BOUND, replicates: int = REPLICATES, seed: int = 0
) -> Summary:
    """Return the averages over the TFs with at least `min_bound` bound regions tested, with intervals over TFs."""
    enough = [row for row in rows if row.bound >= min_bound and not math.isnan(row.auprc)]
    if not enough:
        return Summary(0, math.nan, math.nan, math.nan, math.nan, math.nan, None, None, None, None)
    columns = np.array([[row.auprc, row.auroc, row.auprc_natural, row.auroc_matched] for row in enough])
    errors = [row.ece for row in enough if row.ece is not None]
    intervals: list[tuple[float, float]] = []
    if replicates:
        weights = draw_weights(np.random.default_rng([seed, 2]), len(enough), replicates)
        intervals = [interval(column @ weights / len(enough)) for column in columns.T]
    auprc, auroc, auprc_natural, auroc_matched = columns.mean(0).tolist()
    return Summary(
        n_tfs=len(enough),
        auprc=auprc,
        auroc=auroc,
        auprc_natural=auprc_natural,
        auroc_matched=auroc_matched,
        prevalence=float(np.mean([row.bound / (row.bound + row.unbound) for row in enough])),
        ece=float(np.mean(errors)) if errors else None,
        auprc_interval=intervals[0] if intervals else None,
        auroc_interval=intervals[1] if intervals else None,
        auprc_natural_interval=intervals[2] if intervals else None,
    )


def write_metrics(rows: Sequence[TfMetrics] | Mapping[str, Sequence[TfMetrics]], path: str | Path) -> None:
    """Write the table as TSV, one row per TF; of several scorers below each other, with a column ``scorer`` first.

    An area that does not exist (no bound regions) is ``nan``; what was not computed is empty.
    """
    names = [field.name for field in fields(TfMetrics)]
    tables = rows if isinstance(rows, Mapping) else {"": rows}
    lead = ["scorer"] if isinstance(rows, Mapping) else []
    lines = ["\t".join([*lead, *names])]
    for scorer, table in tables.items():
        for row in table:
            values = asdict(row)
            lines.append("\t".join([*([as_cell(scorer)] if lead else []), *(_text(values[name]) for name in names)]))
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def write_json(content: Mapping[str, Any], path: str | Path) -> None:
    """Write anything of plain values as JSON; NaN and infinity, which JSON has not, become null."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(_plain(content), indent=1, allow_nan=False) + "\n")


def _text(value: object) -> str:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
