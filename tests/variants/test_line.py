"""The line of an allele: worked by hand, and nothing named where nothing is bound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kipoi_tfb.models.logits import BOUND, NOTABLE, impact, probability
from kipoi_tfb.variants.columns import LINE, REASON
from kipoi_tfb.variants.line import allele_line, top_tfs

TFS = ["A", "B", "C", "e/D"]


def logits(*probabilities: float) -> torch.Tensor:
    return torch.logit(torch.tensor([probabilities]))


def test_a_line_by_hand():
    ref, alt = logits(0.5, 0.9, 0.001, 0.02), logits(0.9, 0.2, 0.09, 0.02)
    sizes = impact(ref, alt)[0].tolist()
    line = allele_line(TFS, ref, alt, 2)
    assert list(line) == [name for name in LINE if name not in {"variant_percentile", *REASON}]
    assert line["sum_difference"][0] == pytest.approx(0.4 - 0.7 + 0.089, abs=1e-6)
    assert line["largest_impact"][0] == pytest.approx(sizes[1]) and sizes[1] < -NOTABLE
    assert line["largest_impact_tf"].tolist() == ["B"]
    assert (line["n_gained"].tolist(), line["n_lost"].tolist()) == ([1], [1])
    # C gains most log-odds, but neither allele is bound by it; D stays as it is.
    assert line["top_gained"].tolist() == [f"A:{sizes[0]:.3g}"]
    assert line["top_lost"].tolist() == [f"B:{sizes[1]:.3g}"]
    assert "top_gained" not in allele_line(TFS, ref, alt, 0)


def test_nothing_is_named_where_nothing_is_bound():
    line = allele_line(TFS, logits(1e-6, 1e-6, 1e-6, 1e-6), logits(0.099, 0.05, 1e-7, 1e-6), 3)
    assert line["largest_impact"][0] > 0.3
    for name in ("largest_impact_tf", "top_gained", "top_lost"):
        assert line[name].tolist() == ["."]
    assert (line["n_gained"][0], line["n_lost"][0]) == (0, 0)


def test_a_window_without_a_known_base_has_no_numbers():
    line = allele_line(TFS, torch.full((1, 4), torch.nan), torch.full((1, 4), torch.nan), 3)
    assert [np.isnan(line[name]).all() for name in ("sum_difference", "largest_impact", "n_gained", "n_lost")]
    assert [line[name][0] for name in ("largest_impact_tf", "top_gained", "top_lost")] == ["."] * 3


_ROW = st.lists(st.floats(-8, 8, width=32), min_size=4, max_size=4)


@given(_ROW, _ROW)
def test_all_that_is_named_is_bound(ref, alt):
    of_ref, of_alt = torch.tensor([ref]), torch.tensor([alt])
    bound = torch.maximum(probability(of_ref), probability(of_alt))[0] >= BOUND - 1e-6
    line = allele_line(TFS, of_ref, of_alt, 3)
    named = {pair.split(":")[0] for name in ("top_gained", "top_lost") for pair in line[name][0].split(";")}
    assert all(bound[TFS.index(tf)] for tf in {*named, line["largest_impact_tf"][0]} - {"."})
    turned = allele_line(TFS, of_alt, of_ref, 3)
    assert (turned["n_gained"][0], turned["n_lost"][0]) == (line["n_lost"][0], line["n_gained"][0])
    assert abs(turned["largest_impact"][0]) == abs(line["largest_impact"][0])


def test_top_tfs_by_hand():
    sizes = np.array([[0.5, -1, 2, 2, -3], [-1, -1, -1, -1, -1], [0, 0, 0, 1e-5, 0]], np.float32)
    tfs = ["A", "B", "C", "e/D", "E"]
    assert top_tfs(tfs, sizes, 2) == ["C:2;e/D:2", ".", "e/D:1e-05"]
    assert top_tfs(tfs, sizes, -3) == ["E:-3;B:-1", "A:-1;B:-1;C:-1", "."]
    assert top_tfs(tfs, sizes, 9)[0] == "C:2;e/D:2;A:0.5"
