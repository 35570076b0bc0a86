"""Composition: features by hand, and regressions that find what was put in."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.evaluation.composition import DINUCLEOTIDES, composition_scorer, features
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sequence import decode, encode, reverse_complement


def random_windows(n: int, gc: float, seed: int = 0, length: int = 100) -> np.ndarray:
    p = np.array([1 - gc, gc, gc, 1 - gc]) / 2
    return np.random.default_rng(seed).choice(4, (n, length), p=p).astype(np.uint8)


def test_the_ten_classes_are_all_dinucleotides() -> None:
    both = [*DINUCLEOTIDES, *(decode(reverse_complement(encode(pair))) for pair in DINUCLEOTIDES)]
    assert len(set(both)) == 16 and len(set(DINUCLEOTIDES)) == 10


def test_features_by_hand() -> None:
    # AACGT: AA AC CG GT(=AC); with an N: AC only, GC content 1 of 3.
    one, other, none = features(np.stack([encode("AACGT"), encode("ACNNA"), encode("NNNNN")]))
    expected = dict.fromkeys(DINUCLEOTIDES, 0.0) | {"AA": 0.25, "AC": 0.5, "CG": 0.25}
    np.testing.assert_allclose(one, [0.4, *expected.values()])
    np.testing.assert_allclose(other, [1 / 3, *(float(pair == "AC") for pair in DINUCLEOTIDES)])
    assert not none.any()


def test_features_are_those_of_both_strands() -> None:
    codes = random_windows(50, 0.4)
    codes[:5, 10:12] = 4
    np.testing.assert_allclose(features(codes), features(reverse_complement(codes)))


def test_many_windows_are_counted_in_parts() -> None:
    codes = random_windows(2, 0.5, length=20)
    many = np.tile(codes, (9000, 1))  # more than are counted at once
    np.testing.assert_array_equal(features(many), np.tile(features(codes), (9000, 1)))


def test_log_odds_are_calibrated_at_the_natural_prevalence() -> None:
    rng = np.random.default_rng(3)
    codes = np.concatenate([random_windows(1000, gc, seed) for seed, gc in enumerate((0.3, 0.4, 0.5, 0.6))])
    gc = features(codes)[:, 0]
    truth = 1 / (1 + np.exp(-(12 * (gc - 0.45) - 2)))
    labels = (rng.random(len(codes)) < truth).astype(np.int8)[:, None]
    for at_most in (100_000, 300):  # with a draw of each label the weights keep the prevalence
        scorer = composition_scorer(["A"], codes, labels, at_most=at_most)
        probability = 1 / (1 + np.exp(-scorer.scores(codes)[:, 0].astype(float)))
        assert probability.mean() == pytest.approx(truth.mean(), abs=0.03)
        assert np.abs(probability - truth).mean() < (0.03 if at_most > 300 else 0.06)
    assert scorer.calibrated and scorer.tfs == ("A",) and scorer.name == "composition"
    assert scorer.scores(codes).dtype == np.float32


def test_dinucleotides_tell_what_gc_does_not() -> None:
    codes = random_windows(600, 0.5)
    labels = np.zeros((600, 1), np.int8)
    labels[:300] = 1
    codes[:300, 20:40] = encode("CG" * 10)
    codes[300:, 20:40] = encode("CCGG" * 5)
    scores = composition_scorer(["A"], codes, labels).scores(codes)[:, 0]
    assert np.median(scores[:300]) - np.median(scores[300:]) > 2


def test_the_same_seed_gives_the_same_scores() -> None:
    codes = random_windows(400, 0.5)
    labels = np.random.default_rng(0).integers(-1, 2, (400, 2)).astype(np.int8)
    one, same, other = (composition_scorer("AB", codes, labels, s, at_most=50).scores(codes) for s in (1, 1, 2))
    assert (one == same).all() and (one != other).any()


def test_unresolved_windows_do_not_count() -> None:
    codes = random_windows(500, 0.5)
    labels = np.random.default_rng(0).integers(0, 2, (500, 1)).astype(np.int8)
    part = labels.copy()
    part[250:] = -1
    fitted = composition_scorer(["A"], codes, part)
    changed = composition_scorer(["A"], codes, np.where(part >= 0, 1 - labels, -1).astype(np.int8))
    np.testing.assert_allclose(fitted.scores(codes), -changed.scores(codes), atol=1e-3)


def test_a_tf_with_one_label() -> None:
    scorer = composition_scorer(["A", "B"], random_windows(9, 0.5), np.array([[0, 1]] * 9, np.int8))
    scores = scorer.scores(random_windows(3, 0.2))
    np.testing.assert_allclose(scores, np.tile(np.log([0.5 / 9.5, 9.5 / 0.5]), (3, 1)), rtol=1e-6)


def test_what_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"labels of shape \(4, 1\) for 4 windows and 2 TFs"):
        composition_scorer(["A", "B"], random_windows(4, 0.5), np.zeros((4, 1), np.int8))
    with pytest.raises(ConfigError, match="no window resolved for B"):
        composition_scorer(["A", "B"], random_windows(4, 0.5), np.array([[0, -1]] * 4, np.int8))
