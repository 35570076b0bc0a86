"""Windows to one-hot on one core: memory-mapped codes against pyfaidx strings, same regions, same run."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pyfaidx

from tfb_matrix_data import BindingMatrix, Genome
from tfb_matrix_data.sequence import encode, one_hot

BATCH = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--matrix", required=True)
    parser.add_argument("--genome", required=True)
    arguments = parser.parse_args()
    regions = BindingMatrix(arguments.matrix).regions
    index = np.flatnonzero(regions.start >= 0)[:100_000]
    chroms = np.array(regions.chrom_names)[regions.chrom[index]]
    starts = regions.start[index]
    genome = Genome(arguments.genome)
    fasta = pyfaidx.Fasta(arguments.genome, as_raw=True)

    def ours(part: slice) -> np.ndarray:
        return one_hot(genome.windows(chroms[part], starts[part], 200).codes)

    def strings(part: slice) -> np.ndarray:
        places = zip(chroms[part].tolist(), starts[part].tolist(), strict=True)
        return one_hot(np.stack([encode(str(fasta[chrom][start : start + 200])) for chrom, start in places]))

    assert np.array_equal(ours(slice(0, BATCH)), strings(slice(0, BATCH)))
    for chrom in np.unique(chroms):
        genome.codes(chrom)
    fast, slow = rate(ours, len(index)), rate(strings, 10_000)
    print(f"| windows to one-hot | {fast:,.0f} sequences/s | 200 bp, float32, one core, {len(index):,} regions |")
    print(f"| the same through pyfaidx strings | {slow:,.0f} sequences/s | {fast / slow:.0f} times slower |")


def rate(function: Callable[[slice], np.ndarray], n: int) -> float:
    started = time.perf_counter()
    for start in range(0, n, BATCH):
        function(slice(start, min(start + BATCH, n)))
    return n / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
