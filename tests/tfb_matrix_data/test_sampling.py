"""GC-matched backgrounds: as many per tenth of GC as bound regions, the same for the same seed; samples of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests import tiny
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.genome import region_windows
from tfb_matrix_data.sampling import GC_BINS, balanced_sample, describe, match_gc, sample_tf, seed_of
from tfb_matrix_data.sequence import gc_content
from tfb_matrix_data.splits import Split, split_by_chromosome

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


# Balanced samples


@st.composite
def _tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    gc = draw(GC)
    return draw(hnp.arrays(np.int8, len(gc), elements=st.integers(-1, 1))), gc


@given(_tables(), st.integers(0, 2**32))
def test_a_sample_is_all_bound_and_what_matches_them(table: tuple, seed: int) -> None:
    labels, gc = table
    sample = balanced_sample(labels, gc, seed)
    bound, unbound = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    matched = match_gc(gc[bound], gc[unbound], seed)
    assert np.array_equal(sample.bound, bound) and np.array_equal(sample.unbound, unbound[matched.chosen])
    assert sample.short == matched.short
    assert (sample.bound_available, sample.unbound_available) == (len(bound), len(unbound))
    assert np.array_equal(labels[sample.regions], sample.labels) and len(sample) == len(sample.labels)


@given(_tables(), st.integers(0, 2**32), st.data())
def test_a_smaller_sample_is_part_of_every_larger_one(table: tuple, seed: int, data: st.DataObject) -> None:
    labels, gc = table
    n_bound = int((labels == 1).sum())
    sizes = sorted(data.draw(st.lists(st.integers(1, n_bound), max_size=4))) if n_bound else []
    samples = [*(balanced_sample(labels, gc, seed, n) for n in sizes), balanced_sample(labels, gc, seed)]
    for n, small, large in zip(sizes, samples, samples[1:], strict=False):
        assert len(small.bound) == n
        assert set(small.bound.tolist()) <= set(large.bound.tolist())
        assert set(small.unbound.tolist()) <= set(large.unbound.tolist())
        wanted, there = _counts(gc[small.bound]), _counts(gc[labels == 0])
        assert _counts(gc[small.unbound]) == [min(w, t) for w, t in zip(wanted, there, strict=True)]
        assert small.short == {i: w - t for i, (w, t) in enumerate(zip(wanted, there, strict=True)) if w > t}
    if sizes and sizes[-1] == n_bound:
        assert np.array_equal(samples[-2].regions, samples[-1].regions)


@given(_tables(), st.integers(0, 2**32), st.integers(1, 130))
def test_at_most_so_many_are_all_where_there_are_fewer(table: tuple, seed: int, at_most: int) -> None:
    labels, gc = table
    there = int((labels == 1).sum())
    sample = balanced_sample(labels, gc, seed, at_most=at_most)
    same = balanced_sample(labels, gc, seed, at_most if there > at_most else None)
    assert len(sample.bound) == min(at_most, there) and np.array_equal(sample.regions, same.regions)


@given(_tables(), st.integers(0, 2**32), st.sets(st.integers(0, 130)))
def test_excluded_regions_are_never_chosen_and_counted(table: tuple, seed: int, exclude: set[int]) -> None:
    labels, gc = table
    numbers = np.arange(len(labels)) + 10
    sample = balanced_sample(labels, gc, seed, regions=numbers, exclude=sorted(exclude))
    kept = np.array([n not in exclude for n in numbers.tolist()], bool)
    same = balanced_sample(labels[kept], gc[kept], seed, regions=numbers[kept])
    assert np.array_equal(sample.regions, same.regions) and sample.short == same.short
    assert not set(sample.regions.tolist()) & exclude
    assert sample.bound_excluded == (labels[~kept] == 1).sum()
    assert sample.unbound_excluded == (labels[~kept] == 0).sum()


def test_which_bound_regions_are_taken_depends_on_the_seed() -> None:
    labels, gc = np.repeat(np.array([1, 0], np.int8), [50, 500]), np.full(550, 0.42)
    first, again, other = (balanced_sample(labels, gc, seed, 10) for seed in (1, 1, 2))
    assert np.array_equal(first.regions, again.regions)
    assert not np.array_equal(first.bound, other.bound)


@pytest.mark.parametrize("n_bound", [0, -1, 4])
def test_more_bound_regions_than_there_are_is_an_error(n_bound: int) -> None:
    labels = np.array([1, 1, 1, 0, 0], np.int8)
    with pytest.raises(ConfigError, match=f"cannot take {n_bound} bound regions: there are 3"):
        balanced_sample(labels, np.full(5, 0.5), 0, n_bound)


def test_arrays_of_different_length_are_refused() -> None:
    with pytest.raises(ConfigError, match="3 labels, 2 GC contents, 3 regions"):
        balanced_sample(np.zeros(3, np.int8), np.zeros(2), 0)


# Of a matrix and a genome


@pytest.fixture(scope="module")
def split(world: tiny.World) -> Split:
    return split_by_chromosome(world.matrix.regions)


def test_parts_are_those_of_the_split_and_labels_those_of_the_matrix(world: tiny.World, split: Split) -> None:
    drawn = sample_tf(world.matrix, world.genome, "JUND", split, seed=3)
    labels = world.matrix.labels(["JUND"])[:, 0]
    with_n = {int(i) for i in np.flatnonzero((_windows(world) == 4).any(1))}
    for name, part in drawn.parts.items():
        there = [i for i in getattr(split, name).tolist() if i not in with_n]
        assert part.bound.tolist() == [i for i in there if labels[i] == 1]
        assert set(part.unbound.tolist()) <= {i for i in there if labels[i] == 0}
        assert 0.7 * len(part.bound) < len(part.unbound) <= len(part.bound)
        assert not np.isnan(drawn.gc[part.regions]).any()
    assert drawn.with_n == sum(labels[i] >= 0 for i in with_n)


def _windows(world: tiny.World) -> np.ndarray:
    matrix = world.matrix
    return region_windows(matrix, world.genome, np.arange(len(matrix)))


def test_the_test_part_is_what_is_evaluated(world: tiny.World, split: Split) -> None:
    # As kipoi_tfb.evaluation.job does: the regions of the chromosome, and the stream of the TF.
    index = world.matrix.regions.on(["chr22"])
    labels = world.matrix.labels(["SP1"])[index, 0]
    same = balanced_sample(labels, gc_content(_windows(world)[index]), seed_of(5, world.matrix.tfs.index("SP1")))
    drawn = sample_tf(world.matrix, world.genome, "SP1", split, seed=5).parts["test"]
    assert np.array_equal(drawn.regions, index[same.regions])


def test_only_training_is_cut_and_exclusion_is_everywhere(world: tiny.World, split: Split) -> None:
    whole = sample_tf(world.matrix, world.genome, "JUND", split).parts
    cut = sample_tf(world.matrix, world.genome, "JUND", split, n_bound=20).parts
    assert len(cut["train"].bound) == 20 and set(cut["train"].regions) <= set(whole["train"].regions)
    for name in ("validation", "test"):
        assert np.array_equal(cut[name].regions, whole[name].regions)
    seen = np.arange(0, len(world.matrix), 2)
    for part in sample_tf(world.matrix, world.genome, "JUND", split, exclude=seen).parts.values():
        assert len(part) and (part.regions % 2 == 1).all() and part.bound_excluded and part.unbound_excluded


def test_the_report_adds_up(world: tiny.World, split: Split) -> None:
    parts = sample_tf(world.matrix, world.genome, "JUND", split, exclude=[0, 1, 2, 3]).parts
    *rows, total = describe(parts)
    assert [row.part for row in rows] == ["train", "validation", "test"]
    for row in rows:
        part = parts[row.part]
        assert (row.bound, row.unbound) == (len(part.bound), len(part.unbound))
        assert row.short == sum(part.short.values()) == row.bound - row.unbound
    assert total.part == "total"
    assert total[1:] == tuple(map(sum, zip(*(row[1:] for row in rows), strict=True)))
    assert describe({})[0][1:] == (0,) * 7
