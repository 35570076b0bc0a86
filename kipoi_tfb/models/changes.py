"""Windows that differ in a stretch of a few bases, through convolutions: what is the same is computed once.

A substitution changes `width` positions of a convolution's output, and after pooling and some more layers still not
all of them. So the layers run over the whole of a window once, and for each of its changed versions over the stretch
that comes out different, with what the layer sees beside it taken from the window. Sums are of the same terms as over
whole windows: the numbers are the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, Self, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["ChangedWindows", "ReadsChanges", "as_changed_windows", "convolve", "pool"]


class ChangedWindows(NamedTuple):
    """What a layer gives for windows, and for changed versions of them where it differs.

    Images have the axes of a convolution over one line, (images, channels, 1, positions), channels last in memory.

    Attributes
    ----------
    whole
        Images of the windows, (windows, channels, 1, positions).
    part
        Images of the changed versions, (versions, channels, 1, n), from position `start` on.
    of
        int64 (versions,): which window each is a version of.
    start
        First position at which they may differ.
    """

    whole: Tensor
    part: Tensor
    of: Tensor
    start: int

    @property
    def stop(self) -> int:
        """Return the position behind the last one at which they may differ."""
        return self.start + self.part.shape[3]

    def each(self, function: Callable[[Tensor], Tensor]) -> Self:
        """Return the same after a function of single positions, such as an activation or a normalisation."""
        return self._replace(whole=function(self.whole), part=function(self.part))

    def flipped(self) -> Self:
        """Return the same, read from the other end."""
        start = self.whole.shape[3] - self.stop
        return self._replace(whole=self.whole.flip(3), part=self.part.flip(3), start=start)

    def stretch(self, start: int, stop: int) -> Tensor:
        """Return the versions' images from `start` to `stop`, which hold all that differs; zeros beyond the window."""
        n = self.whole.shape[3]
        before, after = self._beside(max(start, 0), self.start), self._beside(self.stop, min(stop, n))
        part = torch.cat([before, self.part, after], dim=3)
        zeros = (max(-start, 0), max(stop - n, 0))
        return F.pad(part, zeros) if any(zeros) else part

    def amax(self) -> Tensor:
        """Return the maxima over positions, (windows + versions, channels): of the windows, then of their versions."""
        best = self.part.amax((2, 3))
        if self._outside().shape[3]:
            best = torch.maximum(best, self._outside().amax((2, 3)).index_select(0, self.of))
        return torch.cat([self.whole.amax((2, 3)), best])

    def mean(self) -> Tensor:
        """Return the means over positions, float32 (windows + versions, channels), in the order of `amax`."""
        outside = self._outside().sum((2, 3), dtype=torch.float32)
        part = self.part.sum((2, 3), dtype=torch.float32)
        whole = self.whole.sum((2, 3), dtype=torch.float32)
        return torch.cat([whole, outside.index_select(0, self.of) + part]) / self.whole.shape[3]

    def _outside(self) -> Tensor:
        return torch.cat([self.whole[..., : self.start], self.whole[..., self.stop :]], dim=3)

    def _beside(self, start: int, stop: int) -> Tensor:
        # Positions before channels: as they lie in memory, so that what is taken out stays channels last.
        lines = self.whole[..., start:stop].permute(0, 2, 3, 1)
        return lines.index_select(0, self.of).permute(0, 3, 1, 2)


@runtime_checkable
class ReadsChanges(Protocol):
    """A network that shares work between a window and its changed versions."""

    def change_logits(self, windows: ChangedWindows) -> Tensor:
        """Return logits (2 x (windows + versions), TFs): of windows and versions, then of their reverse complements."""


def as_changed_windows(windows: Tensor, versions: Tensor, of: Tensor, start: int, stop: int) -> ChangedWindows:
    """Return one-hot windows (windows, 4, length) with versions (versions, 4, length) that differ in start to stop."""
    whole, part = (
        one_hot.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        for one_hot in (windows, versions[:, :, start:stop])
    )
    return ChangedWindows(whole, part, of, start)


def convolve(
    windows: ChangedWindows, weight: Tensor, bias: Tensor | None, padding: int = 0, dilation: int = 1
) -> ChangedWindows:
    """Return the convolution of both.

    Parameters
    ----------
    windows
        What is convolved.
    weight, bias
        (channels out, channels in, 1, width) and (channels out,).
    padding, dilation
        Zeros at either end of a window, and positions between two that the filter sees.
    """
    reach = dilation * (weight.shape[3] - 1)
    whole = F.conv2d(windows.whole, weight, bias, padding=(0, padding), dilation=(1, dilation))
    start, stop = max(windows.start + padding - reach, 0), min(windows.stop + padding, whole.shape[3])
    seen = windows.stretch(start - padding, stop - padding + reach)
    return ChangedWindows(whole, F.conv2d(seen, weight, bias, dilation=(1, dilation)), windows.of, start)


def pool(windows: ChangedWindows, width: int) -> ChangedWindows:
    """Return the maxima of every `width` positions; what is left over at the end is left out."""
    whole = F.max_pool2d(windows.whole, (1, width))
    start, stop = windows.start // width, min(-(-windows.stop // width), whole.shape[3])
    part = F.max_pool2d(windows.stretch(start * width, stop * width), (1, width))
    return ChangedWindows(whole, part, windows.of, start)
