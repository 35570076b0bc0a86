"""Training by several processes at once, on the cores or GPUs of one machine or of many: torch's own DDP.

Each process holds the whole network and takes its share of every batch; the batches are those that one process would
take, so that `batch_size` keeps its meaning. A network without batch normalisation and dropout learns the same, up to
rounding. Batch normalisation sees the whole batch on GPUs (`torch.nn.SyncBatchNorm`); on CPUs, where torch has no such
thing, each process normalises by its own share, and the running averages are those of the first process. Dropout
draws other masks.

Every function here does nothing, or the obvious, where there is one process only.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from tfb_matrix_data.errors import ConfigError, TfbError

__all__ = [
    "global_mean",
    "is_main",
    "join_torchrun",
    "launch",
    "own_device",
    "prepare",
    "rank",
    "replicate",
    "share",
    "share_buffers",
    "total",
    "wait",
    "whole_batch",
    "world_size",
]

_Items = TypeVar("_Items", NDArray, Tensor)

_HOST = "127.0.0.1"
_TIMEOUT = timedelta(minutes=30)
"""How long processes wait for another that is reading data or writing an entry."""


def launch(processes: int, device: str, target: Callable[..., object], *arguments: object) -> None:
    """Call ``target(*arguments)`` in several processes that know of each other, and wait for all of them.

    If one fails the others are stopped.

    Parameters
    ----------
    processes
        How many.
    device
        Where they compute: ``cuda`` for one GPU per process, ``cpu``, or ``auto``.
    target, arguments
        What to call: a function of a module, since it is pickled.

    Raises
    ------
    ConfigError
        If there are fewer GPUs than processes.
    TfbError
        If a process fails; an error that was raised on purpose keeps its message.
    """
    gpus = torch.cuda.device_count()
    on_gpus = gpus > 0 if device == "auto" else device.startswith("cuda")
    if on_gpus and (gpus < processes or ":" in device):
        raise ConfigError(
            f"{processes} processes need a GPU each (--device cuda); this machine has {gpus}. Lower --processes"
        )
    context = torch.multiprocessing.get_context("spawn")
    errors: Any = context.Queue()
    # The store takes a free port by itself, here, so that nobody can take it from us in between.
    store = dist.TCPStore(_HOST, 0, None, True, _TIMEOUT, wait_for_workers=False)
    threads = max(1, torch.get_num_threads() // processes)
    level = logging.getLogger("kipoi_tfb").level or logging.INFO  # `tfb --quiet`
    start = (processes, store.port, "nccl" if on_gpus else "gloo", threads, level, errors, target, arguments)
    try:
        torch.multiprocessing.start_processes(_run, start, processes, start_method="spawn")
    except torch.multiprocessing.ProcessExitedException as error:
        try:
            message = errors.get(timeout=1)
        except queue.Empty:
            message = f"process {error.error_index} of {processes} ended ({error}); was it out of memory?"
        raise TfbError(message) from None


def _run(
    number: int,
    processes: int,
    port: int,
    backend: str,
    threads: int,
    level: int,
    errors: Any,
    target: Callable[..., object],
    arguments: tuple,
) -> None:
    """Be one of the processes."""
    os.environ["LOCAL_RANK"] = str(number)
    torch.set_num_threads(threads)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    for package in ("kipoi_tfb", "tfb_matrix_data"):
        logging.getLogger(package).setLevel(level if number == 0 else logging.ERROR)
    store = dist.TCPStore(_HOST, port, None, False, _TIMEOUT, wait_for_workers=False)
    dist.init_process_group(backend, store=store, rank=number, world_size=processes, timeout=_TIMEOUT)
    try:
        target(*arguments)
    except TfbError as error:
        errors.put(str(error))
        errors.close()
        errors.join_thread()
        os._exit(1)  # others may be waiting for this process
    dist.destroy_process_group()


def join_torchrun(device: torch.device) -> None:
    """Join the other processes, where `torchrun` started this one; for more than one machine."""
    if "TORCHELASTIC_RUN_ID" not in os.environ or dist.is_initialized():
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_TIMEOUT)
    atexit.register(dist.destroy_process_group)
    if not is_main():
        for package in ("kipoi_tfb", "tfb_matrix_data"):
            logging.getLogger(package).setLevel(logging.ERROR)


def world_size() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def is_main() -> bool:
    """Return whether this process is the one that writes files and speaks to the user."""
    return rank() == 0


def own_device(device: torch.device) -> torch.device:
    """Return the device of this process: each takes a GPU of its own."""
    if world_size() > 1 and device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    return device


def prepare(network: nn.Module, device: torch.device) -> nn.Module:
    """Return the network with batch normalisation over the whole batch, where torch has that: before the optimiser."""
    if world_size() > 1 and device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)
    return network


def replicate(network: nn.Module, device: torch.device) -> nn.Module:
    """Return the network as what to call in training: its gradients are averaged over the processes.

    All take the weights of the first process.
    """
    if world_size() == 1:
        return network
    return nn.parallel.DistributedDataParallel(network, device_ids=[device] if device.type == "cuda" else None)


def share(*batch: _Items) -> tuple[_Items, ...]:
    """Return this process's share of a batch: of consecutive items as many as the others have, or one more."""
    if world_size() == 1:
        return batch
    first, last = (len(batch[0]) * number // world_size() for number in (rank(), rank() + 1))
    return tuple(part[first:last] for part in batch)


def whole_batch(loss: Tensor, n: Tensor | float) -> Tensor:
    """Return what to differentiate, given the mean loss over this process's `n` labels.

    DDP averages the gradients of the processes. Where they have different numbers of resolved labels, the average of
    their means is not the mean of all: each mean is weighted by its part of them.
    """
    if world_size() == 1:
        return loss
    here = torch.as_tensor(n, dtype=torch.float64, device=loss.device)
    everywhere = here.clone()
    dist.all_reduce(everywhere)
    return loss * (here * world_size() / everywhere.clamp(min=1)).float()


def global_mean(value: Tensor) -> Tensor:
    """Return the mean of a number over the processes; of `whole_batch` losses, the loss of the whole batch.

    It stays on its device: to read it is to wait for all that the device has been told to do.
    """
    if world_size() == 1:
        return value.detach()
    everywhere = value.detach().double().clone()
    dist.all_reduce(everywhere)
    return everywhere / world_size()


def total(device: torch.device, *numbers: float) -> tuple[float, ...]:
    """Return the sum of each number over the processes."""
    if world_size() == 1:
        return numbers
    # A GPU of Apple's has no float64, but then there is one process only.
    everywhere = torch.tensor(numbers, dtype=torch.float64, device=device)
    dist.all_reduce(everywhere)
    return tuple(everywhere.tolist())


def share_buffers(network: nn.Module) -> None:
    """Give all processes the running averages of the first, so that they validate, and keep, one network."""
    if world_size() > 1:
        for buffer in network.buffers():
            dist.broadcast(buffer, 0)


def wait() -> None:
    """Wait for all processes."""
    if world_size() > 1:
        dist.barrier()
