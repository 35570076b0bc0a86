"""A TF's regions split as in the paper: at random, 80/10/10, without the regions that its base was made from.

Neighbouring windows leak between the parts. Only for reproducing the paper's figures: see `tfb_matrix_data.splits`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.evaluation.regions import from_matrix
from kipoi_tfb.finetuning.data import FinetuneData
from kipoi_tfb.training.data import LabelledWindows, TrainingData
from kipoi_tfb.zoo.card import Card, DataCard
from tfb_matrix_data.genome import Genome, region_windows
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sampling import sample_tf
from tfb_matrix_data.splits import split_randomly


def regions_of_base(matrix: BindingMatrix, base: Card) -> NDArray[np.int64]:
    """Return the regions that are resolved for all TFs of a base that was trained on these only, as the paper's was."""
    labels = matrix.labels(base.tasks, kind="less_sparse")
    return np.flatnonzero(np.logical_and.reduce([column >= 0 for column in labels.T]))


def split_as_paper(
    matrix: BindingMatrix, genome: Genome, tf: str, used: NDArray[np.int64], seed: int = 0
) -> FinetuneData:
    """Return the regions of a TF, split at random; those of `used` are left out.

    Source: Novakovsky et al. 2021, Methods, "individual models", doi:10.1186/s13059-021-02499-5.
    """
    own = matrix.labels([tf])
    split = split_randomly(np.flatnonzero((own[:, 0] >= 0) & (matrix.regions.start >= 0)), seed, used)
    sample = sample_tf(matrix, genome, tf, split, seed)
    whole = ~np.isnan(sample.gc)

    def windows(index: NDArray[np.int64]) -> LabelledWindows:
        return LabelledWindows(index, region_windows(matrix, genome, index), own[index])

    train, validation = (windows(np.sort(sample.parts[use].regions)) for use in ("train", "validation"))
    every = {use: windows(getattr(split, use)[whole[getattr(split, use)]]) for use in ("train", "validation")}
    names = tuple(matrix.regions.chrom_names)
    tested, region = from_matrix(matrix, genome, names).only([tf]), matrix.regions.on(names)
    chosen = np.flatnonzero(np.isin(region[tested.kept], split.test))
    kept = tested.kept[chosen]
    test = replace(tested, codes=tested.codes[chosen], labels=tested.labels[chosen], kept=kept)
    card = DataCard(
        source=f"{tf} of {matrix.path.name}, split at random",
        matrix_sha256=None,
        assembly=str(matrix.attrs["assembly"]),
        genome=genome.path.name,
        train_chromosomes=names,
        validation_chromosomes=names,
        test_chromosomes=names,
        excluded_chromosomes=(),
        n_train=len(train),
        n_validation=len(validation),
    )
    training = TrainingData([tf], train, validation, split.test, ())
    counts = {use: {"bound": len(part.bound), "unbound": len(part.unbound)} for use, part in sample.parts.items()}
    return FinetuneData(training, every, test, region[kept], counts, card)
