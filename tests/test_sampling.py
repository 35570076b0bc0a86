"""GC-matched backgrounds: as many per tenth of GC as bound regions, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tfb_matrix_data.sampling import GC_BINS, match_gc

# The GC contents of 200-bp regions: k / 200.
GC = hnp.arrays(np.float64, st.integers(0, 120), elements=st.integers(0, 200).map(lambda k: k / 200))


def _tenth(gc: float) -> int:
    """The bin of k / 200 by integer arithmetic; GC 1.0 belongs to the last."""
    return min(round(gc * 200) // 20, GC_BINS - 1)


def _counts(gc: np.ndarray) -> list[int]:
    return np.bincount([_tenth(value) for value in gc], minlength=GC_BINS).tolist()


@given(GC, GC, st.integers(0, 2**32))
def test_every_bin_has_as_many_or_all_it_has(bound: np.ndarray, background: np.ndarray, seed: int) -> None:
    matched = match_gc(bound, background, seed)
    wanted, there = _counts(bound), _counts(background)
    assert _counts(background[matched.chosen]) == [min(w, t) for w, t in zip(wanted, there, strict=True)]
    assert matched.short == {i: w - t for i, (w, t) in enumerate(zip(wanted, there, strict=True)) if w > t}
    assert matched.chosen.dtype == np.int64
    assert (np.diff(matched.chosen) > 0).all(), "ascending, none twice"


def test_golden() -> None:
    bound = np.array([0.05, 0.55, 0.55, 1.0, 0.9])
    background = np.array([0.5, 0.59, 0.09, 0.95, 0.3, 0.1])
    matched = match_gc(bound, background, seed=0)
    assert matched.chosen.tolist() == [0, 1, 2, 3]
    assert matched.short == {9: 1}


def test_the_seed_decides() -> None:
    rng = np.random.default_rng(3)
    bound, background = rng.random(50), rng.random(2000)
    first = match_gc(bound, background, seed=1)
    assert np.array_equal(first.chosen, match_gc(bound, background, seed=1).chosen)
    assert not np.array_equal(first.chosen, match_gc(bound, background, seed=2).chosen)
    assert first.short == {}


def test_every_region_of_a_bin_can_be_drawn() -> None:
    drawn = {int(match_gc(np.array([0.5]), np.full(4, 0.55), seed).chosen[0]) for seed in range(60)}
    assert drawn == {0, 1, 2, 3}


@pytest.mark.parametrize(("n_bound", "n_background"), [(0, 5), (5, 0), (0, 0)])
def test_nothing_to_match_gives_nothing(n_bound: int, n_background: int) -> None:
    matched = match_gc(np.full(n_bound, 0.42), np.full(n_background, 0.42), seed=0)
    assert matched.chosen.tolist() == []
    assert matched.short == ({4: 5} if n_bound else {})
