"""Similarity of all TFs with all: seconds and memory, in a fresh process; limits 60 s and 2 GB."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--matrix", required=True)
    parser.add_argument("--kind", help="(internal) measure that kind of labels in this process")
    arguments = parser.parse_args()
    if arguments.kind is None:
        for kind in ("less_sparse", "sparse"):
            subprocess.run([sys.executable, __file__, "--matrix", arguments.matrix, "--kind", kind], check=True)
    else:
        measure(arguments.matrix, arguments.kind)


def measure(path: str, kind: str) -> None:
    from tfb_matrix_data.matrix import BindingMatrix
    from tfb_matrix_data.similarity import similarity

    started = time.perf_counter()
    with BindingMatrix(path) as matrix:
        n = len(similarity(matrix, kind=kind))
    seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| similarity of {n} x {n} TFs, {kind} | {seconds:.1f} s | fresh process, peak memory {memory:.0f} MiB |")


if __name__ == "__main__":
    main()
