"""Entries side by side as one function from windows to scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kipoi_tfb.models.changes import ReadsChanges
from kipoi_tfb.models.device import batch_size_for, choose_device, choose_precision
from kipoi_tfb.models.logits import average, both_strands, probability, strand_logits
from kipoi_tfb.models.run import allele_logits_of, heard, logits_of
from kipoi_tfb.prediction.shifts import mean_over_shifts, window_shifts
from kipoi_tfb.zoo.entry import Entry, entry_titles
from kipoi_tfb.zoo.networks import load_side_by_side
from tfb_matrix_data.errors import ConfigError, UnknownNameError, few
from tfb_matrix_data.names import cell_of, file_part, tf_of

__all__ = ["Predictor"]


class Predictor:
    """The networks of one or more zoo entries, as one function from windows to a score per TF.

    Parameters
    ----------
    entries
        Zoo entries of one window length.
    tfs
        Keep only these columns, in this order and each once; default all. The name of a TF that several entries have
        stands for the columns of all of them, and of all cell types.
    cells
        Keep only outputs of these cell types; default all.
    shifts
        (largest, step) in bp: logits are the mean over windows moved by multiples of the step to either side.
    device
        See `kipoi_tfb.models.device.choose_device`.
    precision
        ``fp32`` (default: the same numbers everywhere), ``bf16`` or ``auto``.
    batch_size
        Windows per forward pass (twice as many with both strands); default `kipoi_tfb.models.device.batch_size_for`,
        and on a CPU twice that for alleles by a small network.

    Attributes
    ----------
    columns
        Name of each column: the TF; where two entries have it with the entry before it (``entry/TF``), or the entry's
        name alone if that ends with the TF (``tf/JUND``).
    sources
        The entry of each column.
    window_length
        Length of the windows in bp; with shifts, of what they all lie in.
    shifts
        int: by how many bp windows are moved, besides the one in the middle.

    Raises
    ------
    ConfigError
        If the entries take windows of different lengths, have no outputs of cell types that are asked for, or none of
        these TFs in these cell types; if shifts make no sense.
    UnknownNameError
        If a TF or cell type is not among the columns.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        tfs: Sequence[str] | None = None,
        device: str = "cpu",
        precision: str = "fp32",
        batch_size: int | None = None,
        cells: Sequence[str] | None = None,
        shifts: tuple[int, int] | None = None,
    ) -> None:
        lengths = {entry.card.window_length for entry in entries}
        if len(lengths) != 1:
            raise ConfigError(f"entries take windows of different lengths ({sorted(lengths)}); run them one by one")
        (self._length,) = lengths
        self.shifts = window_shifts(*shifts, self._length) if shifts else ()
        self.window_length = self._length + 2 * max(self.shifts, default=0)
        self.device = choose_device(device)
        self.precision = choose_precision(precision, self.device)
        self._batch_size, self.batch_size = batch_size, batch_size or batch_size_for(self.device)
        self._made_of = (list(entries), tfs, str(self.device), self.precision, batch_size, cells, shifts)
        networks, order = load_side_by_side(entries)
        self._networks = [network.to(self.device) for network in networks]
        every = _columns(entries)
        outputs = [output for entry in entries for output in entry.card.tasks]
        kept = list(range(len(every))) if tfs is None else _chosen(tfs, every, outputs)
        kept = kept if cells is None else _in_cells(cells, kept, outputs)
        self.columns = [every[i] for i in kept]
        owner = [entry for entry in entries for _ in entry.card.tasks]
        self.sources = [owner[i] for i in kept]
        keep = [order[i] for i in kept]
        self._keep = None if keep == list(range(len(every))) else keep

    def __reduce__(self) -> tuple:
        # Another process gets the entries, and loads the networks from their files.
        return Predictor, self._made_of

    @property
    def models(self) -> list[dict[str, str]]:
        """Name and weights of each entry, as tables say which models their numbers are from."""
        entries = {id(entry): entry for entry in self.sources}.values()
        return [{"name": entry.card.name, "weights_sha256": entry.card.weights.sha256} for entry in entries]

    @property
    def windows(self) -> str:
        """What a score is of, in words."""
        if not self.shifts:
            return f"one window of {self._length} bp"
        most = max(self.shifts)
        return f"the mean of {1 + len(self.shifts)} windows of {self._length} bp, moved by up to {most} bp,"

    def logits(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return strand-averaged logits float32 (windows, columns) of codes (windows, length).

        A window without a single known base has no score: its row is NaN.
        """
        if not len(codes):
            return np.empty((0, len(self.columns)), np.float32)
        return self._read(codes, both_strands)

    def strand_logits(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits float32 (windows, 2, columns) of either strand, of which `logits` are the mean."""
        if not len(codes):
            return np.empty((0, 2, len(self.columns)), np.float32)
        return self._read(codes, strand_logits)

    def _read(self, codes: NDArray[np.uint8], how: Callable[[nn.Module, Tensor], Tensor]) -> NDArray[np.float32]:
        def one(windows: NDArray[np.uint8]) -> NDArray[np.float32]:
            return logits_of(
                self._networks, windows, self.device, self.precision, self._batch_size, self._keep, read=how
            )

        return mean_over_shifts(one, codes, self.shifts, self._length) if self.shifts else one(codes)

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
        if not len(ref) or self.shifts:
            return read(ref), read(alt)
        first = np.ones(len(ref), bool)
        first[1:] = (ref[1:] != ref[:-1]).any(1)
        of, windows = np.cumsum(first) - 1, ref[first]
        if not any(isinstance(network, ReadsChanges) for network in self._networks):
            both = read(np.concatenate([windows, alt]))
            return both[: len(windows)][of], both[len(windows) :]
        how = (self.device, self.precision, self._batch_size)
        with heard(of=len(self._networks)):
            parts = [allele_logits_of(network, windows, alt, of, *how) for network in self._networks]
        found = []
        for alleles in zip(*parts, strict=True):
            logits = torch.from_numpy(np.concatenate(alleles, axis=2))
            found.append((logits if strands else average(logits)).numpy())
        of_ref, of_alt = found if self._keep is None else (logits[..., self._keep] for logits in found)
        return of_ref[of], of_alt

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


def _chosen(wanted: Sequence[str], columns: Sequence[str], outputs: Sequence[str]) -> list[int]:
    """Return the indices of the columns that are wanted, by their names, those of their outputs or of their TFs."""
    tfs = [tf_of(output) for output in outputs]
    found: dict[int, None] = {}
    for name in wanted:
        own = [i for i, names in enumerate(zip(columns, outputs, tfs, strict=True)) if name in names]
        if not own:
            raise UnknownNameError("TF", name, dict.fromkeys([*columns, *outputs, *tfs]))
        found |= dict.fromkeys(own)
    return list(found)


def _in_cells(wanted: Sequence[str], kept: Sequence[int], outputs: Sequence[str]) -> list[int]:
    """Return those of some columns that are of the cell types wanted."""
    known = dict.fromkeys(cell_of(output) for output in outputs if cell_of(output))
    if not known:
        raise ConfigError("these entries have no outputs of cell types: leave --cells out, or take multi163-cells")
    for cell in wanted:
        if cell not in known:
            raise UnknownNameError("cell type", cell, known)
    found = [i for i in kept if cell_of(outputs[i]) in wanted]
    if not found:
        tfs = dict.fromkeys(tf_of(outputs[i]) for i in kept)
        there = dict.fromkeys(cell_of(outputs[i]) for i in kept)
        raise ConfigError(
            f"{few(list(tfs))} was not profiled in {', '.join(wanted)}, or too seldom bound there to learn from; there "
            f"are outputs for it in {', '.join(cell for cell in there if cell)}"
        )
    return found
