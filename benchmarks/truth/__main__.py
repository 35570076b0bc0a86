"""Measure variant scores against the truth: allele-specific binding and saturation mutagenesis.

    python -m benchmarks.truth --models multi163 --variants ../shared/data/variants --genome hg38.fa.gz -o runs/truth

Scores every allele through the path of `tfb score`, compares the effects with what was measured, beside the difference
of the best JASPAR site at the variant, and writes OUT/truth.tsv (every statistic with its interval), OUT/by_tf.tsv,
OUT/effects.ENTRY.parquet and OUT/truth.md; the last also between the marks of docs/variant-truth.md, which says what
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

from benchmarks.truth.report import Mark, against_marks, around_figures, counts, per_tf, pivot, put_figures, write_rows
from benchmarks.truth.scores import HIT, Effects, Sites, largest, score_entry, score_sites, total
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
from kipoi_tfb.entry import Entry
from kipoi_tfb.zoo import find_entries
from tfb_matrix_data.errors import TfbError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.splits import ACCEPTANCE, TEST, VALIDATION

DOCS = Path(__file__).parents[2] / "docs" / "variant-truth.md"
HELD_OUT = (*VALIDATION, *TEST, *ACCEPTANCE)
PWM, PWM_LARGEST = "JASPAR site", "JASPAR site, largest"

HELD_OUT_ROWS, TRAINING_ROWS = "held out", "training chromosomes"
SHOWN_PER_TF = SHOWN_PER_CHROMOSOME = ("AUROC, pooled", "sign")

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
    parser.add_argument("--docs", type=Path, default=DOCS, help="document whose figures are replaced")
    parser.add_argument("--replicates", type=int, default=1000, help="of the bootstrap")
    options = parser.parse_args(arguments)
    try:
        run(options.models, options.variants, options.genome, options.output, options.docs, options.replicates)
    except TfbError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def run(models: str, variants: Path, genome_path: Path, output: Path, docs: Path, replicates: int) -> None:
    """Score, compare, write."""
    entries, genome = find_entries(models), Genome(genome_path)
    asb, mpra = read_asb(variants / ASB_FILE), read_mpra(variants / MPRA_FILE, genome)
    around_figures(docs)  # known before minutes of work
    output.mkdir(parents=True, exist_ok=True)
    alleles = sorted({*asb.alleles, *mpra.alleles})
    write_alleles(alleles, output / "alleles.tsv")
    place = {allele: row for row, allele in enumerate(alleles)}
    asb_at, mpra_at = (np.array([place[allele] for allele in table.alleles]) for table in (asb, mpra))
    lines: list[str] = []
    every: dict[str, list[Row]] = {}
    tfs: dict[str, list[Row]] = {}
    for entry in entries:
        file = output / f"effects.{entry.card.name.replace('/', '-')}.parquet"
        effects = score_entry(entry, output / "alleles.tsv", genome, file)
        sites = score_sites(effects.tfs, output / "alleles.tsv", genome, entry.card.window_length)
        name = entry.card.name
        bindings = binding(entry, asb, effects, sites, asb_at, replicates)
        mutations = mutagenesis(name, mpra, effects, sites, mpra_at, replicates)
        every[name] = [*bindings.rows, *mutations]
        tfs[name] = bindings.by_tf
        used = {
            "rows of SNVs": bindings.used,
            "SNVs of elements": accounted(mpra, effects, mpra_at, ~mpra.deletion),
            "deletions of elements": accounted(mpra, effects, mpra_at, mpra.deletion),
        }
        status = {
            "rows of SNVs": Counter(effects.status[asb_at].tolist()),
            "SNVs of elements": Counter(effects.status[mpra_at[~mpra.deletion]].tolist()),
            "deletions of elements": Counter(effects.status[mpra_at[mpra.deletion]].tolist()),
        }
        lines += section(name, bindings, mutations, status, used)
    write_rows(every, output / "truth.tsv")
    write_rows(tfs, output / "by_tf.tsv")
    put_figures(docs, lines)


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
    entry: Entry, data: Bindings, effects: Effects, sites: Sites, at: NDArray[np.int64], replicates: int
) -> BindingRows:
    """Compare effects on the TF of each row with the imbalance of its reads."""
    column = np.array([effects.tfs.index(tf) if tf in effects.tfs else -1 for tf in data.tf])
    values = {
        entry.card.name: effects.log_odds[at, column],
        f"{entry.card.name}, probability": effects.probability[at, column],
        PWM: sites.difference[at, column],
    }
    reasons = {
        "allele not scored": ~effects.scored[at],
        "TF is not in the model": column < 0,
        "TF has no JASPAR profile": np.isnan(values[PWM]),
    }
    reason = np.select(list(reasons.values()), list(reasons), "compared")
    kept = np.flatnonzero(reason == "compared")
    data = data.take(kept)
    values = {method: found[kept] for method, found in values.items()}
    hit = sites.relative[at, column][kept] >= HIT
    chromosomes = sorted(set(data.chrom.tolist()))
    trained = entry.card.data.train_chromosomes
    held_out = np.isin(data.chrom, [name for name in HELD_OUT if name not in trained])
    subsets = {
        HELD_OUT_ROWS: held_out,
        TRAINING_ROWS: np.isin(data.chrom, trained),
        **{name: data.chrom == name for name in chromosomes},
    }
    rows = [row for name, on in subsets.items() for row in asb_rows(data, values, hit, on, name, PWM, replicates)]
    by_tf = [
        row
        for tf in sorted(set(data.tf[held_out].tolist()))
        for row in asb_rows(data, values, hit, held_out & (data.tf == tf), tf, PWM, replicates)
        if row.statistic in SHOWN_PER_TF
    ]
    return BindingRows(rows, by_tf, Counter(reason.tolist()))


def mutagenesis(
    name: str, data: Mutations, effects: Effects, sites: Sites, at: NDArray[np.int64], replicates: int
) -> list[Row]:
    """Compare one number per variant with its measured effect, by element."""
    clipped = sites.clipped[:, np.isfinite(sites.clipped).any(0)]
    values = {
        name: total(effects.probability),
        f"{name}, sum of log-odds": total(effects.log_odds),
        f"{name}, largest log-odds": largest(effects.log_odds),
        PWM: total(clipped),
        PWM_LARGEST: largest(clipped),
    }
    here = {method: found[at] for method, found in values.items()}
    elements = sorted(set(data.element.tolist()))
    return [row for element in elements for row in mpra_rows(data, here, element, PWM, replicates)]


def accounted(data: Mutations, effects: Effects, at: NDArray[np.int64], of: NDArray[np.bool_]) -> Counter[str]:
    """Return what became of some rows of saturation mutagenesis."""
    reasons = {"allele not scored": ~effects.scored[at], f"fewer than {MIN_BARCODES} barcodes": ~data.measured}
    return Counter(np.select(list(reasons.values()), list(reasons), "compared")[of].tolist())


def section(
    name: str,
    bindings: BindingRows,
    mutations: Sequence[Row],
    status: Mapping[str, Counter[str]],
    used: Mapping[str, Counter[str]],
) -> list[str]:
    """Return what the document says of an entry."""
    together = [row for row in bindings.rows if row.subset in (HELD_OUT_ROWS, TRAINING_ROWS)]
    single = [row for row in bindings.rows if row not in together and row.statistic in SHOWN_PER_CHROMOSOME]
    return [
        f"## {name}",
        "",
        *("### Targets and marks", "", *against_marks([*together, *mutations], name, MARKS), ""),
        *("### Allele-specific binding", "", *pivot(together, PWM), ""),
        *("### By chromosome", "", *pivot(single, PWM), ""),
        *("### By TF, held-out chromosomes", "", *per_tf(bindings.by_tf), ""),
        *("### Saturation mutagenesis", "", *pivot(mutations, PWM), ""),
        *("### What became of every row", "", *counts("status", status), "", *counts("compared?", used)),
    ]


if __name__ == "__main__":
    sys.exit(main())
