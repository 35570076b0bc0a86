"""What an entry's folder and card say of how it was tested."""

from __future__ import annotations

from dataclasses import replace

from kipoi_tfb.evaluation.metrics import TfMetrics
from kipoi_tfb.evaluation.record import metrics_card, record
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.finetuned_card import GateCard
from kipoi_tfb.zoo.verify import verify_entry
from tests import tiny

ROWS = [
    TfMetrics("CTCF", 500, 40, 60, 40, 0.9, 0.8, 0.7, 0.85, 0.02),
    TfMetrics("JUND", 300, 39, 60, 39, 0.1, 0.1, 0.1),
    TfMetrics("SP1", 200, 100, 60, 60, 0.5, 0.6, 0.7, 0.65, 0.04),
]


NATURAL = {"auprc_natural_low": 0.65, "auprc_natural_high": 0.75}


def test_record_writes_card_and_table(world, tmp_path):
    entry = tiny.make_entry(tmp_path / "entry")
    others = {"jaspar": 0.71239}
    metrics = metrics_card(entry, ROWS, world.matrix, ["chr22"], "sparse", 5, "tfb evaluate tiny", baselines=others)
    found, again = record(entry, ROWS, metrics), open_entry(entry.folder)
    assert again.card == found.card and again.card.metrics == metrics
    assert (metrics.n_tfs, metrics.auprc, metrics.seed, metrics.chromosomes) == (2, 0.7, 5, ("chr22",))
    assert (metrics.auprc_natural, metrics.auprc_natural_interval, metrics.prevalence) == (0.7, (0.7, 0.7), 0.5125)
    assert metrics.auprc_interval == (0.5, 0.9) and metrics.ece == 0.03 and metrics.baselines == {"jaspar": 0.7124}
    assert (entry.folder / "metrics.tsv").read_text().startswith("tf\tbound_train")
    assert all(check.passed for check in verify_entry(again))


def test_the_intervals_of_one_tf_are_over_its_regions(tmp_path):
    entry = tiny.make_entry(tmp_path / "entry")
    row = replace(ROWS[2], auprc_low=0.41239, auprc_high=0.6, auroc_low=0.5, auroc_high=0.7, **NATURAL)
    given = ([row], None, ["chr22"], "peaks", 0, "a test")
    found = metrics_card(entry, *given)
    assert found.auprc_interval == (0.4124, 0.6) and found.auroc_interval == (0.5, 0.7)
    assert (found.auprc_natural, found.auprc_natural_interval) == (0.7, (0.65, 0.75))
    assert found.matrix_sha256 is None and found.weights_sha256 == entry.card.weights.sha256
    assert metrics_card(entry, *given, replicates=0).auprc_interval is None


def test_a_verdict_is_written_with_the_metrics_and_kept(tmp_path):
    entry = tiny.make_entry(tmp_path / "entry")
    metrics = metrics_card(entry, ROWS, None, ["chr22"], "sparse", 0, "a test", date="2026-02-03")
    gate = GateCard(verdict="accepted", words="accepted: so it is", controls=())
    judged = record(entry, ROWS, metrics, gate)
    again = record(judged, ROWS, metrics.model_copy(update={"seed": 1}))
    card = open_entry(entry.folder).card
    assert card == again.card and card.gate == gate and (card.metrics.seed, card.metrics.date) == (1, "2026-02-03")


def test_the_date_is_that_of_the_source(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    entry = tiny.make_entry(tmp_path / "entry")
    assert metrics_card(entry, ROWS, None, ["chr22"], "sparse", 0, "a test").date == "2023-11-14"
