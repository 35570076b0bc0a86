"""A dot per TF, who wins in the title, the same bytes again."""

from __future__ import annotations

import math

import pytest

from kipoi_tfb.evaluation.comparison import compare
from kipoi_tfb.evaluation.metrics import TfMetrics
from kipoi_tfb.evaluation.plot import plot_comparison, plot_ranked
from tests.evaluation.test_comparison import made
from tfb_matrix_data.errors import ConfigError, InputError

ROWS = [TfMetrics(f"TF{i}", None, 50, 90, 50, i / 10, 0.5, 0.5, auprc_low=0.1, auprc_high=0.9) for i in range(6)]


@pytest.mark.parametrize("trained", [300, None])
def test_comparison(tmp_path, trained):
    comparison = compare(made([0.9, 0.8, 0.5], [0.5, 0.75, 0.6], trained=trained), "a", "b")
    path = tmp_path / "a.svg"
    plot_comparison(comparison, path)
    first = path.read_text()
    plot_comparison(comparison, path)
    assert path.read_text() == first
    for word in ("TF0", "TF2", "a: AUPRC, 1:1 GC-matched", "b: AUPRC, 1:1 GC-matched"):
        assert f">{word}<" in first
    assert "a against b: 3 TFs" in first and "wins 2, ties 0, losses 1; mean 0.733 and 0.617" in first
    assert f"bound regions {'in training' if trained else 'tested'}" in first


def test_ranked(tmp_path):
    few = TfMetrics("FEW", None, 3, 90, 3, 0.99, 0.9, 0.9)
    none = TfMetrics("NONE", None, 50, 90, 0, math.nan, 0.9, 0.9)
    plot_ranked([*ROWS, few, none], "model", tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert "model: mean 0.2500 over 6 TFs, 95 % intervals" in text and ">FEW<" not in text and ">NONE<" not in text
    assert text.index(">TF5<") < text.index(">TF0<")
    plot_ranked(ROWS, "model", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_to_draw_or_no_such_format(tmp_path):
    with pytest.raises(ConfigError, match=r"nothing to draw, no TF has 51 bound regions .--min-bound lowers that"):
        plot_ranked(ROWS, "model", tmp_path / "a.svg", min_bound=51)
    with pytest.raises(InputError, match=r"cannot draw a figure of the ending '.pdf'"):
        plot_ranked(ROWS, "model", tmp_path / "a.pdf")
    with pytest.raises(InputError, match=r"cannot draw a figure of the ending '.pdf'"):
        plot_comparison(compare(made([0.9], [0.8]), "a", "b"), tmp_path / "a.pdf")
    assert list(tmp_path.iterdir()) == []
