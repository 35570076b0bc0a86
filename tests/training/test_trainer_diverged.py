"""Training that goes wrong stops, says where, and leaves the last good checkpoint."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from kipoi_tfb.training.objective import masked_loss
from kipoi_tfb.training.trainer import _Trainer, train
from tests.runs import CPU, checkpoint, few, quick
from tfb_matrix_data.errors import TfbError


@pytest.fixture(scope="module")
def data(world):
    return few(world)


def test_nan_loss_stops_with_the_step_and_keeps_the_checkpoint(data, tmp_path, monkeypatch):
    def broken(*args):
        return masked_loss(*args) * (torch.nan if next(steps) == 4 else 1)

    steps = itertools.count()
    monkeypatch.setattr("kipoi_tfb.training.objective.masked_loss", broken)
    with pytest.raises(TfbError, match=r"tiny: the loss became nan at step 4; .*Lower learning_rate \(0.003\)"):
        train(quick(epochs=3), data, tmp_path, CPU)
    state = checkpoint(tmp_path)
    assert state["step"] == 3 and len(state["history"]) == 1
    assert all(torch.isfinite(value).all() for value in state["objective"].values())


@pytest.mark.parametrize("seconds", [-1, 60], ids=["checkpoint each step", "checkpoint each epoch"])
def test_weights_that_an_update_spoils_are_in_no_checkpoint(data, tmp_path, monkeypatch, seconds):
    """The loss of step 4 is finite, its gradient is not: the next loss would say so, after the next checkpoint."""

    def spoilt(self, *args):
        value = update(self, *args)
        if self.step == 4:
            with torch.no_grad():
                self.network.head.weight[0, 0] = torch.nan
        return value

    update = _Trainer._update
    monkeypatch.setitem(train.__globals__, "_CHECKPOINT_SECONDS", seconds)
    monkeypatch.setattr(_Trainer, "_update", spoilt)
    complaint = r"weight head.weight became nan or infinite at step 5; the checkpoint .*checkpoint.pt is of before"
    with pytest.raises(TfbError, match=complaint if seconds < 0 else r"the loss became nan at step 5; the checkpoint"):
        train(quick(epochs=3), data, tmp_path, CPU)
    state = checkpoint(tmp_path)
    assert state["step"] == (4 if seconds < 0 else 3)
    assert all(torch.isfinite(value).all() for value in state["objective"].values())


def test_weights_that_the_last_update_of_an_epoch_spoils(data, tmp_path, monkeypatch):
    update = _Trainer._update

    def spoilt(self, *args):
        value = update(self, *args)
        if self.step == 5:
            with torch.no_grad():
                self.network.head.bias[0] = torch.inf
        return value

    monkeypatch.setattr(_Trainer, "_update", spoilt)
    with pytest.raises(TfbError, match=r"weight head.bias became nan or infinite at step 6"):
        train(quick(epochs=3), data, tmp_path, CPU)
    state = checkpoint(tmp_path)
    assert state["step"] == 3 and len(state["history"]) == 1
    assert all(torch.isfinite(value).all() for part in ("objective", "best") for value in state[part].values())


def test_nan_before_the_first_checkpoint_says_that_there_is_none(data, tmp_path, monkeypatch):
    monkeypatch.setattr("kipoi_tfb.training.objective.masked_loss", lambda x, y: masked_loss(x, y) * torch.nan)
    with pytest.raises(TfbError, match="the loss became nan at step 0; there is no checkpoint yet"):
        train(quick(), data, tmp_path, CPU)
    assert list(tmp_path.iterdir()) == []


def test_validation_loss_that_is_not_finite(data, tmp_path, monkeypatch):
    monkeypatch.setattr(_Trainer, "_validation_loss", lambda self, windows: math.nan)
    with pytest.raises(TfbError, match="the validation loss became nan at step 3; there is no checkpoint yet"):
        train(quick(), data, tmp_path, CPU)


def test_absurd_learning_rate_stops(data, tmp_path):
    with pytest.raises(TfbError, match=r"became (nan|inf)( or infinite)? at step \d"):
        train(quick(learning_rate=1e30, schedule="constant"), data, tmp_path, CPU)
