"""Taking a share of GC content out of an output layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score

from kipoi_tfb.finetuning.gc_share import take_out_gc
from kipoi_tfb.finetuning.head import FittedHead, Lesson, balancing_weights
from kipoi_tfb.zoo.finetuned_card import HeadCard


def drawn(n: int, seed: int, truth: tuple[float, float]) -> tuple[Lesson, np.ndarray]:
    """Return windows that have two features, a site and tenths of GC content, and the GC content of each.

    `truth` is what either adds to the logit.
    """
    random = np.random.default_rng(seed)
    gc = np.clip(random.normal(0.5, 0.1, n), 0, 1)
    site, tenths = random.normal(size=n), 10 * gc
    bound = random.random(n) < expit(truth[0] * site + truth[1] * (tenths - 5) - 2)
    return Lesson(np.column_stack([site, tenths]).astype(np.float32), bound, np.ones(n, np.float32)), gc


def fitted(*layer: float) -> FittedHead:
    card = HeadCard(penalties=(0.1,), penalty=0.1, start_auprc=0.1, auprc=0.2, start_loss=0.5, loss=0.4)
    return FittedHead(np.array([layer[:2]], np.float32), np.array(layer[2:], np.float32), (0.4,), card)


def at_one_to_one(found: FittedHead, validation: Lesson, balanced: np.ndarray) -> float:
    scores = validation.features @ found.weight[0]
    return float(average_precision_score(validation.bound, scores, sample_weight=balanced))


@pytest.fixture(scope="module")
def world():
    """Training windows, their GC content, validation windows and their weights; a tenth of GC content adds 0.4."""
    (train, gc), (validation, other) = drawn(8000, 1, (2, 0.4)), drawn(20_000, 2, (2, 0.4))
    return train, gc, validation, balancing_weights(validation.bound, other)


def test_what_an_output_says_too_much_is_taken_out(world):
    train, gc, validation, balanced = world
    before = fitted(2, 0.6, -5)
    after = take_out_gc(before, train, gc, validation, balanced, shares=(0.1, 0.3))
    # 0.4 is true.
    assert after.card.gc_share == 0.3 and after.weight[0] == pytest.approx([2, 0.42], abs=0.02)
    assert at_one_to_one(after, validation, balanced) > at_one_to_one(before, validation, balanced)
    assert after.card.auprc == pytest.approx(validation.auprc(np.append(after.weight[0], after.bias)), abs=1e-5)
    assert after.card.loss == pytest.approx(validation.loss(np.append(after.weight[0], after.bias)), abs=1e-5)
    # All else of the card is of the fit.
    assert after.card.model_copy(update={"gc_share": None, "auprc": 0.2, "loss": 0.4}) == before.card
    assert after.losses == before.losses


def test_the_mean_over_all_regions_stays(world):
    train, gc, validation, balanced = world
    weight = np.random.default_rng(3).uniform(1, 5, len(gc)).astype(np.float32)
    weighted, before = replace(train, weight=weight), fitted(2, 0.6, -5)
    after = take_out_gc(before, weighted, gc, validation, balanced, shares=(0.3,))
    means = [np.average(train.features @ each.weight[0] + each.bias, weights=weight) for each in (before, after)]
    assert after.card.gc_share == 0.3 and means[0] == pytest.approx(means[1], abs=1e-3)


def test_nothing_is_taken_out_that_regions_as_they_are_miss():
    (train, gc), (validation, other) = drawn(8000, 1, (1, 1)), drawn(20_000, 2, (1, 1))
    balanced = balancing_weights(validation.bound, other)
    before = fitted(1, 0.8, -6)  # less than the truth already
    assert take_out_gc(before, train, gc, validation, balanced, shares=(0.3, 0.8)) is before
    # At 1:1 it would be better: that alone is no reason.
    without = fitted(1, 0.16, -3)
    assert at_one_to_one(without, validation, balanced) > at_one_to_one(before, validation, balanced) + 0.005


def test_gc_content_is_read_off_features_that_are_not_it(world):
    train, gc, validation, balanced = world
    mixed = np.array([[1.0, 0.5], [-1.0, 0.5]], np.float32)
    turned = [replace(each, features=each.features @ mixed) for each in (train, validation)]
    layer = np.linalg.solve(mixed, [2, 0.6])
    after = take_out_gc(fitted(*layer, -5), turned[0], gc, turned[1], balanced, shares=(0.3,))
    assert mixed @ after.weight[0] == pytest.approx([2, 0.42], abs=0.02)


def test_an_output_that_says_nothing_by_gc_stays(world):
    train, gc, validation, balanced = world
    before = fitted(2, 0, -2)
    after = take_out_gc(before, train, gc, validation, balanced)
    assert after.weight[0] == pytest.approx([2, 0], abs=0.02)
