"""`tfb score` from end to end, and side by side with the method of kipoi-veff2.

    python benchmarks/scoring.py --genome hg38.fa [--entry multi50] [--variants 100000] [--contig chr22]

Prints variants per second of wall time of whole commands, the peak of memory for 10,000 variants and for many, and the
ratio to kipoi-veff2's variant-centred way on the same network, machine and kind of variants. That way is restated
here, since kipoi-veff2 (github.com/kipoi/kipoi-veff2) pins libraries of 2021: cyvcf2 record by record, kipoiseq's
VariantSeqExtractor and ReorderedOneHot for either allele, one strand, probabilities subtracted, a row of csv per
variant; in batches, as a favour, and one by one, as its published code does. Its start is not counted; ours is. Nothing
else should run meanwhile.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from variants import write_fasta, write_vcf

from kipoi_tfb.zoo import find_entry
from tfb_matrix_data.genome import Genome

SMALL, PEERS = 10_000, 2_000
BATCH = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genome", required=True)
    parser.add_argument("--entry", default="multi50")
    parser.add_argument("--variants", type=int, default=100_000)
    parser.add_argument("--contig", default="chr22")
    arguments = parser.parse_args()
    genome = Genome(arguments.genome)
    n_tfs = len(find_entry(arguments.entry).card.tasks)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fasta, peaks, rate = folder / "contig.fa", {}, 0.0
        write_fasta(fasta, genome, arguments.contig)
        for n in (SMALL, arguments.variants):
            vcf = folder / f"{n}.vcf"
            write_vcf(vcf, genome, arguments.contig, n)
            command = ["score", str(vcf), "--genome", str(fasta), "--models", arguments.entry, "--top", "0", "-o"]
            run([*command, str(folder / "warm.tsv")]) if n == SMALL else None  # fills the genome cache
            for precision in ("fp32", "bf16"):
                output = folder / f"{n}.{precision}.tsv"
                seconds, peaks[n, precision] = run([*command, str(output), "--precision", precision])
                if precision == "fp32":
                    rate = n / seconds
                ratio = peaks[n, precision] / peaks[SMALL, precision]
                memory = "" if n == SMALL else f", {ratio:.2f} times that of {SMALL:,}"
                print(
                    f"| tfb score, {n:,} variants x {n_tfs} TFs, {precision} | {n / seconds:,.0f} variants/s | "
                    f"both strands, TSV, whole command, peak memory {peaks[n, precision]:,.0f} MiB{memory} |"
                )
        vcf = folder / "peer.vcf"
        write_vcf(vcf, genome, arguments.contig, PEERS)
        for batch in (BATCH, 1):
            seconds, differences = kipoi_veff2(arguments.entry, vcf, fasta, folder / "peer.tsv", batch)
            print(
                f"| kipoi-veff2's method, batches of {batch} | {PEERS / seconds:,.0f} variants/s | "
                f"one strand, without its start: {rate * seconds / PEERS:.0f} times slower |"
            )
        compare(arguments.entry, vcf, fasta, folder, differences)


def run(arguments: list[str]) -> tuple[float, float]:
    """Run tfb; return seconds and the peak of memory in MiB."""
    program = [sys.executable, "-c", "from kipoi_tfb.cli import main; main()", *arguments]
    started = time.perf_counter()
    process = subprocess.Popen(program, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"tfb {' '.join(arguments)} failed:\n{said.decode()[-2000:]}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def kipoi_veff2(entry: str, vcf: Path, fasta: Path, output: Path, batch: int) -> tuple[float, np.ndarray]:
    """Score variants its way; return seconds, and alt minus ref, (variants, TFs)."""
    from cyvcf2 import VCF
    from kipoiseq.dataclasses import Interval, Variant
    from kipoiseq.extractors import VariantSeqExtractor
    from kipoiseq.transforms import ReorderedOneHot

    network = find_entry(entry).load().eval()
    extractor = VariantSeqExtractor(fasta_file=str(fasta))
    transform = ReorderedOneHot(alphabet="ACGT", dtype=np.float32, alphabet_axis=0)
    length = find_entry(entry).card.window_length

    def predict(sequences: list[str]) -> np.ndarray:
        with torch.inference_mode():
            return torch.sigmoid(network(torch.from_numpy(np.stack([transform(one) for one in sequences])))).numpy()

    found, waiting = [], []
    started = time.perf_counter()
    with open(output, "w") as stream:
        writer = csv.writer(stream, delimiter="\t")

        def score() -> None:
            refs, alts, variants = zip(*waiting, strict=True)
            differences = predict(list(alts)) - predict(list(refs))
            for variant, row in zip(variants, differences, strict=True):
                writer.writerow([variant.chrom, variant.pos, variant.id, variant.ref, variant.alt, *row])
            found.append(differences)
            waiting.clear()

        for record in VCF(str(vcf)):
            variant = Variant.from_cyvcf(record)
            interval = Interval(variant.chrom, variant.pos - 1, variant.pos).resize(length)
            ref = extractor.extract(interval, variants=[], anchor=length)
            alt = extractor.extract(interval, variants=[variant], anchor=interval.center())
            waiting.append((ref, alt, variant))
            if len(waiting) == batch:
                score()
        if waiting:
            score()
    return time.perf_counter() - started, np.concatenate(found)


def compare(entry: str, vcf: Path, fasta: Path, folder: Path, theirs: np.ndarray) -> None:
    """Stop if the two did not score the same variants.

    One strand and the mean of both correlate, no more than that: 0.78 over 30 random variants of multi50.
    """
    import pandas as pd

    output = folder / "same.tsv"
    options = ["--models", entry, "--scores", "diff", "--top", "0", "-o", str(output)]
    run(["score", str(vcf), "--genome", str(fasta), *options])
    table = pd.read_csv(output, sep="\t")
    scores = table[[name for name in table if name.endswith("_diff")]].to_numpy()
    known = ~np.isnan(scores).any(1)
    agreement = np.corrcoef(scores[known].ravel(), theirs[known].ravel())[0, 1]
    assert len(table) == len(theirs) and agreement > 0.6, agreement


if __name__ == "__main__":
    main()
