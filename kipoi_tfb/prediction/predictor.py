"""Entries side by side as one function from windows to scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kipoi_tfb.models.changes import ReadsChanges, as_changed_windows
from kipoi_tfb.models.device import autocast, batch_size_for, choose_device, choose_precision
from kipoi_tfb.models.logits import as_tensor, average, probability, strand_logits, to_one_hot
from kipoi_tfb.models.run import logits_of
from kipoi_tfb.zoo.entry import Entry, entry_titles
from kipoi_tfb.zoo.networks import load_side_by_side
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.names import file_part
from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["Predictor"]

_SHORT = 16
"""Bases: ALTs that differ from REF in so few, and nearly at the same place, are run together."""


class Predictor:
    """The networks of one or more zoo entries, as one function from windows to a score per TF.

    Parameters
    ----------
    entries
        Zoo entries of one window length.
    tfs
        Keep only these columns, in this order and each once; default all. The name of a TF that several entries have
        stands for the columns of all of them.
    device
        See `kipoi_tfb.models.device.choose_device`.
    precision
        ``fp32`` (default: the same numbers everywhere), ``bf16`` or ``auto``.
    batch_size
        Windows per forward pass (twice as many with both strands); default `kipoi_tfb.models.device.batch_size_for`.

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
        batch_size: int | None = None,
    ) -> None:
        lengths = {entry.card.window_length for entry in entries}
        if len(lengths) != 1:
            raise ConfigError(f"entries take windows of different lengths ({sorted(lengths)}); run them one by one")
        (self.window_length,) = lengths
        self.device = choose_device(device)
        self.precision = choose_precision(precision, self.device)
        self.batch_size = batch_size or batch_size_for(self.device)
        self._made_of = (list(entries), tfs, str(self.device), self.precision, self.batch_size)
        networks, order = load_side_by_side(entries)
        self._networks = [network.to(self.device) for network in networks]
        every = _columns(entries)
        kept = range(len(every)) if tfs is None else _chosen(tfs, every, [tf for e in entries for tf in e.card.tasks])
        self.columns = [every[i] for i in kept]
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

    def allele_logits(
        self, ref: NDArray[np.uint8], alt: NDArray[np.uint8], strands: bool = False
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the logits of REF and of ALT, float32 (alleles, columns) each; with `strands` (alleles, 2, columns).

        The same as `logits` or `strand_logits` of both, up to rounding, for less work: alleles in a row that have one
        REF window share it, and a network that can (`kipoi_tfb.models.changes`) runs ALT where it differs from REF
        only.

        Parameters
        ----------
        ref, alt
            uint8 (alleles, length) codes.
        strands
            Do not average the strands.
        """
        read = self.strand_logits if strands else self.logits
        if not len(ref):
            return read(ref), read(alt)
        first = np.ones(len(ref), bool)
        first[1:] = (ref[1:] != ref[:-1]).any(1)
        of, windows = np.cumsum(first) - 1, ref[first]
        if not any(isinstance(network, ReadsChanges) for network in self._networks):
            both = read(np.concatenate([windows, alt]))
            return both[: len(windows)][of], both[len(windows) :]
        parts = [self._allele_logits(network, windows, alt, of) for network in self._networks]
        found = []
        for alleles in zip(*parts, strict=True):
            logits = torch.from_numpy(np.concatenate(alleles, axis=2))
            found.append((logits if strands else average(logits)).numpy())
        of_ref, of_alt = found if self._keep is None else (logits[..., self._keep] for logits in found)
        return of_ref[of], of_alt

    @torch.inference_mode()
    def _allele_logits(
        self, network: nn.Module, windows: NDArray[np.uint8], alt: NDArray[np.uint8], of: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the logits (windows, 2, outputs) and (alleles, 2, outputs) of one network; `of` ascends."""
        if not isinstance(network, ReadsChanges):
            both = np.concatenate([windows, alt])
            logits = logits_of([network], both, self.device, self.precision, self.batch_size, read=strand_logits)
            return logits[: len(windows)], logits[len(windows) :]
        n_outputs = cast(nn.Linear, network.get_submodule("head")).out_features
        found = [np.full((len(codes), 2, n_outputs), np.nan, np.float32) for codes in (windows, alt)]
        for rows, start, stop in _alike(windows, alt, of):
            for some in _batches(rows, of, self.batch_size):
                shared, place = np.unique(of[some], return_inverse=True)
                whole, versions = (to_one_hot(as_tensor(one, self.device)) for one in (windows[shared], alt[some]))
                changed = as_changed_windows(whole, versions, as_tensor(place, self.device), start, stop)
                with autocast(self.device, self.precision):
                    logits = torch.stack(network.change_logits(changed).float().chunk(2), 1).cpu().numpy()
                found[0][shared], found[1][some] = logits[: len(shared)], logits[len(shared) :]
        for logits, codes in zip(found, (windows, alt), strict=True):
            logits[(codes == UNKNOWN).all(1)] = np.nan
        return found[0], found[1]

    def probability(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probability of binding, float32 (windows, columns); NaN for windows of unknown bases only."""
        return probability(torch.from_numpy(self.logits(codes))).numpy()


def _columns(entries: Sequence[Entry]) -> list[str]:
    """Return a name for each output of each entry, no two the same."""
    owners = Counter(tf for entry in entries for tf in set(entry.card.tasks))
    titles = entry_titles(entries)
    for short in (True, False):
        every = [
            _joined(title, tf, short) if owners[tf] > 1 else tf
            for title, entry in zip(titles, entries, strict=True)
            for tf in entry.card.tasks
        ]
        if len(set(every)) == len(every):
            return every
    twice = next(name for name, n in Counter(every).items() if n > 1)
    raise ConfigError(f"two columns would be called {twice}; give the entries one by one")


def _joined(title: str, tf: str, short: bool) -> str:
    return title if short and title.split("/")[-1] in (tf, file_part(tf)) else f"{title}/{tf}"


def _chosen(wanted: Sequence[str], columns: Sequence[str], tfs: Sequence[str]) -> list[int]:
    """Return the indices of the columns that are wanted, by their names or by those of their TFs."""
    found: dict[int, None] = {}
    for name in wanted:
        own = [i for i, names in enumerate(zip(columns, tfs, strict=True)) if name in names]
        if not own:
            raise UnknownNameError("TF", name, dict.fromkeys([*columns, *tfs]))
        found |= dict.fromkeys(own)
    return list(found)


def _alike(
    windows: NDArray[np.uint8], alt: NDArray[np.uint8], of: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], int, int]]:
    """Yield the alleles that differ from their windows at nearly the same place: rows, and from where to where."""
    differs = windows[of] != alt
    start = differs.argmax(1)
    stop = np.maximum(np.where(differs.any(1), alt.shape[1] - differs[:, ::-1].argmax(1), 0), start + 1)
    key = np.where(stop - start <= _SHORT, start // _SHORT, -1)
    for one in np.unique(key).tolist():
        rows = np.flatnonzero(key == one)
        yield rows, int(start[rows].min()), int(stop[rows].max())


def _batches(rows: NDArray[np.int64], of: NDArray[np.int64], batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Yield rows, at most half a batch of windows and two batches of their versions at once."""
    rank = np.unique(of[rows], return_inverse=True)[1]
    n_windows = max(batch_size // 2, 1)
    for one in range(0, int(rank[-1]) + 1, n_windows):
        some = rows[np.searchsorted(rank, one) : np.searchsorted(rank, one + n_windows)]
        for at in range(0, len(some), 2 * batch_size):
            yield some[at : at + 2 * batch_size]
