"""`tfb score` from end to end, and side by side with the method of kipoi-veff2.

    python benchmarks/scoring.py --genome hg38.fa [--entries NAME,NAME] [--variants N] [--contig NAME]

Prints variants per second of wall time of whole commands, the peak of memory for few variants and for many, and the
ratio to kipoi-veff2's variant-centred way on the same network (the first entry), machine and variants: the same file
for both. That way is restated here, since kipoi-veff2 (github.com/kipoi/kipoi-veff2) pins libraries of 2021: cyvcf2
record by record, kipoiseq's VariantSeqExtractor and ReorderedOneHot for either allele, one strand, probabilities
subtracted, a row of csv per variant; in batches, as a favour, and one by one, as its published code does. Its start is
not counted; ours is. One thing is not as published: an unknown base is four zeros, as our networks were trained, and
not four quarters.

Then the question that a zoo of one model per TF is asked: all TFs, of the group `tf`. kipoi-veff2 runs one model after
the other; that is measured for a few of them, in batches, and scaled to all. Ours runs them in one pass over the base
that they share, on both strands. Both are run over fewer variants than above.

Stops if the two do not give the same probabilities; see `check`. Nothing else should run meanwhile. Needs the extra
`peers`.
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
from variants import write_inputs

from kipoi_tfb.models.logits import probability
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.find import find_entries, find_entry
from kipoi_tfb.zoo.networks import load_network
from tfb_matrix_data.alleles import allele_windows
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.variants import read_variants

TFB = [sys.executable, "-c", "from kipoi_tfb.cli import main; main()"]
SMALL = 10_000
BATCH = 100
GROUP, GROUP_VARIANTS, GROUP_MEASURED = "tf", 2_000, 4
TOLERANCE = 1e-4
"""By how much two probabilities of one window may differ: far more than float32 rounds, far less than an effect."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genome", required=True)
    parser.add_argument("--entries", default="multi50,multi163")
    parser.add_argument("--variants", type=int, default=100_000)
    parser.add_argument("--contig", default="chr22")
    arguments = parser.parse_args()
    genome = Genome(arguments.genome)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fasta, vcfs = write_inputs(folder, genome, arguments.contig, (GROUP_VARIANTS, SMALL, arguments.variants))
        run(score_command("multi50", vcfs[GROUP_VARIANTS], fasta, "fp32"))  # fills the genome cache
        first, *others = arguments.entries.split(",")
        sizes = (SMALL, arguments.variants)
        took = whole_commands(first, {n: vcfs[n] for n in sizes}, fasta)
        for batch in (BATCH, 1):
            seconds, theirs = kipoi_veff2(first, vcfs[SMALL], fasta, folder / "peer.tsv", batch)
            print(
                f"| kipoi-veff2's method, {SMALL:,} variants, batches of {batch} | {SMALL / seconds:,.0f} variants/s | "
                f"one strand, {first}, without its start; tfb score (fp32, the same file): "
                f"{seconds / took:.1f} times as many |"
            )
            print(f"| the same probabilities, batches of {batch} | {check(first, vcfs[SMALL], fasta, theirs)} |")
        for entry in others:
            whole_commands(entry, {n: vcfs[n] for n in sizes}, fasta)
        whole_group(vcfs[GROUP_VARIANTS], fasta)


def whole_commands(entry: str, vcfs: dict[int, Path], fasta: Path) -> float:
    """Print what `tfb score` takes; return the seconds for the first file in fp32."""
    n_tfs, took, peaks = len(find_entry(entry).card.tasks), {}, {}
    few = min(vcfs)
    for n, vcf in vcfs.items():
        for precision in ("fp32", "bf16"):
            took[n, precision], peaks[n, precision] = run(score_command(entry, vcf, fasta, precision))
            rate, ratio = n / took[n, precision], peaks[n, precision] / peaks[few, precision]
            memory = "" if n == few else f", {ratio:.2f} times that of {few:,}"
            print(
                f"| tfb score, {entry}, {n:,} variants x {n_tfs} TFs, {precision} | {rate:,.0f} variants/s | "
                f"both strands, TSV, whole command, peak memory {peaks[n, precision]:,.0f} MiB{memory} |"
            )
    return took[few, "fp32"]


def whole_group(vcf: Path, fasta: Path) -> None:
    """Print how long all TFs take: ours in one pass, and kipoi-veff2's method one model after the other."""
    members = find_entries(GROUP)
    ours, _ = run(score_command(GROUP, vcf, fasta, "fp32"))
    some = [entry.name for entry in members[:: len(members) // GROUP_MEASURED][:GROUP_MEASURED]]
    each = []
    for name in some:
        seconds, theirs = kipoi_veff2(name, vcf, fasta, vcf.with_suffix(".peer.tsv"), BATCH)
        check(name, vcf, fasta, theirs)
        each.append(seconds)
    scaled = sum(each) / len(each) * len(members)
    print(
        f"| tfb score, the {len(members)} models of the group {GROUP}, {GROUP_VARIANTS:,} variants, fp32 | "
        f"{GROUP_VARIANTS / ours:,.0f} variants/s | {ours:.1f} s: one pass over their base, both strands, TSV, whole "
        "command |"
    )
    print(
        f"| kipoi-veff2's method for the same {len(members)} models, batches of {BATCH} | "
        f"{GROUP_VARIANTS / scaled:,.1f} variants/s | scaled, not run: {sum(each) / len(each):.1f} s for one model "
        f"(the mean of {', '.join(some)}) times {len(members)}, for it runs them one after the other, one strand, "
        f"without its start; tfb score: {scaled / ours:.0f} times as many |"
    )


def score_command(models: str, vcf: Path, fasta: Path, precision: str) -> list[str]:
    output = vcf.with_suffix(f".{models}.{precision}.tsv")
    options = ["--models", models, "--precision", precision, "--top", "0", "-o", str(output)]
    return ["score", str(vcf), "--genome", str(fasta), *options]


def run(arguments: list[str]) -> tuple[float, float]:
    """Run tfb; return seconds and the peak of memory in MiB."""
    started = time.perf_counter()
    process = subprocess.Popen([*TFB, *arguments], stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"tfb {' '.join(arguments)} failed:\n{said.decode()[-2000:]}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def kipoi_veff2(entry: str, vcf: Path, fasta: Path, output: Path, batch: int) -> tuple[float, np.ndarray]:
    """Score variants its way; return seconds, and the probabilities of REF and ALT (2, variants, TFs)."""
    from cyvcf2 import VCF
    from kipoiseq.dataclasses import Interval, Variant
    from kipoiseq.extractors import VariantSeqExtractor
    from kipoiseq.transforms import ReorderedOneHot

    network = load_network(find_entry(entry)).eval()
    extractor = VariantSeqExtractor(fasta_file=str(fasta))
    transform = ReorderedOneHot(alphabet="ACGT", neutral_value=0, dtype=np.float32, alphabet_axis=0)
    length = find_entry(entry).card.window_length

    def predict(sequences: list[str]) -> np.ndarray:
        with torch.inference_mode():
            return torch.sigmoid(network(torch.from_numpy(np.stack([transform(one) for one in sequences])))).numpy()

    found: list[tuple[np.ndarray, np.ndarray]] = []
    waiting: list[tuple[str, str, Variant]] = []
    started = time.perf_counter()
    with open(output, "w") as stream:
        writer = csv.writer(stream, delimiter="\t")

        def score() -> None:
            refs, alts, variants = zip(*waiting, strict=True)
            ref, alt = predict(list(refs)), predict(list(alts))
            for variant, row in zip(variants, alt - ref, strict=True):
                writer.writerow([variant.chrom, variant.pos, variant.id, variant.ref, variant.alt, *row])
            found.append((ref, alt))
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
    return time.perf_counter() - started, np.concatenate(found, axis=1)


def check(entry: str, vcf: Path, fasta: Path, theirs: np.ndarray) -> str:
    """Return how close our forward strand is to `theirs` (2, variants, TFs); stop if that is not close.

    Ours has the first changed base right of the middle of the window; kipoiseq's `Interval.resize` has the record's
    first REF base left of it: one base further left. So ours are cut here from windows that are longer by two, without
    their first two bases. Then windows are the same where the first REF base is the first that is changed, as of a
    substitution; indels, whose REF begins with the base before the change, are left out.
    """
    variants = read_variants(vcf)
    predictor = Predictor([find_entry(entry)])
    windows = allele_windows(variants, Genome(fasta), predictor.window_length + 2)
    logits = np.stack([predictor.strand_logits(codes[:, 2:])[:, 0] for codes in (windows.ref, windows.alt)])
    changed_at_once = (windows.start == variants.pos - 1) & (windows.n_ref > 0)
    compared = np.flatnonzero(changed_at_once)
    differences = probability(torch.from_numpy(logits)).numpy()[:, compared] - theirs[:, compared]
    worst = float(np.abs(differences).max())
    if not worst <= TOLERANCE:  # nor NaN
        sys.exit(f"{vcf}: probabilities of one strand differ by up to {worst:.2g}: not the same network or windows")
    largest = float(np.abs(theirs[1, compared] - theirs[0, compared]).max())
    how = f"forward strand, {len(compared):,} variants that are no indels, ALT minus REF up to {largest:.2f}"
    return f"within {worst:.0e} | {how}"


if __name__ == "__main__":
    main()
