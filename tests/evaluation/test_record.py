"""What an entry's folder and card say of how it was tested."""

from __future__ import annotations

from kipoi_tfb.evaluation.metrics import TfMetrics
from kipoi_tfb.evaluation.record import record
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.verify import verify_entry
from tests import tiny

ROWS = [
    TfMetrics("CTCF", 500, 40, 60, 40, 0.9, 0.8, 0.7, 0.85, 0.02),
    TfMetrics("JUND", 300, 39, 60, 39, 0.1, 0.1, 0.1),
    TfMetrics("SP1", 200, 100, 60, 60, 0.5, 0.6, 0.7, 0.65, 0.04),
]


def test_record_writes_card_and_table(world, tmp_path):
    entry = tiny.make_entry(tmp_path / "entry")
    others = {"jaspar": 0.71239}
    metrics = record(entry, ROWS, world.matrix, ["chr22"], "sparse", 5, "tfb evaluate tiny", baselines=others)
    again = open_entry(entry.folder)
    assert again.card.metrics == metrics
    assert (metrics.n_tfs, metrics.auprc, metrics.seed, metrics.chromosomes) == (2, 0.7, 5, ("chr22",))
    assert metrics.auprc_interval == (0.5, 0.9) and metrics.ece == 0.03 and metrics.baselines == {"jaspar": 0.7124}
    assert (entry.folder / "metrics.tsv").read_text().startswith("tf\tbound_train")
    assert all(check.passed for check in verify_entry(again))
