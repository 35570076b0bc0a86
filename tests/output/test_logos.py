"""Sequence logos: how high letters stand, which positions are named, how many TFs a picture can show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kipoi_tfb.output.figures import figure_file
from kipoi_tfb.output.logos import (
    MAX_TFS,
    check_tfs,
    contribution_heights,
    draw_logo,
    information,
    mark_positions,
    text_width,
)
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sequence import encode


@pytest.fixture
def axes(tmp_path):
    with figure_file(tmp_path / "x.png", (4, 2)) as figure:
        yield figure.subplots()


def test_a_picture_has_room_for_so_many_tfs():
    check_tfs(MAX_TFS)
    with pytest.raises(ConfigError, match="at most 12 TFs, these are 13; name fewer with --tfs, or give --top"):
        check_tfs(MAX_TFS + 1)


def test_only_the_base_that_is_there_has_a_letter():
    heights = contribution_heights(encode("ACGTN"), np.array([1, -2, 3, 4, 5], np.float32))
    np.testing.assert_array_equal(heights, np.vstack([np.diag([1, -2, 3, 4]), np.zeros((1, 4))]))


@given(hnp.arrays(float, (4, 6), elements=st.floats(0.01, 1)))
def test_letters_stand_on_the_information_of_their_column(shares):
    shares = shares / shares.sum(0)
    heights = information(np.log(shares * 4))
    entropy = -(shares * np.log2(shares)).sum(0)
    np.testing.assert_allclose(heights.sum(1), 2 - entropy, atol=1e-9)
    np.testing.assert_allclose(heights, (shares * (2 - entropy)).T, atol=1e-9)


def test_a_logo_has_a_letter_per_height_and_the_limits_given(axes):
    heights = contribution_heights(encode("GATTACA"), np.array([1, 1, -1, 0, 0, 2, 0.5], np.float32))
    draw_logo(axes, heights, (-2, 3))
    assert len(axes.patches) == np.count_nonzero(heights)
    assert axes.get_xlim() == (-0.5, 6.5) and axes.get_ylim() == (-2, 3)


def test_a_logo_of_nothing(axes):
    draw_logo(axes, np.zeros((5, 4)))
    assert not axes.patches and axes.get_xlim() == (-0.5, 4.5)


@pytest.mark.parametrize(
    ("n", "named"), [(20, ["1,000", "1,005", "1,010", "1,015"]), (40, ["1,000", "1,010", "1,020", "1,030"])]
)
def test_round_positions_are_named(axes, n, named):
    mark_positions(axes, np.arange(n), np.arange(998, 998 + n))
    assert [label.get_text() for label in axes.get_xticklabels()][: len(named)] == named
    assert axes.get_xticks()[0] == 2
    assert [tick for tick in axes.get_xticks(minor=True) if (tick - 2) % 5] == []


def test_wider_text_is_wider():
    assert 0 < text_width("ii", 8) < text_width("WW", 8) < text_width("WW", 16)
    assert text_width("WW", 16) == pytest.approx(2 * text_width("WW", 8))
