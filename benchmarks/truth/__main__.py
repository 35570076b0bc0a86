"""Measure variant scores against the truth: allele-specific binding and saturation mutagenesis.

    python -m benchmarks.truth --models multi163 --variants ../shared/data/variants --genome hg38.fa.gz -o runs/truth

Scores every allele through the path of `tfb score`, compares the effects with what was measured, beside the difference
of the best JASPAR site at the variant, and writes OUT/truth.tsv (every statistic with its interval), OUT/by_tf.tsv,
OUT/effects.ENTRY.parquet, and the tables between the marks of docs/variant-truth.md, which says what
the figures mean.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.truth.command import add_options
from benchmarks.truth.report import (
    Mark,
    against_marks,
    around_figures,
    by_method,
    counts,
    per_tf,
    pivot,
    put_figures,
    write_rows,
)
from benchmarks.truth.scores import (
    HIT,
    Effects,
    Sites,
    largest,
    score_entry,
    score_shifts,
    score_sites,
    total,
    total_size,
)
from benchmarks.truth.statistics import Row, asb_rows, mpra_rows
from benchmarks.truth.tables import (
    ASB_FILE,
    MIN_BARCODES,
    MPRA_FILE,
    Bindings,
    Mutations,
    read_asb,
    read_mpra,
    write_alleles,
)
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entries
from tfb_matrix_data.errors import TfbError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.splits import HELD_OUT

DOCS = Path(__file__).parents[2] / "docs" / "variant-truth.md"
PWM, PWM_LARGEST = "JASPAR site", "JASPAR site, largest"

HELD_OUT_ROWS, TRAINING_ROWS = "held out", "training chromosomes"
MOVED = ("mean", "largest")
SNVS = "rows of SNVs"
BRIEF = ("AUROC, pooled", "sign")

MARKS = (
    Mark(HELD_OUT_ROWS, "AUROC, mean", 0.66, "our target"),
    Mark(HELD_OUT_ROWS, "sign", 0.75, "our target"),
    Mark(HELD_OUT_ROWS, "sign, largest quarter", 0.92, "our target"),
    Mark("LDLR", "Spearman", 0.55, "our target"),
    Mark("LDLR", "Spearman", 0.52, "DeepSEA"),
    Mark("LDLR", "AUROC", 0.81, "DeepSEA"),
    Mark("HNF4A", "Spearman", 0.24, "DeepSEA"),
    Mark("HNF4A", "AUROC", 0.66, "DeepSEA"),
)
"""Targets and marks of peers, from the issue that asked for this."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", required=True, help="zoo entries, comma-separated")
    parser.add_argument("--variants", required=True, type=Path, help=f"folder with {ASB_FILE} and {MPRA_FILE}")
    parser.add_argument("--genome", required=True, type=Path, help="FASTA of hg38")
    parser.add_argument("-o", "--output", required=True, type=Path, help="folder")
    parser.add_argument("--shifts", type=shifts_of, default=(), help="also over windows moved by up to BP,STEP")
    add_options(parser, DOCS)
    options = parser.parse_args(arguments)
    try:
        run(options)
    except TfbError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def shifts_of(text: str) -> tuple[int, ...]:
    """Return shifts other than 0: multiples of the second number up to the first, in both directions."""
    try:
        most, step = map(int, text.split(","))
    except ValueError:
        most = step = 0
    if not 0 < step <= most:
        raise argparse.ArgumentTypeError(f"expected BP,STEP such as 90,30; found {text!r}")
    return tuple(sign * shift for shift in range(step, most + 1, step) for sign in (-1, 1))


def run(options: argparse.Namespace) -> None:
    """Score, compare, write."""
    around_figures(options.docs)  # known before minutes of work
    entries, genome, output = find_entries(options.models), Genome(options.genome), options.output
    asb, mpra = read_asb(options.variants / ASB_FILE), read_mpra(options.variants / MPRA_FILE, genome)
    output.mkdir(parents=True, exist_ok=True)
    alleles, table = sorted({*asb.alleles, *mpra.alleles}), output / "alleles.tsv"
    write_alleles(alleles, table)
    place = {allele: row for row, allele in enumerate(alleles)}
    asb_at, mpra_at = (np.array([place[allele] for allele in data.alleles]) for data in (asb, mpra))
    lines: list[str] = []
    every: dict[str, list[Row]] = {}
    tfs: dict[str, list[Row]] = {}
    for entry in entries:
        name = entry.card.name
        effects = score_entry(entry, table, genome, output / f"effects.{name.replace('/', '-')}.parquet")
        variants_of = {name: effects}
        if options.shifts:
            n = len(options.shifts) + 1
            moved = score_shifts(entry, table, genome, effects, options.shifts)
            variants_of |= {f"{name}, {kind} of {n} windows": one for kind, one in zip(MOVED, moved, strict=True)}
        sites = score_sites(effects.tfs, table, genome, entry.card.window_length)
        bindings = binding(entry, asb, variants_of, sites, asb_at, options.replicates)
        mutations = mutagenesis(name, mpra, variants_of, sites, mpra_at, options.replicates)
        every[name] = [*bindings.rows, *mutations]
        tfs[name] = bindings.by_tf
        lines += section(name, bindings, mutations, ledger(asb, mpra, effects, bindings.used, asb_at, mpra_at))
    write_rows(every, output / "truth.tsv")
    write_rows(tfs, output / "by_tf.tsv")
    put_figures(options.docs, [*lines, *reads(asb)])


@dataclasses.dataclass(frozen=True)
class BindingRows:
    """What allele-specific binding says of an entry.

    Attributes
    ----------
    rows
        Of the held-out chromosomes together, of the training ones, and of each.
    by_tf
        Of each TF, on the held-out chromosomes.
    used
        What became of the rows of the table.
    """

    rows: list[Row]
    by_tf: list[Row]
    used: Counter[str]


def binding(
    entry: Entry, data: Bindings, effects: Mapping[str, Effects], sites: Sites, at: NDArray[np.int64], replicates: int
) -> BindingRows:
    """Compare effects on the TF of each row with the imbalance of its reads."""
    name = entry.card.name
    tfs = effects[name].tfs
    column = np.array([tfs.index(tf) if tf in tfs else -1 for tf in data.tf])
    values = {method: found.log_odds[at, column] for method, found in effects.items()}
    values |= {
        f"{name}, impact": effects[name].impact[at, column],
        f"{name}, probability": effects[name].probability[at, column],
        PWM: sites.difference[at, column],
    }
    reasons = {
        "allele not scored": ~effects[name].scored[at],
        "TF is not in the model": column < 0,
        "TF has no JASPAR profile": np.isnan(values[PWM]),
    }
    reason = np.select(list(reasons.values()), list(reasons), "compared")
    kept = np.flatnonzero(reason == "compared")
    data = data.take(kept)
    values = {method: found[kept] for method, found in values.items()}
    hit = sites.relative[at, column][kept] >= HIT
    trained = entry.card.data.train_chromosomes
    held_out = np.isin(data.chrom, [chrom for chrom in HELD_OUT if chrom not in trained])
    subsets = {HELD_OUT_ROWS: held_out, TRAINING_ROWS: np.isin(data.chrom, trained)}
    cells = {f"{title}, {cell}": on & (data.cell == cell) for title, on in subsets.items() for cell in names(data.cell)}
    subsets |= cells | {chrom: data.chrom == chrom for chrom in names(data.chrom)}
    rows = [row for title, on in subsets.items() for row in asb_rows(data, values, hit, on, title, PWM, replicates)]
    by_tf = [
        row
        for tf in names(data.tf[held_out])
        for row in asb_rows(
            data,
            {m: values[m] for m in (name, f"{name}, impact", PWM)},
            hit,
            held_out & (data.tf == tf),
            tf,
            PWM,
            replicates,
        )
        if row.statistic in BRIEF
    ]
    return BindingRows(rows, by_tf, Counter(reason.tolist()))


def names(values: NDArray[np.str_]) -> list[str]:
    return sorted(set(values.tolist()))


def mutagenesis(
    name: str, data: Mutations, effects: Mapping[str, Effects], sites: Sites, at: NDArray[np.int64], replicates: int
) -> list[Row]:
    """Compare one number per variant with its measured effect, by element."""
    clipped = sites.clipped[:, np.isfinite(sites.clipped).any(0)]
    values = {method: total(found.probability) for method, found in effects.items()} | {
        f"{name}, sum of sizes": total_size(effects[name].probability),
        f"{name}, sum of log-odds": total(effects[name].log_odds),
        f"{name}, largest log-odds": largest(effects[name].log_odds),
        f"{name}, largest impact": largest(effects[name].impact),
        PWM: total(clipped),
        PWM_LARGEST: largest(clipped),
    }
    here = {method: found[at] for method, found in values.items()}
    return [row for element in names(data.element) for row in mpra_rows(data, here, element, PWM, replicates)]


@dataclasses.dataclass(frozen=True)
class Ledger:
    """Status of every row's allele, and whether the row was compared or why not, counted by table."""

    status: dict[str, Counter[str]]
    used: dict[str, Counter[str]]


def ledger(
    asb: Bindings,
    mpra: Mutations,
    effects: Effects,
    used: Counter[str],
    asb_at: NDArray[np.int64],
    mpra_at: NDArray[np.int64],
) -> Ledger:
    """Account for every row of both tables."""
    reasons = {"allele not scored": ~effects.scored[mpra_at], f"fewer than {MIN_BARCODES} barcodes": ~mpra.measured}
    reason = np.select(list(reasons.values()), list(reasons), "compared")
    status = effects.status[mpra_at]
    parts = {"SNVs of elements": ~mpra.deletion, "deletions of elements": mpra.deletion}
    return Ledger(
        {SNVS: Counter(effects.status[asb_at].tolist())} | {t: Counter(status[on].tolist()) for t, on in parts.items()},
        {SNVS: used} | {title: Counter(reason[on].tolist()) for title, on in parts.items()},
    )


def section(name: str, bindings: BindingRows, mutations: Sequence[Row], ledger: Ledger) -> list[str]:
    """Return what the document says of an entry."""
    together = [row for row in bindings.rows if row.subset in (HELD_OUT_ROWS, TRAINING_ROWS)]
    single = [row for row in bindings.rows if row not in together and row.statistic in BRIEF]
    return [
        f"## {name}",
        "",
        *("### Targets and marks", "", *against_marks([*together, *mutations], name, MARKS), ""),
        *("### Allele-specific binding", "", *pivot(together, name, PWM), ""),
        *("### By cell and by chromosome", "", *pivot(single, name, PWM), ""),
        *("### By TF, held-out chromosomes", "", *per_tf(bindings.by_tf), ""),
        *("### Saturation mutagenesis", "", *by_method(mutations, PWM), ""),
        *("### What became of every row", "", *counts("status", ledger.status), ""),
        *(*counts("compared?", ledger.used), ""),
    ]


def reads(asb: Bindings) -> list[str]:
    """Return how often the allele with more reads of a TF has more reads of DNase-seq, too."""
    agree = {1.0: "the same allele has more", 0.0: "as many of both", -1.0: "the other has more"}
    tables = {
        cell: Counter(agree[value] for value in (asb.favoured * asb.open)[asb.imbalanced & (asb.cell == cell)].tolist())
        for cell in names(asb.cell)
    }
    return ["## DNase-seq reads of the ASB rows", "", *counts("reads of DNase-seq", tables)]


if __name__ == "__main__":
    sys.exit(main())
