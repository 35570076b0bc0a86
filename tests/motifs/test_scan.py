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
