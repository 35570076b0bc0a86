"""A run that was stopped, however it was, goes on as if it had not been."""

from __future__ import annotations

import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import time

import pytest
import torch

from kipoi_tfb.training.data import TrainingData, load_training_data
from kipoi_tfb.training.trainer import _Trainer, train
from kipoi_tfb.zoo.config import read_config
from tests.runs import CPU, SMALL, assert_same, checkpoint, few, first, make, quick
from tfb_matrix_data.errors import ConfigError


@pytest.fixture(scope="module")
def data(world):
    return few(world)


@pytest.fixture(scope="module")
def uninterrupted(data, tmp_path_factory):
    return train(quick(epochs=3), data, tmp_path_factory.mktemp("uninterrupted"), CPU)


@pytest.mark.parametrize("seconds", [-1, 60], ids=["checkpoint each step", "checkpoint each epoch"])
@pytest.mark.parametrize("step", [4, 5])
def test_killed_and_resumed_is_uninterrupted(data, uninterrupted, tmp_path, monkeypatch, step, seconds):
    # Epoch 2 is steps 3, 4 and 5.
    update = _Trainer._update

    def killed(self, *args):
        if self.step == step:
            raise KeyboardInterrupt
        return update(self, *args)

    monkeypatch.setitem(train.__globals__, "_CHECKPOINT_SECONDS", seconds)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(_Trainer, "_update", killed)
        train(quick(epochs=3), data, tmp_path, CPU)
    assert checkpoint(tmp_path)["step"] == (step if seconds < 0 else 3)
    assert_same(train(quick(epochs=3), data, tmp_path, CPU), uninterrupted)


@pytest.mark.parametrize("epoch", [2, 3])
def test_killed_in_validation_and_resumed_is_uninterrupted(data, uninterrupted, tmp_path, monkeypatch, epoch):
    validate = _Trainer._validation_loss

    def killed(self, *args):
        if self.step == 3 * epoch:
            raise KeyboardInterrupt
        return validate(self, *args)

    monkeypatch.setitem(train.__globals__, "_CHECKPOINT_SECONDS", -1)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(_Trainer, "_validation_loss", killed)
        train(quick(epochs=3), data, tmp_path, CPU)
    assert_same(train(quick(epochs=3), data, tmp_path, CPU), uninterrupted)


KILLED = """
import sys
import torch
from kipoi_tfb.training.data import load_training_data
from kipoi_tfb.training.trainer import train
from kipoi_tfb.zoo.config import read_config
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix

matrix, genome, config, out = sys.argv[1:]
train.__globals__["_CHECKPOINT_SECONDS"] = -1
recipe = read_config(config)
data = load_training_data(recipe, BindingMatrix(matrix), Genome(genome))
torch.set_num_threads(1)
train(recipe, data, out, torch.device("cpu"))
"""


def test_killed_for_good_and_resumed_is_uninterrupted(world, tmp_path):
    """As SIGKILL leaves it: no exception is raised, no file is tidied."""
    fields = {"name": "tiny", "summary": "A test.", "epochs": 2, "batch_size": 64}
    fields |= {"architecture": "motif-cnn", "sizes": SMALL}
    (tmp_path / "config.yaml").write_text(json.dumps(fields))
    config = read_config(tmp_path / "config.yaml")
    folder = make(tmp_path / "killed")
    arguments = [world.matrix_path, world.genome_path, tmp_path / "config.yaml", folder]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *map(str, arguments)], stderr=subprocess.PIPE)
    try:
        while not (folder / "checkpoint.pt").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.002)
    finally:
        process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    every = load_training_data(config, world.matrix, world.genome)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the process: sums of floats depend on it
    try:
        step = checkpoint(folder)["step"]
        whole = train(config, every, make(tmp_path / "whole"), CPU)
        assert 0 < step < checkpoint(tmp_path / "whole")["step"]
        assert_same(train(config, every, folder, CPU), whole)
    finally:
        torch.set_num_threads(threads)


def test_best_network_survives_a_kill(data, tmp_path, monkeypatch):
    # It gets worse after epoch 1, and step 7 is in epoch 3.
    monkeypatch.setattr(_Trainer, "_validation_loss", lambda self, windows: float(self.step))
    best = train(quick(epochs=3), data, make(tmp_path / "uninterrupted"), CPU)
    update = _Trainer._update

    def killed(self, *args):
        if self.step == 7:
            raise KeyboardInterrupt
        return update(self, *args)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(_Trainer, "_update", killed)
        train(quick(epochs=3), data, make(tmp_path / "killed"), CPU)
    resumed = train(quick(epochs=3), data, tmp_path / "killed", CPU)
    assert best.best_epoch == 0
    assert_same(resumed, best)


def test_finished_run_is_not_trained_again(data, tmp_path, monkeypatch):
    done = train(quick(epochs=1), data, tmp_path, CPU)
    monkeypatch.setattr(_Trainer, "_update", lambda self, *args: pytest.fail("trained again"))
    assert_same(train(quick(epochs=1), data, tmp_path, CPU), done)


def test_checkpoint_of_another_run_is_refused(data, tmp_path):
    train(quick(epochs=1), data, tmp_path, CPU)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    fewer = TrainingData(data.tfs, first(data.train, 149), data.validation, data.test_regions, ())
    for config, what, precision in (
        (quick(epochs=1, learning_rate=0.1), data, "fp32"),
        (quick(epochs=1), fewer, "fp32"),
        (quick(epochs=1), data, "bf16"),
    ):
        with pytest.raises(ConfigError, match=r"checkpoint.pt belongs to another configuration, data or precision"):
            train(config, what, tmp_path, CPU, precision)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_a_checkpoint_goes_on_with_the_threads_that_made_it(data, tmp_path, set_threads):
    set_threads(1)
    done = train(quick(epochs=1), data, tmp_path, CPU)
    set_threads(2)
    with pytest.raises(ConfigError, match=r"another processor, torch or --threads \(threads 2 here, 1 there\); delete"):
        train(quick(epochs=1), data, tmp_path, CPU)
    set_threads(1)
    assert_same(train(quick(epochs=1), data, tmp_path, CPU), done)


@pytest.mark.parametrize("content", [b"", b"PK\3\4", pickle.dumps({"identity": 1}), "without"])
def test_a_checkpoint_that_is_none_is_said(data, tmp_path, content):
    if content == "without":
        torch.save({"step": 3}, tmp_path / "checkpoint.pt")
    else:
        (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(ConfigError, match=r"checkpoint.pt is damaged or no checkpoint \(.*\); delete it to start anew"):
        train(quick(), data, tmp_path, CPU)


def test_a_disk_that_is_full_is_that_of_a_checkpoint_too(data, tmp_path, monkeypatch):
    train(quick(epochs=1), data, tmp_path, CPU)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt").unlink()

    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left on device"):
        patch.setattr("kipoi_tfb.models.tensors.Path.write_bytes", full)
        train(quick(epochs=1), data, tmp_path, CPU)
    assert not list(tmp_path.glob("*checkpoint*"))
    train(quick(epochs=1), data, tmp_path, CPU)
    assert len((tmp_path / "checkpoint.pt").read_bytes()) == len(before)
