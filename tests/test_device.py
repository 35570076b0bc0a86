"""Devices and precisions that do not exist are refused by name."""

from __future__ import annotations

import pytest
import torch

from kipoi_tfb.device import autocast, choose_device, choose_precision, describe
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
