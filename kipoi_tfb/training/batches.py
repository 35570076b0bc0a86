"""Batches of labelled windows, put together where the network is: a GPU does not wait for the host to gather them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from kipoi_tfb.models.logits import as_tensor, to_one_hot
from kipoi_tfb.training import processes
from kipoi_tfb.training.data import LabelledWindows
from kipoi_tfb.zoo.config import PretrainConfig
from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["Batch", "Batches", "Chosen", "reverse_complement", "shifted"]

_SHARE = 0.5
"""Of a GPU's free memory that the windows may take; the rest is for the network and its activations."""


class Batch(NamedTuple):
    """What one step learns from.

    Attributes
    ----------
    one_hot
        (windows, 4, length).
    labels
        int8 (windows, TFs): 1, 0, or -1 for unresolved.
    taught
        Probabilities that a teacher gives, or None.
    """

    one_hot: Tensor
    labels: Tensor
    taught: Tensor | None


class Chosen(NamedTuple):
    """Which windows are learnt from, in their order, and how they are seen: tensors at a `Batches`' place.

    Attributes
    ----------
    samples
        int64 (windows,): their indices.
    flip
        bool (windows,): seen as reverse complement.
    shifts
        int64 (windows,): by how many bp each is shifted; None if none is.
    """

    samples: Tensor
    flip: Tensor
    shifts: Tensor | None

    def part(self, part: slice) -> Chosen:
        """Return some of them."""
        return Chosen(self.samples[part], self.flip[part], None if self.shifts is None else self.shifts[part])

    def own_share(self) -> Chosen:
        """Return this process's share of them."""
        own = processes.share(*(part for part in self if part is not None))
        return Chosen(own[0], own[1], own[2] if len(own) > 2 else None)


class Batches:
    """All windows as tensors: on the device where it is a GPU and they fit, else in the host's memory.

    Parameters
    ----------
    windows
        What batches are made of; not copied on a CPU.
    device
        Where batches are wanted.
    """

    def __init__(self, windows: LabelledWindows, device: torch.device) -> None:
        arrays = [windows.codes, windows.labels] + ([] if windows.taught is None else [windows.taught])
        self.device = device
        self.place = device if _fits(sum(array.nbytes for array in arrays), device) else torch.device("cpu")
        self._codes, self._labels, *taught = [as_tensor(array, self.place) for array in arrays]
        self._taught = taught[0] if taught else None

    def choose(self, config: PretrainConfig, epoch: int, steps: int) -> Chosen:
        """Return the samples of an epoch of so many steps, in the order in which they are learnt from.

        It follows from the seed and the epoch, and the shifts of a step from the seed and the step.
        """
        n, seed, most = len(self._codes), config.seed, config.shift
        n_samples = 2 * n if config.strands == "both" else n
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(n_samples)
        # On one random strand, or (strands: both) the second half of the samples are the reverse complements.
        flip = rng.random(n_samples) < 0.5 if config.strands == "random" else order >= n
        shifts = None
        if most:
            streams = (np.random.default_rng([seed, 1, step]) for step in range(epoch * steps, (epoch + 1) * steps))
            drawn = np.concatenate([stream.integers(-most, most + 1, config.batch_size) for stream in streams])
            shifts = torch.from_numpy(drawn[:n_samples]).to(self.place)
        return Chosen(torch.from_numpy(order % n).to(self.place), torch.from_numpy(flip).to(self.place), shifts)

    def batch(self, chosen: Chosen) -> Batch:
        """Return the windows that were chosen."""
        codes = self._codes[chosen.samples]
        codes = torch.where(chosen.flip[:, None], reverse_complement(codes), codes)
        if chosen.shifts is not None:
            codes = shifted(codes, chosen.shifts)
        taught = None if self._taught is None else self._moved(self._taught[chosen.samples])
        return Batch(to_one_hot(self._moved(codes)), self._moved(self._labels[chosen.samples]), taught)

    def _moved(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device, non_blocking=True)


def reverse_complement(codes: Tensor) -> Tensor:
    """Return the codes of the other strand: the device-side twin of `tfb_matrix_data.sequence.reverse_complement`."""
    backwards = codes.flip(-1)
    return torch.where(backwards < UNKNOWN, 3 - backwards, backwards)


def shifted(codes: Tensor, shifts: Tensor) -> Tensor:
    """Return windows shifted, each by its own number of bp; what comes in at the end is N.

    Parameters
    ----------
    codes
        uint8 (windows, length).
    shifts
        int64 (windows,): positive ones show the sequence further downstream. None is longer than the window.
    """
    length = codes.shape[1]
    padded = F.pad(codes, (length, length), value=UNKNOWN)
    seen = length + shifts[:, None] + torch.arange(length, device=codes.device)
    return padded.gather(1, seen)


def _fits(n_bytes: int, device: torch.device) -> bool:
    return device.type == "cuda" and n_bytes <= _SHARE * torch.cuda.mem_get_info(device)[0]
