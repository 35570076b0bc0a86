"""Areas of resampled regions: scikit-learn's, for any weights and ties; calibration by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.metrics import average_precision_score, roc_auc_score

from kipoi_tfb.evaluation.areas import calibration_error, draw_weights, interval, natural_areas, weighted_areas


@given(st.data())
def test_weighted_areas_are_those_of_scikit_learn(data):
    n_bound, n_unbound, replicates = (data.draw(st.integers(1, 12)) for _ in range(3))
    values = npst.arrays(np.float32, n_bound + n_unbound, elements=st.integers(0, 8))  # ties are the rule
    scores = data.draw(values)
    weights = data.draw(npst.arrays(np.float32, (n_bound + n_unbound, replicates), elements=st.integers(0, 3)))
    weights[[0, n_bound]] += 1  # some of both
    truth = np.arange(n_bound + n_unbound) < n_bound
    areas = weighted_areas(scores[:n_bound], scores[n_bound:], weights[:n_bound], weights[n_bound:])
    for replicate, w in enumerate(weights.T):
        assert areas.auprc[replicate] == pytest.approx(
            average_precision_score(truth, scores, sample_weight=w), abs=1e-6
        )
        assert areas.auroc[replicate] == pytest.approx(roc_auc_score(truth, scores, sample_weight=w), abs=1e-6)


def test_areas_by_hand():
    # Ranked: bound 3, unbound 2, bound 1. AUPRC (1 + 2/3) / 2; of two pairs one is right.
    areas = weighted_areas(np.array([3.0, 1.0]), np.array([2.0]), np.ones((2, 1), "f4"), np.ones((1, 1), "f4"))
    assert areas.auprc[0] == pytest.approx(5 / 6) and areas.auroc[0] == 0.5


def test_weights_are_counts_of_draws():
    weights = draw_weights(np.random.default_rng(0), 50, 400)
    assert weights.shape == (50, 400) and (weights.sum(0) == 50).all()
    assert (weights.mean(1) == pytest.approx(1, abs=0.25)) and weights.var() == pytest.approx(49 / 50, abs=0.05)
    assert (weights == draw_weights(np.random.default_rng(0), 50, 400)).all()


def test_natural_areas_have_the_distribution_of_a_resample():
    rng = np.random.default_rng(4)
    bound, unbound = rng.normal(1, 1, 60).round(1), rng.normal(0, 1, 900).round(1)
    weights = draw_weights(rng, 60, 4000)
    quick = natural_areas(bound, unbound, weights, np.random.default_rng(5))
    plain = weighted_areas(bound, unbound, weights, draw_weights(np.random.default_rng(6), 900, 4000))
    for a, b in zip(quick, plain, strict=True):
        assert a.mean() == pytest.approx(b.mean(), abs=3e-3)
        assert a.std() == pytest.approx(b.std(), rel=0.05)
    # The bound regions are the same ones in both.
    assert np.corrcoef(quick.auprc, plain.auprc)[0, 1] > 0.8


def test_natural_areas_of_perfect_and_of_constant_scores():
    weights = draw_weights(np.random.default_rng(0), 5, 20)
    perfect = natural_areas(np.ones(5), np.zeros(7), weights, np.random.default_rng(1))
    assert (perfect.auprc == 1).all() and (perfect.auroc == 1).all()
    constant = natural_areas(np.ones(5), np.ones(7), weights, np.random.default_rng(1))
    assert constant.auprc == pytest.approx(5 / 12) and constant.auroc == pytest.approx(0.5)


def test_interval_is_of_percentiles():
    assert interval(np.arange(1001.0)) == pytest.approx((25, 975))


def test_calibration_error_by_hand():
    probability = np.array([0.1, 0.2, 0.8, 0.9])
    # Two bins: mean 0.15 and 0.85 against shares 0 and 1, then against 0.5 and 0.5.
    assert calibration_error(probability, np.array([False, False, True, True]), bins=2) == pytest.approx(0.15)
    assert calibration_error(probability, np.array([True, False, True, False]), bins=2) == pytest.approx(0.35)
    assert calibration_error(probability, probability > 2, bins=4) == pytest.approx(0.5)


def test_equal_probabilities_are_never_split():
    # In the order of the file, bins of two would see shares of 1 and 0.
    bound = np.array([True, True, False, False])
    assert calibration_error(np.full(4, 0.5), bound, bins=2) == 0
    assert calibration_error(np.full(4, 0.2), bound, bins=2) == pytest.approx(0.3)


def test_calibrated_scores_have_no_error_but_noise():
    rng = np.random.default_rng(0)
    probability = rng.random(200_000) ** 3
    bound = rng.random(200_000) < probability
    assert calibration_error(probability, bound) < 0.005
    assert calibration_error(probability**2, bound) > 0.05
