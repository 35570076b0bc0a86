"""What an entry was measured to be: its card, with what older cards left to the tables beside them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from kipoi_tfb.zoo.card import Card, MetricsCard
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.finetuned_card import GateCard
from kipoi_tfb.zoo.verify import CONTROLS_FILE
from tfb_matrix_data.bounded import check_file, read_at_most
from tfb_matrix_data.errors import EntryError, InputError

__all__ = ["measured", "metrics_rows"]

_MOST_BYTES = 8 << 20


def measured(entry: Entry) -> Card:
    """Return the card of an entry with its AUPRC at natural prevalence, and that of its controls.

    Cards that were written before these had a place there leave them to ``metrics.tsv`` and ``controls.tsv``. What a
    table does not have either stays None; whether a difference at natural prevalence could be chance is in no table.

    Raises
    ------
    EntryError
        If a table is damaged.
    """
    card = entry.card
    metrics, gate = card.metrics, card.gate
    if metrics is not None and metrics.auprc_natural is None:
        metrics = _with_natural(metrics, entry.folder / metrics.table)
    if gate is not None and any(control.auprc_natural is None for control in gate.controls):
        gate = _with_natural_controls(gate, metrics, entry.folder / CONTROLS_FILE)
    return card.model_copy(update={"metrics": metrics, "gate": gate})


def metrics_rows(entry: Entry) -> list[dict[str, str]]:
    """Return the rows of an entry's table of metrics, as text by column; none where there is no table.

    Raises
    ------
    EntryError
        If the table is damaged.
    """
    metrics = entry.card.metrics
    return list(_table(entry.folder / metrics.table)) if metrics else []


def _with_natural(metrics: MetricsCard, path: Path) -> MetricsCard:
    rows = [row for row in _rows(path) if _number(path, row, "bound") >= metrics.min_bound]
    rows = [row for row in rows if row["auprc"] != "nan"]
    if not rows:
        return metrics
    natural = [_number(path, row, "auprc_natural") for row in rows]
    bound = [(_number(path, row, "bound"), _number(path, row, "unbound")) for row in rows]
    ends = None
    if len(rows) == 1 and rows[0].get("auprc_natural_low"):
        ends = (_number(path, rows[0], "auprc_natural_low"), _number(path, rows[0], "auprc_natural_high"))
    return metrics.model_copy(
        update={
            "auprc_natural": round(sum(natural) / len(rows), 4),
            "auprc_natural_interval": ends,
            "prevalence": round(sum(b / (b + u) for b, u in bound) / len(rows), 4),
        }
    )


def _with_natural_controls(gate: GateCard, metrics: MetricsCard | None, path: Path) -> GateCard:
    own = None if metrics is None else metrics.auprc_natural
    known = {row["scorer"]: _number(path, row, "auprc_natural") for row in _rows(path) if "scorer" in row}
    controls = []
    for control in gate.controls:
        natural = known.get(control.name)
        if control.auprc_natural is None and natural is not None and own is not None:
            found = {"auprc_natural": natural, "difference_natural": round(own - natural, 4)}
            control = control.model_copy(update=found)
        controls.append(control)
    return gate.model_copy(update={"controls": tuple(controls)})


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table of metrics; none where it has no areas at natural prevalence."""
    return (row for row in _table(path) if {"auprc_natural", "auprc", "bound", "unbound"} <= row.keys())


def _table(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table; none where it is not there."""
    try:
        lines = read_at_most(check_file(path), _MOST_BYTES).decode().splitlines()
    except FileNotFoundError:
        return
    except (InputError, UnicodeDecodeError) as error:
        raise EntryError(f"{path}: is not a table of metrics: {error}") from None
    yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


def _number(path: Path, row: dict[str, str], column: str) -> float:
    try:
        return float(row[column])
    except (TypeError, ValueError):
        raise EntryError(f"{path}: column {column!r} of {row.get('tf')}: {row[column]!r} is not a number") from None
