"""An entry whose logit is known by construction: how well the best place of a window matches one word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb.interpretation.files import About, ReadContributions
from kipoi_tfb.models.build import build_network
from kipoi_tfb.zoo.entry import Entry
from tests.tiny import make_entry
from tfb_matrix_data.sequence import encode, one_hot

MOTIF = "TGACGTCATTGAC"
SMALL = {"filters": 12, "channels": 8, "blocks": 2, "hidden": 10, "members": 2}


def planted_entry(folder: Path, bias: float = -10, **changes: object) -> Entry:
    """Write an entry of one filter and the TF JUND: the logit is how well the best place of a window matches `MOTIF`.

    The word lies in columns 3 to 15 of the filter; a match of all bases gives 13 more than the bias.
    """
    sizes = {**SMALL, "filters": 1, "members": 1}
    network = build_network("motif-cnn", 1, sizes=sizes).eval()
    filters = torch.full((4, 19), -1.0)
    filters[:, :3] = filters[:, 16:] = 0
    filters[encode(MOTIF).astype(int), np.arange(3, 16)] = 1
    with torch.no_grad():
        network.scan_weight[0] = filters[:, None]
        network.head.weight.zero_()
        network.head.bias.fill_(bias)
        network.head.weight[0, -1] = 1
    fields = {"architecture": "motif-cnn", "sizes": sizes, "tasks": ("JUND",), "name": "planted"}
    return make_entry(folder, network, **{**fields, **changes})


def windows_with_sites(n: int = 40, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
    """Return windows with one site each, uint8 (n, 200), where it begins, and whether it lies on the reverse strand."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, 200), np.uint8)
    start, reverse = rng.integers(20, 160, n), rng.random(n) < 0.5
    site = encode(MOTIF)
    for row, at, flipped in zip(codes, start.tolist(), reverse.tolist(), strict=True):
        row[at : at + len(site)] = 3 - site[::-1] if flipped else site
    return codes, start, reverse


def made_up_contributions(
    codes: NDArray[np.uint8], start: NDArray[np.int64], tf: str = "JUND", noise: float = 0.01
) -> ReadContributions:
    """Return contributions of 1 for each base of the sites that begin there, and noise elsewhere."""
    rng = np.random.default_rng(5)
    n, length = codes.shape
    hypothetical = rng.normal(0, noise, (n, 4, length)).astype(np.float32)
    inside = (np.arange(length) >= start[:, None]) & (np.arange(length) < start[:, None] + len(MOTIF))
    own = one_hot(codes, np.float32)
    hypothetical += np.where(inside[:, None], own - (1 - own) / 3, 0).astype(np.float32)
    names = np.array([f"w{number}" for number in range(n)])
    about = About("a test", "planted", "0" * 64, "deeplift", "none")
    sums = (hypothetical * own).sum((1, 2))
    return ReadContributions(
        one_hot(codes, np.int8),
        hypothetical,
        np.zeros(n),
        tf,
        about,
        sums,
        np.zeros(n, np.float32),
        names,
        np.full(n, "."),
        np.full(n, "chr1"),
        1000 * np.arange(n),
    )
