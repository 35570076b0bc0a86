"""The window rule."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode
from tfb_matrix_data.windows import window_start


@given(st.integers(0, 10**9), st.integers(1, 500))
def test_the_position_is_at_the_middle_index(position: int, half: int) -> None:
    start = window_start(position, 2 * half)
    assert (start, position - start) == (position - half, half)
    assert window_start(np.array([position, 7]), 2 * half).tolist() == [start, 7 - half]


def test_windows_around_positions(tmp_path, write_fasta) -> None:
    genome = Genome(write_fasta(tmp_path / "g.fa", {"chr1": "ACGTACGGTC"}))
    windows = genome.around(["1", "chr1", "chr1"], [4, 0, 9], 4)
    assert [decode(codes) for codes in windows.codes] == ["GTAC", "NNAC", "GTCN"]
    assert windows.edge_padded.tolist() == [False, True, True]
