"""Places on a genome touch, cover and are left out as counted base by base."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kipoi_tfb.finetuning.places import Places


def of(*rows) -> Places:
    chrom, start, end = zip(*rows, strict=True) if rows else ((), (), ())
    return Places(np.array(chrom, str), np.array(start, np.int64), np.array(end, np.int64))


rows = st.builds(
    lambda chrom, start, length: (chrom, start, start + length),
    st.sampled_from(["chr1", "chr2", "chrX"]),
    st.integers(0, 30),
    st.integers(1, 12),
)
some = st.lists(rows, max_size=12)


def bases(row) -> set[tuple[str, int]]:
    chrom, start, end = row
    return {(chrom.removeprefix("chr"), at) for at in range(start, end)}


def test_touching_by_hand():
    others = of(("chr1", 10, 20), ("chr1", 12, 14), ("chr1", 40, 50), ("2", 0, 5))
    own = of(("1", 0, 10), ("1", 0, 11), ("1", 15, 16), ("1", 20, 40), ("1", 19, 41), ("chr2", 4, 9), ("chr3", 0, 99))
    assert own.touch(others).tolist() == [False, True, True, False, True, True, False]


@given(some, some)
def test_touching_is_a_shared_base(own, others):
    taken = set().union(*map(bases, others))
    assert of(*own).touch(of(*others)).tolist() == [bool(bases(row) & taken) for row in own]


@given(some)
def test_covered_counts_each_base_once(own):
    taken = set().union(*map(bases, own))
    counts = {chrom: sum(name == chrom.removeprefix("chr") for name, _ in taken) for chrom, _, _ in own}
    assert of(*own).covered() == counts


@given(some)
def test_distinct_ones_share_no_base_and_leave_none_out_for_nothing(own):
    places = of(*own)
    kept = places.distinct()
    assert kept.rows() == sorted(kept.rows()) and set(kept.rows()) <= set(own)
    taken = [bases(row) for row in kept.rows()]
    assert len(set().union(*taken)) == sum(map(len, taken))
    assert places.touch(kept).all()


def test_sizes_and_names_by_hand():
    places = of(("chr1", 10, 21), ("2", 5, 6))
    assert places.resized(4).rows() == [("chr1", 13, 17), ("2", 3, 7)]
    assert places.on(("1", "chrX")).tolist() == [True, False] and places.on(("chr2",)).tolist() == [False, True]
    both = places.joined(of(("chr1", 0, 1)))
    assert len(both) == 3 and both.take(np.array([2, 0])).rows() == [("chr1", 0, 1), ("chr1", 10, 21)]
    assert of().on(("chr1",)).tolist() == [] and len(of().distinct()) == 0
