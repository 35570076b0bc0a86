"""What older cards leave to the tables beside them is read from there."""

from __future__ import annotations

import pytest

from kipoi_tfb.evaluation.metrics import TfMetrics, write_metrics
from kipoi_tfb.evaluation.record import metrics_card, record
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.finetuned_card import ControlCard, GateCard
from kipoi_tfb.zoo.measured import measured
from tests import tiny
from tfb_matrix_data.errors import EntryError

ROWS = [
    TfMetrics("CTCF", 500, 40, 60, 40, 0.9, 0.8, 0.7),
    TfMetrics("JUND", 300, 39, 60, 39, 0.1, 0.1, 0.1),
    TfMetrics("SP1", 200, 100, 60, 60, 0.5, 0.6, 0.5),
]
NATURAL = ("auprc_natural", "auprc_natural_interval", "prevalence")


def recorded(folder, rows=ROWS, gate: GateCard | None = None) -> tuple[Entry, Entry]:
    """Return an entry as it is recorded today, and with a card of before."""
    entry = tiny.make_entry(folder / "entry")
    card = metrics_card(entry, rows, None, ["chr22"], "sparse", 0, "a test", min_bound=40 if len(rows) > 1 else 1)
    new = record(entry, rows, card, gate)
    old = record(entry, rows, card.model_copy(update=dict.fromkeys(NATURAL)), gate)
    return new, old


def test_an_older_card_gets_what_a_new_one_says(tmp_path):
    new, old = recorded(tmp_path)
    assert old.card.metrics.auprc_natural is None
    found = measured(old).metrics
    assert (found.auprc_natural, found.prevalence) == (0.6, 0.5125)
    assert (new.card.metrics.auprc_natural, new.card.metrics.prevalence) == (0.6, 0.5125)
    assert measured(new) == new.card


def test_the_interval_of_a_single_tf(tmp_path):
    rows = [TfMetrics("SP1", 200, 9, 60, 9, 0.5, 0.6, 0.5, auprc_natural_low=0.4, auprc_natural_high=0.6)]
    new, old = recorded(tmp_path, rows)
    assert measured(old).metrics.auprc_natural_interval == new.card.metrics.auprc_natural_interval == (0.4, 0.6)


def test_controls(tmp_path):
    kept = {"kind": "base", "name": "b", "auprc": 0.4, "difference": 0.1, "low": 0, "high": 0.2, "outcome": "tie"}
    gone = {**kept, "kind": "jaspar", "name": "gone"}
    gate = GateCard(verdict="accepted", words="so", controls=tuple(map(ControlCard.model_validate, (kept, gone))))
    _, old = recorded(tmp_path, gate=gate)
    write_metrics({"b": [TfMetrics("SP1", None, 9, 9, 9, 0.4, 0.5, 0.25)]}, old.folder / "controls.tsv")
    base, jaspar = measured(old).gate.controls
    assert (base.auprc_natural, base.difference_natural, base.outcome_natural) == (0.25, 0.35, None)
    assert jaspar.auprc_natural is None and base.auprc == 0.4


def test_without_a_table_nothing_is_known(tmp_path):
    _, old = recorded(tmp_path)
    (old.folder / "metrics.tsv").write_text("tf\tauprc\nSP1\t0.5\n")
    assert measured(old) == old.card
    (old.folder / "metrics.tsv").unlink()
    assert measured(old) == old.card
    assert measured(tiny.make_entry(tmp_path / "untested")).metrics is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("tf\tbound\tunbound\tauprc\tauprc_natural\nSP1\t50\t50\t0.5\tmuch\n", "'auprc_natural' of SP1: 'much' is not"),
        ("tf\tbound\tunbound\tauprc\tauprc_natural\nSP1\t50\n", "'auprc_natural' of SP1: None is not a number"),
        (b"\xff\xfe", "is not a table of metrics: "),
    ],
)
def test_a_damaged_table(tmp_path, content, complaint):
    _, old = recorded(tmp_path)
    (old.folder / "metrics.tsv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(EntryError, match=complaint):
        measured(old)
