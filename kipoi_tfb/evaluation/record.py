"""How an entry was tested, written into it: the table, and its averages on the card."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from kipoi_tfb.evaluation.metrics import MIN_BOUND, REPLICATES, TfMetrics, summarise, write_metrics
from kipoi_tfb.zoo.card import MetricsCard, today, write_card
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.finetuned_card import GateCard
from tfb_matrix_data.files import sha256
from tfb_matrix_data.matrix import BindingMatrix, Kind

__all__ = ["metrics_card", "record"]


def metrics_card(
    entry: Entry,
    rows: Sequence[TfMetrics],
    matrix: BindingMatrix | None,
    chromosomes: Sequence[str],
    kind: Kind | Literal["peaks"],
    seed: int,
    command: str,
    replicates: int = REPLICATES,
    baselines: Mapping[str, float] | None = None,
    min_bound: int = MIN_BOUND,
    date: str = "",
    cell_types: Sequence[str] | None = None,
) -> MetricsCard:
    """Return what a card says of a test.

    Parameters
    ----------
    entry
        Tested one.
    rows
        Of all its TFs.
    matrix, chromosomes, kind, seed, command, replicates
        How it was tested; no matrix where the labels were someone's peaks.
    baselines
        {scorer: macro AUPRC} of what it was compared with.
    min_bound
        Bound regions that a TF needs to count. The intervals of an entry of one TF are over regions, as there are no
        TFs to resample.
    date
        Default that of `kipoi_tfb.zoo.card.today`.
    cell_types
        Whose labels alone, if not of all.
    """
    summary = summarise(rows, min_bound, replicates, seed)
    if len(rows) == 1 and replicates:
        (row,) = rows
        summary = replace(
            summary,
            auprc_interval=_ends(row.auprc_low, row.auprc_high),
            auroc_interval=_ends(row.auroc_low, row.auroc_high),
            auprc_natural_interval=_ends(row.auprc_natural_low, row.auprc_natural_high),
        )
    return MetricsCard(
        command=command,
        chromosomes=tuple(chromosomes),
        labels=kind,
        min_bound=min_bound,
        n_tfs=summary.n_tfs,
        auprc=round(summary.auprc, 4),
        auroc=round(summary.auroc, 4),
        auprc_interval=_rounded(summary.auprc_interval),
        auroc_interval=_rounded(summary.auroc_interval),
        auprc_natural=_four(summary.auprc_natural),
        auprc_natural_interval=_rounded(summary.auprc_natural_interval),
        prevalence=_four(summary.prevalence),
        ece=None if summary.ece is None else round(summary.ece, 4),
        baselines=None if not baselines else {name: round(value, 4) for name, value in baselines.items()},
        seed=seed,
        matrix_sha256=None if matrix is None else sha256(matrix.path),
        weights_sha256=entry.card.weights.sha256,
        date=date or today(),
        cell_types=None if cell_types is None else tuple(cell_types),
    )


def record(entry: Entry, rows: Sequence[TfMetrics], metrics: MetricsCard, gate: GateCard | None = None) -> Entry:
    """Write the table into the entry's folder, and its averages, and a verdict if there is one, onto the card.

    Parameters
    ----------
    entry
        Tested one.
    rows
        Of all its TFs.
    metrics
        Of `metrics_card`.
    gate
        The verdict on a fine-tuned entry; default the one that it has.

    Returns
    -------
    Entry
        As it is now.
    """
    write_metrics(rows, entry.folder / metrics.table)
    said = {"metrics": metrics} if gate is None else {"metrics": metrics, "gate": gate}
    card = entry.card.model_copy(update=said)
    write_card(card, entry.folder)
    return replace(entry, card=card)


def _ends(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)


def _four(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _rounded(ends: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if ends is None else (round(ends[0], 4), round(ends[1], 4))
