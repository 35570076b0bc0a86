"""Networks over windows: batches, device, precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kipoi_tfb.models.device import autocast, batch_size_for
from kipoi_tfb.models.logits import as_tensor, both_strands, to_one_hot

__all__ = ["logits_of"]


@torch.inference_mode()
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
    batch_size = batch_size or batch_size_for(device)
    parts = []
    for start in range(0, len(codes), batch_size):
        one_hot = to_one_hot(as_tensor(codes[start : start + batch_size], device))
        with autocast(device, precision):
            logits = torch.cat([read(network, one_hot) for network in networks], dim=-1)
        # A GPU's results are fetched while it is at the next batch, into pinned memory: whole after the wait below.
        parts.append((logits if keep is None else logits[..., list(keep)]).to("cpu", non_blocking=True))
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return torch.cat(parts).numpy()
