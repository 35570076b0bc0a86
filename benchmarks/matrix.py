"""Opening a binding matrix and taking labels: seconds and memory, in a fresh process each."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--matrix", required=True)
    parser.add_argument("--tfs", type=int, help="(internal) measure labels of that many TFs in this process")
    arguments = parser.parse_args()
    if arguments.tfs is None:
        for n_tfs in (1, 50):
            command = [sys.executable, __file__, "--matrix", arguments.matrix, "--tfs", str(n_tfs)]
            subprocess.run(command, check=True)
    else:
        measure(arguments.matrix, arguments.tfs)


def measure(path: str, n_tfs: int) -> None:
    from tfb_matrix_data import BindingMatrix

    started = time.perf_counter()
    matrix = BindingMatrix(path)
    opened = time.perf_counter()
    labels = matrix.labels(matrix.tfs[:n_tfs], kind="sparse")
    done = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if n_tfs == 1:
        size = matrix.path.stat().st_size / 1e6
        print(f"| matrix file | {size:.1f} MB | {len(matrix.tfs)} x {len(matrix.cell_types)} x {len(matrix):,} |")
        print(f"| open a matrix | {opened - started:.3f} s | fresh process |")
    how = f"int8 {labels.shape[0]:,} x {n_tfs}, fresh process, peak memory {memory:.0f} MiB"
    print(f"| sparse labels of {n_tfs} TF(s) | {done - opened:.3f} s | {how} |")


if __name__ == "__main__":
    main()
