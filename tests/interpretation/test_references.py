"""Shuffles keep every dinucleotide, and references fit their windows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kipoi_tfb.interpretation.references import dinucleotide_shuffles, read_references
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.sequence import decode, encode


def dinucleotides(codes):
    text = decode(codes)
    return Counter(text[i : i + 2] for i in range(len(text) - 1))


@given(st.text("ACGTN", min_size=1, max_size=60), st.integers(0, 3))
def test_dinucleotides_and_unknown_bases_are_kept(text, seed):
    window = encode(text)
    for shuffled in dinucleotide_shuffles(window, 3, seed):
        assert dinucleotides(shuffled) == dinucleotides(window)
        assert np.array_equal(shuffled == 4, window == 4)
        assert shuffled[0] == window[0] and shuffled[-1] == window[-1]


def test_all_shuffles_are_equally_likely():
    # The Eulerian paths of this word, counted by hand: A, then AC and AG in either order, CA and GA, ending in A.
    found = Counter(decode(one) for one in dinucleotide_shuffles(encode("ACAGATA"), 3000, 1))
    assert set(found) == {"ACAGATA", "ACATAGA", "AGACATA", "AGATACA", "ATACAGA", "ATAGACA"}
    assert all(abs(n - 500) < 100 for n in found.values())  # 4.9 standard deviations


def test_a_long_window_is_another_one_and_the_same_again():
    window = np.random.default_rng(0).integers(0, 4, 200, np.uint8)
    shuffles = dinucleotide_shuffles(window, 10, 7)
    assert len(np.unique(shuffles, axis=0)) == 10 and (shuffles != window).any(1).all()
    assert np.array_equal(shuffles, dinucleotide_shuffles(window.copy(), 10, 7))
    assert not np.array_equal(shuffles, dinucleotide_shuffles(window, 10, 8))


def test_references_of_a_file(tmp_path):
    (tmp_path / "r.fa").write_text(">a\nACGT\n>b\nACNN\n")
    assert read_references(tmp_path / "r.fa", 4).tolist() == [[0, 1, 2, 3], [0, 1, 4, 4]]
    with pytest.raises(
        InputError, match=r"r\.fa: reference 'a' has 4 bp, but the windows have 200; give references of 200"
    ):
        read_references(tmp_path / "r.fa", 200)
