"""Speed of preparing variants: VCF records to the codes of both alleles, on one core.

    python benchmarks/variants.py --genome hg38.fa [--records N] [--contig NAME]

Makes a VCF of random SNVs and a tenth of short indels on one contig, reads it once for warming up, and prints pairs of
windows per second of CPU time and the memory that the process peaks at, for few records, a tenth of all, and all. The
peer is the plain way, record by record, with cyvcf2 and pyfaidx's strings of an uncompressed FASTA; it reads the tenth,
and is compared with our rate for that file.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tfb_matrix_data.alleles import allele_windows
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import UNKNOWN, decode, encode
from tfb_matrix_data.variant_lines import open_variants
from tfb_matrix_data.variant_tables import HEADER
from tfb_matrix_data.variants import iter_chunks

SMALL = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genome", required=True)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--contig", default="chr22")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        what, vcf = arguments.measure
        print(*measure(MEASURES[what], vcf, arguments.genome))
        return
    with tempfile.TemporaryDirectory() as folder:
        genome, vcf = Genome(arguments.genome), Path(folder) / "variants.vcf"
        fasta = Path(folder) / "contig.fa"
        write_fasta(fasta, genome, arguments.contig)
        tenth, peaks = arguments.records // 10, {}
        for n in (SMALL, tenth, arguments.records):
            write_vcf(vcf, genome, arguments.contig, n)
            rate, peaks[n] = in_process("ours", vcf, arguments.genome)
            how = f"one core, {n:,} records, {describe(peaks, n)}"
            print(f"| VCF to codes of both alleles | {rate:,.0f} pairs/s | {how} |")
            if n == tenth:
                theirs, _ = in_process("plain", vcf, fasta)
                slower = f"{n:,} records: {rate / theirs:.0f} times slower"
                print(f"| the same record by record, cyvcf2 and pyfaidx | {theirs:,.0f} pairs/s | {slower} |")
                iterated, _ = in_process("cyvcf2", vcf, fasta)
                print(f"| cyvcf2 alone, CHROM to ALT | {iterated:,.0f} records/s | {n:,} records |")
        parsed, _ = in_process("parse", vcf, arguments.genome)
        print(f"| of this, reading the records | {parsed:,.0f} alleles/s | {arguments.records:,} records |")


def describe(peaks: dict[int, float], n: int) -> str:
    text = f"peak memory {peaks[n]:,.0f} MiB"
    return text if len(peaks) == 1 else f"{text}, {peaks[n] / peaks[SMALL]:.2f} times that of {SMALL:,}"


def in_process(what: str, vcf: Path, fasta: str | Path) -> tuple[float, float]:
    """Return the rate and the peak of memory, measured in a process of its own."""
    command = [sys.executable, __file__, "--genome", str(fasta), "--measure", what, str(vcf)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    rate, peak = map(float, output.split())
    return rate, peak


def write_inputs(folder: Path, genome: Genome, contig: str, sizes: Sequence[int]) -> tuple[Path, dict[int, Path]]:
    """Write the contig as FASTA, and a VCF of each size; return their paths."""
    fasta, vcfs = folder / "contig.fa", {n: folder / f"{n}.vcf" for n in sizes}
    write_fasta(fasta, genome, contig)
    for n, vcf in vcfs.items():
        write_vcf(vcf, genome, contig, n)
    return fasta, vcfs


def write_vcf(path: Path, genome: Genome, contig: str, n: int) -> None:
    rng = np.random.default_rng(0)
    codes = genome.codes(contig)
    places = np.sort(rng.choice(np.flatnonzero(codes[200:-200] != UNKNOWN), 2 * n)) + 200
    with open(path, "wb") as stream:
        stream.writelines([HEADER[0], f"##contig=<ID={contig}>\n".encode(), HEADER[1]])
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


def write_fasta(path: Path, genome: Genome, contig: str) -> None:
    sequence = decode(genome.codes(contig))
    with open(path, "w") as stream:
        stream.write(f">{contig}\n")
        stream.writelines(f"{sequence[i : i + 100]}\n" for i in range(0, len(sequence), 100))


def measure(prepare: Callable[[str, str], int], vcf: str, fasta: str) -> tuple[float, float]:
    """Return pairs per second of CPU time, the second time, and the peak of memory in MiB."""
    for _ in range(2):
        start = time.process_time()
        pairs = prepare(vcf, fasta)
        seconds = time.process_time() - start
    return pairs / seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours(vcf: str, fasta: str) -> int:
    genome = Genome(fasta)
    return sum(len(allele_windows(chunk.variants, genome).scored) for chunk in iter_chunks(open_variants(vcf)))


def parse(vcf: str, fasta: str) -> int:
    return sum(len(chunk.variants) for chunk in iter_chunks(open_variants(vcf)))


def plain(vcf: str, fasta: str, length: int = 200) -> int:
    import pyfaidx
    from cyvcf2 import VCF

    half, pairs = length // 2, 0
    with pyfaidx.Fasta(fasta, as_raw=True, sequence_always_upper=True) as genome:
        for record in VCF(vcf):
            contig = genome[record.CHROM]
            for alt in record.ALT:
                start = record.POS - 1
                if contig[start : start + len(record.REF)] != record.REF:
                    continue
                before = contig[start - half : start]
                after = contig[start + len(record.REF) : start + len(record.REF) + half]
                windows = [encode((before + allele + after)[:length]) for allele in (record.REF, alt)]
                pairs += len(windows) // 2
    return pairs


def cyvcf2(vcf: str, fasta: str) -> int:
    from cyvcf2 import VCF

    return sum(len([record.CHROM, record.POS, record.REF, record.ALT]) // 4 for record in VCF(vcf))


MEASURES = {"ours": ours, "parse": parse, "plain": plain, "cyvcf2": cyvcf2}


if __name__ == "__main__":
    main()
