"""Scorers of the mean over moved windows, beside those that see the window in the middle."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.evaluation.moved import MovedScorer, moved_scorers
from kipoi_tfb.evaluation.scorers import EntryScorer
from kipoi_tfb.motifs.scorer import MotifScorer
from tfb_matrix_data.errors import ConfigError

pytest_plugins = ("tests.entries",)


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(1).integers(0, 4, (5, 240), np.uint8)


def test_the_mean_and_the_middle(entry, codes):
    scorer = EntryScorer(str(entry.folder))
    first, others = moved_scorers(scorer, {"it": scorer}, (20, 10))
    parts = [scorer.scores(codes[:, 20 + shift : 220 + shift]) for shift in (0, -10, 10, -20, 20)]
    np.testing.assert_allclose(first.scores(codes), np.mean(parts, axis=0), rtol=1e-5, atol=1e-5)
    assert (others["it"].scores(codes) == parts[0]).all()
    assert (first.name, others["it"].name) == (f"{scorer.name} (mean of 5 windows)", scorer.name)
    assert first.window_length == others["it"].window_length == 240
    assert first.tfs == scorer.tfs and first.seen_chromosomes == scorer.seen_chromosomes and first.calibrated


def test_what_has_no_windows_to_move(entry):
    with pytest.raises(ConfigError, match="what is tested is none"):
        moved_scorers(None, {}, (20, 10))
    with pytest.raises(ConfigError, match=r"shifts of up to 100 bp in steps of 10: .* at most 99"):
        moved_scorers(EntryScorer(str(entry.folder)), {}, (100, 10))
    with pytest.raises(ConfigError, match="takes windows of any length, and has none to move"):
        MovedScorer(MotifScorer("motifs", {}), 20)
