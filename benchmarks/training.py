"""Steps of training on random windows, as `tfb pretrain` makes them: by architecture, precision and memory."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

import torch

from kipoi_tfb.models.build import build_network
from kipoi_tfb.models.device import autocast, choose_device, choose_precision, keep_freed_memory
from kipoi_tfb.models.logits import to_one_hot
from kipoi_tfb.training.objective import Objective

BATCH, WARM_UP, SECONDS, N_TFS = 256, 5, 10, 163
NETWORKS = {
    "paper-cnn": {},
    "motif-cnn": {},
    "motif-cnn, 2 members": {"members": 2},
    "danq": {},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--one", help=argparse.SUPPRESS)  # one measurement, in a process of its own
    arguments = parser.parse_args()
    if arguments.one:
        print(rate(*json.loads(arguments.one)))
        return
    device = choose_device(arguments.device)
    fast = choose_precision("auto", device)
    for name in NETWORKS:
        best = measure(name, fast, True, arguments.device)
        slow = measure(name, "fp32", True, arguments.device)
        how = f"fused AdamW, batch {BATCH}, {device}; fp32 {slow:,.0f}"
        if device.type == "cpu":
            how += (
                f"; {fast} with memory given back and fetched again {measure(name, fast, False, arguments.device):,.0f}"
            )
        print(f"| training {name}, {fast} | {best:,.0f} windows/s | {how} |")


def measure(*what: object) -> float:
    command = [sys.executable, __file__, "--one", json.dumps(what)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def rate(name: str, precision: str, keep: bool, device_name: str) -> float:
    torch.manual_seed(0)
    device = choose_device(device_name)
    if keep:
        keep_freed_memory()
    objective = Objective(build_network(name.split(",")[0], N_TFS, sizes=NETWORKS[name])).to(device)
    optimiser = torch.optim.AdamW(objective.parameters(), fused=True)
    codes = torch.randint(0, 4, (BATCH, 200), dtype=torch.uint8, device=device)
    labels = torch.randint(-1, 2, (BATCH, N_TFS), dtype=torch.int8, device=device)

    def step() -> None:
        with autocast(device, precision):
            loss = objective(to_one_hot(codes), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        loss.item()

    for _ in range(WARM_UP):
        step()
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        step()
        steps += 1
    return BATCH * steps / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
