"""Windows that differ in a stretch of a few bases, through convolutions: what is the same is computed once.

A substitution changes `width` positions of a convolution's output, and after pooling and some more layers still not
all of them. So the layers run over the whole of a window once, and for each of its changed versions over the stretch
that comes out different, with what the layer sees beside it taken from the window. Sums are of the same terms as over
whole windows: the numbers are the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, Self, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Change", "ChangedWindows", "ReadsChanges", "convolve", "images", "pool"]


class Change(NamedTuple):
    """Changed versions of windows, where they may differ.

    Attributes
    ----------
    image
        Images of the versions, (versions, channels, 1, n), from position `start` on.
    of
        int64 (versions,): which window each is a version of. None: as many versions as windows, each of its own, in
        their order; nothing needs to be looked up then.
    start
        First position at which they may differ.
    """

    image: Tensor
    of: Tensor | None
    start: int

    @property
    def stop(self) -> int:
        """Return the position behind the last one at which they may differ."""
        return self.start + self.image.shape[3]

    def of_each(self, windows: Tensor) -> Tensor:
        """Return the row of each version's window, of rows for windows."""
        return windows if self.of is None else windows.index_select(0, self.of)


class ChangedWindows(NamedTuple):
    """What a layer gives for windows, and for changed versions of them where they differ.

    Images have the axes of a convolution over one line, (images, channels, 1, positions), channels last in memory.

    Attributes
    ----------
    whole
        Images of the windows, (windows, channels, 1, positions).
    changes
        Their versions, by where they differ. Each is computed by itself: its numbers depend on no other.
    """

    whole: Tensor
    changes: Sequence[Change]

    def each(self, function: Callable[[Tensor], Tensor]) -> Self:
        """Return the same after a function of single positions, such as an activation or a normalisation."""
        changes = [change._replace(image=function(change.image)) for change in self.changes]
        return self._replace(whole=function(self.whole), changes=changes)

    def flipped(self) -> Self:
        """Return the same, read from the other end."""
        n = self.whole.shape[3]
        changes = [Change(change.image.flip(3), change.of, n - change.stop) for change in self.changes]
        return self._replace(whole=self.whole.flip(3), changes=changes)

    def stretch(self, change: Change, start: int, stop: int) -> Tensor:
        """Return a change's images from `start` to `stop`, which hold all that differs; zeros beyond the window."""
        n = self.whole.shape[3]
        before = self._beside(change, max(start, 0), change.start)
        after = self._beside(change, change.stop, min(stop, n))
        part = torch.cat([before, change.image, after], dim=3)
        zeros = (max(-start, 0), max(stop - n, 0))
        return F.pad(part, zeros) if any(zeros) else part

    def amax(self) -> list[Tensor]:
        """Return the maxima over positions, (images, channels): of the windows, then of each change."""
        found = [self.whole.amax((2, 3))]
        for change in self.changes:
            best = change.image.amax((2, 3))
            outside = self._outside(change)
            if outside.shape[3]:
                best = torch.maximum(best, change.of_each(outside.amax((2, 3))))
            found.append(best)
        return found

    def mean(self) -> list[Tensor]:
        """Return the means over positions, float32 (images, channels), in the order of `amax`."""
        sums = [self.whole.sum((2, 3), dtype=torch.float32)]
        for change in self.changes:
            outside = self._outside(change).sum((2, 3), dtype=torch.float32)
            sums.append(change.of_each(outside) + change.image.sum((2, 3), dtype=torch.float32))
        return [one / self.whole.shape[3] for one in sums]

    def _outside(self, change: Change) -> Tensor:
        return torch.cat([self.whole[..., : change.start], self.whole[..., change.stop :]], dim=3)

    def _beside(self, change: Change, start: int, stop: int) -> Tensor:
        # Positions before channels: as they lie in memory, so that what is taken out stays channels last.
        lines = self.whole[..., start:stop].permute(0, 2, 3, 1)
        return change.of_each(lines).permute(0, 3, 1, 2)


@runtime_checkable
class ReadsChanges(Protocol):
    """A network that shares work between a window and its changed versions."""

    def change_logits(self, windows: ChangedWindows) -> list[Tensor]:
        """Return logits (2 x images, TFs) of the windows, then of each change: of images, then of their reverses."""


def images(one_hot: Tensor) -> Tensor:
    """Return one-hot windows (windows, 4, length) as images."""
    return one_hot.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def convolve(
    windows: ChangedWindows, weight: Tensor, bias: Tensor | None, padding: int = 0, dilation: int = 1
) -> ChangedWindows:
    """Return the convolution of all images.

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
    changes = []
    for change in windows.changes:
        start, stop = max(change.start + padding - reach, 0), min(change.stop + padding, whole.shape[3])
        seen = windows.stretch(change, start - padding, stop - padding + reach)
        changes.append(Change(F.conv2d(seen, weight, bias, dilation=(1, dilation)), change.of, start))
    return ChangedWindows(whole, changes)


def pool(windows: ChangedWindows, width: int) -> ChangedWindows:
    """Return the maxima of every `width` positions; what is left over at the end is left out."""
    whole = _maxima(windows.whole, width)
    changes = []
    for change in windows.changes:
        start, stop = change.start // width, min(-(-change.stop // width), whole.shape[3])
        seen = windows.stretch(change, start * width, stop * width)
        changes.append(Change(_maxima(seen, width), change.of, start))
    return ChangedWindows(whole, changes)


def _maxima(image: Tensor, width: int) -> Tensor:
    """Return the maxima of every `width` positions; on a CPU without what training would need to know of them."""
    if image.device.type != "cpu" or torch.is_grad_enabled():
        return F.max_pool2d(image, (1, width))
    positions = image[..., : image.shape[3] // width * width].permute(0, 2, 3, 1)
    return positions.unflatten(2, (-1, width)).amax(3).permute(0, 3, 1, 2)
