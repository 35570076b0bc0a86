"""Splits: disjoint, complete, and never a region of the chromosome that is kept for acceptance."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.matrix import Regions
from tfb_matrix_data.splits import ACCEPTANCE, TEST, VALIDATION, Split, split_by_chromosome, split_randomly

CHROMS = ["chr1", "chr2", "chr16", "chr21", "chr22", "chrX"]


@pytest.fixture(scope="module")
def regions() -> Regions:
    """70 regions, those of chromosome i being 7 k + i; 7 k + 6 have no coordinates."""
    chrom = np.tile(np.array([0, 1, 2, 3, 4, 5, -1], np.int8), 10)
    return Regions(chrom, np.where(chrom < 0, -1, np.arange(70) * 1000), 200, CHROMS)


def _chroms(regions: Regions, part: np.ndarray) -> set[str]:
    return {CHROMS[i] if i >= 0 else "unknown" for i in regions.chrom[part].tolist()}


def test_the_default_split(regions: Regions) -> None:
    split = split_by_chromosome(regions)
    assert _chroms(regions, split.train) == {"chr1", "chr2", "chrX"}
    assert _chroms(regions, split.validation) == {"chr21"}
    assert _chroms(regions, split.test) == {"chr22"}
    assert split.validation.tolist() == list(range(3, 70, 7))
    assert split.test.tolist() == list(range(4, 70, 7))
    assert (np.diff(split.train) > 0).all()
    assert len(split.train) == 30
    assert {p.dtype for p in vars(split).values()} == {np.dtype(np.int64)}


def test_chromosome_16_is_kept_for_acceptance() -> None:
    assert ACCEPTANCE == ("chr16",)
    assert "chr16" not in VALIDATION + TEST


@given(st.permutations(CHROMS), st.integers(1, 4), st.lists(st.integers(0, 69), min_size=50, unique=True))
def test_parts_are_disjoint_and_leave_out_what_is_excluded(regions, order, n, candidates) -> None:
    validation, test, excluded = order[:1], order[1:2], order[2 : 2 + n - 1]
    split = split_by_chromosome(regions, np.array(candidates), validation, test, excluded)
    everything = np.concatenate([split.train, split.validation, split.test])
    assert len(set(everything.tolist())) == len(everything)
    assert set(everything.tolist()) <= set(candidates)
    assert _chroms(regions, split.validation) == set(validation)
    assert _chroms(regions, split.test) == set(test)
    assert _chroms(regions, split.train) == set(order[1 + n :])
    usable = [c for c in candidates if regions.chrom[c] >= 0 and CHROMS[regions.chrom[c]] not in excluded]
    assert sorted(everything.tolist()) == sorted(usable)


def test_a_chromosome_that_the_file_does_not_have_is_ignored(regions: Regions) -> None:
    split = split_by_chromosome(regions, validation=["chr21", "chr8"], excluded=["chr16", "chr9"])
    assert np.array_equal(split.validation, split_by_chromosome(regions).validation)


@pytest.mark.parametrize(
    ("uses", "message"),
    [
        ({"validation": ["chr1"], "test": ["chr1", "chr2"]}, "chr1 cannot be both validation and test"),
        ({"validation": ["chr16"]}, "chr16 cannot be both validation and excluded"),
        ({"test": ["chr22", "chr16"]}, "chr16 cannot be both test and excluded"),
        ({"test": ["chr1", "chr2"], "excluded": ["chr2", "chr1"]}, "chr1, chr2 cannot be both test and excluded"),
        ({"train": ["chr1", "chr22"]}, "chr22 cannot be both test and train"),
        ({"train": ["chr21"]}, "chr21 cannot be both validation and train"),
        ({"train": ["chr1", "chr16"]}, "chr16 cannot be both excluded and train"),
    ],
)
def test_a_chromosome_has_one_use(regions: Regions, uses: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        split_by_chromosome(regions, **uses)


def test_train_names_the_only_chromosomes_that_train(regions: Regions) -> None:
    assert np.array_equal(split_by_chromosome(regions, train=["chr2"]).train, regions.on(["chr2"]))
    assert set(split_by_chromosome(regions, train=["chr2", "chr9"]).train) < set(split_by_chromosome(regions).train)


@pytest.mark.parametrize("use", ["train", "validation", "test", "excluded"])
def test_a_chromosome_by_another_name_is_not_ignored(regions: Regions, use: str) -> None:
    # Ignored, an excluded 16 would train as chr16.
    uses = {"validation": ["chr21"], "test": ["chr22"], "excluded": [], use: ["16"]}
    with pytest.raises(ConfigError, match=rf"16 \({use}\) is called chr16 in the file; name it so"):
        split_by_chromosome(regions, **uses)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"validation": ["chr8"]}, r"no region left for validation \(chr8\); the file has chr1, chr2, chr16, chr21"),
        ({"test": []}, r"no region left for test \(no chromosome\)"),
        ({"excluded": ["chr1", "chr2", "chr16", "chrX"]}, r"no region left for train \(no chromosome\)"),
        ({"candidates": np.array([0, 3, 6])}, r"no region left for test \(chr22\)"),
        ({"candidates": np.array([], np.int64)}, r"no region left for train \(chr1, chr2, chrX\)"),
    ],
)
def test_a_use_without_a_region_is_refused(regions: Regions, arguments: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        split_by_chromosome(regions, **arguments)


def _parts(split: Split) -> list[list[int]]:
    return [part.tolist() for part in (split.train, split.validation, split.test)]


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=200), st.integers(0, 2**32))
def test_the_random_split_is_a_partition_that_the_seed_fixes(candidates: list[int], seed: int) -> None:
    parts = _parts(split_randomly(np.array(candidates, np.int64), seed))
    assert sorted(itertools.chain(*parts)) == sorted(candidates)
    assert all(part == sorted(part) for part in parts)
    assert parts == _parts(split_randomly(np.array(candidates, np.int64), seed))


def test_the_random_split_is_80_10_10_and_random() -> None:
    parts = _parts(split_randomly(np.arange(1000), 1))
    assert [len(part) for part in parts] == [800, 100, 100]
    assert parts != _parts(split_randomly(np.arange(1000), 2))
    assert parts[0] != list(range(800))


@given(st.lists(st.integers(0, 69), unique=True, max_size=25))
def test_excluded_regions_are_in_no_part(regions, exclude) -> None:
    left_out = np.array(exclude, np.int64)
    for split, whole in (
        (split_by_chromosome(regions, exclude=left_out), split_by_chromosome(regions)),
        (split_randomly(np.arange(70), 1, left_out), Split(np.arange(70), *[np.zeros(0, np.int64)] * 2)),
    ):
        used, all_used = ({i for part in _parts(s) for i in part} for s in (split, whole))
        assert used == all_used - set(exclude)
