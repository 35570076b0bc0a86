"""What a sequence-only model can say of a cell type, and what openness says: four scores over all regions of chr22.

    python experiments/openness.py MATRIX GENOME [--entry multi163-cells]

For each output of the entry (a TF in a cell type), all regions of the test chromosome count: bound there, or not, be it
open or closed (ambiguous ones are left out). Compared are the base's output of the TF in all cell types, the same where
the region is open in the cell type and nothing elsewhere, the entry's own output, and that where it is open: the mean
AUPRC of each at natural prevalence. Then two cell types of a TF at a time: of the regions that are open in both and
bound in one of them, does the difference of the two outputs say in which? All goes between the marks of
docs/cell-types.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.stats import wilcoxon
from sklearn.metrics import average_precision_score, roc_auc_score

from kipoi_tfb.evaluation.metrics import MIN_BOUND
from kipoi_tfb.evaluation.regions import from_matrix
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.find import find_entry
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.names import cell_of, tf_of
from tfb_matrix_data.splits import TEST

DOCS = Path(__file__).parent.parent / "docs" / "cell-types.md"
START, END = "<!-- table: experiments/openness.py -->", "<!-- end of table -->"
LEAST_EACH = 20
"""Regions bound in the one cell type alone, and in the other alone, that a comparison of the two needs."""
CLOSED = -1e3
"""Logit of a region that is not open: less than that of any that is."""


def main(
    matrix: Annotated[Path, typer.Argument(help="Binding matrix (HDF5).")],
    genome: Annotated[Path, typer.Argument(help="FASTA of hg38.")],
    entry: Annotated[str, typer.Option(help="Whose outputs are TFs in cell types.")] = "multi163-cells",
    docs: Annotated[Path, typer.Option(help="Document whose table is replaced.")] = DOCS,
) -> None:
    """Print and write the table."""
    found = find_entry(entry)
    base, outputs = found.find_base(), found.card.tasks
    with BindingMatrix(matrix) as opened:
        data = from_matrix(opened, Genome(genome), TEST, tfs=list(dict.fromkeys(map(tf_of, outputs))))
        index = opened.regions.on(TEST)[data.kept]
        pooled, own = (Predictor([each]).logits(data.codes) for each in (base, found))
        rows: dict[str, list[float]] = {name: [] for name in ("pooled", "pooled, where open", "own", "own, where open")}
        shares = []
        for column, output in enumerate(outputs):
            known, bound, is_open = labels(opened, output, index)
            if bound.sum() < MIN_BOUND:
                continue
            shares.append(bound[known].mean())
            scores = {"pooled": pooled[:, base.card.tasks.index(tf_of(output))], "own": own[:, column]}
            for name, score in scores.items():
                for told, values in ((name, score), (f"{name}, where open", np.where(is_open, score, CLOSED))):
                    rows[told].append(average_precision_score(bound[known], values[known]))
        areas = between(opened, outputs, index, own)
    lines = [*table(rows, float(np.mean(shares))), "", told_apart(areas)]
    print("\n".join(lines))
    text = docs.read_text()
    before, after = text.split(START)[0], text.split(END)[1]
    with atomic_path(docs) as temporary:
        temporary.write_text(before + "\n".join([START, "", *lines, "", END]) + after)


def labels(
    matrix: BindingMatrix, output: str, index: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which regions count, which are bound, and which are open, in the cell type of an output."""
    tf, cell = [tf_of(output)], [cell_of(output)]
    strict, loose = (matrix.labels(tf, index, kind, cell)[:, 0] for kind in ("sparse", "less_sparse"))  # type: ignore[arg-type]
    ambiguous = (strict < 0) & (loose == 0)
    return ~ambiguous, strict == 1, loose >= 0


def between(
    matrix: BindingMatrix, outputs: Sequence[str], index: NDArray[np.int64], logits: NDArray[np.float32]
) -> list[float]:
    """Return, of two cell types of a TF each, the AUROC of the difference of outputs for where a region is bound."""
    found = {output: (labels(matrix, output, index), column) for column, output in enumerate(outputs)}
    areas = []
    for first, second in itertools.combinations(outputs, 2):
        if tf_of(first) != tf_of(second):
            continue
        ((known_a, bound_a, open_a), a), ((known_b, bound_b, open_b), b) = found[first], found[second]
        one = known_a & known_b & open_a & open_b & (bound_a != bound_b)
        if min(bound_a[one].sum(), bound_b[one].sum()) >= LEAST_EACH:
            areas.append(float(roc_auc_score(bound_a[one], logits[one, a] - logits[one, b])))
    return areas


def told_apart(areas: Sequence[float]) -> str:
    """Return what came of `between`, in words."""
    above = sum(area > 0.5 for area in areas)
    return (
        "In regions of chr22 that are open in two cell types, and where a TF is bound in one of them, the higher of "
        f"its two outputs is that of the right one with an AUROC of {np.mean(areas):.3f} (mean of {len(areas)} TFs in "
        f"two cell types with at least {LEAST_EACH} such regions each; above 0.5 for {above}, p = "
        f"{wilcoxon(np.array(areas) - 0.5).pvalue:.1e})."
    )


def table(rows: Mapping[str, list[float]], share: float) -> list[str]:
    """Return the table, a row per score, with Wilcoxon's p over outputs against the entry's own where it is open."""
    best = np.array(rows["own, where open"])
    lines = [f"| score, {len(best)} TFs in cell types, {share:.2%} bound | AUPRC | difference from the last | p |"]
    lines.append("|---|---:|---:|---:|")
    for name, areas in rows.items():
        difference = np.array(areas) - best
        p = "" if not difference.any() else f"{wilcoxon(difference).pvalue:.1e}"
        lines.append(f"| {name} | {np.mean(areas):.4f} | {difference.mean():+.4f} | {p} |")
    return lines


if __name__ == "__main__":
    typer.run(main)
