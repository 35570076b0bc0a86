"""What a base makes of windows, computed once: where only the output layer learns, it needs no more.

Both strands' logits are averaged, and the output layer is linear: so the mean of both strands' features is all that it
needs to see, in training as in the test.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kipoi_tfb.models.device import batch_size_for, numeric_identity
from kipoi_tfb.models.run import heard, logits_of
from kipoi_tfb.output.progress import progress_bar, progress_within
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.networks import body_of, sharing_copy
from tfb_matrix_data.errors import TfbError
from tfb_matrix_data.files import atomic_path, cache_folder, locked

__all__ = ["FeatureBank", "open_bank", "window_features"]

logger = logging.getLogger(__name__)

_LARGEST = float(np.finfo(np.float16).max)
_PART = 4096
"""Windows between two records of how far a bank is: what is lost when it is stopped. Whole batches of any device."""


def window_features(base: Entry, codes: NDArray[np.uint8], device: str | torch.device = "cpu") -> NDArray[np.float32]:
    """Return what the base's output layer sees, averaged over both strands, float32 (windows, features).

    Parameters
    ----------
    base
        Whose network it is; it runs in float32.
    codes
        uint8 (windows, length).
    device
        Where to compute.
    """
    return _features(_without_head(base, torch.device(device)), codes, torch.device(device))


@dataclass(frozen=True)
class FeatureBank:
    """Features of many regions, on disk.

    Attributes
    ----------
    region
        int64 (regions,), ascending.
    features
        float16 (regions, features), memory-mapped.
    path
        Of the file.
    """

    region: NDArray[np.int64]
    features: NDArray[np.float16]
    path: Path

    def of(self, region: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the features of regions, float32 (regions, features).

        Raises
        ------
        TfbError
            If one of them is not in the bank.
        """
        at = np.minimum(np.searchsorted(self.region, region), len(self.region) - 1)
        if len(region) and (self.region[at] != region).any():
            raise TfbError(f"{self.path}: has no features of region {region[self.region[at] != region][0]}")
        return self.features[at].astype(np.float32)


def open_bank(
    base: Entry, region: NDArray[np.int64], codes: NDArray[np.uint8], device: str | torch.device = "cpu"
) -> FeatureBank:
    """Return the features of regions, from the cache if they were computed before.

    The file is known by the base's weights, the windows, and what else decides its bytes (`numeric_identity`).
    Computing that was stopped goes on where it was.

    Parameters
    ----------
    base
        Whose network it is.
    region
        int64 (regions,), ascending.
    codes
        uint8 (regions, length).
    device
        Where to compute.

    Raises
    ------
    TfbError
        If a feature does not fit into float16, or the disk is full.
    """
    numbers = json.dumps(numeric_identity(torch.device(device)), sort_keys=True)
    digest = hashlib.sha256(f"{base.card.weights.sha256} {codes.shape} features 2 {numbers}\n".encode())
    digest.update(np.ascontiguousarray(codes).data)
    folder = cache_folder() / "features"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{base.card.weights.sha256[:12]}-{digest.hexdigest()[:24]}.npy"
    if not path.is_file():
        held = f"another process computes the features {path.name}"
        with locked(path.with_suffix(".lock"), wait=True, held=held):
            if not path.is_file():
                _fill(path, base, codes, torch.device(device))
    return FeatureBank(region, np.load(path, mmap_mode="r"), path)


def _fill(path: Path, base: Entry, codes: NDArray[np.uint8], device: torch.device) -> None:
    """Compute a bank under another name, and give it its own when it is whole."""
    assert _PART % batch_size_for(device) == 0  # or each part would end in a batch that is mostly padding
    partly, record = path.with_suffix(".part"), path.with_suffix(".json")
    network = _without_head(base, device)
    width = _features(network, codes[:1], device).shape[1]
    shape, done = (len(codes), width), 0
    if partly.is_file() and record.is_file():
        done = int(json.loads(record.read_text())["done"])
        logger.info("features: %d of %d windows are there already", done, len(codes))
        bank = np.lib.format.open_memmap(partly, "r+")
    else:
        bank = np.lib.format.open_memmap(partly, "w+", np.float16, shape)
        with open(partly, "r+b") as stream:  # a full disk is an error now, and not a crash of whoever writes
            os.posix_fallocate(stream.fileno(), 0, partly.stat().st_size)
    logger.info("features of %d windows by %s -> %s (%.2g GB)", *(len(codes), base.name, path, bank.nbytes / 1e9))
    with progress_bar(f"features by {base.name}", len(codes)) as advance:
        advance(done)
        for start in range(done, len(codes), _PART):
            part = codes[start : start + _PART]
            with progress_within(advance, len(part)) as share, heard(share):
                found = _features(network, part, device)
            largest = float(np.abs(found).max())
            if not largest <= _LARGEST:
                raise TfbError(f"features of {base.name} do not fit into float16 (largest {largest:.3g})")
            bank[start : start + _PART] = found
            bank.flush()
            with atomic_path(record) as temporary:
                temporary.write_text(json.dumps({"done": start + len(found)}))
    del bank
    partly.rename(path)
    record.unlink(missing_ok=True)


def _without_head(base: Entry, device: torch.device) -> nn.Module:
    network = sharing_copy(body_of(base))
    network.set_submodule("head", nn.Identity())
    return network.to(device).eval()


def _features(network: nn.Module, codes: NDArray[np.uint8], device: torch.device) -> NDArray[np.float32]:
    """Return the features, which are what a network without its output layer gives for logits."""
    return logits_of([network], codes, device)
