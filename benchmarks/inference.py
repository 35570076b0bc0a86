"""The networks alone, as the zoo's entries have them: both strands of random windows, batch normalisation folded."""

from __future__ import annotations

import time

import numpy as np
import torch

from kipoi_tfb.models.build import build_network
from kipoi_tfb.models.device import autocast, choose_precision
from kipoi_tfb.models.logits import both_strands, to_one_hot
from kipoi_tfb.zoo.find import find_entries
from kipoi_tfb.zoo.networks import load_network

BATCH, SECONDS = 128, 4


def main() -> None:
    device = torch.device("cpu")
    codes = torch.from_numpy(np.random.default_rng(0).integers(0, 4, (BATCH, 200), np.uint8))
    plain = build_network("paper-cnn", 50).eval()
    base = rate(plain, codes, "fp32")
    print(
        f"| the paper's CNN as trained, fp32 | {base:,.0f} windows/s | both strands, batch {BATCH}: the measure below |"
    )
    # The first of each: what a group makes of a base is no other network.
    of_architecture = {entry.card.architecture: entry for entry in reversed(find_entries("all"))}
    for architecture, entry in sorted(of_architecture.items()):
        network = load_network(entry)
        for precision in dict.fromkeys(("fp32", choose_precision("auto", device))):
            value = rate(network, codes, precision)
            how = f"`{entry.name}` ready to predict: {value / base:.1f}x"
            print(f"| {architecture} for inference, {precision} | {value:,.0f} windows/s | {how} |")


@torch.inference_mode()
def rate(network: torch.nn.Module, codes: torch.Tensor, precision: str) -> float:
    with autocast(torch.device("cpu"), precision):
        for _ in range(5):
            both_strands(network, to_one_hot(codes))
        started, batches = time.perf_counter(), 0
        while time.perf_counter() - started < SECONDS:
            both_strands(network, to_one_hot(codes))
            batches += 1
    return BATCH * batches / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
