"""Speed of preparing variants: VCF records to the codes of both alleles, on one core.

    python benchmarks/variants.py --genome hg38.fa [--records 1000000] [--contig chr22]

Makes a VCF of random SNVs and a tenth of short indels on one contig, reads it once for warming up, and prints pairs of
windows per second of CPU time and the memory that the process peaks at, for a tenth of the records and for all of them.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tfb_matrix_data.alleles import allele_windows
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import UNKNOWN, decode
from tfb_matrix_data.variant_lines import HEADER, open_variants
from tfb_matrix_data.variants import iter_chunks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genome", required=True)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--contig", default="chr22")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(Path(arguments.measure), arguments.genome)
        return
    with tempfile.TemporaryDirectory() as folder:
        for n in (arguments.records // 10, arguments.records):
            vcf = Path(folder) / "variants.vcf"
            write_vcf(vcf, Genome(arguments.genome), arguments.contig, n)
            # A process of its own: its peak of memory is that of this file.
            subprocess.run([sys.executable, __file__, "--genome", arguments.genome, "--measure", str(vcf)], check=True)


def write_vcf(path: Path, genome: Genome, contig: str, n: int) -> None:
    rng = np.random.default_rng(0)
    codes = genome.codes(contig)
    places = np.sort(rng.choice(np.flatnonzero(codes[200:-200] != UNKNOWN), 2 * n)) + 200
    with open(path, "wb") as stream:
        stream.writelines(HEADER)
        written = 0
        for pos in places.tolist():
            n_ref = 1 if rng.random() < 0.95 else int(rng.integers(2, 10))
            ref = decode(codes[pos : pos + n_ref])
            if "N" in ref or written == n:
                continue
            alt = "ACGT"[("ACGT".index(ref[0]) + int(rng.integers(1, 4))) % 4]
            alt += "ACGTACGT"[: int(rng.integers(1, 9))] if rng.random() < 0.05 else ""
            stream.write(f"{contig}\t{pos + 1}\t.\t{ref}\t{alt}\t.\t.\t.\n".encode())
            written += 1


def measure(vcf: Path, fasta: str) -> None:
    genome = Genome(fasta)
    for _ in range(2):
        pairs, start = 0, time.process_time()
        for chunk in iter_chunks(open_variants(vcf)):
            pairs += len(allele_windows(chunk.variants, genome).scored)
        seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| VCF to codes of both alleles | {pairs:,} pairs | {pairs / seconds:,.0f} pairs/s | peak {peak:,.0f} MiB |")


if __name__ == "__main__":
    main()
