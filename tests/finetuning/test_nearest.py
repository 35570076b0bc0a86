"""The output that is nearest to a TF: the own one, or the one that tells its windows best."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.finetuning.nearest import _bias, nearest_output
from kipoi_tfb.training.data import LabelledWindows
from kipoi_tfb.zoo.entry import Entry
from tests import tiny


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Entry:
    return tiny.make_entry(tmp_path_factory.mktemp("zoo") / "base", name="base")


def test_bias_raises_to_the_share():
    logits = np.array([-8.0, -6.0, -9.0, -2.0])
    probability = 1 / (1 + np.exp(-(logits + _bias(logits, 0.5))))
    assert probability.mean() == pytest.approx(0.5)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_bias_is_finite_where_all_or_none_are_bound(share):
    probability = 1 / (1 + np.exp(-(np.zeros(3) + _bias(np.zeros(3), share))))
    assert probability.mean() == pytest.approx(abs(share - 1e-3))


def test_some_two_thousand_windows_are_looked_at(base):
    seen = []

    def score(windows):
        seen.extend(windows.region.tolist())
        return np.zeros((len(windows), 3), np.float32)

    n = 6400
    windows = LabelledWindows(np.arange(n), np.zeros((n, 1), np.uint8), np.zeros((n, 1), np.int8))
    nearest_output(base, "SP1", windows, score=score)
    assert seen == list(range(0, n, 3))


def test_nearest_output_is_the_own_one_or_the_one_that_tells_best(base):
    labels = np.array([[1], [0], [1], [0]], np.int8)
    windows = LabelledWindows(np.arange(4), np.zeros((4, 200), np.uint8), labels)
    # CTCF ranks them wrong, JUND right, SP1 half right.
    logits = np.array([[0, 1, 1], [1, 0, 0], [0, 1, 0], [1, 0, 1]], np.float32)
    found = nearest_output(base, "SP1", windows, score=lambda _: logits)
    assert (found.tf, found.own) == ("SP1", True)
    found = nearest_output(base, "MYTF", windows, score=lambda _: logits)
    assert (found.tf, found.own) == ("JUND", False)
    assert found.bias == pytest.approx(-0.5)  # by symmetry: logits 1, 0, 1, 0 and half of them bound
