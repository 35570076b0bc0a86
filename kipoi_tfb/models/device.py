"""Where a network runs, and at what precision."""

from __future__ import annotations

import contextlib
import ctypes
import os

import torch

from tfb_matrix_data.errors import ConfigError, UnknownNameError

__all__ = ["autocast", "batch_size_for", "choose_device", "choose_precision", "describe", "keep_freed_memory"]

PRECISIONS = ("fp32", "bf16")


def choose_device(name: str = "auto") -> torch.device:
    """Return the device by name (``cpu``, ``cuda``, ``cuda:1``, ``mps``); ``auto`` takes a GPU where there is one.

    Raises
    ------
    ConfigError
        If the device does not exist on this machine.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"device {name!r} is not available here ({error}); use cpu or auto") from None
    return device


def choose_precision(name: str, device: torch.device) -> str:
    """Return ``fp32`` or ``bf16``; ``auto`` takes bf16 where the hardware computes with it."""
    if name != "auto":
        if name not in PRECISIONS:
            raise UnknownNameError("precision", name, ("auto", *PRECISIONS))
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    if device.type == "cpu":
        return "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "fp32"
    return "fp32"


def batch_size_for(device: torch.device) -> int:
    """Return how many windows to predict at a time: few stay in a CPU's cache, a GPU idles between small batches."""
    return 32 if device.type == "cpu" else 2048


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager:
    """Return the context in which forward passes run at the given precision."""
    if device.type == "cuda" and precision == "fp32":
        # By default cuDNN convolves float32 in TF32, with 10 bits of mantissa: not the same numbers as on a CPU.
        return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=False, allow_tf32=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def describe(device: torch.device, precision: str) -> str:
    """Return one line for the user: device, its name or threads, precision."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)}), {precision}"
    return f"{device} ({torch.get_num_threads()} threads of {os.cpu_count()} cores), {precision}"


def keep_freed_memory() -> None:
    """Ask the C library to use freed memory again instead of giving it back to the kernel.

    Activations of tens of megabytes come and go in every training step; glibc maps each anew, and the kernel clears
    it page by page (docs/benchmarks.md says what that costs). Does nothing where the C library is not glibc.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        for parameter, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 256 << 20)):
            libc.mallopt(parameter, value)


_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
