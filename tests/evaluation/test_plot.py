"""A dot per TF, who wins in the title, the same bytes again."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from kipoi_tfb.evaluation.comparison import Comparison, TfDifference, compare
from kipoi_tfb.evaluation.metrics import TfMetrics
from kipoi_tfb.evaluation.plot import plot_comparison, plot_ranked
from tests.drawn import collisions, sticking_out, texts
from tests.evaluation.test_comparison import made
from tfb_matrix_data.errors import ConfigError, InputError

pytest_plugins = ("tests.pictures",)

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


def crowd(n: int = 24) -> Comparison:
    """Return a comparison of TFs that lie on nearly one spot."""
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.85, 0.004, n), rng.normal(0.85, 0.004, n)
    rows = [
        TfDifference(f"NAME{i}", 100, 10, one, other, one - other, None, None, "tie")
        for i, (one, other) in enumerate(zip(first.tolist(), second.tolist(), strict=True))
    ]
    return replace(compare(made([0.9, 0.8], [0.5, 0.75]), "a", "b"), tfs=tuple(rows))


def test_names_of_a_crowd_do_not_cover_each_other_or_a_dot(tmp_path, figures):
    plot_comparison(crowd(), tmp_path / "a.png")
    (figure,) = figures
    axes = figure.axes[0]
    names = [(text.get_text(), box) for text, box in texts(figure) if text.get_text().startswith("NAME")]
    assert len(names) == 16 and collisions(names) == []
    (dots,) = axes.collections
    for x, y in axes.transData.transform(dots.get_offsets()):
        assert not any(box.padded(-1).contains(x, y) for _, box in names)
    shown = axes.get_window_extent()
    assert all(shown.x0 <= box.x0 and box.x1 <= shown.x1 for _, box in names)


def test_names_of_many_are_large_enough_and_beside_each_other(tmp_path, figures):
    many = [replace_auprc(ROWS[0], f"LONGNAME{i}", i / 200) for i in range(163)]
    plot_ranked(many, "model", tmp_path / "a.png")
    (figure,) = figures
    names = [(text, box) for text, box in texts(figure) if text.get_text().startswith("LONG")]
    assert len(names) == 163 and all(text.get_fontsize() >= 6 for text, _ in names)
    assert collisions([(text.get_text(), box) for text, box in names]) == [] and sticking_out(figure) == []


def replace_auprc(row: TfMetrics, tf: str, auprc: float) -> TfMetrics:
    return replace(row, tf=tf, auprc=auprc, auprc_low=auprc - 0.1, auprc_high=auprc + 0.1)


def test_nothing_to_draw_or_no_such_format(tmp_path):
    with pytest.raises(ConfigError, match=r"nothing to draw, no TF has 51 bound regions .--min-bound lowers that"):
        plot_ranked(ROWS, "model", tmp_path / "a.svg", min_bound=51)
    with pytest.raises(InputError, match=r"cannot draw a figure of the ending '.eps'"):
        plot_ranked(ROWS, "model", tmp_path / "a.eps")
    with pytest.raises(InputError, match=r"cannot draw a figure of the ending '.eps'"):
        plot_comparison(compare(made([0.9], [0.8]), "a", "b"), tmp_path / "a.eps")
    assert list(tmp_path.iterdir()) == []
