"""Statistics of measured effects: areas, signs, quarters, replicates; by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from benchmarks.truth.scores import largest, total, total_size
from benchmarks.truth.statistics import (
    agreement,
    asb_rows,
    auroc,
    group_weights,
    largest_quarter,
    macro_auroc,
    mpra_rows,
    spearman,
)
from benchmarks.truth.tables import Bindings, Mutations

pytest_plugins = ("tests.entries",)

ONES = np.ones((4, 1), np.float32)
TRUE4 = np.array([True, True, False, False])


def test_an_area_by_hand() -> None:
    # Positives at 3 and 1, negatives at 2 and 0: three of the four pairs are in order.
    assert auroc(np.array([3.0, 1.0, 2.0, 0.0]), TRUE4, ONES).tolist() == [0.75]
    assert auroc(np.array([1.0, 1.0, 1.0, 1.0]), TRUE4, ONES).tolist() == [0.5]
    assert np.isnan(auroc(np.array([1.0, 2.0]), np.array([True, True]), ONES[:2]))


def test_a_macro_area_is_the_mean_over_tfs_and_a_replicate_without_one_leaves_it_out() -> None:
    score = np.array([3.0, 1.0, 2.0, 0.0, 0.0, 1.0])
    positive = np.array([True, True, False, False, True, False])
    tf = np.array(["A", "A", "A", "A", "B", "B"])
    weights = np.ones((6, 2), np.float32)
    weights[4, 1] = 0  # in the replicate, B has no positive
    assert macro_auroc(score, positive, tf, weights, ["A", "B"]).tolist() == [(0.75 + 0) / 2, 0.75]


def test_signs_by_hand_and_no_effect_counts_one_half() -> None:
    effect, favoured = np.array([0.5, -2.0, 1.0, 0.0]), np.array([1.0, -1.0, -1.0, 1.0])
    assert agreement(effect, favoured, ONES).tolist() == [2.5 / 4]
    heavy = np.array([[3], [1], [0], [0]], np.float32)
    assert agreement(effect, favoured, heavy).tolist() == [1.0]


def test_the_largest_quarter_is_one_of_those_looked_among() -> None:
    effect = np.array([9.0, -4.0, 3.0, 2.0, 1.0])
    among = np.array([False, True, True, True, True])
    assert largest_quarter(effect, among).tolist() == [False, True, False, False, False]
    assert not largest_quarter(effect, np.zeros(5, bool)).any()


def test_replicates_draw_whole_groups() -> None:
    weights = group_weights(np.array([7, 3, 7, 9]), 50)
    assert weights.shape == (4, 51)
    assert (weights[:, 0] == 1).all()
    assert (weights[0] == weights[2]).all() and not (weights[0] == weights[1]).all()
    assert (weights[[0, 1, 3], 1:].sum(0) == 3).all()


def test_areas_and_correlations_of_replicates_are_those_of_the_repeated_rows() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 8, 40).astype(float), rng.normal(size=40).round(1)
    positive = rng.random(40) < 0.4
    weights = group_weights(np.arange(40) // 2, 5)
    for column, (area, rho) in enumerate(zip(auroc(x, positive, weights), spearman(x, y, weights), strict=True)):
        drawn = np.repeat(np.arange(40), weights[:, column].astype(int))
        assert area == pytest.approx(roc_auc_score(positive[drawn], x[drawn]))
        assert rho == pytest.approx(spearmanr(x[drawn], y[drawn]).statistic)


def bindings(n: int = 24) -> Bindings:
    """Return SNVs of TF A on chr21, every other one imbalanced towards ALT."""
    return Bindings(
        [("chr21", i, "A", "C") for i in range(n)],
        np.full(n, "A"),
        np.full(n, "cell"),
        np.arange(n) % 2 == 0,
        np.where(np.arange(n) % 2 == 0, 1.0, -1.0),
        np.ones(n),
        np.arange(n),
    )


def test_binding_statistics_by_hand() -> None:
    data = bindings()
    right = np.where(data.imbalanced, 2.0, -1.0)
    wrong = -np.where(data.imbalanced, 1.0, 2.0)
    hit = np.arange(24) < 6
    rows = asb_rows(data, {"right": right, "wrong": wrong}, hit, data.chrom == "chr21", "held out", "wrong", 20)
    values = {(row.statistic, row.method): row.value for row in rows}
    for statistic in ("AUROC, mean of 1 TFs", "AUROC, pooled", "AUROC, motif hit", "sign", "sign, motif hit"):
        assert (values[statistic, "right"], values[statistic, "wrong"]) == (1.0, 0.0), statistic
    by_key = {(row.statistic, row.method): row for row in rows}
    row = by_key["AUROC, motif hit", "right"]
    assert (row.n, row.n_positive, row.difference, row.difference_low) == (6, 3, 1.0, 1.0)
    assert by_key["AUROC, pooled", "wrong"].difference is None
    assert (by_key["sign", "right"].n, by_key["sign, motif hit", "right"].n) == (12, 3)


def test_a_tf_with_few_imbalanced_snvs_is_not_in_the_mean() -> None:
    rows = asb_rows(bindings(18), {"a": np.ones(18)}, np.ones(18, bool), np.ones(18, bool), "", "a", 5)
    assert rows[0].statistic == "AUROC, mean of 0 TFs"
    assert np.isnan(rows[0].value)
    assert asb_rows(bindings(4), {"a": np.ones(4)}, np.ones(4, bool), np.zeros(4, bool), "", "a", 5) == []


def test_mutagenesis_leaves_out_what_is_not_measured_or_not_scored() -> None:
    n = 8
    data = Mutations(
        [("chr1", i, "A", "C") for i in range(n)],
        np.full(n, "X"),
        np.arange(n, dtype=float),
        np.arange(n) >= 4,
        np.zeros(n, bool),
        np.arange(n) != 0,
        np.arange(n),
    )
    effect = np.arange(n, dtype=float) ** 2
    effect[7] = np.nan
    rows = mpra_rows(data, {"a": effect, "b": -np.arange(n, dtype=float)}, "X", "b", 10)
    assert {(row.statistic, row.method): (row.n, row.n_positive, row.value) for row in rows} == {
        ("Spearman", "a"): (6, 3, 1.0),
        ("Spearman", "b"): (6, 3, -1.0),
        ("AUROC", "a"): (6, 3, 1.0),
        ("AUROC", "b"): (6, 3, 1.0),
    }
    assert mpra_rows(data, {"a": effect}, "Y", "a", 10) == []


def test_summaries_over_tfs() -> None:
    values = np.array([[0.5, -0.75, 0.125], [np.nan, 1.0, 0.0]], np.float32)
    assert total(values)[0] == -0.125 and np.isnan(total(values)[1])
    assert total_size(values)[0] == -1.375 and np.isnan(total_size(values)[1])
    assert largest(values)[0] == -0.75 and np.isnan(largest(values)[1])
