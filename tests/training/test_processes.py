"""Two processes learn what one does, write one checkpoint, and go on after a kill."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
import yaml

from kipoi_tfb.training import processes
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.verify import verify_entry
from tfb_matrix_data.errors import ConfigError

_PATIENCE = 600  # seconds: the machine may be busy

# Without batch normalisation and dropout the number of processes must not matter. Processes that are spawned import
# this file anew, and so have the architecture.
SCRIPT = """
import sys
from torch import nn
from kipoi_tfb.cli import main
from kipoi_tfb.models.build import ARCHITECTURES
from kipoi_tfb.training.trainer import train

class Plain(nn.Module):
    def __init__(self, n_outputs, length=200):
        super().__init__()
        self.features = nn.Sequential(nn.Conv1d(4, 16, 12), nn.MaxPool1d(length - 11), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(16, n_outputs)

    def forward(self, one_hot):
        return self.head(self.features(one_hot))

ARCHITECTURES["plain"] = Plain
train.__globals__["_CHECKPOINT_SECONDS"] = {seconds}
if __name__ == "__main__":
    main()
"""


@pytest.fixture
def start(world, tmp_path):
    """Start `tfb pretrain` of the tiny world in a folder; a process that the caller waits for."""
    started = []

    def run(folder, *options, seconds=60, script=SCRIPT, program=(), **changes):
        config = {"name": "tiny", "summary": "A test.", "architecture": "plain", "epochs": 3, "batch_size": 100}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({**config, **changes}))
        (tmp_path / f"{folder}.py").write_text(script.format(seconds=seconds))
        command = [sys.executable, *program, tmp_path / f"{folder}.py", "pretrain", tmp_path / "config.yaml"]
        command += ["--matrix", world.matrix_path, "--genome", world.genome_path, "-o", tmp_path / folder]
        command += ["--device", "cpu", "--precision", "fp32", *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(list(map(str, command)), start_new_session=True, **pipes))
        return started[-1]

    yield run
    for process in started:  # of a test that failed
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def finish(process):
    out, err = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0, err
    return out, err


def losses(folder):
    history = json.loads((folder / "history.json").read_text())
    return [[record["train_loss"], record["validation_loss"]] for record in history]


def checkpoint(folder):
    return torch.load(folder / "checkpoint.pt", weights_only=True)


def assert_close(one, other):
    np.testing.assert_allclose(losses(one), losses(other), rtol=1e-4)
    states = [checkpoint(folder)["objective"] for folder in (one, other)]
    names = {f"network.{module}.{part}" for module in ("features.0", "head") for part in ("weight", "bias")}
    assert states[0].keys() == states[1].keys() == names
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name], rtol=0, atol=2e-4)


def test_two_processes_learn_what_one_does(start, tmp_path):
    running = [start("one"), start("two", "--processes", "2"), start("three", "--processes", "3")]
    (_, said), (_, err), _ = map(finish, running)
    assert "device: cpu" in said and "device: 2 processes, each cpu" in err
    # One process spoke and wrote.
    assert err.count("epoch 3/3") == 1 and err.count("best epoch") == 1
    assert {path.name for path in (tmp_path / "two").iterdir()} == {"checkpoint.pt", "entry", "history.json"}
    trained, *_ = losses(tmp_path / "one")
    assert trained[0] > losses(tmp_path / "one")[-1][0]
    assert_close(tmp_path / "two", tmp_path / "one")
    assert_close(tmp_path / "three", tmp_path / "one")
    assert "--processes 2" in (tmp_path / "two" / "entry" / "card.yaml").read_text()
    # As many steps as one process made, though 715 windows are not an even number.
    assert checkpoint(tmp_path / "two")["step"] == checkpoint(tmp_path / "one")["step"]


@pytest.mark.slow
def test_killed_and_resumed_by_another_number_of_processes(start, tmp_path):
    whole, killed = start("whole"), start("killed", "--processes", "2", seconds=-1)
    deadline = time.monotonic() + _PATIENCE
    try:
        while not (tmp_path / "killed" / "checkpoint.pt").exists():
            assert killed.poll() is None and time.monotonic() < deadline, killed.communicate()
            time.sleep(0.005)
    finally:
        os.killpg(killed.pid, signal.SIGKILL)  # all of its processes
    killed.communicate()
    finish(whole)
    step = checkpoint(tmp_path / "killed")["step"]
    assert 0 < step < checkpoint(tmp_path / "whole")["step"]
    finish(start("killed", "--processes", "2"))
    assert_close(tmp_path / "killed", tmp_path / "whole")


def test_with_batch_normalisation_processes_agree_on_one_network(start, tmp_path):
    _, err = finish(start("cnn", "--processes", "2", architecture="paper-cnn", epochs=1))
    entry = open_entry(tmp_path / "cnn" / "entry")
    assert "best epoch 1" in err and [check for check in verify_entry(entry) if not check.passed] == []


@pytest.mark.slow
def test_torchrun(start, tmp_path):
    program = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    running = [start("one"), start("torchrun", program=program)]
    _, (_, err) = map(finish, running)
    assert err.count("best epoch") == 1 and err.count("epoch 3/3") == 1
    assert_close(tmp_path / "torchrun", tmp_path / "one")


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"epochs": 0}, (), "config.yaml: field 'epochs': "),
        ({"tfs": ["JUNDD"]}, (), "unknown TF 'JUNDD'. Did you mean JUND?"),
        ({"batch_size": 3}, (), "batch_size 3 is shared by 2 processes: at least 2 for each"),
    ],
)
def test_an_error_of_a_process_is_said_once(start, changes, options, message):
    process = start("wrong", "--processes", "2", *options, **changes)
    _, err = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 1 and "Traceback" not in err
    assert [line for line in err.splitlines() if "error" in line] == [err.splitlines()[-1]]
    assert err.splitlines()[-1].startswith("error: ") and message in err


def test_fewer_gpus_than_processes():
    with pytest.raises(ConfigError, match=r"1000 processes need a GPU each .*this machine has \d+. Lower --processes"):
        processes.launch(1000, "cuda", print)


def test_one_process_is_left_alone():
    batch = np.arange(5)
    assert processes.share(batch)[0] is batch
    loss = torch.tensor(2.0)
    assert processes.whole_batch(loss, 3) is loss and processes.global_mean(loss) == 2
    assert (processes.world_size(), processes.rank(), processes.is_main()) == (1, 0, True)


@pytest.fixture
def one_of_three(monkeypatch):
    """Be the second of three processes, whose numbers add up to 12."""
    monkeypatch.setattr(processes, "world_size", lambda: 3)
    monkeypatch.setattr(processes, "rank", lambda: 1)
    monkeypatch.setattr(processes.dist, "all_reduce", lambda value: value.fill_(12))


def test_shares_by_hand(one_of_three):
    assert [part.tolist() for part in processes.share(np.arange(8), np.arange(8) * 10)] == [[2, 3, 4], [20, 30, 40]]


def test_losses_by_hand(one_of_three):
    # A mean of 0.5 over 2 of 12 labels is a sum of 1: 1/12 of the whole, tripled as DDP will divide by three.
    assert processes.whole_batch(torch.tensor(0.5), 2).item() == pytest.approx(3 / 12)
    assert processes.global_mean(torch.tensor(0.5)) == 4
