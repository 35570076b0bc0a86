"""Where a network runs, and at what precision."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import platform
import sys
from collections.abc import Mapping

import torch

from tfb_matrix_data.errors import ConfigError, UnknownNameError

__all__ = [
    "autocast",
    "batch_size_for",
    "check_same_numbers",
    "choose_device",
    "choose_precision",
    "describe",
    "give_back_memory",
    "keep_freed_memory",
    "numeric_differences",
    "numeric_identity",
]

PRECISIONS = ("fp32", "bf16")

_KERNELS = ("avx", "amx", "fma", "sse4", "neon", "sve", "l2_cache_size")
"""Of what torch says of a processor, what its libraries choose a kernel, and the blocks of a sum, by."""
_CHOICES = tuple(f"{name}_{what}" for name in ("ONEDNN", "DNNL") for what in ("MAX_CPU_ISA", "DEFAULT_FPMATH_MODE"))
_CHOICES += ("MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR")
"""Variables that let them choose others. ATen's own, ATEN_CPU_CAPABILITY, is in what it says of itself."""


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
    """Return how many windows to predict at a time: few stay in a CPU's cache, a GPU idles between small batches.

    A single window costs as much as a batch (`kipoi_tfb.models.run`).
    """
    return 32 if device.type == "cpu" else 2048


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager:
    """Return the context in which forward passes run at the given precision."""
    if device.type == "cuda" and precision == "fp32":
        # By default cuDNN convolves float32 in TF32, with 10 bits of mantissa: not the same numbers as on a CPU.
        fixed = torch.backends.cudnn.deterministic  # whoever wants the same bits again has set it
        return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=fixed, allow_tf32=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def numeric_identity(device: torch.device, threads: bool = False) -> dict[str, str]:
    """Return what decides the last bits of a network's numbers, beside the network, the precision and the batch size.

    The version of torch, and the processor: which instructions its libraries compute with.

    Parameters
    ----------
    device
        Where it runs.
    threads
        Also how many threads share a sum on a CPU, which matters in training; predictions do without
        (`kipoi_tfb.models.run`).
    """
    numbers = {"torch": str(torch.__version__)}
    if device.type == "cuda":
        return {**numbers, "processor": torch.cuda.get_device_name(device)}
    known: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # which older versions of torch lack
    names = [f"{name}={value}" for name, value in sorted(known.items()) if value and name.startswith(_KERNELS)]
    choices = [f"{name}={os.environ[name]}" for name in _CHOICES if name in os.environ]
    words = [platform.machine(), torch.backends.cpu.get_cpu_capability(), *names, *choices]
    numbers["processor"] = " ".join(words).replace("=True", "")
    return {**numbers, "threads": f"{torch.get_num_threads()}"} if threads else numbers


def numeric_differences(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Return in words how two `numeric_identity` differ in what both say; an empty text if they do not.

    Examples
    --------
    >>> numeric_differences({"processor": "x86_64 AVX2", "threads": "2"}, {"processor": "x86_64 AVX512 amx_tile"})
    'processor AVX512 amx_tile here, AVX2 there'
    """
    said = []
    for key in sorted(there.keys() & here.keys()):
        own, other = (
            [word for word in a[key].split() if word not in b[key].split()] for a, b in ((here, there), (there, here))
        )
        if own or other:
            said.append(f"{key} {' '.join(own) or 'nothing else'} here, {' '.join(other) or 'nothing else'} there")
    return "; ".join(said)


def check_same_numbers(there: Mapping[str, str], device: torch.device) -> None:
    """Refuse to compute where numbers differ in their last bits from those that they would stand beside.

    Parameters
    ----------
    there
        The `numeric_identity` of whoever asks.
    device
        The device here.

    Raises
    ------
    ConfigError
        If this machine's is another.
    """
    differs = numeric_differences(there, numeric_identity(device))
    if differs:
        raise ConfigError(
            f"{platform.node()} would compute other last bits than the machine that asks ({differs}): take workers of "
            "the same kind of processor, with the same torch"
        )


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


def give_back_memory() -> None:
    """Give freed memory back to the kernel, after a piece of a long job: the next begins where the first began.

    Results of batches lie between activations that are freed, so that a process would grow, piece by piece, by what it
    cannot use again; the command line lets cyclic garbage lie for long, and Arrow keeps what it had. Trims nothing
    where the C library is not glibc.
    """
    gc.collect()
    if (arrow := sys.modules.get("pyarrow")) is not None:
        arrow.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
