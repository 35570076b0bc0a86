"""From how many bound regions of a matrix scorers were trained."""

from __future__ import annotations

from collections.abc import Sequence

from kipoi_tfb.evaluation.scorers import Scorer, TableScorer
from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.names import tf_of
from tfb_matrix_data.outputs import output_labels

__all__ = ["training_counts"]


def training_counts(
    scorers: Sequence[Scorer | TableScorer],
    matrix: BindingMatrix,
    kind: Kind = "sparse",
    cell_types: Sequence[str] | None = None,
) -> dict[str, dict[str, int]]:
    """Return {scorer: {TF: bound regions that trained it}} of the scorers that say what trained them."""
    counts: dict[str, dict[str, int]] = {}
    for scorer in scorers:
        named = getattr(scorer, "train_chromosomes", ())
        index = matrix.regions.on([name for name in named if name in matrix.regions.chrom_names])
        if len(index):
            known = [output for output in scorer.tfs if tf_of(output) in matrix.tfs]
            labels = output_labels(matrix, known, index, kind, cell_types)
            counts[scorer.name] = dict(zip(known, (labels == 1).sum(0).tolist(), strict=True))
    return counts
