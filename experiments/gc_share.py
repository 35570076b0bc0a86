"""What an output may say by GC content: AUPRC with a share of it taken out, on the chromosome that validates.

    python experiments/gc_share.py MATRIX GENOME [--entry multi163-ensemble]    the tables of docs/tf-models.md

From the logits of each TF a share of their regression on GC content is subtracted. The first table has the same share
for all TFs. In the second each TF takes its own, as `kipoi_tfb.finetuning.gc_share` does: chosen on a random half of
the regions, judged on the other one; the mean over both halves. AUPRC at 1:1 is of all unbound regions, weighted to the
GC content of the bound ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from kipoi_tfb.evaluation.metrics import MIN_BOUND
from kipoi_tfb.evaluation.regions import from_matrix
from kipoi_tfb.evaluation.scorers import EntryScorer
from kipoi_tfb.finetuning.head import balancing_weights
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sequence import gc_content
from tfb_matrix_data.splits import VALIDATION

SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
CEILINGS = (0.05, 0.1, 0.15, 0.2, 0.3)


class Regions(NamedTuple):
    """Regions that are resolved for one TF."""

    logits: NDArray[np.float32]
    bound: NDArray[np.bool_]
    gc: NDArray[np.float64]
    weight: NDArray[np.float32]

    def some(self, index: NDArray[np.int64]) -> Regions:
        """Return some of them."""
        return Regions(self.logits[index], self.bound[index], self.gc[index], self.weight[index])

    def areas(self, share: float) -> NDArray[np.float64]:
        """Return the AUPRC at 1:1 and at natural prevalence without a share of what GC content says."""
        said = np.polyval(np.polyfit(self.gc, self.logits, 1), self.gc)
        left = self.logits - share * said
        weights = (self.weight, None)
        return np.array([average_precision_score(self.bound, left, sample_weight=weight) for weight in weights])


def main(
    matrix: Annotated[Path, typer.Argument(help="Binding matrix (HDF5).")],
    genome: Annotated[Path, typer.Argument(help="FASTA of hg38.")],
    entry: str = "multi163-ensemble",
    seed: int = 0,
) -> None:
    """Print both tables."""
    data = from_matrix(BindingMatrix(matrix), Genome(genome), list(VALIDATION))
    scorer = EntryScorer(entry)
    logits, gc = scorer.scores(data.codes), gc_content(data.codes)
    tfs = []
    for column, labels in enumerate(data.labels[:, [data.tfs.index(tf) for tf in scorer.tfs]].T):
        known = np.flatnonzero(labels >= 0)
        bound = labels[known] == 1
        if bound.sum() >= MIN_BOUND:
            weight = balancing_weights(bound, gc[known])
            tfs.append(Regions(logits[known, column], bound, gc[known], weight))
    print(f"{entry}, {', '.join(VALIDATION)}, {len(tfs)} TFs, seed {seed}\n")
    print("| share of all TFs | 1:1 | natural |\n|---|---|---|")
    for share in SHARES:
        one, natural = np.mean([tf.areas(share) for tf in tfs], axis=0)
        print(f"| {share} | {one:.4f} | {natural:.4f} |")
    print("\n| each TF its own, at most | 1:1 | natural | mean share |\n|---|---|---|---|")
    random = np.random.default_rng(seed)
    halves = [np.array_split(random.permutation(len(tf.bound)), 2) for tf in tfs]
    for most in CEILINGS:
        rows = [
            chosen(tf.some(a), tf.some(b), most)
            for tf, both in zip(tfs, halves, strict=True)
            for a, b in (both, both[::-1])
        ]
        one, natural, share = np.mean(rows, axis=0)
        print(f"| {most} | {one:+.4f} | {natural:+.4f} | {share:.3f} |")


def chosen(chooses: Regions, judges: Regions, most: float) -> tuple[float, float, float]:
    """Return what the share that one half chooses changes on the other, at 1:1 and natural, and the share."""
    shares = [share for share in SHARES if share <= most]
    areas = [chooses.areas(share) for share in shares]
    best = max((i for i in range(len(shares)) if areas[i][1] >= areas[0][1]), key=lambda i: areas[i][0])
    change = judges.areas(shares[best]) - judges.areas(0.0)
    return float(change[0]), float(change[1]), shares[best]


if __name__ == "__main__":
    typer.run(main)
