"""Which TFs share a site: how much they overlap, and whether their motifs are of one kind."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.models.logits import NOTABLE
from kipoi_tfb.variants.mutagenesis import Region, RegionMutations
from kipoi_tfb.variants.plot_mutations import plot_mutations
from kipoi_tfb.variants.reasons import Reasons
from kipoi_tfb.variants.shared_sites import SharedSites
from tfb_matrix_data.alleles import AlleleWindows
from tfb_matrix_data.sequence import encode

TFS = ["JUND", "FOSL2", "GATA1", "GATA2", "entry/JUND", "MINE", "other/MINE"]
SHARED = SharedSites(TFS)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ((10, 20), (15, 25), True),  # half of either
        ((10, 20), (16, 26), False),
        ((10, 30), (26, 34), True),  # half of the narrower
        ((10, 30), (27, 35), False),
        ((10, 30), (12, 16), True),  # within
        ((10, 20), (20, 30), False),
        ((10, 20), None, False),
        (None, None, False),
    ],
)
def test_sites_are_one_from_half_of_the_narrower(one, other, shared):
    groups = [[0, 1]] if shared else [[0], [1]]
    assert SHARED.groups([0, 1], [one, other]) == groups
    assert SHARED.groups([0, 1], [other, one]) == groups


def test_only_motifs_of_one_kind_share_a_site():
    same = [(10, 20)] * len(TFS)
    assert SHARED.groups(range(len(TFS)), same) == [[0, 1, 4], [2, 3], [5, 6]]
    assert SHARED.groups([3, 5, 1, 2, 0], same[:5]) == [[3, 2], [5], [1, 0]]  # in the order that they came in
    assert [SHARED.kind(i) for i in (0, 4, 2, 5)] == ["bZIP", "bZIP", "", ""]
    assert SHARED.groups([], []) == []


def test_sites_that_are_one_with_the_same_site_are_one():
    chain = [(10, 20), (20, 30), (15, 25)]
    assert SHARED.groups([0, 1, 4], chain) == [[0, 1, 4]]
    assert SHARED.groups([0, 1], chain[:2]) == [[0], [1]]


def test_words_and_pictures_group_alike(tmp_path):
    """One sequence with a site, as a variant's window and as a region, is said and drawn to be of the same TFs."""
    tfs = ["JUND", "GATA1", "FOSL2"]
    before, after = "CCTTCCGCCTCC", "CCTCCGCCTTCC"
    ref, alt = (before + core + after for core in ("ATGACTCATT", "ATGACACATT"))
    half = len(before) + 5
    codes, one = [encode(text)[: 2 * half][None] for text in (ref, alt)], np.ones(1, np.int64)
    windows = AlleleWindows(["ok"], ["."], *codes, np.array([5000]), one, one, {})
    p = [np.float32([[0.9] * 3]), np.float32([[0.1] * 3])]
    (reason,) = Reasons(tfs)(windows, *p, np.float32([[-3, -2 * NOTABLE, -2]]))
    words = [[tfs[i] for i in group.tfs] for group in reason.groups if group.site]
    effects = np.zeros((len(ref), 4, 3), np.float32)
    effects[len(before) : len(before) + 10] = -1
    effects[np.arange(len(ref)), encode(ref)] = np.nan
    region = Region("chr1", 4000, 4000 + len(ref))
    made = RegionMutations(encode(ref), tfs, np.zeros((len(ref), 3), np.float32), effects, region, "chr1", ["."])
    plot_mutations(made, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert words == [["JUND", "FOSL2"]] and text.count("One site, ") == 1 and ": JUND, FOSL2<" in text
