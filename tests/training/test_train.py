"""Training learns, is a function of its seed alone, and goes on after a kill as if there had been none."""

from __future__ import annotations

import errno
import itertools
import json
import math
import os
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from kipoi_tfb.training import data as datasets
from kipoi_tfb.training import objective
from kipoi_tfb.training import train as training
from kipoi_tfb.training.data import LabelledWindows, TrainingData, load_training_data
from kipoi_tfb.training.initialise import start_at_prior
from kipoi_tfb.training.objective import masked_loss
from kipoi_tfb.training.pretrain import pretrain
from kipoi_tfb.training.train import train
from kipoi_tfb.zoo.config import read_config
from kipoi_tfb.zoo.verify import verify_entry
from tests import tiny
from tfb_matrix_data.errors import ConfigError, EntryError, TfbError
from tfb_matrix_data.files import sha256
from tfb_matrix_data.sequence import decode, reverse_complement

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """150 windows for training, so that an epoch of 64 is 3 steps, the last one short."""
    world = tiny.make_world(tmp_path_factory.mktemp("world"))
    every = load_training_data(tiny.config(), world.matrix, world.genome)
    return TrainingData(every.tfs, first(every.train, 150), first(every.validation, 40), every.test_regions, ())


def first(windows, n):
    return LabelledWindows(windows.region[:n], windows.codes[:n], windows.labels[:n])


def weights(result):
    return result.network.state_dict()


def assert_same(a, b):
    assert weights(a).keys() == weights(b).keys()
    for name, value in weights(a).items():
        assert torch.equal(value, weights(b)[name]), name
    losses = [[(r.epoch, r.train_loss, r.validation_loss) for r in result.history] for result in (a, b)]
    assert losses[0] == losses[1] and a.best_epoch == b.best_epoch


def test_masked_loss_by_hand():
    logits = torch.tensor([[0.0, 2.0, -1.0], [3.0, 0.0, 5.0]])
    labels = torch.tensor([[1, 0, -1], [-1, -1, 1]], dtype=torch.int8)
    expected = (math.log(2) + math.log(1 + math.exp(2)) + math.log(1 + math.exp(-5))) / 3
    assert masked_loss(logits, labels).item() == pytest.approx(expected, rel=1e-6)


def test_masked_loss_has_no_gradient_where_unresolved():
    logits = torch.tensor([[0.0, 2.0, -1.0], [3.0, 0.0, 5.0]], requires_grad=True)
    labels = torch.tensor([[1, 0, -1], [-1, -1, 1]], dtype=torch.int8)
    masked_loss(logits, labels).backward()
    assert torch.equal(logits.grad != 0, labels >= 0)


def test_masked_loss_of_nothing_is_zero():
    logits = torch.zeros(2, 3, requires_grad=True)
    loss = masked_loss(logits, torch.full((2, 3), -1, dtype=torch.int8))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


def test_masked_loss_is_float32_for_bf16_logits():
    logits = torch.zeros((1, 2), dtype=torch.bfloat16)
    assert masked_loss(logits, torch.ones((1, 2), dtype=torch.int8)).dtype == torch.float32


def test_learns_the_planted_motifs():
    result = tiny.trained()
    # Almost half of the resolved labels are bound: knowing the priors alone costs 0.69.
    assert result.history[0].train_loss > 0.5
    assert min(record.validation_loss for record in result.history) < 0.4
    assert result.best_epoch == min(result.history, key=lambda r: r.validation_loss).epoch
    assert not result.network.training


def test_output_bias_starts_at_the_prior(data):
    bound, resolved = (data.train.labels == 1).sum(0), (data.train.labels >= 0).sum(0)
    prior = (bound + 1) / (resolved + 2)
    for bias, expected in (("prior", np.log(prior / (1 - prior))), ("default", None)):
        torch.manual_seed(0)
        network = tiny.network()
        default = network.head.bias.detach().clone()
        if bias == "prior":
            start_at_prior(network, data.train.labels)
            np.testing.assert_allclose(network.head.bias.detach().numpy(), expected, rtol=1e-5)
            assert not torch.equal(network.head.bias, default)


def test_same_seed_same_weights_other_seed_others(data, tmp_path):
    results = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        results.append(train(tiny.config(epochs=1, seed=seed), data, make(tmp_path / name), CPU))
    assert_same(*results[:2])
    assert not torch.equal(weights(results[0])["head.weight"], weights(results[2])["head.weight"])


@pytest.mark.parametrize(
    ("patience", "n_epochs", "best"), [(None, 6, 5), (1, 3, 1), (2, 4, 1), (3, 6, 5)], ids=["all", "1", "2", "3"]
)
def test_patience_stops_after_so_many_epochs_without_a_lower_loss(
    data, tmp_path, monkeypatch, patience, n_epochs, best
):
    losses = [0.5, 0.4, 0.45, 0.41, 0.39, 0.38]
    monkeypatch.setattr(training._Trainer, "_validation_loss", lambda self, _: losses[len(self.history)])
    config = tiny.config(epochs=6, patience=patience, schedule="constant")
    result = train(config, data, make(tmp_path / "run"), CPU)
    assert len(result.history) == n_epochs and result.best_epoch == best
    assert_same(train(config, data, tmp_path / "run", CPU), result)  # a finished run has nothing to go on with


def test_patience_needs_a_constant_rate():
    with pytest.raises(ValidationError, match="patience needs `schedule: constant`"):
        tiny.config(patience=2, schedule="one_cycle")


@pytest.fixture(scope="module")
def uninterrupted(data, tmp_path_factory):
    return train(tiny.config(epochs=3), data, tmp_path_factory.mktemp("uninterrupted"), CPU)


@pytest.mark.parametrize("seconds", [-1, 60], ids=["checkpoint each step", "checkpoint each epoch"])
@pytest.mark.parametrize("step", [4, 5])
def test_killed_and_resumed_is_uninterrupted(data, uninterrupted, tmp_path, monkeypatch, step, seconds):
    # Epoch 2 is steps 3, 4 and 5.
    update = training._Trainer._update

    def killed(self, *args):
        if self.step == step:
            raise KeyboardInterrupt
        return update(self, *args)

    monkeypatch.setattr(training, "_CHECKPOINT_SECONDS", seconds)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training._Trainer, "_update", killed)
        train(tiny.config(epochs=3), data, tmp_path, CPU)
    assert checkpoint(tmp_path)["step"] == (step if seconds < 0 else 3)
    assert_same(train(tiny.config(epochs=3), data, tmp_path, CPU), uninterrupted)


@pytest.mark.parametrize("epoch", [2, 3])
def test_killed_in_validation_and_resumed_is_uninterrupted(data, uninterrupted, tmp_path, monkeypatch, epoch):
    validate = training._Trainer._validation_loss

    def killed(self, *args):
        if self.step == 3 * epoch:
            raise KeyboardInterrupt
        return validate(self, *args)

    monkeypatch.setattr(training, "_CHECKPOINT_SECONDS", -1)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training._Trainer, "_validation_loss", killed)
        train(tiny.config(epochs=3), data, tmp_path, CPU)
    assert_same(train(tiny.config(epochs=3), data, tmp_path, CPU), uninterrupted)


KILLED = """
import sys
import torch
from kipoi_tfb.training import train as training
from kipoi_tfb.zoo.config import read_config
from kipoi_tfb.training.data import load_training_data
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix

matrix, genome, config, out = sys.argv[1:]
training._CHECKPOINT_SECONDS = -1
recipe = read_config(config)
data = load_training_data(recipe, BindingMatrix(matrix), Genome(genome))
torch.set_num_threads(1)
training.train(recipe, data, out, torch.device("cpu"))
"""


def test_killed_for_good_and_resumed_is_uninterrupted(tmp_path):
    """As SIGKILL leaves it: no exception is raised, no file is tidied."""
    world = tiny.make_world(tmp_path)
    fields = {"name": "tiny", "summary": "A test.", "epochs": 2, "batch_size": 64}
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
    monkeypatch.setattr(training._Trainer, "_validation_loss", lambda self, windows: float(self.step))
    best = train(tiny.config(epochs=3), data, make(tmp_path / "uninterrupted"), CPU)
    update = training._Trainer._update

    def killed(self, *args):
        if self.step == 7:
            raise KeyboardInterrupt
        return update(self, *args)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training._Trainer, "_update", killed)
        train(tiny.config(epochs=3), data, make(tmp_path / "killed"), CPU)
    resumed = train(tiny.config(epochs=3), data, tmp_path / "killed", CPU)
    assert best.best_epoch == 0
    assert_same(resumed, best)


def make(folder):
    folder.mkdir()
    return folder


def test_finished_run_is_not_trained_again(data, tmp_path, monkeypatch):
    done = train(tiny.config(epochs=1), data, tmp_path, CPU)
    monkeypatch.setattr(training._Trainer, "_update", lambda self, *args: pytest.fail("trained again"))
    assert_same(train(tiny.config(epochs=1), data, tmp_path, CPU), done)


def checkpoint(folder):
    return torch.load(folder / "checkpoint.pt", weights_only=True)


def test_checkpoint_of_another_run_is_refused(data, tmp_path):
    train(tiny.config(epochs=1), data, tmp_path, CPU)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    fewer = TrainingData(data.tfs, first(data.train, 149), data.validation, data.test_regions, ())
    for config, what, precision in (
        (tiny.config(epochs=1, learning_rate=0.1), data, "fp32"),
        (tiny.config(epochs=1), fewer, "fp32"),
        (tiny.config(epochs=1), data, "bf16"),
    ):
        with pytest.raises(ConfigError, match=r"checkpoint.pt belongs to another configuration, data or precision"):
            train(config, what, tmp_path, CPU, precision)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"PK\3\4", pickle.dumps({"identity": 1}), "without"])
def test_a_checkpoint_that_is_none_is_said(data, tmp_path, content):
    if content == "without":
        torch.save({"step": 3}, tmp_path / "checkpoint.pt")
    else:
        (tmp_path / "checkpoint.pt").write_bytes(content)
    said = "belongs to another configuration" if content == "without" else r"is damaged \(.*\); delete it to start anew"
    with pytest.raises(ConfigError, match=f"checkpoint.pt {said}"):
        train(tiny.config(), data, tmp_path, CPU)


def test_a_disk_that_is_full_is_that_of_a_checkpoint_too(data, tmp_path, monkeypatch):
    train(tiny.config(epochs=1), data, tmp_path, CPU)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt").unlink()

    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left on device"):
        patch.setattr("kipoi_tfb.models.tensors.Path.write_bytes", full)
        train(tiny.config(epochs=1), data, tmp_path, CPU)
    assert not list(tmp_path.glob("*checkpoint*"))
    train(tiny.config(epochs=1), data, tmp_path, CPU)
    assert len((tmp_path / "checkpoint.pt").read_bytes()) == len(before)


def test_nan_loss_stops_with_the_step_and_keeps_the_checkpoint(data, tmp_path, monkeypatch):
    def broken(*args):
        return masked_loss(*args) * (torch.nan if next(steps) == 4 else 1)

    steps = itertools.count()
    monkeypatch.setattr(objective, "masked_loss", broken)
    with pytest.raises(TfbError, match=r"tiny: the loss became nan at step 4; .*Lower learning_rate \(0.003\)"):
        train(tiny.config(epochs=3), data, tmp_path, CPU)
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

    update = training._Trainer._update
    monkeypatch.setattr(training, "_CHECKPOINT_SECONDS", seconds)
    monkeypatch.setattr(training._Trainer, "_update", spoilt)
    complaint = r"weight head.weight became nan or infinite at step 5; the checkpoint .*checkpoint.pt is of before"
    with pytest.raises(TfbError, match=complaint if seconds < 0 else r"the loss became nan at step 5; the checkpoint"):
        train(tiny.config(epochs=3), data, tmp_path, CPU)
    state = checkpoint(tmp_path)
    assert state["step"] == (4 if seconds < 0 else 3)
    assert all(torch.isfinite(value).all() for value in state["objective"].values())


def test_weights_that_the_last_update_of_an_epoch_spoils(data, tmp_path, monkeypatch):
    update = training._Trainer._update

    def spoilt(self, *args):
        value = update(self, *args)
        if self.step == 5:
            with torch.no_grad():
                self.network.head.bias[0] = torch.inf
        return value

    monkeypatch.setattr(training._Trainer, "_update", spoilt)
    with pytest.raises(TfbError, match=r"weight head.bias became nan or infinite at step 6"):
        train(tiny.config(epochs=3), data, tmp_path, CPU)
    state = checkpoint(tmp_path)
    assert state["step"] == 3 and len(state["history"]) == 1
    assert all(torch.isfinite(value).all() for part in ("objective", "best") for value in state[part].values())


def test_nan_before_the_first_checkpoint_says_that_there_is_none(data, tmp_path, monkeypatch):
    monkeypatch.setattr(objective, "masked_loss", lambda x, y: masked_loss(x, y) * torch.nan)
    with pytest.raises(TfbError, match="the loss became nan at step 0; there is no checkpoint yet"):
        train(tiny.config(), data, tmp_path, CPU)
    assert list(tmp_path.iterdir()) == []


def test_validation_loss_that_is_not_finite(data, tmp_path, monkeypatch):
    monkeypatch.setattr(training._Trainer, "_validation_loss", lambda self, windows: math.nan)
    with pytest.raises(TfbError, match="the validation loss became nan at step 3; there is no checkpoint yet"):
        train(tiny.config(), data, tmp_path, CPU)


def test_absurd_learning_rate_stops(data, tmp_path):
    with pytest.raises(TfbError, match=r"became (nan|inf)( or infinite)? at step \d"):
        train(tiny.config(learning_rate=1e30, schedule="constant"), data, tmp_path, CPU)


@pytest.mark.parametrize("strands", ["both", "random"])
def test_strands(data, tmp_path, monkeypatch, strands):
    seen = []
    original = datasets.to_one_hot

    def spy(codes, *args):
        seen.extend(decode(row) for row in codes.numpy())
        return original(codes, *args)

    monkeypatch.setattr(datasets, "to_one_hot", spy)
    monkeypatch.setattr(training._Trainer, "_validation_loss", lambda self, windows: 0.0)
    config = tiny.config(epochs=2, strands=strands)
    train(config, data, tmp_path, CPU)
    forward = [decode(row) for row in data.train.codes]
    reverse = [decode(row) for row in reverse_complement(data.train.codes)]
    half = len(seen) // 2
    epochs = [seen[:half], seen[half:]]
    assert epochs[0] != epochs[1]
    for epoch in epochs:
        if strands == "both":
            assert sorted(epoch) == sorted(forward + reverse)
        else:
            assert len(epoch) == len(forward)
            on_reverse = len(set(epoch) & set(reverse))
            assert len(set(epoch) & set(forward)) + on_reverse == len(forward)
            assert 0.3 < on_reverse / len(forward) < 0.7


def test_labels_go_with_their_windows(data, tmp_path, monkeypatch):
    seen = []
    to_one_hot, loss = datasets.to_one_hot, objective.masked_loss
    monkeypatch.setattr(datasets, "to_one_hot", lambda codes: seen.append(codes.numpy()) or to_one_hot(codes))
    monkeypatch.setattr(objective, "masked_loss", lambda x, y: seen.append(y.numpy()) or loss(x, y))
    monkeypatch.setattr(training._Trainer, "_validation_loss", lambda self, windows: 0.0)
    train(tiny.config(epochs=1), data, tmp_path, CPU)
    truth = {}
    for window, labels in zip(data.train.codes, data.train.labels, strict=True):
        truth[decode(window)] = truth[decode(reverse_complement(window))] = labels.tolist()
    pairs = list(zip(seen[::2], seen[1::2], strict=True))
    assert sum(len(codes) for codes, _ in pairs) == 150
    for codes, labels in pairs:
        assert [truth[decode(row)] for row in codes] == labels.tolist()


def test_last_batch_of_one_is_left_out(data, tmp_path):
    odd = TrainingData(data.tfs, first(data.train, 129), data.validation, data.test_regions, ())
    train(tiny.config(epochs=1), odd, tmp_path, CPU)
    assert checkpoint(tmp_path)["step"] == 2


def test_one_cycle_goes_up_and_down(data, tmp_path):
    trainer = training._Trainer(tiny.config(epochs=40), data, tmp_path, CPU, "fp32")
    rates = []
    for trainer.step in range(120):
        rates.append(trainer._learning_rate())
    peak = int(np.argmax(rates))
    assert rates[peak] == pytest.approx(0.003, rel=1e-2) and 30 <= peak <= 40
    assert rates == [*sorted(rates[: peak + 1]), *sorted(rates[peak + 1 :], reverse=True)]
    assert rates[0] == pytest.approx(0.04 * 0.003) and rates[-1] < 1e-5


def test_pretrain_writes_an_entry_that_verifies(tmp_path):
    world = tiny.make_world(tmp_path)
    config = tiny.config(epochs=1, tfs=["SP1", "CTCF"])
    entry = pretrain(config, world.matrix, world.genome, tmp_path / "run", device="cpu", command="a test")
    card = entry.card
    assert entry.folder == tmp_path / "run" / "entry" and card.name == "tiny" and card.tasks == ("SP1", "CTCF")
    assert card.data.train_chromosomes == ("chr13", "chr14", "chr15")
    assert card.data.validation_chromosomes == ("chr21",) and card.data.test_chromosomes == ("chr22",)
    assert card.data.excluded_chromosomes == ("chr16",) and card.data.matrix_sha256 == sha256(world.matrix_path)
    assert card.training.config == config and card.training.command == "a test" and card.training.best_epoch == 0
    assert [check for check in verify_entry(entry) if not check.passed] == []
    with pytest.raises(EntryError, match=r"entry exists already; remove it or use another --out"):
        pretrain(config, world.matrix, world.genome, tmp_path / "run", device="cpu")
