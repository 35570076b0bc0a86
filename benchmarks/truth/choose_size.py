"""Compare candidates for the size of an effect, and choose one by a rule that was fixed beforehand.

    python -m benchmarks.truth.choose_size --model multi163 --variants ../shared/data/variants --genome hg38.fa.gz \\
        -o runs/sizes

Scores the SNVs of allele-specific binding once, compares `benchmarks.truth.sizes.FORMS` on chr19 and chr20 by the rule
of `benchmarks.truth.naming`, looks at chr21 and chr22 for the winner, prints the tables, and writes OUT/sizes.tsv and
the part of docs/variant-truth.md between its marks.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.truth.command import add_options, replace_figures
from benchmarks.truth.naming import (
    CHOSEN_ON,
    CONFIRMED_ON,
    CRITERION,
    MACRO,
    POOLED,
    RANK,
    TOP_SIX,
    UNBOUND,
    choose,
    criterion,
    size_rows,
)
from benchmarks.truth.report import SIZE_MARKS, by_method, wide, write_rows
from benchmarks.truth.scores import read_alleles
from benchmarks.truth.sizes import FORMS, as_change
from benchmarks.truth.statistics import SEED, Row
from benchmarks.truth.tables import ASB_FILE, Bindings, read_asb, write_alleles
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.card import today
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entry
from tfb_matrix_data.alleles import allele_windows
from tfb_matrix_data.errors import ConfigError, EntryError
from tfb_matrix_data.genome import Genome

DOCS = Path(__file__).parents[2] / "docs" / "variant-truth.md"
PUBLISHED = ("effect", "p_alt - p_ref", "effect x P")
"""Candidates that stand beside the winner: what is used elsewhere, and what is simplest."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="zoo entry")
    parser.add_argument("--variants", required=True, type=Path, help=f"folder with {ASB_FILE}")
    parser.add_argument("--genome", required=True, type=Path, help="FASTA of hg38")
    parser.add_argument("-o", "--output", required=True, type=Path, help="folder")
    add_options(parser, DOCS)
    return replace_figures(parser.parse_args(arguments), SIZE_MARKS, run)


def run(options: argparse.Namespace) -> list[str]:
    """Score, compare, choose, confirm; return what the document says."""
    entry, genome, output = find_entry(options.model), Genome(options.genome), options.output
    data = read_asb(options.variants / ASB_FILE)
    output.mkdir(parents=True, exist_ok=True)
    data, column, sizes, occupancy = scored(entry, data, genome, output / "asb.tsv")

    def rows_on(chromosomes: Sequence[str], names: Sequence[str]) -> list[Row]:
        on, subset = np.isin(data.chrom, chromosomes), ", ".join(chromosomes)
        if not on.any():
            raise ConfigError(f"{options.variants / ASB_FILE} has no scored SNV on {subset}")
        these = {name: sizes[name] for name in names}
        return size_rows(data, column, these, occupancy, on, subset, PUBLISHED[0], options.replicates)

    compared = rows_on(CHOSEN_ON, list(FORMS))
    winner = choose(compared, {name: form.constants for name, form in FORMS.items()})
    beside = list(dict.fromkeys([winner, *PUBLISHED]))
    confirmed = rows_on(CONFIRMED_ON, beside)
    write_rows({entry.card.name: [*compared, *confirmed]}, output / "sizes.tsv")
    shown = [row for row in compared if row.method in beside]
    return [
        f"`{entry.card.name}`, {today()}, {len(FORMS)} candidates compared, {options.replicates} replicates of the "
        f"bootstrap (seed {SEED}). Chosen on {' and '.join(CHOSEN_ON)}: **{winner}**.",
        "",
        f"### The winner, on {' and '.join(CHOSEN_ON)} and confirmed on {' and '.join(CONFIRMED_ON)}",
        "",
        *by_method([*shown, *confirmed], PUBLISHED[0]),
        "",
        f"### All candidates, on {' and '.join(CHOSEN_ON)}",
        "",
        *wide(compared, [MACRO, POOLED, RANK, TOP_SIX, UNBOUND], {CRITERION: criterion(compared)}),
    ]


def scored(
    entry: Entry, data: Bindings, genome: Genome, table: Path
) -> tuple[Bindings, NDArray[np.int64], dict[str, NDArray], NDArray]:
    """Score SNVs once.

    Returns
    -------
    tuple
        The SNVs that are scored and whose TF the entry has; the TF's column; each candidate's sizes (SNVs, TFs), and
        the probability of the better-bound allele.
    """
    predictor = Predictor([entry])
    place = {tf: i for i, tf in enumerate(predictor.columns)}
    column = np.array([place.get(tf, -1) for tf in data.tf.tolist()])
    write_alleles(data.alleles, table)
    windows = allele_windows(read_alleles(table), genome, predictor.window_length)
    rows = windows.scored[column[windows.scored] >= 0]
    if not len(rows):
        raise ConfigError(f"no SNV has a TF of {entry.name}, and a REF that {genome.path.name} has")
    logits = predictor.allele_logits(windows.ref[rows], windows.alt[rows], strands=True)
    change = as_change(*logits, prevalence(entry))
    return data.take(rows), column[rows], {name: form.size(change) for name, form in FORMS.items()}, change.occupancy


def prevalence(entry: Entry) -> NDArray[np.float64]:
    """Return the share of open regions that each TF binds, by the entry's table of metrics; the mean where it has none.

    Raises
    ------
    EntryError
        If the entry has no such table.
    """
    card = entry.card
    if card.metrics is None:
        raise EntryError(f"{entry.name} has no table of metrics, from which to take how often a TF binds")
    table = pd.read_csv(entry.folder / card.metrics.table, sep="\t", index_col="tf")
    share = (table["bound"] + 0.5) / (table["bound"] + table["unbound"] + 1)
    return share.reindex(card.tasks).fillna(share.mean()).to_numpy(np.float64)


if __name__ == "__main__":
    sys.exit(main())
