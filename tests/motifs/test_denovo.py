"""Motif discovery: planted motifs come back, random sequence gives nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kipoi_tfb.motifs.denovo import MAX_WIDTH, denovo_scorer, find_motifs
from tests.motifs.made_up import random_windows
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sequence import encode, reverse_complement

CREB, GATA = "TGACGTCATGGA", "AGATAAGCCT"


def plant(codes: NDArray, motif: str, kept: float = 1, seed: int = 7, strands: bool = True) -> None:
    """Write a motif once into each window, each base kept with a probability, on a random strand."""
    rng = np.random.default_rng(seed)
    for window in codes:
        site = np.where(rng.random(len(motif)) < kept, encode(motif), rng.integers(0, 4, len(motif))).astype(np.uint8)
        at = rng.integers(0, len(window) - len(site))
        window[at : at + len(site)] = reverse_complement(site) if strands and rng.random() < 0.5 else site


def similarity(pfm: NDArray, motif: str) -> float:
    """Return the mean frequency of a motif's bases, at the offset and on the strand where it is highest."""
    frequencies = np.pad(pfm / pfm.sum(0), ((0, 0), (12, 12)), constant_values=0.25)
    width = len(motif)
    return max(
        float(frequencies[strand, at + np.arange(width)].mean())
        for strand in (encode(motif), reverse_complement(encode(motif)))
        for at in range(frequencies.shape[1] - width + 1)
    )


@pytest.mark.parametrize(("n", "kept"), [(50, 1.0), (50, 0.8), (200, 0.8), (1000, 0.8)])
def test_a_planted_motif_comes_back(n, kept) -> None:
    positives, negatives = random_windows(n, seed=1), random_windows(n, seed=2)
    plant(positives, CREB, kept)
    (found,) = find_motifs(positives, negatives, n_motifs=1, engine="own", tf="CREB1")
    assert similarity(found.motif.pfm, CREB) > kept - 0.1
    assert found.motif.tf == "CREB1" and found.motif.width <= MAX_WIDTH
    assert found.sites > 0.7 * n
    if kept == 1 or n > 50:
        assert found.p_value < 1e-3


def test_a_motif_on_the_reverse_strand_only_and_at_the_very_ends() -> None:
    positives, negatives = random_windows(100, seed=1), random_windows(100, seed=2)
    positives[:50, :12] = positives[50:, -12:] = reverse_complement(encode(CREB))
    (found,) = find_motifs(positives, negatives, n_motifs=1, engine="own")
    assert similarity(found.motif.pfm, CREB) > 0.95 and found.sites >= 95


def test_two_planted_motifs_come_back_one_after_the_other() -> None:
    positives, negatives = random_windows(150, seed=1), random_windows(150, seed=2)
    plant(positives[:, :60], CREB)
    plant(positives[:100, 60:], GATA)
    one, other = find_motifs(positives, negatives, n_motifs=2, engine="own")
    assert similarity(one.motif.pfm, CREB) > 0.95 and one.motif.name == "denovo-1"
    assert similarity(other.motif.pfm, GATA) > 0.9 and other.p_value < 1e-3


def test_what_negatives_have_as_well_is_not_found() -> None:
    positives, negatives = random_windows(100, seed=1), random_windows(100, seed=2)
    for codes in (positives, negatives):
        plant(codes[:, :60], CREB)
    plant(positives[:, 60:], GATA)
    (found,) = find_motifs(positives, negatives, n_motifs=1, engine="own")
    assert similarity(found.motif.pfm, GATA) > 0.9


def test_nothing_is_significant_in_random_sequence() -> None:
    p_values = []
    for seed in range(12):
        both = random_windows(50, 60, seed), random_windows(50, 60, 100 + seed)
        p_values += [one.p_value for one in find_motifs(*both, n_motifs=1, engine="own")]
    assert len(p_values) == 12 and sum(p < 0.05 for p in p_values) <= 1  # one in twenty may be


def test_equal_windows_have_no_motif() -> None:
    codes = random_windows(20, seed=0)
    assert find_motifs(codes, codes, engine="own") == []


def test_windows_with_n() -> None:
    positives, negatives = random_windows(80, seed=1), random_windows(80, seed=2)
    plant(positives, CREB)
    positives[:, ::40] = negatives[:, ::40] = 4
    (found,) = find_motifs(positives, negatives, n_motifs=1, engine="own")
    assert similarity(found.motif.pfm, CREB) > 0.9


def test_the_scorer_takes_the_motif_that_tells() -> None:
    codes, labels = random_windows(200, seed=3), np.zeros((200, 2), np.int8)
    labels[:100, 0] = 1
    plant(codes[:100], CREB, 0.9)
    lines: list[str] = []
    scorer = denovo_scorer(["A", "B"], codes, labels, n_motifs=2, at_most=80, engine="own", report=lines.append)
    assert scorer.name == "denovo" and scorer.tfs == ("A", "B") and not scorer.calibrated
    assert lines == ["A: 2 motifs in 80 bound windows", "B: 0 motifs in 0 bound windows"]
    scores = scorer.scores(codes)
    assert (scores[:100, 0] > np.median(scores[100:, 0])).mean() > 0.95
    assert np.ptp(scores[:, 1]) == 0  # B is bound nowhere: its motif says nothing
    again = denovo_scorer(["A", "B"], codes, labels, n_motifs=2, at_most=80, engine="own")
    assert (again.motifs["A"].pfm == scorer.motifs["A"].pfm).all()


def test_what_is_refused(tmp_path: Path, monkeypatch) -> None:
    codes = random_windows(5, seed=0)
    with pytest.raises(ConfigError, match="no positive windows to find motifs of A with"):
        find_motifs(codes[:0], codes, tf="A")
    with pytest.raises(ConfigError, match="no negative windows"):
        find_motifs(codes, codes[:0])
    with pytest.raises(ConfigError, match="windows of 120 and 60 bp; motifs are found in windows of one length"):
        find_motifs(codes, codes[:, :60])
    with pytest.raises(ConfigError, match="of 30 bp or more"):
        find_motifs(codes[:, :29], codes[:, :29])
    with pytest.raises(ConfigError, match=r"labels of shape \(5, 1\) for 5 windows and 2 TFs"):
        denovo_scorer(["A", "B"], codes, np.zeros((5, 1), np.int8))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="streme is not on PATH; install the MEME suite"):
        find_motifs(codes, codes, engine="streme")
