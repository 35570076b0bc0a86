"""Whether all spellings of one change have one score: 10,000 changes, each in five spellings.

    python -m benchmarks.spellings --genome hg38.fa [--models multi163] [--changes 10000] [--contigs chr21,chr22]

Draws substitutions, MNVs, insertions, deletions and both at once, half of the indels in places where they repeat what
stands beside them, and writes each one as it was drawn, with bases of the genome in front, behind, and on both sides,
and moved to another place of its repeat (where it has one; else with more bases behind). The spellings are scored from
files of their own, in other orders, and compared byte by byte. ``--bcftools`` also compares the normal forms with those
of ``bcftools norm``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.columns import DEFAULT_SCORES
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from kipoi_tfb.zoo.find import find_entries
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import UNKNOWN, decode

SPELLINGS = ("as drawn", "in front", "behind", "both", "moved")
KINDS = ("substitution", "MNV", "insertion", "deletion", "both at once")
LONGEST, FLANK, MARGIN = 20, 12, 100


class Spelling(NamedTuple):
    """A record: contig, 1-based position, REF, ALT."""

    chrom: str
    pos: int
    ref: str
    alt: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genome", required=True)
    parser.add_argument("--models", default="multi163")
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--contigs", default="chr21,chr22")
    parser.add_argument("--bcftools", action="store_true", help="compare with bcftools norm (pysam's)")
    arguments = parser.parse_args()
    genome, predictor = Genome(arguments.genome), Predictor(find_entries(arguments.models))
    drawn = draw(genome, arguments.contigs.split(","), arguments.changes, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        differ = compare(predictor, genome, drawn, Path(folder))
        if arguments.bcftools:
            forms = unlike_bcftools(genome, drawn, Path(folder))
            differ += forms
            print(f"| normal forms that differ from bcftools norm | {forms:,} of {len(drawn) * len(SPELLINGS):,} |")
    sys.exit(1 if differ else 0)


def draw(genome: Genome, contigs: Sequence[str], n: int, seed: int) -> list[list[Spelling]]:
    """Return changes, each in the spellings `SPELLINGS`."""
    rng = np.random.default_rng(seed)
    found: list[list[Spelling]] = []
    while len(found) < n:
        chrom = contigs[int(rng.integers(len(contigs)))]
        codes = genome.codes(chrom)
        start = int(rng.integers(MARGIN, len(codes) - MARGIN))
        if (codes[start - MARGIN : start + MARGIN] == UNKNOWN).any():
            continue
        around = decode(codes[start - MARGIN : start + MARGIN])
        ref, alt = _change(rng, KINDS[len(found) % len(KINDS)], around)
        if ref != alt:
            found.append(spellings(rng, chrom, start - MARGIN, around, MARGIN, ref, alt))
    return found


def _change(rng: np.random.Generator, kind: str, around: str) -> tuple[str, str]:
    """Return what replaces what in the middle of a sequence; one of the two may be empty."""
    here = around[len(around) // 2 :]
    sizes = 1 + np.minimum(rng.geometric(0.4, 2), LONGEST)
    new = "".join(rng.choice(list("ACGT"), sizes[1]))
    if kind == "substitution":
        return here[0], "ACGT"[("ACGT".index(here[0]) + int(rng.integers(1, 4))) % 4]
    if kind == "MNV":
        turned = here[: sizes[0]].translate(str.maketrans("ACGT", "CGTA"))
        return here[: sizes[0]], turned
    if kind == "insertion":
        return "", here[: sizes[0]] if rng.random() < 0.5 else new
    if kind == "deletion":
        return here[: sizes[0]], ""
    return here[: sizes[0]], new


def spellings(
    rng: np.random.Generator, chrom: str, offset: int, around: str, at: int, ref: str, alt: str
) -> list[Spelling]:
    """Return a change at index `at` of the bases `around`, which start at 0-based `offset`, in five spellings."""

    def spelt(at: int, ref: str, alt: str, before: int, behind: int) -> Spelling:
        end = at + len(ref)
        front, back = around[at - before : at], around[end : end + behind]
        return Spelling(chrom, offset + at - before + 1, front + ref + back, front + alt + back)

    plain = 0 if ref and alt else 1
    more = rng.integers(1, FLANK, 5).tolist()
    moved = _places(around, at, ref, alt)
    place = moved[int(rng.integers(len(moved)))] if moved else (at, ref, alt)
    return [
        spelt(at, ref, alt, plain, 0),
        spelt(at, ref, alt, plain + more[0], 0),
        spelt(at, ref, alt, 0, more[1]),
        spelt(at, ref, alt, more[2], more[3]),
        spelt(*place, plain, 0 if moved else more[4]),
    ]


def _places(around: str, at: int, ref: str, alt: str) -> list[tuple[int, str, str]]:
    """Return the other places where an insertion or deletion gives the same sequence, some to either side."""
    if ref and alt:
        return []
    wanted = around[:at] + alt + around[at + len(ref) :]
    found = []
    for other in range(at - 2 * LONGEST, at + 2 * LONGEST):
        old, new = around[other : other + len(ref)], wanted[other : other + len(alt)]
        if other != at and around[:other] + new + around[other + len(old) :] == wanted:
            found.append((other, old, new))
    return found


def write(path: Path, records: Sequence[Spelling]) -> Path:
    """Write a table of variants."""
    path.write_text("chrom\tpos\tref\talt\n" + "".join("\t".join(map(str, record)) + "\n" for record in records))
    return path


def compare(predictor: Predictor, genome: Genome, drawn: Sequence[Sequence[Spelling]], folder: Path) -> int:
    """Score all spellings, each from a file of its own in another order; print and return how many changes differ."""
    import pyarrow.parquet

    found = []
    for number, name in enumerate(SPELLINGS):
        order = np.random.default_rng(number).permutation(len(drawn))
        table = write(folder / f"{number}.tsv", [drawn[i][number] for i in order.tolist()])
        output = folder / f"{number}.parquet"
        options = ScoringOptions(scores=DEFAULT_SCORES, piece_size=1024 + number)
        score_variants(predictor, table, genome, output, options)
        scored = pyarrow.parquet.read_table(output).take(np.argsort(order))
        flagged = sum("not_left_normalised" in flags for flags in scored["flags"].to_pylist())
        print(f"| {name} | {len(drawn):,} changes | {flagged:,} not in their normal form |", flush=True)
        found.append(scored)
    columns = [name for name in found[0].column_names if name not in ("chrom", "pos", "id", "ref", "alt", "flags")]
    unequal = np.zeros(len(drawn), bool)
    for name in columns:
        values = [_bytes(scored[name].to_numpy()) for scored in found]
        for other in values[1:]:
            unequal |= values[0] != other
    statuses = Counter(status for scored in found for status in scored["status"].to_pylist())
    print(f"| statuses | {', '.join(f'{name} {count:,}' for name, count in sorted(statuses.items()))} |")
    print(
        f"| changes whose spellings differ in a byte of {len(columns)} columns | {unequal.sum():,} of {len(drawn):,} |"
    )
    return int(unequal.sum()) + sum(count for status, count in statuses.items() if status != "ok")


def _bytes(values: np.ndarray) -> np.ndarray:
    """Return numbers as their bits, so that the sign of zero counts and NaN equals itself; texts as they are."""
    return values if values.dtype == object else values.view(f"u{values.dtype.itemsize}")


def unlike_bcftools(genome: Genome, drawn: Sequence[Sequence[Spelling]], folder: Path) -> int:
    """Return how many spellings have another normal form than ``bcftools norm`` gives them."""
    import pyarrow.parquet
    import pysam.bcftools

    contigs = {spelling.chrom for group in drawn for spelling in group}
    fasta, vcf = folder / "contigs.fa", folder / "spellings.vcf"
    with open(fasta, "w") as stream:
        for name in sorted(contigs):
            sequence = decode(genome.codes(name))
            stream.write(f">{name}\n")
            stream.writelines(f"{sequence[i : i + 100]}\n" for i in range(0, len(sequence), 100))
    header = "".join(f"##contig=<ID={name},length={len(genome.codes(name))}>\n" for name in sorted(contigs))
    rows = [
        f"{spelling.chrom}\t{spelling.pos}\t{i}:{number}\t{spelling.ref}\t{spelling.alt}\t.\t.\t.\n"
        for i, group in enumerate(drawn)
        for number, spelling in enumerate(group)
    ]
    vcf.write_text(f"##fileformat=VCFv4.2\n{header}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{''.join(rows)}")
    text = pysam.bcftools.norm("-f", str(fasta), str(vcf))
    theirs = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            chrom, pos, name, ref, alt = line.split("\t")[:5]
            theirs[name] = f"{chrom}:{pos}:{ref}>{alt}"
    unlike = 0
    for number in range(len(SPELLINGS)):
        order = np.random.default_rng(number).permutation(len(drawn)).tolist()
        ours = pyarrow.parquet.read_table(folder / f"{number}.parquet", columns=["normal"])["normal"].to_pylist()
        unlike += sum(theirs[f"{i}:{number}"] != normal for i, normal in zip(order, ours, strict=True))
    return unlike


if __name__ == "__main__":
    main()
