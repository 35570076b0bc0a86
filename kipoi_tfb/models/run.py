"""Running networks over windows: batches of one shape, each on one thread, as many at once as there are threads.

A matrix product of another number of rows, or one that is shared out among other threads, may be computed by another
kernel and differ in its last bits. So every batch is full, padded if need be, and runs on one thread, and what is
computed for a window follows from the window alone: not from those beside it, nor from where the input was cut, nor
from how many threads there are. They only decide how many batches run at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kipoi_tfb.models.changes import Change, ChangedWindows, ReadsChanges, images
from kipoi_tfb.models.device import autocast, batch_size_for
from kipoi_tfb.models.logits import as_tensor, both_strands, strand_logits, to_one_hot
from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["allele_logits_of", "heard", "logits_of"]

_CELL = 20
"""Bases: where ALT differs from REF is rounded to cells of so many, whose 60 substitutions nearly fill two batches."""
_SMALL = 500_000
"""Weights of a network, without its output layer, up to which twice as many windows with their versions are run at once
on a CPU: they stay in its cache, and what comes between two operations takes a smaller share (tfb score: 6 %)."""
_CHANGES = 8
"""Batches of changed versions in one pass: their activations are in memory at the same time."""

_fits: dict[str, int] = {}
"""Windows at a time that a device's memory was enough for, of those on which it once was not."""

logger = logging.getLogger(__name__)

_listener: ContextVar[Callable[[float], None] | None] = ContextVar("_listener", default=None)

_Given = TypeVar("_Given")
_Found = TypeVar("_Found")


@contextmanager
def heard(listen: Callable[[float], None] | None = None, of: int = 1) -> Iterator[None]:
    """Let a function hear, batch by batch, what share of the work in this context is done: shares that add up to 1.

    Parameters
    ----------
    listen
        Default whoever hears the context around this one, if anybody does.
    of
        How many calls of `logits_of` or `allele_logits_of`, or contexts of this kind, are the work.
    """
    told = listen or _listener.get()
    before = _listener.set(told and (lambda share: told(share / of)))
    try:
        yield
    finally:
        _listener.reset(before)


def logits_of(
    networks: Sequence[nn.Module],
    codes: NDArray[np.uint8],
    device: torch.device,
    precision: str = "fp32",
    batch_size: int | None = None,
    keep: Sequence[int] | None = None,
    read: Callable[[nn.Module, Tensor], Tensor] = both_strands,
) -> NDArray[np.float32]:
    """Return strand-averaged logits of networks, side by side, float32 (windows, outputs).

    Parameters
    ----------
    networks
        In evaluation mode, on the device.
    codes
        uint8 (windows, length); a window without a single known base has NaN.
    device, precision, batch_size
        See `kipoi_tfb.prediction.predictor.Predictor`.
    keep
        Outputs wanted, as indices, in their order; default all.
    read
        With `kipoi_tfb.models.logits.strand_logits`: of either strand, (windows, 2, outputs).
    """
    if not len(codes):
        return np.empty((0, 0), np.float32)

    def run_by(n: int) -> NDArray[np.float32]:
        def run(start: int) -> Tensor:
            one_hot = to_one_hot(as_tensor(_padded(codes[start : start + n], n), device))
            logits = torch.cat([read(network, one_hot) for network in networks], dim=-1)
            # A GPU's results are fetched while it is at the next batch, into pinned memory: whole after `_each`.
            return (logits if keep is None else logits[..., list(keep)]).to("cpu", non_blocking=True)

        return torch.cat(_each(run, range(0, len(codes), n), device, precision))[: len(codes)].numpy()

    return _fitting(run_by, batch_size or batch_size_for(device), device)


def allele_logits_of(
    network: nn.Module,
    windows: NDArray[np.uint8],
    alt: NDArray[np.uint8],
    of: NDArray[np.int64],
    device: torch.device,
    precision: str = "fp32",
    batch_size: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a network's logits of windows and of changed versions, float32 (windows or versions, 2, outputs).

    A network that can (`kipoi_tfb.models.changes`) runs versions where they differ from their windows only.

    Parameters
    ----------
    network
        In evaluation mode, on the device.
    windows, alt
        uint8 (windows, length) and (versions, length).
    of
        int64 (versions,), ascending: which window each is a version of.
    device, precision, batch_size
        See `kipoi_tfb.prediction.predictor.Predictor`.
    """
    if not isinstance(network, ReadsChanges):
        both = np.concatenate([windows, alt])
        logits = logits_of([network], both, device, precision, batch_size, read=strand_logits)
        return logits[: len(windows)], logits[len(windows) :]
    return _fitting(
        lambda n: _changed_logits(network, windows, alt, of, device, precision, n),
        batch_size or _alleles_at_once(network, device),
        device,
    )


def _alleles_at_once(network: nn.Module, device: torch.device) -> int:
    n = batch_size_for(device)
    if device.type != "cpu":
        return n
    body = sum(weight.numel() for name, weight in network.named_parameters() if not name.startswith("head."))
    return n if body > _SMALL else 2 * n


def _changed_logits(
    network: ReadsChanges,
    windows: NDArray[np.uint8],
    alt: NDArray[np.uint8],
    of: NDArray[np.int64],
    device: torch.device,
    precision: str,
    n: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Do as `allele_logits_of` with a network that can, n windows at a time."""

    def put(group: _Group, logits: Sequence[Tensor]) -> None:
        whole, *changed = logits
        found[0][group.windows] = whole[: len(group.windows)].numpy()
        for (some, _, _), versions in zip(group.changes, changed, strict=True):
            found[1][some] = versions[: len(some)].numpy()

    def run(group: _Group) -> list[Tensor]:
        changes = [
            Change(
                images(to_one_hot(as_tensor(_padded(alt[some, start:stop], n), device))),
                _versions_of(np.searchsorted(group.windows, of[some]), n, device),
                start,
            )
            for some, start, stop in group.changes
        ]
        whole = images(to_one_hot(as_tensor(_padded(windows[group.windows], n), device)))
        logits = network.change_logits(ChangedWindows(whole, changes))
        logits = [torch.stack(one.float().chunk(2), 1).to("cpu", non_blocking=True) for one in logits]
        if device.type != "cpu":
            return logits
        put(group, logits)  # at once: results that wait, between activations that are freed, cost memory
        return []

    groups = list(_groups(windows, alt, of, n))
    n_outputs = cast(nn.Linear, cast(nn.Module, network).get_submodule("head")).out_features
    found = [np.full((len(codes), 2, n_outputs), np.nan, np.float32) for codes in (windows, alt)]
    for group, logits in zip(groups, _each(run, groups, device, precision), strict=True):
        if logits:
            put(group, logits)
    for of_codes, codes in zip(found, (windows, alt), strict=True):
        of_codes[(codes == UNKNOWN).all(1)] = np.nan
    return found[0], found[1]


class _Group(NamedTuple):
    """What one forward pass computes of alleles.

    Attributes
    ----------
    windows
        Which windows, ascending.
    changes
        Which versions of them, with the first base and the one behind the last that are run.
    """

    windows: NDArray[np.int64]
    changes: list[tuple[NDArray[np.int64], int, int]]


def _groups(windows: NDArray[np.uint8], alt: NDArray[np.uint8], of: NDArray[np.int64], n: int) -> Iterator[_Group]:
    """Yield groups of at most n windows, with batches of at most n versions that are changed in one stretch."""
    start, stop = _stretches(windows[of] != alt)
    changes: dict[tuple[int, ...], list[tuple[NDArray[np.int64], int, int]]] = {}
    for first, last in np.unique(np.stack([start, stop], axis=1), axis=0).tolist():
        rows = np.flatnonzero((start == first) & (stop == last))
        shared = np.unique(of[rows])
        for one in range(0, len(shared), n):
            some = shared[one : one + n]
            own = rows[np.searchsorted(of[rows], some[0]) : np.searchsorted(of[rows], some[-1], "right")]
            batches = [(own[at : at + n], first, last) for at in range(0, len(own), n)]
            changes.setdefault(tuple(some.tolist()), []).extend(batches)
    for key, batches in changes.items():
        for at in range(0, len(batches), _CHANGES):
            yield _Group(np.array(key), batches[at : at + _CHANGES])


def _stretches(differs: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first base and the one behind the last that are run of each row, given where it is changed.

    They follow from the allele alone: from its cell to the end of the same, of the next, or of the window. The middle
    base, where `tfb score` puts variants, has a cell of its own.
    """
    length = differs.shape[1]
    middle = length // 2
    edges = np.unique([0, length, *range(middle, 0, -_CELL), *range(middle + 1, length, _CELL)])
    first = differs.argmax(1)
    behind = np.maximum(length - differs[:, ::-1].argmax(1), first + 1)
    behind[~differs.any(1)] = 1
    cell = np.searchsorted(edges, first, "right") - 1
    ends = edges[np.minimum(cell[:, None] + [1, 2, len(edges)], len(edges) - 1)]
    return edges[cell], ends[np.arange(len(ends)), (ends < behind[:, None]).sum(1)]


def _versions_of(window: NDArray[np.int64], n: int, device: torch.device) -> Tensor | None:
    """Return which of n windows n versions are of, given those of the first; None where each is of its own."""
    return None if np.array_equal(window, np.arange(len(window))) else as_tensor(_padded(window, n, 0), device)


def _padded(rows: NDArray, n: int, value: int = UNKNOWN) -> NDArray:
    """Return n rows: those given, and others below them."""
    padding = [(0, n - len(rows)), *[(0, 0)] * (rows.ndim - 1)]
    return np.pad(rows, padding, constant_values=value)


def _each(
    function: Callable[[_Given], _Found], items: Sequence[_Given], device: torch.device, precision: str
) -> list[_Found]:
    """Return what a function gives for each item, on a CPU for as many at once as torch has threads."""

    def run(item: _Given) -> _Found:
        # Either is a thread's own.
        with torch.inference_mode(), autocast(device, precision):
            return function(item)

    if device.type != "cpu":
        found = _told(map(run, items), len(items))
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return found
    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(min(threads, len(items)), "tfb-batches", _use_one_thread) as workers:
            return _told(workers.map(run, items), len(items))
    finally:
        torch.set_num_threads(threads)


def _fitting(run_by: Callable[[int], _Found], n: int, device: torch.device) -> _Found:
    """Return what a function gives of a batch size: n, or where a GPU's memory is not enough, half as much and so on.

    The numbers are the same up to rounding. What did not fit is not tried again.
    """
    while True:
        n = min(n, _fits.get(str(device), n))
        try:
            return run_by(n)
        except torch.OutOfMemoryError:
            if n == 1:
                raise
        # Out here the traceback is gone, and what its frames held.
        torch.cuda.empty_cache()
        _fits[str(device)] = n // 2
        logger.warning("%s is out of memory with %d windows at a time; going on with %d", device, n, n // 2)


def _told(results: Iterator[_Found], n: int) -> list[_Found]:
    """Return n results, each told to who listens when it is there."""
    found, told = [], _listener.get()
    for result in results:
        found.append(result)
        if told:
            told(1 / n)
    return found


def _use_one_thread() -> None:
    torch.get_num_threads()  # asked first, or the process's number would be set in place of what follows
    torch.set_num_threads(1)
