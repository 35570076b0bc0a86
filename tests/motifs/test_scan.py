"""Windows laid out in stripes: each has its own scores, whatever lies beside it."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.motifs.profiles import log_odds
from kipoi_tfb.motifs.scan import StripedWindows
from tests.motifs.made_up import consensus, random_windows
from tfb_matrix_data.sequence import encode, reverse_complement


def test_best_hits_by_hand() -> None:
    pwm = log_odds(consensus("AACG", sites=4).pfm)
    codes = np.stack([encode("TTAACGTTAACG"), encode("TTTTCGTTTTTT"), encode("NNNNNNNNNNNN"), encode("ACGTAANGACGA")])
    hits = StripedWindows(codes).best_hits(pwm)
    assert hits.start.tolist() == [2, 4, 0, 4] and hits.reverse.tolist() == [False, True, False, False]
    four, three = 4 * np.log(3.4), 3 * np.log(3.4)
    np.testing.assert_allclose(hits.score, [four, four, 0, three], rtol=1e-6)


@pytest.mark.parametrize("n", [1, 63, 64, 65])
def test_a_window_scores_the_same_alone_and_among_others(n) -> None:
    codes = random_windows(n, 40)
    codes[:, 0] = 4
    pwm = log_odds(consensus("GATTACA").pfm)
    together = StripedWindows(codes)
    alone = [StripedWindows(window[None]) for window in codes]
    for measure in ("occupancy", "best"):
        scores = getattr(together, measure)(pwm)
        assert scores.dtype == np.float32 and scores.shape == (n,)
        np.testing.assert_array_equal(scores, np.concatenate([getattr(one, measure)(pwm) for one in alone]))
    np.testing.assert_array_equal(together.best_hits(pwm).score, together.best(pwm))


def test_the_hit_of_the_other_strand_lies_at_the_mirrored_place() -> None:
    codes = random_windows(50, 40)
    codes[:, 20:30] = encode("GATTACAGGC")
    pwm = log_odds(consensus("GATTACAGGC").pfm)
    hits, mirrored = (StripedWindows(each).best_hits(pwm) for each in (codes, reverse_complement(codes)))
    assert set(hits.start) == {20} and set(mirrored.start) == {40 - 20 - 10}
    assert not hits.reverse.any() and mirrored.reverse.all()
    np.testing.assert_allclose(hits.score, mirrored.score, rtol=1e-6)


def test_all_matches_are_those_of_a_loop() -> None:
    codes = random_windows(70, 40, seed=3)
    codes[4, 10:14] = 4
    pwm = np.random.default_rng(0).normal(0, 1, (4, 6))
    found = StripedWindows(codes).matches(pwm, 2.5)
    expected = []
    padded = np.vstack([pwm, np.zeros(6)])
    for window, row in enumerate(codes):
        for start in range(35):
            word = row[start : start + 6]
            flipped = np.where(word < 4, 3 - word.astype(int), 4)[::-1]
            for reverse, bases in ((False, word), (True, flipped)):
                score = padded[bases, np.arange(6)].sum()
                if score >= 2.5:
                    expected.append((window, start, reverse, score))
    assert len(expected) > 50
    got = list(zip(*(column.tolist() for column in found), strict=True))
    assert [one[:3] for one in got] == [one[:3] for one in expected]
    np.testing.assert_allclose([one[3] for one in got], [one[3] for one in expected], rtol=1e-4)
