"""A million variants through `tfb score`: memory, and a run that is killed (kill -9) and goes on.

    python benchmarks/million.py --genome hg38.fa.gz [--variants N] [--entry NAME] [--precision bf16]

Scores few variants and many; then the many again into another file, killed when half of its pieces are there, and by
the same command to the end. Stops if the two files are not the same to the byte. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scoring import SMALL, TFB, run
from variants import write_inputs

from kipoi_tfb.variants.score import ScoringOptions
from tfb_matrix_data.files import sha256
from tfb_matrix_data.genome import Genome

PIECE = ScoringOptions.piece_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genome", required=True)
    parser.add_argument("--entry", default="multi50")
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--variants", type=int, default=1_000_000)
    parser.add_argument("--contig", default="chr22")
    arguments = parser.parse_args()
    genome = Genome(arguments.genome)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fasta, vcfs = write_inputs(folder, genome, arguments.contig, (SMALL, arguments.variants))
        few, many = vcfs[SMALL], vcfs[arguments.variants]
        what = f"tfb score, {arguments.entry}, {arguments.variants:,} variants, {arguments.precision}"
        run(_command(arguments, few, fasta, folder / "few.tsv"))  # fills the genome cache
        _, small = run(_command(arguments, few, fasta, folder / "few.tsv"))
        seconds, peak = run(_command(arguments, many, fasta, folder / "whole.tsv"))
        print(
            f"| {what} | {arguments.variants / seconds:,.0f} variants/s | both strands, TSV of effects, whole command, "
            f"peak memory {peak:,.0f} MiB, {peak / small:.2f} times that of {SMALL:,} |"
        )
        resumed = folder / "resumed.tsv"
        half = arguments.variants // PIECE // 2
        pieces = _killed(_command(arguments, many, fasta, resumed), resumed, half)
        seconds, _ = run(_command(arguments, many, fasta, resumed))
        if sha256(resumed) != sha256(folder / "whole.tsv"):
            sys.exit(f"{what}: killed and given again, the bytes are others")
        size = resumed.stat().st_size / 1e6
        print(f"| the same, killed after {pieces} pieces and given again | {seconds:,.0f} s | same {size:,.0f} MB |")


def _command(arguments: argparse.Namespace, vcf: Path, fasta: Path, output: Path) -> list[str]:
    options = ["--models", arguments.entry, "--precision", arguments.precision, "--scores", "effect", "--top", "0"]
    return ["score", str(vcf), "--genome", str(fasta), *options, "-o", str(output)]


def _killed(command: list[str], output: Path, half: int) -> int:
    """Start a run, kill it when half of its pieces are there, and return how many are."""
    parts = output.with_name(f"{output.name}.parts")

    def there() -> int:
        return len(list(parts.glob("0*-*")))

    process = subprocess.Popen([*TFB, *command], stderr=subprocess.DEVNULL)
    while process.poll() is None and there() < half:
        time.sleep(0.05)
    if process.poll() is not None:
        sys.exit(f"it ended, with exit code {process.returncode}, before it could be killed")
    process.kill()
    process.wait()
    if output.exists():
        sys.exit(f"{output} is there before its run has ended")
    return there()


if __name__ == "__main__":
    main()
