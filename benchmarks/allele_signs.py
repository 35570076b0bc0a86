"""Whether contributions at a variant predict the favoured allele as well as the effect does.

    python -m benchmarks.allele_signs --asb asb_shi2016.tsv.gz --genome hg38.fa.gz

Allele-specific SNVs (one row per SNV, TF and cell) on chromosomes that did not train the entry. Both alleles are
explained by DeepLIFT, compared with the same shuffles. The share of rows where a method has the sign of the allele with
more reads:

- effect: log-odds with ALT minus with REF, what `tfb score` writes;
- at the variant: contribution of the ALT base in the window with ALT minus that of the REF base in that with REF;
- around it: the same, summed over the bases within 10 bp.

Intervals are of a bootstrap over DHS regions, whose SNVs share windows; differences are paired.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from benchmarks.truth.statistics import agreement, group_weights
from benchmarks.truth.tables import Bindings, read_asb
from kipoi_tfb.evaluation.areas import interval
from kipoi_tfb.interpretation import Explainer, is_complete
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entry
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import encode

NEAR = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--asb", required=True, help="table of allele-specific binding (benchmarks/truth/tables.py)")
    parser.add_argument("--genome", required=True)
    parser.add_argument("--entry", default="multi163")
    parser.add_argument("--chromosomes", default="chr21,chr22", help="that did not train the entry")
    parser.add_argument("--most", type=int, default=100_000, help="rows, drawn")
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    entry = find_entry(given.entry)
    rows = chosen(read_asb(given.asb), entry.card.tasks, given)
    print(f"{len(rows.alleles)} allele-specific rows of {len(set(rows.tf))} TFs, {len(set(rows.group))} regions")
    signs, incomplete = measured(rows, entry, Genome(given.genome), given.device)
    print(f"windows whose contributions do not add up: {incomplete}")
    weights = group_weights(rows.group, given.replicates, given.seed)
    effect = agreement(signs["effect"], rows.favoured, weights)
    print("| method | right | 95 % | against the effect | 95 % |")
    print("|---|---|---|---|---|")
    for name, values in signs.items():
        found = agreement(values, rows.favoured, weights)
        line = f"| {name} | {found[0]:.3f} | {told(found)} |"
        print(f"{line} |  |" if name == "effect" else f"{line} {found[0] - effect[0]:+.3f} | {told(found - effect)} |")


def chosen(rows: Bindings, tfs: tuple[str, ...], given: argparse.Namespace) -> Bindings:
    """Return the allele-specific rows of known TFs on some chromosomes, at most so many."""
    use = rows.imbalanced & (rows.favoured != 0) & np.isin(rows.tf, tfs)
    use &= np.isin(rows.chrom, given.chromosomes.split(","))
    drawn = np.random.default_rng(given.seed).permutation(np.flatnonzero(use))[: given.most]
    return rows.take(np.sort(drawn))


def measured(rows: Bindings, entry: Entry, genome: Genome, device: str) -> tuple[dict[str, NDArray[np.float64]], int]:
    """Return {method: a signed number per row}, and how many windows do not add up."""
    half = entry.card.window_length // 2
    found = {name: np.zeros(len(rows.alleles)) for name in ("effect", "at the variant", f"within {NEAR} bp")}
    incomplete = 0
    for tf in sorted(set(rows.tf.tolist())):
        of_tf = Explainer(entry, [tf], device=device)
        for row in np.flatnonzero(rows.tf == tf).tolist():
            chrom, pos, ref, alt = rows.alleles[row]
            codes = np.repeat(genome.around([chrom], [pos - 1], 2 * half).codes, 2, axis=0)
            if codes[0, half] != encode(ref)[0]:
                raise SystemExit(f"{chrom}:{pos} is not {ref} in this genome")
            codes[1, half] = encode(alt)[0]
            told_by = of_tf(codes, codes[[0, 0]])
            incomplete += int((~is_complete(told_by.error, told_by.output, told_by.reference, "deeplift")).sum())
            change = np.diff(told_by.of_bases(codes)[:, 0], axis=0)[0]
            found["effect"][row] = told_by.output[1, 0] - told_by.output[0, 0]
            found["at the variant"][row] = change[half]
            found[f"within {NEAR} bp"][row] = change[half - NEAR : half + NEAR + 1].sum()
    return found, incomplete


def told(values: NDArray[np.float64]) -> str:
    low, high = interval(values[1:])
    return f"{low:+.3f} to {high:+.3f}" if low < 0 else f"{low:.3f} to {high:.3f}"


if __name__ == "__main__":
    main()
