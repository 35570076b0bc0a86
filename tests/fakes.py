"""Scorers that are known, for tests of what evaluates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.evaluation.regions import LabelledRegions


class FakeScorer:
    """Scores looked up by window; it counts what it was asked for."""

    def __init__(self, name: str, tfs: tuple[str, ...], scores: NDArray, data: LabelledRegions, **extra: object):
        self.name, self.tfs = name, tuple(tfs)
        self.by_window = {window.tobytes(): row for window, row in zip(data.codes, scores, strict=True)}
        self.seen: list[bytes] = []
        for key, value in extra.items():
            setattr(self, key, value)

    def scores(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.seen.extend(window.tobytes() for window in codes)
        return np.array([self.by_window[window.tobytes()] for window in codes], np.float32)


def made_up(
    n: int = 400, tfs: tuple[str, ...] = ("CTCF", "JUND", "SP1"), seed: int = 0, share: float = 0.2
) -> LabelledRegions:
    """Return windows of random sequence with random labels."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.array([1, 0, -1], np.int8), (n, len(tfs)), p=[share, 0.9 - share, 0.1])
    return LabelledRegions(
        source="made up",
        tfs=tfs,
        codes=rng.integers(0, 4, (n, 60), np.uint8),
        labels=labels,
        keys=[("9", 1000 * i, 1000 * i + 60) for i in range(n)],
        kept=np.arange(n),
        chromosomes=("chr9",),
        streams=tuple(range(len(tfs))),
    )


def noisy(data: LabelledRegions, noise: float, seed: int = 1) -> NDArray[np.float32]:
    """Return scores (windows, TFs): the label and noise."""
    rng = np.random.default_rng(seed)
    return ((data.labels == 1) + noise * rng.normal(size=data.labels.shape)).astype(np.float32)


def scorer(data: LabelledRegions, name: str, noise: float = 1.0, seed: int = 1, **extra: object) -> FakeScorer:
    """Return a scorer of all TFs."""
    return FakeScorer(name, data.tfs, noisy(data, noise, seed), data, **extra)


def by_gc(bound: int = 100, others: int = 800) -> LabelledRegions:
    """Return windows of one TF: bound ones, as many unbound ones of the same GC content, and others of a higher one."""
    rng = np.random.default_rng(0)
    half = np.repeat(np.arange(4, dtype=np.uint8), 15)
    even = np.array([rng.permutation(half) for _ in range(2 * bound)])
    codes = np.concatenate([even, rng.choice(np.array([1, 2], np.uint8), (others, 60))])
    n = len(codes)
    labels = np.zeros((n, 1), np.int8)
    labels[:bound] = 1
    keys = [("22", 100 * i, 100 * i + 60) for i in range(n)]
    return LabelledRegions("made up", ("X",), codes, labels, keys, np.arange(n), ("chr22",), (0,))


def by_gc_scorers(data: LabelledRegions) -> list[FakeScorer]:
    """Return one scorer that is right at one GC content only, and puts all others on top, and one that is fair at all.

    Against unbound regions of the same GC content ``offset`` is better than ``plain``; against all of them it is worse.
    """
    offset = noisy(data, 0.3)
    bound = int((data.labels == 1).sum())
    offset[2 * bound :] += 1
    return [FakeScorer("offset", data.tfs, offset, data), FakeScorer("plain", data.tfs, noisy(data, 0.8, 2), data)]
