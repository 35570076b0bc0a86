"""What base composition alone says: logistic regression on GC content and dinucleotide frequencies, per TF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sampling import seed_of
from tfb_matrix_data.sequence import UNKNOWN, gc_content

__all__ = ["DINUCLEOTIDES", "CompositionScorer", "composition_scorer", "features"]

DINUCLEOTIDES = ("AA", "AC", "AG", "AT", "CA", "CC", "CG", "GA", "GC", "TA")
"""One of each pair of dinucleotides that are each other's reverse complement, and the four that are their own."""

AT_MOST = 20_000
"""Windows of each label that a TF's regression is fitted to; more would not move eleven coefficients."""

_OTHER = len(DINUCLEOTIDES)  # class of a dinucleotide with an N


def _classes() -> NDArray[np.uint8]:
    classes = np.full((UNKNOWN + 1, UNKNOWN + 1), _OTHER, np.uint8)
    for number, pair in enumerate(DINUCLEOTIDES):
        first, second = ("ACGT".index(base) for base in pair)
        classes[first, second] = classes[3 - second, 3 - first] = number
    return classes.ravel()


_CLASS = _classes()


def features(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return GC content and the share of each of `DINUCLEOTIDES`, float64 (windows, 11), the same on both strands.

    Shares are of the dinucleotides without an N; all are 0 where there is none.

    Parameters
    ----------
    codes
        uint8 (windows, length).
    """
    n = len(codes)
    counts = np.empty((n, _OTHER + 1))
    for start in range(0, n, 1 << 14):
        part = codes[start : start + (1 << 14)]
        classes = _CLASS[part[:, :-1] * (UNKNOWN + 1) + part[:, 1:]].astype(np.int64)
        classes += (_OTHER + 1) * np.arange(len(part))[:, None]
        counted = np.bincount(classes.ravel(), minlength=len(part) * (_OTHER + 1))
        counts[start : start + (1 << 14)] = counted.reshape(len(part), _OTHER + 1)
    known = counts[:, :_OTHER]
    shares = known / np.maximum(known.sum(1, keepdims=True), 1)
    return np.hstack([gc_content(codes)[:, None], shares])


@dataclass(frozen=True, eq=False)
class CompositionScorer:
    """A scorer by composition.

    Attributes
    ----------
    name
        Of the scorer, for tables.
    tfs
        Names of the columns of the scores.
    weights, intercept
        float64 (11, TFs) and (TFs,): of the log-odds of binding, by `features`.
    """

    name: str
    tfs: tuple[str, ...]
    weights: NDArray[np.float64]
    intercept: NDArray[np.float64]
    calibrated = True

    def scores(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the log-odds of binding, float32 (windows, TFs), of uint8 windows (windows, length)."""
        return (features(codes) @ self.weights + self.intercept).astype(np.float32)


def composition_scorer(
    tfs: Sequence[str],
    codes: NDArray[np.uint8],
    labels: NDArray[np.int8],
    seed: int = 0,
    at_most: int = AT_MOST,
    name: str = "composition",
) -> CompositionScorer:
    """Fit a logistic regression per TF to labelled windows at their natural prevalence.

    Of a label that a TF has on more than `at_most` windows as many are drawn, and weighted by what they stand for: the
    log-odds are those of all windows. Features are standardised; the penalty (L2, C = 1) is scikit-learn's own.

    Parameters
    ----------
    tfs
        Names of the columns of `labels`.
    codes
        uint8 (windows, length), of the training chromosomes.
    labels
        int8 (windows, TFs): 1 bound, 0 unbound, -1 unresolved.
    seed
        Of the draws; each TF has its own stream.
    at_most
        Windows of each label to fit to.
    name
        See `CompositionScorer`.

    Raises
    ------
    ConfigError
        If the shapes do not fit, or a TF has no resolved window.
    """
    if labels.shape != (len(codes), len(tfs)):
        raise ConfigError(f"labels of shape {labels.shape} for {len(codes)} windows and {len(tfs)} TFs")
    values = features(codes)
    mean, scale = values.mean(0), values.std(0)
    values = (values - mean) / np.where(scale > 0, scale, 1)
    weights, intercept = np.zeros((values.shape[1], len(tfs))), np.zeros(len(tfs))
    for column, tf in enumerate(tfs):
        rng = np.random.default_rng(seed_of(seed, column))
        every = [np.flatnonzero(labels[:, column] == value) for value in (0, 1)]
        counts = np.array([len(rows) for rows in every])
        if not counts.any():
            raise ConfigError(f"no window resolved for {tf}: nothing to fit its regression to")
        if not counts.all():  # one label only: all that is known is how many there were
            intercept[column] = np.log((counts[1] + 0.5) / (counts[0] + 0.5))
            continue
        drawn = [rng.choice(rows, at_most, replace=False) if len(rows) > at_most else rows for rows in every]
        kept = [len(rows) for rows in drawn]
        fit = LogisticRegression(max_iter=1000).fit(
            values[np.concatenate(drawn)], np.repeat([0, 1], kept), np.repeat(counts / kept, kept)
        )
        weights[:, column], intercept[column] = fit.coef_[0], fit.intercept_[0]
    weights /= np.where(scale > 0, scale, 1)[:, None]
    return CompositionScorer(name, tuple(tfs), weights, intercept - mean @ weights)
