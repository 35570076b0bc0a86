"""How long `tfb finetune` takes with all its controls: five seeds, and as many networks from scratch.

    python benchmarks/finetuning.py --matrix matrix.h5 --genome hg38.fa.gz

Whole commands, as a user gives them, on TFs of the matrix that have so many bound regions to train with. Nothing else
should run meanwhile.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scoring import TFB

CASES = (("CEBPD", 2000, "everything"), ("ATF4", 50, "everything"), ("CEBPD", 2000, "motif-head"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrix", required=True)
    parser.add_argument("--genome", required=True)
    arguments = parser.parse_args()
    for tf, n_bound, arm in CASES:
        # Fitted in seconds, so its comparison with training from scratch would be all that is timed.
        controls = "base,jaspar,denovo" + (",scratch" if arm == "everything" else "")
        seconds = _timed(tf, n_bound, arm, controls, arguments)
        print(
            f"| tfb finetune --arm {arm}, {n_bound:,} bound regions | {seconds:,.0f} s | {tf}, 5 seeds, controls "
            f"{controls}, whole command |"
        )


def _timed(tf: str, n_bound: int, arm: str, controls: str, arguments: argparse.Namespace) -> float:
    with tempfile.TemporaryDirectory() as folder:
        options = ["--from-matrix", arguments.matrix, "--genome", arguments.genome, "--n-bound", str(n_bound)]
        options += ["--arm", arm, "--controls", controls, "-o", str(Path(folder) / tf)]
        started = time.perf_counter()
        command = [*TFB, "finetune", tf, *options]
        # 3: refused by the gate, which is no failure here.
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode not in (0, 3):
            sys.exit(f"tfb finetune {tf} failed:\n{done.stderr[-2000:]}")
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
