"""Networks over windows: the same logits whatever the batches, side by side, and the outputs that are wanted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from kipoi_tfb.models.device import batch_size_for
from kipoi_tfb.models.logits import both_strands, strand_logits, to_one_hot
from kipoi_tfb.models.run import logits_of

CPU = torch.device("cpu")


class Counts(nn.Module):
    """Output k is (k + 1) times the number of A plus three times that of C: the strands differ."""

    def __init__(self, n_outputs: int) -> None:
        super().__init__()
        self.n_outputs, self.batches = n_outputs, list[int]()

    def forward(self, one_hot: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(one_hot))
        counts = one_hot.sum(-1)
        return (counts[:, :1] + 3 * counts[:, 1:2]) * torch.arange(1, self.n_outputs + 1)


@pytest.fixture
def codes():
    return np.random.default_rng(0).integers(0, 4, (11, 30), np.uint8)


def by_hand(codes, n_outputs):
    a, c, g, t = ((codes == base).sum(1, keepdims=True) for base in range(4))
    return ((a + 3 * c) + (t + 3 * g)) / 2 * np.arange(1, n_outputs + 1)


@pytest.mark.parametrize("batch_size", [1, 4, 11, 100, None])
def test_networks_stand_side_by_side_whatever_the_batches(codes, batch_size):
    logits = logits_of([Counts(2), Counts(3)], codes, CPU, batch_size=batch_size)
    assert logits.dtype == np.float32
    np.testing.assert_array_equal(logits, np.hstack([by_hand(codes, 2), by_hand(codes, 3)]))


def test_batches_are_no_larger_than_asked_for(codes):
    network = Counts(1)
    both_strands(network, to_one_hot(torch.from_numpy(codes[:1])))
    rows = network.batches.pop()  # of one window: both strands may be rows of one batch
    network.batches.clear()
    logits_of([network], codes, CPU, batch_size=4)
    assert max(network.batches) == 4 * rows and batch_size_for(CPU) > 11


def test_outputs_are_kept_in_the_order_asked_for(codes):
    every = logits_of([Counts(2), Counts(3)], codes, CPU)
    kept = logits_of([Counts(2), Counts(3)], codes, CPU, keep=[4, 0, 0])
    np.testing.assert_array_equal(kept, every[:, [4, 0, 0]])


def test_either_strand_may_be_read(codes):
    strands = logits_of([Counts(2)], codes, CPU, batch_size=4, read=strand_logits)
    assert strands.shape == (11, 2, 2) and (strands[:, 0] != strands[:, 1]).any()
    np.testing.assert_array_equal(strands.mean(1), by_hand(codes, 2))


def test_a_window_without_a_known_base_has_none(codes):
    codes[3] = 4
    logits = logits_of([Counts(2)], codes, CPU, batch_size=2)
    assert np.isnan(logits[3]).all() and np.isfinite(np.delete(logits, 3, 0)).all()


def test_no_windows(codes):
    assert logits_of([Counts(2)], codes[:0], CPU).size == 0
