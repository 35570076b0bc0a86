"""Batches are the windows that were chosen, on the strand and with the shift that was drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kipoi_tfb.models.logits import to_one_hot
from kipoi_tfb.training import batches
from kipoi_tfb.training.batches import Batches, Chosen, reverse_complement, shifted
from kipoi_tfb.training.data import LabelledWindows
from kipoi_tfb.training.trainer import train
from tests import tiny
from tests.runs import CPU, assert_same, few, make, quick
from tfb_matrix_data import sequence
from tfb_matrix_data.errors import DivergedError

CODES = np.random.default_rng(0).integers(0, 5, (40, 12), np.uint8)
LABELS = np.random.default_rng(1).integers(-1, 2, (40, 3)).astype(np.int8)
WINDOWS = LabelledWindows(np.arange(40), CODES, LABELS, LABELS.astype(np.float16) / 4)


def test_shifted_by_hand():
    codes = torch.tensor([[0, 1, 2, 3, 0, 1]] * 5, dtype=torch.uint8)
    expected = [[0, 1, 2, 3, 0, 1], [1, 2, 3, 0, 1, 4], [4, 4, 0, 1, 2, 3], [4, 0, 1, 2, 3, 0], [4] * 6]
    assert shifted(codes, torch.tensor([0, 1, -2, -1, 6])).tolist() == expected


def test_reverse_complement_is_that_of_the_host():
    np.testing.assert_array_equal(reverse_complement(torch.from_numpy(CODES)), sequence.reverse_complement(CODES))


def test_a_batch_is_what_was_chosen():
    flip, shifts = torch.tensor([True, False, True]), torch.tensor([0, 2, -1])
    made = Batches(WINDOWS, CPU).batch(Chosen(torch.tensor([5, 3, 5]), flip, shifts))
    seen = torch.from_numpy(np.stack([sequence.reverse_complement(CODES[5]), CODES[3], CODES[5]]))
    seen[2] = torch.from_numpy(sequence.reverse_complement(CODES[5]))
    assert torch.equal(made.one_hot, to_one_hot(shifted(seen, shifts)))
    assert made.labels.tolist() == LABELS[[5, 3, 5]].tolist()
    assert made.taught is not None and made.taught.tolist() == (LABELS[[5, 3, 5]] / 4).tolist()


def test_an_epoch_is_every_window_once_and_follows_from_the_seed():
    of = Batches(WINDOWS, CPU)
    config = tiny.config(batch_size=16, shift=3, seed=4)
    first, again, later = (of.choose(config, epoch, 3) for epoch in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert sorted(first.samples.tolist()) == list(range(40)) != first.samples.tolist()
    assert not torch.equal(first.samples, later.samples) and not torch.equal(first.shifts, later.shifts)
    assert first.shifts.abs().max() == 3 and len(first.shifts) == 40
    # Each step has its own stream: that of step 4 is that of the second step of the second epoch.
    drawn = np.random.default_rng([4, 1, 4]).integers(-3, 4, 16)
    assert later.part(slice(16, 32)).shifts.tolist() == drawn.tolist()
    assert of.choose(tiny.config(batch_size=16), 0, 3).shifts is None


@pytest.mark.parametrize("n_bytes", [10, 51])
def test_a_gpu_holds_what_leaves_room_for_the_network(monkeypatch, n_bytes):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 1000))
    assert batches._fits(n_bytes, torch.device("cuda", 0)) == (n_bytes == 10)
    assert not batches._fits(n_bytes, CPU)


def test_losses_that_are_read_later_are_the_same(world, tmp_path, monkeypatch):
    config = quick(epochs=2, shift=2)
    at_once = train(config, few(world), make(tmp_path / "a"), CPU)
    monkeypatch.setitem(train.__globals__, "_READ_EVERY", {"cpu": 2})
    assert_same(train(config, few(world), make(tmp_path / "b"), CPU), at_once)


def test_a_loss_that_is_read_later_is_refused_with_its_step(world, tmp_path, monkeypatch):
    monkeypatch.setitem(train.__globals__, "_READ_EVERY", {"cpu": 3})
    update = train.__globals__["_Trainer"]._update

    def spoilt(self, chosen):
        return update(self, chosen) * (torch.nan if self.step == 4 else 1)

    monkeypatch.setattr(train.__globals__["_Trainer"], "_update", spoilt)
    with pytest.raises(DivergedError, match="the loss became nan at step 4; the checkpoint"):
        train(quick(epochs=3), few(world), tmp_path, CPU)
