"""Out of memory says which batch fits; the limits here are made, and the one of a real process real."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from kipoi_tfb.models.logits import to_one_hot
from kipoi_tfb.training.data import load_training_data
from kipoi_tfb.training.memory import explain_out_of_memory, is_out_of_memory
from kipoi_tfb.training.trainer import train
from tests.runs import quick
from tfb_matrix_data.errors import TfbError

CPU = torch.device("cpu")
ON_CPU = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "4611686018427387904 bytes. Error code 12 (Cannot allocate memory)"
)
ON_GPU = "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 15.77 GiB."


def test_what_is_out_of_memory():
    assert is_out_of_memory(torch.OutOfMemoryError(ON_GPU))
    assert is_out_of_memory(RuntimeError(ON_CPU)) and is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_torch_says_it_so():
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        torch.empty(1 << 60, dtype=torch.uint8).fill_(1)
    assert is_out_of_memory(caught.value)


def step_that_fits(limit, error):
    def step(n):
        tried.append(n)
        if n > limit:
            raise error

    tried: list[int] = []
    return step, tried


@pytest.mark.parametrize("error", [torch.OutOfMemoryError(ON_GPU), RuntimeError(ON_CPU), MemoryError()])
def test_halves_until_it_fits(error):
    step, tried = step_that_fits(70, error)
    complaint = (
        "out of memory with batch_size 400 .*what fits is `batch_size: 50` in the configuration, .*another --output"
    )
    with pytest.raises(TfbError, match=complaint), explain_out_of_memory(400, step):
        step(400)
    assert tried == [400, 200, 100, 50]


def test_nothing_fits():
    step, tried = step_that_fits(0, RuntimeError(ON_CPU))
    with (
        pytest.raises(TfbError, match=r"out of memory, even for 2 windows at a time \(.*DefaultCPUAllocator"),
        explain_out_of_memory(10, step),
    ):
        step(10)
    assert tried == [10, 5, 2]


def test_without_an_attempt_half_is_said():
    with pytest.raises(TfbError, match="try `batch_size: 200`"), explain_out_of_memory(400, None):
        raise MemoryError


def test_another_error_is_left_alone():
    for error in (RuntimeError("shapes"), TfbError("the loss became nan"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, explain_out_of_memory(4, None):
            raise error
        assert caught.value is error


def test_training_says_which_batch_fits(world, tmp_path, monkeypatch):
    data = load_training_data(quick(), world.matrix, world.genome)
    (tmp_path / "run").mkdir()

    def limited(codes):
        if len(codes) > 20 and len(codes) <= 64:  # validation takes more at a time, and less memory
            raise RuntimeError(ON_CPU)
        return to_one_hot(codes)

    monkeypatch.setattr("kipoi_tfb.training.batches.to_one_hot", limited)
    with pytest.raises(TfbError, match=r"out of memory with batch_size 64 .*`batch_size: 16`"):
        train(quick(), data, tmp_path / "run", CPU)
    assert list((tmp_path / "run").iterdir()) == []
    train(quick(batch_size=16, epochs=1), data, tmp_path / "run", CPU)


LIMITED = """
import resource, sys
import torch
from torch import nn
from kipoi_tfb.training.memory import explain_out_of_memory
from tfb_matrix_data.errors import TfbError

torch.set_num_threads(1)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (3 << 27), -1))
step = lambda n: torch.zeros(n, 1 << 20).sum()  # 4 MB each
try:
    with explain_out_of_memory(1024, step):
        step(1024)
except TfbError as error:
    sys.exit(str(error))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of Linux")
def test_a_process_that_has_little_memory():
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "DefaultCPUAllocator" in done.stderr, done.stderr
    # 384 MB, and what the process has mapped and does not use, hold 64 times 4 MB, and not 128 times.
    assert "`batch_size: 64`" in done.stderr
