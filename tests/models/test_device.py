"""Devices and precisions that do not exist are refused by name."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
import torch

from kipoi_tfb.models.device import autocast, choose_device, choose_precision, describe
from tfb_matrix_data.errors import ConfigError, UnknownNameError

CPU = torch.device("cpu")


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch):
    assert choose_device("cpu") == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device() == CPU


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "cpuu", ""])
def test_unknown_device(name):
    with pytest.raises(ConfigError, match=f"device '{name}' is not available here .*use cpu or auto"):
        choose_device(name)


def test_precision_by_name():
    assert [choose_precision(name, CPU) for name in ("fp32", "bf16")] == ["fp32", "bf16"]
    assert choose_precision("auto", CPU) in {"fp32", "bf16"}


def test_auto_precision_asks_the_hardware(monkeypatch):
    for amx, avx, expected in ((False, False, "fp32"), (True, False, "bf16"), (False, True, "bf16")):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda amx=amx: amx)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda avx=avx: avx)
        assert choose_precision("auto", CPU) == expected
    assert choose_precision("auto", torch.device("mps")) == "fp32"


@pytest.mark.parametrize("name", ["fp16", "float32", ""])
def test_unknown_precision(name):
    with pytest.raises(UnknownNameError, match=f"unknown precision '{name}'") as error:
        choose_precision(name, CPU)
    assert error.value.choices == ["auto", "fp32", "bf16"]


def test_autocast_does_what_it_says():
    layer, x = torch.nn.Linear(2, 2), torch.zeros(1, 2)
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with autocast(CPU, precision):
            assert layer(x).dtype == dtype


def test_describe_says_device_and_precision():
    line = describe(CPU, "bf16")
    assert line.startswith("cpu (") and f"{torch.get_num_threads()} threads" in line and line.endswith("bf16")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_freed_memory_is_used_again():
    program = (
        "import resource, sys, torch; from kipoi_tfb.models.device import keep_freed_memory\n"
        "if sys.argv[1] == 'keep': keep_freed_memory()\n"
        "torch.set_num_threads(1)\n"
        "for _ in range(20): torch.ones(16 << 20)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)\n"
    )
    faults = {}
    for how in ("plain", "keep"):
        command = [sys.executable, "-c", program, how]
        faults[how] = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    # 20 arrays of 64 MiB, in pages of 4 KiB or larger, against one.
    if faults["plain"] < 100_000:
        pytest.skip("this system maps memory in large pages: there is little to save")
    assert faults["keep"] < faults["plain"] - 100_000
