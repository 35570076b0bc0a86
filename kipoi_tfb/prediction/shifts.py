"""Windows moved to either side of where they are centred, and the mean of what is said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.models.run import heard
from tfb_matrix_data.errors import ConfigError

__all__ = ["mean_over_shifts", "moved", "window_shifts"]


def window_shifts(largest: int, step: int, length: int) -> tuple[int, ...]:
    """Return the shifts of the window in bp other than 0, nearest first; a positive one moves it to the right.

    Parameters
    ----------
    largest, step
        Multiples of `step` up to `largest`, in both directions.
    length
        Length of the window: shifted, it still has the base at its centre.

    Raises
    ------
    ConfigError
        If there is no such shift, or the centre would leave the window.

    Examples
    --------
    >>> window_shifts(25, 10, 200)
    (-10, 10, -20, 20)
    """
    most = length // 2 - 1
    if not 0 < step <= largest <= most:
        raise ConfigError(
            f"shifts of up to {largest} bp in steps of {step}: the step is at least 1, the largest at least the step "
            f"and at most {most} (half a window)"
        )
    return tuple(sign * shift for shift in range(step, largest + 1, step) for sign in (-1, 1))


def moved(codes: NDArray[np.uint8], shifts: Sequence[int], length: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the window in the middle of wider ones, then those beside it.

    Parameters
    ----------
    codes
        uint8 (windows, width): wide enough for all.
    shifts
        In bp, to the right.
    length
        Of the windows that are cut.

    Examples
    --------
    >>> [window.tolist() for window in moved(np.array([[0, 1, 2, 3]], np.uint8), (-1, 1), 2)]
    [[[1, 2]], [[0, 1]], [[2, 3]]]
    """
    middle = (codes.shape[1] - length) // 2
    for shift in (0, *shifts):
        yield np.ascontiguousarray(codes[:, middle + shift : middle + shift + length])


def mean_over_shifts(
    read: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    codes: NDArray[np.uint8],
    shifts: Sequence[int],
    length: int,
) -> NDArray[np.float32]:
    """Return the mean of what is read of windows and of those beside them (`moved`), where it is a number.

    NaN is what is NaN for all of them: a window without a known base says nothing, and does not count.
    """
    total, n = np.zeros(()), np.zeros((), np.int64)
    with heard(of=1 + len(shifts)):
        for window in moved(codes, shifts, length):
            part = read(window)
            known = ~np.isnan(part)
            total, n = total + np.where(known, part, 0), n + known
    with np.errstate(invalid="ignore"):
        return (total / n).astype(np.float32)
