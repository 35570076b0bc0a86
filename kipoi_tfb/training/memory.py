"""Out of memory: say which batch would have fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from tfb_matrix_data.errors import TfbError

__all__ = ["explain_out_of_memory", "is_out_of_memory"]

_SMALLEST = 2
"""Batch normalisation learns nothing from a single window."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception says that memory was not enough: numpy's, a GPU's, or torch's on the CPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # On the CPU torch raises a bare RuntimeError.
    text = str(error)
    return isinstance(error, RuntimeError) and ("DefaultCPUAllocator" in text or "out of memory" in text)


@contextmanager
def explain_out_of_memory(batch_size: int, attempt: Callable[[int], object] | None) -> Iterator[None]:
    """Turn "out of memory" in a block into an error that says which `batch_size` fits.

    Parameters
    ----------
    batch_size
        The configured one.
    attempt
        Does one step with a number of windows; it is called with half as many as before until it does not fail. None
        to say half.

    Raises
    ------
    TfbError
        If memory was not enough.

    Notes
    -----
    A Linux kernel that promises more memory than it has kills the process instead: then nothing can be said.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    else:
        return
    # Out here the traceback is gone, and what its frames held.
    fits = batch_size // 2 if attempt is None else _largest(attempt, batch_size)
    if fits < _SMALLEST:
        raise TfbError(f"out of memory, even for {_SMALLEST} windows at a time ({reason})")
    verb = "try" if attempt is None else "what fits is"
    raise TfbError(
        f"out of memory with batch_size {batch_size} ({reason}); {verb} `batch_size: {fits}` in the configuration, "
        "with another --output, as a checkpoint belongs to its batch size"
    )


def _largest(attempt: Callable[[int], object], batch_size: int) -> int:
    """Return the largest halving of the batch that fits, 0 if none does."""
    while (batch_size := batch_size // 2) >= _SMALLEST:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        try:
            attempt(batch_size)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            return batch_size
    return 0
