"""Fitting an output layer that is held to its start."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from kipoi_tfb.finetuning import head
from kipoi_tfb.finetuning.head import Lesson, balancing_weights, fit_beside_motifs, fit_head, natural_draw

rng = np.random.default_rng(0)
TRUTH = np.array([2.0, -1.0, 0.5, 0, 0], np.float32)


def lesson(n: int, seed: int, truth=TRUTH) -> Lesson:
    """Return windows whose features tell, by a logistic model, whether they are bound."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, len(truth))).astype(np.float32)
    bound = random.random(n) < 1 / (1 + np.exp(-features @ truth))
    return Lesson(features, bound, np.ones(n, np.float32))


def test_weights_by_hand():
    gc = np.array([0.05, 0.05, 0.05, 0.55, 0.55, 0.95, 1.0])
    bound = np.array([True, False, False, True, True, False, False])
    # Of the first tenth 1 bound, 2 unbound; of the sixth 2 bound, none unbound; of the last none bound.
    assert balancing_weights(bound, gc).tolist() == [1, 0.5, 0.5, 1, 1, 0, 0]


@pytest.mark.parametrize("penalty", [0.3, 0.01])
def test_without_a_start_it_is_ridge_logistic_regression(penalty):
    train = lesson(500, 1)
    found = fit_head([train], lesson(500, 2), np.zeros(5, np.float32), 0.0, [penalty])
    expected = LogisticRegression(C=1 / (penalty * 500), tol=1e-8).fit(train.features, train.bound)
    assert found.card.penalty == penalty
    np.testing.assert_allclose(found.weight, expected.coef_, atol=2e-3)
    np.testing.assert_allclose(found.bias, expected.intercept_, atol=2e-3)


def test_the_stronger_the_hold_the_nearer_to_the_start():
    start = np.array([1.0, 1, 1, 1, 1], np.float32)
    away = [
        np.linalg.norm(fit_head([lesson(300, 1)], lesson(300, 2), start, 0.0, [penalty]).weight - start)
        for penalty in (10, 1, 0.1, 0.01)
    ]
    assert away == sorted(away) and away[0] < 0.05 < away[-1]


def test_a_start_that_is_right_is_kept_as_it_is():
    few = lesson(20, 1)  # that teach nothing but themselves
    found = fit_head([few], lesson(4000, 2), TRUTH, 0.25, [0.01, 0.001])
    assert found.card.penalty is None and found.card.auprc == found.card.start_auprc
    assert found.card.loss == found.card.start_loss and found.losses == (pytest.approx(found.card.loss, abs=1e-5),)
    assert (found.weight[0] == TRUTH).all() and found.bias.tolist() == [0.25]


def test_a_start_that_is_wrong_is_left():
    found = fit_head([lesson(2000, 1)], lesson(2000, 2), -TRUTH, 0.0)
    assert found.card.penalty == 0.01 and found.card.auprc > found.card.start_auprc + 0.2
    assert found.card.loss < found.card.start_loss


def test_what_is_better_by_one_weighting_must_be_no_worse_by_another():
    """By a second weighting the start is right: of other output layers only those that rank as it does are taken."""
    right = lesson(2000, 2)
    wrong = lesson(2000, 3, -TRUTH)
    both = Lesson(
        np.concatenate([wrong.features, right.features]),
        np.concatenate([wrong.bound, right.bound]),
        np.repeat(np.array([1, 0], np.float32), 2000),
    )
    found = fit_head([lesson(2000, 1, -TRUTH)], both, TRUTH, 0.0)
    kept = fit_head([lesson(2000, 1, -TRUTH)], both, TRUTH, 0.0, also=1 - both.weight)
    assert found.card.penalty == 0.01 and found.card.auprc > found.card.start_auprc + 0.2
    assert found.weight[0] @ TRUTH < 0 < kept.weight[0] @ TRUTH and kept.card.auprc < found.card.auprc - 0.2


def test_a_natural_draw_stands_for_all():
    bound = np.random.default_rng(0).random(70_000) < 0.1
    index, weight = natural_draw(bound, 3, 500)
    assert (np.diff(index) > 0).all() and bound[index].sum() == 500 and (~bound[index]).sum() == 20_000
    for of in (True, False):
        assert weight[bound[index] == of].sum() == pytest.approx((bound == of).sum(), rel=1e-5)
    again, other = natural_draw(bound, 3, 500), natural_draw(bound, 4, 500)
    assert (again[0] == index).all() and (other[0] != index).any()
    few, weight = natural_draw(bound[:90], 0, 500)
    assert few.tolist() == list(range(90)) and (weight == 1).all()
    many, _ = natural_draw(np.arange(70_000) < 9_000, 0, 8_000)
    assert len(many) == 8_000 + 24_000


def test_several_lessons_give_their_mean():
    lessons, validation = [lesson(200, seed) for seed in (1, 2, 3)], lesson(1000, 4)
    start = np.zeros(5, np.float32)
    found = fit_head(lessons, validation, start, 0.0, [0.1])
    alone = [fit_head([each], validation, start, 0.0, [0.1]) for each in lessons]
    np.testing.assert_allclose(found.weight, np.mean([each.weight for each in alone], axis=0), atol=1e-6)
    assert found.losses == tuple(each.losses[0] for each in alone)
    again = fit_head(lessons, validation, start, 0.0, [0.1])
    assert (again.weight == found.weight).all()


def test_weights_count():
    half, validation = lesson(300, 1), lesson(500, 2)
    twice = Lesson(
        np.concatenate([half.features, half.features]),
        np.concatenate([half.bound, half.bound]),
        np.repeat(np.array([1, 0], np.float32), 300),
    )
    start = np.zeros(5, np.float32)
    a, b = (fit_head([each], validation, start, 0.0, [0.1]) for each in (half, twice))
    np.testing.assert_allclose(a.weight, b.weight, atol=1e-3)


# Two features of the base, which tell nothing here, and a motif, which does.
BESIDE = np.array([0, 0, 2], np.float32)


def test_a_motif_takes_the_place_of_an_output_that_tells_nothing():
    train, validation = lesson(100, 1, BESIDE), lesson(2000, 2, BESIDE)
    start = np.array([3, 3], np.float32)
    found = fit_beside_motifs([train], validation, start, 0.0, np.array([0.01], np.float32))
    alone = fit_head([train], validation, np.append(start, np.float32(0)), 0.0)
    assert abs(found.card.base_share) < 0.2 and found.weight[0, 2] == pytest.approx(2, abs=0.5)
    assert found.card.loss < alone.card.loss and found.card.auprc > alone.card.auprc
    assert (found.card.start_loss, found.card.start_auprc) == (alone.card.start_loss, alone.card.start_auprc)


def test_the_output_alone_is_the_start_where_it_is_right():
    start, validation = np.array([2, -1], np.float32), lesson(4000, 2, np.array([2, -1, 0], np.float32))
    few = lesson(15, 5, np.array([2, -1, 0], np.float32))  # in which the motif seems to tell something
    found = fit_beside_motifs([few], validation, start, 0.0, np.array([0.01], np.float32))
    assert found.card.base_share is None and found.card.penalty is None
    assert found.weight.tolist() == [[2, -1, 0]]


def test_the_stronger_a_motif_is_held_the_smaller_its_share():
    shares = [
        head._shares(lesson(300, 1, BESIDE), np.ones(2, np.float32), 0.0, np.array([hold], np.float32))[1]
        for hold in (1e-6, 0.1, 1, 100)
    ]
    assert shares == sorted(shares, reverse=True) and shares[0] > 1.5 and shares[-1] < 0.02
