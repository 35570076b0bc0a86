"""Devices and precisions that do not exist are refused by name."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest
import torch

from kipoi_tfb.models.device import (
    autocast,
    check_same_numbers,
    choose_device,
    choose_precision,
    describe,
    numeric_differences,
    numeric_identity,
)
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


def test_the_identity_of_numbers_is_that_of_the_kernels(monkeypatch):
    for name in ("MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)
    plain = numeric_identity(CPU)
    assert plain["torch"] == torch.__version__ and torch.backends.cpu.get_cpu_capability() in plain["processor"]
    for name in ("MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "AVX2")
            assert (
                numeric_differences(plain, numeric_identity(CPU)) == f"processor {name}=AVX2 here, nothing else there"
            )
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "NONE")
    assert "processor NONE here, " in numeric_differences(plain, numeric_identity(CPU))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="what ATen lets choose on x86-64")
def test_the_instructions_that_aten_was_told_are_in_it():
    program = "import torch, kipoi_tfb.models.device as d; print(d.numeric_identity(torch.device('cpu'))['processor'])"
    command = [sys.executable, "-c", program]
    told = {**os.environ, "ATEN_CPU_CAPABILITY": "default"}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=told).stdout
    assert said.split()[:2] == ["x86_64", "DEFAULT"]


def test_threads_are_in_it_where_training_asks(set_threads):
    assert "threads" not in numeric_identity(CPU)
    found = []
    for threads in (1, 2):
        set_threads(threads)
        found.append(numeric_identity(CPU, threads=True))
    assert numeric_differences(*found) == "threads 2 here, 1 there"
    assert numeric_differences(found[0], numeric_identity(CPU)) == ""


def test_a_machine_that_computes_otherwise_is_refused_in_words():
    here = numeric_identity(CPU)
    check_same_numbers(here, CPU)
    there = {"torch": "1.13", "processor": here["processor"] + " amx_of_tomorrow"}
    complaint = (
        rf"{platform.node()} would compute other last bits than the machine that asks \(processor nothing else here, "
        r"amx_of_tomorrow there; torch .* here, 1\.13 there\): take workers of the same kind of processor"
    )
    with pytest.raises(ConfigError, match=complaint):
        check_same_numbers(there, CPU)


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
