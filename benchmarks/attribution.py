"""DeepLIFT by `tfb explain` beside tangermeme's, on the very same network, windows and references, in one run.

    python -m benchmarks.attribution [--entry multi163] [--tf JUND] [--windows 1000] [--rounds 1]

Contributions of made-up windows to one TF, each compared with 10 dinucleotide shuffles of it: windows per second, those
of both from windows to contributions, shuffles made on the way. tangermeme's `deep_lift_shap` gets the module of
`kipoi_tfb.models.attributable`, which averages the strands; its batch is the best of three, on some of the windows.
Peers take turns, and the fastest of all rounds counts. The contributions of both are compared.

Stops if they differ by more than float32 rounds. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.completeness import inputs
from kipoi_tfb.interpretation.attributions import SHUFFLES, Explainer
from kipoi_tfb.models.attributable import attributable
from kipoi_tfb.models.device import choose_device
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entry
from kipoi_tfb.zoo.networks import load_network

BATCHES = (10, 40, 160)
"""Pairs of a window and a reference in a pass of tangermeme."""
TRIED = 16
"""Windows on which its batches are tried."""
TOLERANCE = 1e-3
"""By how much two contributions of one base may differ: log-odds."""

Peer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entry", default="multi163")
    parser.add_argument("--tf", default="JUND")
    parser.add_argument("--windows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args(arguments)
    entry, device = find_entry(given.entry), str(choose_device(given.device))
    codes = np.random.default_rng(0).integers(0, 4, (given.windows, entry.card.window_length), np.uint8)
    batch = quickest_batch(entry, given.tf, codes[:TRIED], device)
    ours, theirs = by_explainer(entry, given.tf, device), by_tangermeme(entry, given.tf, batch, device)
    seconds, worst, correlation = race(ours, theirs, codes, given.rounds)
    n, threads = given.windows, f"{torch.get_num_threads()} threads of {os.cpu_count()} cores, {device}"
    print(
        f"| tfb explain: {entry.name}, {given.tf}, {n:,} windows x {SHUFFLES} references | {n / seconds[0]:,.2f} "
        f"windows/s | {threads} |"
    )
    print(
        f"| tangermeme deep_lift_shap | {n / seconds[1]:,.2f} windows/s | batch {batch}; contributions differ by "
        f"{worst:.1e} at most, correlation {correlation:.6f}; ours: {seconds[1] / seconds[0]:.2f} times as many |"
    )


def by_explainer(entry: Entry, tf: str, device: str) -> Peer:
    """Return what gives the contributions of the bases of windows, float32 (windows, length), by ours."""
    explainer = Explainer(entry, [tf], device=device)
    return lambda codes: explainer(codes).of_bases(codes)[:, 0]


def by_tangermeme(entry: Entry, tf: str, batch: int, device: str) -> Peer:
    """Return what gives them by tangermeme."""
    from tangermeme.deep_lift_shap import deep_lift_shap

    network, target = attributable(load_network(entry)).to(device), entry.card.tasks.index(tf)

    def run(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        one_hot, references = inputs(codes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own bound; `benchmarks.completeness` has the errors
            found = deep_lift_shap(
                network, one_hot, target=target, references=references, batch_size=batch, device=device
            )
        return found.sum(1).cpu().numpy()

    return run


def quickest_batch(entry: Entry, tf: str, codes: NDArray[np.uint8], device: str) -> int:
    """Return the batch with which tangermeme is fastest."""
    seconds = {}
    for batch in BATCHES:
        run = by_tangermeme(entry, tf, batch, device)
        run(codes[:1])
        seconds[batch] = _timed(run, codes)[0]
    return min(BATCHES, key=seconds.__getitem__)


def race(ours: Peer, theirs: Peer, codes: NDArray[np.uint8], rounds: int) -> tuple[tuple[float, float], float, float]:
    """Return the least seconds of both, by how much their contributions differ at most, and their correlation.

    Raises
    ------
    SystemExit
        If they differ by more than `TOLERANCE`.
    """
    least, found = [float("inf")] * 2, [np.empty(0)] * 2
    for run in (ours, theirs):
        run(codes[:1])
    for turn in range(rounds):
        for peer in (0, 1) if turn % 2 == 0 else (1, 0):
            seconds, found[peer] = _timed((ours, theirs)[peer], codes)
            least[peer] = min(least[peer], seconds)
    worst = float(np.abs(found[0] - found[1]).max())
    if not worst <= TOLERANCE:  # nor NaN
        raise SystemExit(f"contributions differ by up to {worst:.2g}: not the same network, windows or references")
    return (least[0], least[1]), worst, float(np.corrcoef(found[0].ravel(), found[1].ravel())[0, 1])


def _timed(run: Peer, codes: NDArray[np.uint8]) -> tuple[float, NDArray[np.float32]]:
    started = time.perf_counter()
    found = run(codes)
    return time.perf_counter() - started, found


if __name__ == "__main__":
    main()
