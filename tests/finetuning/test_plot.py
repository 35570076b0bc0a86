"""Pictures of how an entry learnt: small, the same bytes each time, and of what is the case."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kipoi_tfb.finetuning.plot import plot_changed_motif, plot_learning_curve
from kipoi_tfb.models.first_layer import ChangedMotif
from kipoi_tfb.training.trainer import EpochRecord
from tfb_matrix_data.errors import InputError

MOST_BYTES = 60_000


def history(*losses: float) -> list[EpochRecord]:
    return [EpochRecord(epoch, loss + 0.1, loss, 1.0) for epoch, loss in enumerate(losses)]


def text_of(path) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text())


def test_learning_curve(tmp_path):
    histories = {seed: history(*np.linspace(0.7, 0.3 + seed / 100, 10), 0.6) for seed in range(20)}
    for name in ("a.svg", "b.svg"):
        plot_learning_curve(histories, 0, tmp_path / name, "tf/SP1 from small: everything")
    first = (tmp_path / "a.svg").read_bytes()
    assert first == (tmp_path / "b.svg").read_bytes() and len(first) < MOST_BYTES
    said = text_of(tmp_path / "a.svg")
    assert {"kept: epoch 10", "19 other seeds", "validation loss, seed 0", "tf/SP1 from small: everything"} <= set(said)
    assert first.count(b"stroke: #0072b2") > 2 and b"<dc:date>" not in first


def test_learning_curve_of_one_seed_and_one_epoch(tmp_path):
    plot_learning_curve({7: history(0.5)}, 7, tmp_path / "a.svg")
    said = text_of(tmp_path / "a.svg")
    assert "kept: epoch 1" in said and not any("other" in text for text in said)


@pytest.mark.parametrize("width", [13, 26])
def test_changed_motif(tmp_path, width):
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=(2, 4, width))  # every letter is there: the most that there is to draw
    motif = ChangedMotif(3, 0.5, 0.1, before, after)
    for name in ("a.svg", "b.svg"):
        plot_changed_motif(motif, tmp_path / name, "filter 3")
    content = (tmp_path / "a.svg").read_bytes()
    assert content == (tmp_path / "b.svg").read_bytes() and len(content) < MOST_BYTES
    assert {"before: weight", "after: weight", "filter 3"} <= set(text_of(tmp_path / "a.svg"))
    plot_changed_motif(motif._replace(after=before), tmp_path / "b.svg", "filter 3")
    assert (tmp_path / "b.svg").read_bytes() != content


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"cannot draw a figure of the ending '.eps'"):
        plot_learning_curve({0: history(0.5)}, 0, tmp_path / "a.eps")
