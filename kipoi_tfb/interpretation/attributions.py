"""Contributions of single bases to the log-odds of binding, each with its completeness error."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kipoi_tfb.interpretation.completeness import METHODS, Method, completeness_error, is_complete
from kipoi_tfb.interpretation.references import check_shuffles, dinucleotide_shuffles
from kipoi_tfb.models.attributable import attributable
from kipoi_tfb.models.device import autocast, batch_size_for
from kipoi_tfb.models.logits import as_tensor, to_one_hot
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.networks import load_network
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["SHUFFLES", "Contributions", "Explainer", "explainer_of"]

SHUFFLES = 10
"""References of a window for `deeplift`, as in the paper."""

_POINTS, _FINER = 64, 4
"""Points on the way from a reference to the window, for `ig`, and how often they are made three times as many where
contributions do not add up."""


class Contributions(NamedTuple):
    """What the bases of windows give to the logits of some TFs.

    Attributes
    ----------
    hypothetical
        float32 (windows, TFs, 4, length): what A, C, G, T would give in the place of the base that is there; zero where
        that is not known. The contribution of a base that is there is among them.
    output, reference
        float32 (windows, TFs): the strand-averaged logit of the window, and the mean over its references; `ism` has
        none (NaN). NaN for a window without a known base.
    error
        float64 (windows, TFs): by how much the contributions of a window miss output - reference.
    """

    hypothetical: NDArray[np.float32]
    output: NDArray[np.float32]
    reference: NDArray[np.float32]
    error: NDArray[np.float64]

    def of_bases(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the contributions of the bases that are there, float32 (windows, TFs, length)."""
        return _of_bases(self.hypothetical, codes)


class Explainer:
    """Contributions of the bases of windows to the logits of an entry.

    Parameters
    ----------
    entry
        Zoo entry.
    tfs
        TFs of it, default all.
    method
        ``deeplift`` (with captum), ``ig`` (integrated gradients, with captum) or ``ism`` (in-silico mutagenesis: what
        the base has over the mean of the three others).
    references
        uint8 (references, length): what every window is compared with. Default dinucleotide shuffles of the window, for
        `ig` a window of unknown bases.
    shuffles
        How many dinucleotide shuffles; default `SHUFFLES` for `deeplift`.
    seed
        Of the shuffles.
    device
        See `kipoi_tfb.models.device.choose_device`.
    batch_size
        Pairs of windows and references in one pass.

    Raises
    ------
    UnknownNameError
        If there is no such method, or the entry lacks a TF.
    ConfigError
        If the network has an operation for which `deeplift` has no rule, or the references do not fit.
    """

    def __init__(
        self,
        entry: Entry,
        tfs: Sequence[str] | None = None,
        method: Method = "deeplift",
        references: NDArray[np.uint8] | None = None,
        shuffles: int | None = None,
        seed: int = 0,
        device: str = "cpu",
        batch_size: int | None = None,
    ) -> None:
        if method not in METHODS:
            raise UnknownNameError("method", method, METHODS)
        if method == "ism" and (references is not None or shuffles is not None):
            raise ConfigError("ism changes one base at a time and compares with no reference: leave references out")
        if references is not None and shuffles is not None:
            raise ConfigError("references are given, or shuffles made: not both")
        self.predictor = Predictor([entry], tfs, device)
        self.entry, self.method, self.seed = entry, method, seed
        self.tfs, self.device = self.predictor.columns, self.predictor.device
        length = self.predictor.window_length
        if references is not None and (references.ndim != 2 or references.shape[1] != length or not len(references)):
            raise ConfigError(
                f"references of shape {references.shape} do not fit windows of {length} bp: expected (n, {length})"
            )
        self.shuffles = None
        if method == "deeplift" and references is None:
            self.shuffles = SHUFFLES if shuffles is None else check_shuffles(shuffles)
        elif method == "ig" and references is None:
            self.shuffles = None if shuffles is None else check_shuffles(shuffles)
            references = np.full((1, length), UNKNOWN, np.uint8)
        self.references = references
        self.batch_size = batch_size or max(batch_size_for(self.device) // 2, 1)
        self._targets = [entry.card.tasks.index(tf) for tf in self.tfs]
        if method != "ism":
            self._module = attributable(load_network(entry), deeplift=method == "deeplift").to(self.device)

    def __call__(self, codes: NDArray[np.uint8], shuffled: NDArray[np.uint8] | None = None) -> Contributions:
        """Return the contributions of the bases of windows.

        Parameters
        ----------
        codes
            uint8 (windows, length).
        shuffled
            The windows whose shuffles are the references, default the same: both alleles of a variant are compared with
            one set, or the effect would drown in the difference between two.
        """
        with autocast(self.device, "fp32"):
            return self._contributions(codes, codes if shuffled is None else shuffled)

    def _contributions(self, codes: NDArray[np.uint8], shuffled: NDArray[np.uint8]) -> Contributions:
        n, length = codes.shape
        known = (codes < UNKNOWN).any(1)
        hypothetical = np.zeros((n, len(self.tfs), 4, length), np.float32)
        output, reference = (np.full((n, len(self.tfs)), np.nan, np.float32) for _ in range(2))
        error = np.full((n, len(self.tfs)), np.nan)
        if known.any():
            some = codes[known]
            if self.method == "ism":
                hypothetical[known], output[known] = self._mutated(some)
            else:
                pairs = self._pairs(some, shuffled[known])
                if self.method == "deeplift":
                    hypothetical[known], output[known], reference[known] = self._deeplift(some, pairs)
                else:
                    output[known] = self._logits(some)
                    reference[known] = self._logits(pairs.reshape(-1, length)).reshape(*pairs.shape[:2], -1).mean(1)
                    hypothetical[known] = self._integrated(some, pairs, output[known], reference[known])
                error = completeness_error(_of_bases(hypothetical, codes), output, reference)
        return Contributions(hypothetical, output, reference, error)

    def _pairs(self, codes: NDArray[np.uint8], shuffled: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the references of each window, uint8 (windows, references, length), unknown wherever it is."""
        if self.shuffles is not None:
            pairs = np.stack([dinucleotide_shuffles(window, self.shuffles, self.seed) for window in shuffled])
        else:
            pairs = np.repeat(self.references[None], len(codes), axis=0)  # type: ignore[index]
        return np.where(codes[:, None] == UNKNOWN, np.uint8(UNKNOWN), pairs)

    def _one_hot(self, codes: NDArray[np.uint8]) -> Tensor:
        return to_one_hot(as_tensor(codes, self.device))

    def _logits(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = []
        with torch.no_grad():
            for start in range(0, len(codes), self.batch_size):
                logits = self._module(self._one_hot(codes[start : start + self.batch_size]))
                parts.append(logits[:, self._targets].cpu().numpy())
        return np.concatenate(parts)

    def _deeplift(
        self, codes: NDArray[np.uint8], pairs: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return hypothetical contributions, the logits of windows, and the mean ones of their references."""
        from captum.attr import DeepLift

        def multipliers(one_hot: Tensor, references: Tensor, target: int) -> Tensor:
            return DeepLift(self._module).attribute(
                one_hot, references, target=target, custom_attribution_func=lambda found, *_: found
            )

        # The passes that captum makes see every window and reference: others would cost a sixth of the time.
        logits: list[Tensor] = []
        hook = self._module.register_forward_hook(lambda _module, _given, found: logits.append(found.detach()))
        try:
            every = range(len(self.tfs))
            found = np.stack([self._hypothetical(codes, pairs, column, multipliers) for column in every], axis=1)
        finally:
            hook.remove()
        n, per_window, _ = pairs.shape
        of_first = logits[: len(logits) // len(self.tfs)]
        halves = zip(*(one[:, self._targets].chunk(2) for one in of_first), strict=True)
        output, reference = (torch.cat(half).cpu().numpy().reshape(n, per_window, -1) for half in halves)
        return found, output[:, 0], reference.mean(1)

    def _integrated(
        self,
        codes: NDArray[np.uint8],
        pairs: NDArray[np.uint8],
        output: NDArray[np.float32],
        reference: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        from captum.attr import IntegratedGradients

        integrate = IntegratedGradients(self._module, multiply_by_inputs=False)

        def integral(rows: NDArray[np.int64], column: int, points: int, moved: float = 0.0) -> NDArray[np.float32]:
            def multipliers(one_hot: Tensor, references: Tensor, target: int) -> Tensor:
                step = (one_hot - references).detach() * (moved / points)
                return integrate.attribute(
                    one_hot + step, references + step, target, n_steps=points, method="riemann_middle",
                    internal_batch_size=max(self.batch_size, len(one_hot)),
                )  # fmt: skip

            return self._hypothetical(codes[rows], pairs[rows], column, multipliers)

        found = np.zeros((len(codes), len(self.tfs), 4, codes.shape[1]), np.float32)
        for column in range(len(self.tfs)):
            rows, points = np.arange(len(codes)), _POINTS
            found[:, column] = integral(rows, column, points)
            for _ in range(_FINER):
                sums = _of_bases(found[rows, column][:, None], codes[rows])[:, 0]
                ends = output[rows, column], reference[rows, column]
                rows = rows[~is_complete(completeness_error(sums, *ends), *ends, method=self.method)]
                if not len(rows):
                    break
                # The middles of three times as many pieces are those that are known and two beside each.
                beside = integral(rows, column, points, -1 / 3) + integral(rows, column, points, 1 / 3)
                found[rows, column] = (found[rows, column] + beside) / 3
                points *= 3
        return found

    def _hypothetical(
        self,
        codes: NDArray[np.uint8],
        pairs: NDArray[np.uint8],
        column: int,
        multipliers: Callable[[Tensor, Tensor, int], Tensor],
    ) -> NDArray[np.float32]:
        """Return hypothetical contributions to one TF, float32 (windows, 4, length): the mean over references.

        A base in a place gives what its multiplier is above that of the reference's base there.
        """
        n, per_window, length = pairs.shape
        total = np.zeros((n, 4, length))
        flat, window = pairs.reshape(-1, length), np.repeat(np.arange(n), per_window)
        # Windows are not cut apart where they need not be: where a pooling is the same in window and reference, captum
        # takes the gradient of the first pair in the pass. On a CPU that is one of the same window.
        together = max(self.batch_size // per_window, 1) * per_window
        for first in range(0, len(flat), together):
            for start in range(first, min(first + together, len(flat)), self.batch_size):
                some = slice(start, min(start + self.batch_size, first + together))
                one_hot, references = self._one_hot(codes[window[some]]).requires_grad_(), self._one_hot(flat[some])
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", "Setting forward, backward hooks")  # captum, at every call
                    found = multipliers(one_hot, references, self._targets[column])
                given = found - (found * references).sum(1, keepdim=True)
                np.add.at(total, window[some], given.detach().cpu().double().numpy())
        return ((total / per_window) * (codes[:, None] < UNKNOWN)).astype(np.float32)

    def _mutated(self, codes: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what each base has over the mean of the others in its place, and the logits of the windows."""
        n, length = codes.shape
        window, place = np.nonzero(codes < UNKNOWN)
        window, place = np.repeat(window, 3), np.repeat(place, 3)
        base = (codes[window, place] + np.tile(np.arange(1, 4, dtype=np.uint8), len(place) // 3)) % 4
        changed = codes[window]
        changed[np.arange(len(changed)), place] = base
        output, alt = self.predictor.allele_logits(codes[window], changed)
        logits = np.zeros((n, len(self.tfs), 4, length))
        own = np.zeros((n, len(self.tfs)), np.float32)
        own[window] = output
        logits[:] = own[:, :, None, None]
        logits[window, :, base, place] = alt
        return ((logits - logits.mean(2, keepdims=True)) * 4 / 3).astype(np.float32), own


def explainer_of(entry: Entry, tfs: Sequence[str], device: str = "cpu") -> Explainer:
    """Return an explainer by `deeplift`, or by `ism` where DeepLIFT has no rule for the network."""
    try:
        return Explainer(entry, tfs, device=device)
    except ConfigError:
        return Explainer(entry, tfs, method="ism", device=device)


def _of_bases(hypothetical: NDArray[np.float32], codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (windows, TFs, length) of hypothetical contributions (windows, TFs, 4, length)."""
    own = np.minimum(codes, 3)[:, None, None]
    found = np.take_along_axis(hypothetical, own.astype(np.int64), axis=2)[:, :, 0]
    return np.where(codes[:, None] < UNKNOWN, found, np.float32(0))
