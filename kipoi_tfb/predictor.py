"""Running networks over windows: batches, device, precision, both strands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kipoi_tfb.device import autocast, choose_device, choose_precision
from kipoi_tfb.entry import Entry
from kipoi_tfb.scores import as_tensor, both_strands, probability, strand_logits, to_one_hot
from kipoi_tfb.shared import load_side_by_side
from tfb_matrix_data.errors import ConfigError, UnknownNameError

__all__ = ["Predictor", "logits_of"]


@torch.inference_mode()
def logits_of(
    networks: Sequence[nn.Module],
    codes: NDArray[np.uint8],
    device: torch.device,
    precision: str = "fp32",
    batch_size: int = 128,
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
        See `Predictor`.
    keep
        Outputs wanted, as indices, in their order; default all.
    read
        With `kipoi_tfb.scores.strand_logits`: of either strand, (windows, 2, outputs).
    """
    parts = [np.empty((0, 0), np.float32)]
    for start in range(0, len(codes), batch_size):
        one_hot = to_one_hot(as_tensor(codes[start : start + batch_size], device))
        with autocast(device, precision):
            logits = torch.cat([read(network, one_hot) for network in networks], dim=-1)
        parts.append((logits if keep is None else logits[..., list(keep)]).cpu().numpy())
    return np.concatenate(parts[1:] or parts)


class Predictor:
    """The networks of one or more zoo entries, as one function from windows to a score per TF.

    Parameters
    ----------
    entries
        Zoo entries of one window length.
    tfs
        Keep only these columns, in this order; default all.
    device
        See `kipoi_tfb.device.choose_device`.
    precision
        ``fp32`` (default: the same numbers everywhere), ``bf16`` or ``auto``.
    batch_size
        Windows per forward pass (twice as many with both strands). Small batches stay in a CPU's cache.

    Attributes
    ----------
    columns
        Name of each column: the TF; where two entries have it with the entry before it (``entry/TF``), or the entry's
        name alone if that ends with the TF (``tf/JUND``).
    sources
        The entry of each column.
    window_length
        Length of the windows in bp.

    Raises
    ------
    ConfigError
        If the entries take windows of different lengths.
    UnknownNameError
        If a TF is not among the columns.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        tfs: Sequence[str] | None = None,
        device: str = "cpu",
        precision: str = "fp32",
        batch_size: int = 128,
    ) -> None:
        lengths = {entry.card.window_length for entry in entries}
        if len(lengths) != 1:
            raise ConfigError(f"entries take windows of different lengths ({sorted(lengths)}); run them one by one")
        (self.window_length,) = lengths
        self.device = choose_device(device)
        self.precision = choose_precision(precision, self.device)
        self.batch_size = batch_size
        self._made_of = (list(entries), tfs, str(self.device), self.precision, batch_size)
        networks, order = load_side_by_side(entries)
        self._networks = [network.to(self.device) for network in networks]
        owners = Counter(tf for entry in entries for tf in set(entry.card.tasks))
        titles = [entry.card.name for entry in entries]
        if len(set(titles)) < len(titles):  # folders of entries that call themselves the same
            titles = [entry.name for entry in entries]
        every = [
            _joined(title, tf) if owners[tf] > 1 else tf
            for title, entry in zip(titles, entries, strict=True)
            for tf in entry.card.tasks
        ]
        unknown = [tf for tf in tfs or () if tf not in every]
        if unknown:
            raise UnknownNameError("TF", unknown[0], every)
        self.columns = list(tfs) if tfs is not None else every
        kept = range(len(every)) if tfs is None else [every.index(tf) for tf in tfs]
        owner = [entry for entry in entries for _ in entry.card.tasks]
        self.sources = [owner[i] for i in kept]
        keep = [order[i] for i in kept]
        self._keep = None if keep == list(range(len(every))) else keep

    def __reduce__(self) -> tuple:
        # Another process gets the entries, and loads the networks from their files.
        return Predictor, self._made_of

    def logits(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return strand-averaged logits float32 (windows, columns) of codes (windows, length).

        A window without a single known base has no score: its row is NaN.
        """
        if not len(codes):
            return np.empty((0, len(self.columns)), np.float32)
        return logits_of(self._networks, codes, self.device, self.precision, self.batch_size, self._keep)

    def strand_logits(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits float32 (windows, 2, columns) of either strand, of which `logits` are the mean."""
        if not len(codes):
            return np.empty((0, 2, len(self.columns)), np.float32)
        return logits_of(
            self._networks, codes, self.device, self.precision, self.batch_size, self._keep, read=strand_logits
        )

    def probability(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probability of binding, float32 (windows, columns); NaN for windows of unknown bases only."""
        return probability(torch.from_numpy(self.logits(codes))).numpy()


def _joined(title: str, tf: str) -> str:
    return title if title.split("/")[-1] == tf else f"{title}/{tf}"
