"""An entry whose logit is known by construction: how well the best place of a window matches one word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb.models.build import build_network
from kipoi_tfb.zoo.entry import Entry
from tests.tiny import make_entry
from tfb_matrix_data.sequence import encode

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
