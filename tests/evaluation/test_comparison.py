"""Who wins is decided on the very same regions; figures by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kipoi_tfb.evaluation.areas import Areas
from kipoi_tfb.evaluation.comparison import PREVALENCES, compare, describe
from kipoi_tfb.evaluation.job import Evaluation, evaluate
from kipoi_tfb.evaluation.metrics import TfMetrics
from tests.fakes import FakeScorer, by_gc, by_gc_scorers, made_up, noisy, scorer
from tfb_matrix_data.errors import ConfigError, UnknownNameError

TFS = [f"TF{i}" for i in range(8)]


def made(first, second, spread=0.0, bound=100, trained=500, replicates=200):
    """An evaluation of given AUPRCs; the paired differences of the replicates spread evenly around the difference."""
    tables, areas = {}, {}
    steps = np.linspace(-spread, spread, replicates) if replicates else np.zeros(0)
    for name, values in (("a", first), ("b", second)):
        known = trained if name == "a" else None
        tables[name] = [TfMetrics(tf, known, bound, 900, bound, v, v, v, v) for tf, v in zip(TFS, values, strict=False)]
        shift = steps if name == "a" else 0 * steps
        areas[name] = (
            {tf: Areas(v + shift, v + shift) for tf, v in zip(TFS, values, strict=False)} if replicates else {}
        )
    return Evaluation(made_up(10), 0, replicates, tables, areas)


def test_by_hand():
    found = compare(made([0.9, 0.8, 0.7, 0.6], [0.5, 0.75, 0.7, 0.8], spread=0.1), "a", "b")
    assert [row.difference for row in found.tfs] == pytest.approx([0.4, 0.05, 0, -0.2])
    # Intervals of +-0.095: the second difference could be chance.
    assert [row.outcome for row in found.tfs] == ["win", "tie", "tie", "loss"]
    assert (found.wins, found.ties, found.losses, found.better, found.worse) == (1, 2, 1, 2, 1)
    assert found.tfs[0].low == pytest.approx(0.305) and found.tfs[0].high == pytest.approx(0.495)
    assert (found.mean_first, found.mean_second, found.mean_difference) == pytest.approx((0.75, 0.6875, 0.0625))
    assert found.low < 0.0625 < found.high and found.n_tfs == 4


def test_signed_rank_by_hand():
    # All of six differences above 0: 2 of the 2^6 assignments of signs are as extreme.
    assert compare(made([0.61, 0.72, 0.83, 0.64, 0.95, 0.86], [0.6, 0.7, 0.8, 0.6, 0.9, 0.8]), "a", "b").p == 2 / 64
    assert compare(made([0.6, 0.7], [0.6, 0.7]), "a", "b").p == 1


def test_without_bootstrap_only_equals_tie():
    found = compare(made([0.9, 0.5, 0.7], [0.8, 0.6, 0.7], replicates=0), "a", "b")
    assert [row.outcome for row in found.tfs] == ["win", "loss", "tie"]
    assert found.low is found.high is found.tfs[0].low is None


def test_tfs_with_too_few_bound_regions_and_without_areas_are_left_out():
    evaluation = made([0.9, math.nan, 0.7], [0.8, 0.6, 0.6])
    evaluation.tables["b"].pop()
    assert [row.tf for row in compare(evaluation, "a", "b").tfs] == ["TF0"]
    with pytest.raises(ConfigError, match="a and b have no TF in common with at least 101 bound regions tested"):
        compare(evaluation, "a", "b", min_bound=101)


def test_scorers_that_were_not_evaluated():
    with pytest.raises(UnknownNameError, match="unknown scorer 'c'"):
        compare(made([0.9], [0.8]), "a", "c")


def test_scarce_tfs():
    evaluation = made([0.9, 0.8], [0.8, 0.9], trained=100)
    evaluation.tables["a"][0] = TfMetrics("TF0", 201, 100, 900, 100, 0.9, 0.9, 0.9)
    found = compare(evaluation, "a", "b")
    assert found.scarce_tfs == 1 and found.scarce_difference == pytest.approx(-0.1)
    # What trained the second stands for what trained the first, where that is not known.
    assert [row.bound_train for row in compare(evaluation, "b", "a").tfs] == [201, 100]
    assert compare(made([0.9], [0.8], trained=None), "a", "b").scarce_difference is None


def test_the_same_regions_are_resampled_for_both():
    data = made_up(600)
    scores = noisy(data, 1.0)
    same = FakeScorer("same", data.tfs, 2 * scores + 1, data)
    result = evaluate([FakeScorer("a", data.tfs, scores, data), same], data, replicates=50)
    found = compare(result, "a", "same")
    assert [(row.low, row.high, row.outcome) for row in found.tfs] == [(0, 0, "tie")] * 3 and found.p == 1


def test_a_better_scorer_wins_and_a_like_one_ties():
    data = made_up(1500)
    fakes = [scorer(data, "good", 0.5, 1), scorer(data, "bad", 2.0, 2), scorer(data, "like", 0.5, 3)]
    result = evaluate(fakes, data, replicates=200)
    good = compare(result, "good", "bad")
    assert (good.wins, good.ties, good.losses) == (3, 0, 0) and good.low > 0
    assert compare(result, "bad", "good").losses == 3
    assert compare(result, "good", "like").ties >= 2
    other = compare(result, "good", "bad", metric="auroc_matched")
    assert other.wins == 3 and other.mean_first == pytest.approx(result.summary("good").auroc_matched)


def test_at_natural_prevalence_the_same_regions_are_resampled_for_both():
    data = made_up(600)
    scores = noisy(data, 1.0)
    same = FakeScorer("same", data.tfs, 2 * scores + 1, data)
    result = evaluate([FakeScorer("a", data.tfs, scores, data), same], data, replicates=50)
    found = compare(result, "a", "same", "auprc_natural")
    assert [(row.low, row.high, row.outcome) for row in found.tfs] == [(0, 0, "tie")] * 3 and found.p == 1
    assert found.mean_first == pytest.approx(result.summary("a").auprc_natural)
    assert "a against same: AUPRC at natural prevalence " in describe(found)


def test_the_natural_replicates_do_not_depend_on_who_else_is_compared():
    data = made_up(600)
    fakes = [scorer(data, "a", 0.5, 1), scorer(data, "b", 1.0, 2), scorer(data, "c", 2.0, 3)]
    two, three = (evaluate(some, data, replicates=30) for some in (fakes[:2], fakes))
    for row, again in zip(*(compare(r, "a", "b", "auprc_natural").tfs for r in (two, three)), strict=True):
        assert row == again and row.low < row.difference < row.high
    alone = evaluate(fakes[:1], data, replicates=30)
    assert alone.bootstrapped_natural == {"a": {}} and alone.tables["a"] == two.tables["a"]


def test_better_at_one_prevalence_may_be_worse_at_the_other():
    data = by_gc()
    result = evaluate(by_gc_scorers(data), data, replicates=100)
    found = [compare(result, "offset", "plain", metric) for metric in PREVALENCES]
    assert [each.tfs[0].outcome for each in found] == ["win", "loss"]


def test_describe():
    text = describe(compare(made([0.9, 0.8, 0.5], [0.5, 0.75, 0.6], trained=100), "a", "b"))
    assert (
        "a against b: AUPRC at 1:1 0.7333 and 0.6167, difference +0.1167 [" in text
        and "over 3 TFs, Wilcoxon p = " in text
    )
    assert "wins 2, ties 0, losses 1; higher for 2 TFs (66.7%), lowest difference -0.1000 (TF2)" in text
    assert "3 TFs with 40-200 training positives: difference +0.1167" in text
