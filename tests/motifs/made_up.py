"""Motifs and windows made up for the tests of this room."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.motifs.profiles import Motif
from tfb_matrix_data.sequence import encode


def consensus(sequence: str, tf: str = "T", sites: float = 20) -> Motif:
    """Return the motif of one word, of so many sites."""
    pfm = np.zeros((4, len(sequence)))
    pfm[encode(sequence), np.arange(len(sequence))] = sites
    return Motif(sequence, f"M-{sequence}", tf, pfm)


def random_windows(n: int, length: int = 120, seed: int = 0) -> NDArray[np.uint8]:
    """Return windows of random sequence."""
    return np.random.default_rng(seed).integers(0, 4, (n, length), np.uint8)
