"""Scores of windows by motifs, and the choice among profiles."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kipoi_tfb.motifs import scorer
from kipoi_tfb.motifs.profiles import Motif, log_odds
from kipoi_tfb.motifs.scorer import choose_profiles, jaspar_scorer, score_motifs
from tests.motifs.made_up import consensus, random_windows
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sequence import encode, reverse_complement


def naive(motif: Motif, codes: NDArray, measure: str) -> float:
    """Score one window position by position, in float64."""
    table = np.vstack([log_odds(motif.pfm), np.zeros(motif.width)])
    sums = [
        sum(table[strand[at + column], column] for column in range(motif.width))
        for strand in (codes, reverse_complement(codes))
        for at in range(len(codes) - motif.width + 1)
    ]
    return max(sums) if measure == "best" else float(np.log(np.exp(sums).sum()))


def test_one_position_by_hand() -> None:
    # A C of 4 sites each: (4 + 1/4) / 5 / (1/4) = 3.4, other bases 0.2. Window AC: AC gives 3.4 * 3.4, GT 0.2 * 0.2.
    motif = consensus("AC", sites=4)
    scores = score_motifs([motif], np.stack([encode("AC"), encode("GT"), encode("AN"), encode("NN")]))
    expected = np.log([3.4**2 + 0.2**2, 3.4**2 + 0.2**2, 3.4 + 0.2, 2])
    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-6)
    best = score_motifs([motif], np.stack([encode("AC"), encode("GT"), encode("AN"), encode("NN")]), "best")
    np.testing.assert_allclose(best[:, 0], [2 * np.log(3.4), 2 * np.log(3.4), np.log(3.4), 0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("measure", ["occupancy", "best"])
@pytest.mark.parametrize(("n", "length"), [(1, 12), (5, 13), (64, 40), (130, 33)])
def test_scores_are_those_of_a_loop(measure, n, length, monkeypatch) -> None:
    monkeypatch.setattr(scorer, "_CHUNK", 64)  # several chunks, the last one not full
    rng = np.random.default_rng(n)
    motifs = [Motif(str(w), str(w), "T", rng.integers(0, 9, (4, w)) + 0.1) for w in (1, 4, 7, 12)]
    codes = random_windows(n, length)
    codes[0, 3:6] = 4
    expected = [[naive(motif, window, measure) for motif in motifs] for window in codes]
    scores = score_motifs(motifs, codes, measure)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def test_both_strands_count_alike() -> None:
    codes = random_windows(20, 50)
    motifs = [consensus("GATTACA"), consensus("TTGACG")]
    one, other = score_motifs(motifs, codes), score_motifs(motifs, reverse_complement(codes))
    np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_very_wide_motif_does_not_overflow() -> None:
    motif = consensus("ACGTTGCA" * 10, sites=1e6)
    codes = np.stack([encode("ACGTTGCA" * 10), random_windows(1, 80)[0]])
    scores = score_motifs([motif], codes)
    assert scores[0, 0] == pytest.approx(80 * np.log(4), abs=0.01) and scores[1, 0] < scores[0, 0]


def test_no_windows_and_no_motifs() -> None:
    assert score_motifs([consensus("ACG")], random_windows(0, 20)).shape == (0, 1)
    assert score_motifs([], random_windows(3, 20)).shape == (3, 0)


def test_windows_shorter_than_a_motif() -> None:
    with pytest.raises(ConfigError, match=r"windows of 3 bp are shorter than motif M-ACGT \(4 bp\)"):
        score_motifs([consensus("ACG"), consensus("ACGT")], random_windows(2, 3))


def test_the_profile_that_tells_best_is_chosen() -> None:
    codes, labels = random_windows(400, 60), np.zeros((400, 2), np.int8)
    labels[:200, 0] = 1
    codes[:200, 20:27] = encode("GATTACA")
    labels[300:, 0] = -1
    right, wrong = consensus("GATTACA"), consensus("CCGTTCA")
    for profiles in ((wrong, right), (right, wrong)):
        chosen = choose_profiles({"A": profiles, "B": (wrong, right)}, codes, labels)
        assert chosen == {"A": right, "B": wrong}  # B has no bound window: its first
    assert choose_profiles({"A": (wrong, right), "B": (wrong,)}, codes, labels, at_most=20)["A"] is right
    with pytest.raises(ConfigError, match=r"labels of shape \(400, 2\) for 400 windows and 1 TFs"):
        choose_profiles({"A": (wrong,)}, codes, labels)


def test_a_jaspar_scorer() -> None:
    found = jaspar_scorer(["SP1", "CEBPA"])
    assert (found.name, found.tfs, found.calibrated) == ("jaspar", ("SP1", "CEBPA"), False)
    codes = random_windows(10, 50)
    codes[3, 10:20] = encode("CCCCGCCCCC")
    scores = found.scores(codes)
    assert scores.shape == (10, 2) and scores.dtype == np.float32 and scores[:, 0].argmax() == 3
    labels = np.full((10, 2), -1, np.int8)
    assert jaspar_scorer(["SP1", "CEBPA"], codes, labels).motifs["CEBPA"].matrix_id == "MA0102.4"
