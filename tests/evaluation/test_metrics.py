"""The table of metrics: what its averages are of, and what its files say."""

from __future__ import annotations

import csv
import json
import math

import pytest

from kipoi_tfb.evaluation.job import evaluate
from kipoi_tfb.evaluation.metrics import TfMetrics, macro, summarise, write_json, write_metrics
from tests.fakes import made_up, scorer

ROWS = [
    TfMetrics("CTCF", 500, 40, 60, 40, 0.9, 0.8, 0.7, 0.85, 0.02),
    TfMetrics("JUND", 300, 39, 60, 39, 0.1, 0.1, 0.1),
    TfMetrics("SP1", 200, 100, 60, 60, 0.5, 0.6, 0.7, 0.65, 0.04, auprc_low=0.4, auprc_high=0.6),
    TfMetrics("MYC", None, 0, 60, 0, math.nan, math.nan, math.nan),
]


def test_macro_counts_tfs_with_enough_bound_regions():
    assert macro(ROWS) == (2, pytest.approx(0.7), pytest.approx(0.7))
    assert macro(ROWS, min_bound=1) == (3, pytest.approx(0.5), pytest.approx(0.5))
    n_tfs, auprc, auroc = macro(ROWS, min_bound=1000)
    assert n_tfs == 0 and math.isnan(auprc) and math.isnan(auroc)


def test_summary():
    summary = summarise(ROWS, replicates=500)
    assert (summary.auprc_natural, summary.auroc_matched, summary.ece) == pytest.approx((0.7, 0.75, 0.03))
    # Of two TFs drawn twice, a quarter of the replicates has each only.
    assert summary.auprc_interval == pytest.approx((0.5, 0.9)) and summary == summarise(ROWS, replicates=500)
    # 40 of 100 bound, and 100 of 160.
    assert summary.auprc_natural_interval == pytest.approx((0.7, 0.7)) and summary.prevalence == pytest.approx(0.5125)
    assert summarise(ROWS, replicates=0).auprc_interval is summarise(ROWS, replicates=0).auprc_natural_interval is None


def test_write_metrics(tmp_path):
    write_metrics(ROWS, tmp_path / "metrics.tsv")
    with open(tmp_path / "metrics.tsv") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    columns = ["tf", "bound_train", "bound", "unbound", "matched", "auprc", "auroc", "auprc_natural"]
    assert list(rows[0])[:8] == columns and list(rows[0])[8:10] == ["auroc_matched", "ece"]
    assert list(rows[0].values())[:10] == [
        "CTCF",
        "500",
        "40",
        "60",
        "40",
        *["0.9000", "0.8000", "0.7000", "0.8500", "0.0200"],
    ]
    assert [row["tf"] for row in rows] == ["CTCF", "JUND", "SP1", "MYC"] and rows[3]["auroc"] == "nan"
    assert rows[3]["bound_train"] == rows[1]["ece"] == rows[1]["auprc_low"] == "" and rows[2]["auprc_low"] == "0.4000"


def test_write_metrics_of_several_scorers(tmp_path):
    write_metrics({"a": ROWS[:2], "b": ROWS[2:]}, tmp_path / "metrics.tsv")
    with open(tmp_path / "metrics.tsv") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert [(row["scorer"], row["tf"]) for row in rows] == [("a", "CTCF"), ("a", "JUND"), ("b", "SP1"), ("b", "MYC")]


def test_json_has_no_nan(tmp_path):
    data = made_up(60, ("A", "B"))
    data.labels[data.labels[:, 1] == 1, 1] = 0
    result = evaluate([scorer(data, "s")], data, replicates=10)
    write_json(result.content(1), tmp_path / "out.json")
    content = json.loads((tmp_path / "out.json").read_text())
    a, b = content["scorers"]["s"]["tfs"]
    assert a["auprc"] == result.tables["s"][0].auprc and b["auprc"] is None and b["bound"] == 0
    assert content["data"] == {"source": "made up", "windows": 60, "chromosomes": ["chr9"]}
    assert content["scorers"]["s"]["summary"]["n_tfs"] == 1 and content["replicates"] == 10
