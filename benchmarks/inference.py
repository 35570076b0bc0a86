"""The network alone: as trained, and as `for_inference` makes it; both strands of random windows."""

from __future__ import annotations

import time

import numpy as np
import torch

from kipoi_tfb.architectures import build_network, for_inference
from kipoi_tfb.device import autocast, choose_precision
from kipoi_tfb.scores import both_strands, to_one_hot

BATCH, BATCHES = 128, 60


def main() -> None:
    torch.manual_seed(0)
    device = torch.device("cpu")
    codes = torch.from_numpy(np.random.default_rng(0).integers(0, 4, (BATCH, 200), np.uint8))
    plain = build_network("paper-cnn", 163).eval()
    base = rate(plain, codes, "fp32")
    fast = for_inference(build_network("paper-cnn", 163))
    print(f"| paper CNN as trained, fp32 | {base:,.0f} windows/s | both strands, batch {BATCH} |")
    for precision in dict.fromkeys(("fp32", choose_precision("auto", device))):
        value = rate(fast, codes, precision)
        how = "batch normalisation folded, channels last"
        print(f"| paper CNN for inference, {precision} | {value:,.0f} windows/s | {how}: {value / base:.1f}x |")


@torch.inference_mode()
def rate(network: torch.nn.Module, codes: torch.Tensor, precision: str) -> float:
    device = torch.device("cpu")
    with autocast(device, precision):
        for _ in range(5):
            both_strands(network, to_one_hot(codes))
        started = time.perf_counter()
        for _ in range(BATCHES):
            both_strands(network, to_one_hot(codes))
    return BATCH * BATCHES / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
