"""Whether a base lacks motifs: output layers that see all profiles of JASPAR's vertebrate TFs beside what they see now.

    python experiments/more_motifs.py MATRIX GENOME [--base multi163-ensemble] [--every 3]   a line of docs/model-log.md

Of every third TF with enough bound regions on the chromosome that validates, two output layers are fitted as `tfb
finetune --arm head` does: to what the base's sees, and to that beside the best match in the window of each newest
profile that no filter of `multi163` starts from. Chosen on a random half of the regions of that chromosome, judged on
the other; the mean over both halves. (The trunk does not see these profiles: that takes a training.)
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from kipoi_tfb.evaluation.metrics import MIN_BOUND
from kipoi_tfb.finetuning.features import open_bank
from kipoi_tfb.finetuning.group import whole_regions
from kipoi_tfb.finetuning.head import PENALTIES_NATURAL, Lesson, balancing_weights, fit_head, natural_draw
from kipoi_tfb.finetuning.own_motifs import best_matches
from kipoi_tfb.models.motif_cnn import OwnMotifs
from kipoi_tfb.motifs.jaspar import start_profiles, vertebrate_motifs
from kipoi_tfb.motifs.profiles import motif_filters
from kipoi_tfb.zoo.find import find_entry
from kipoi_tfb.zoo.networks import outputs_of
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sampling import seed_of
from tfb_matrix_data.sequence import gc_content
from tfb_matrix_data.splits import split_by_chromosome

SEEDS, MOST_BOUND, RELEASE = 2, 5000, "JASPAR2024"


def main(
    matrix: Annotated[Path, typer.Argument(help="Binding matrix (HDF5).")],
    genome: Annotated[Path, typer.Argument(help="FASTA of hg38.")],
    base: str = "multi163-ensemble",
    every: Annotated[int, typer.Option(help="Take one TF in so many.")] = 3,
    seed: int = 0,
) -> None:
    """Print what the profiles change on the regions that did not choose, over TFs."""
    entry = find_entry(base)
    used = {motif.matrix_id.partition(".")[0] for motif in start_profiles(entry.card.tasks)}
    others = [motif for motif in vertebrate_motifs(RELEASE) if motif.matrix_id.partition(".")[0] not in used]
    with BindingMatrix(matrix) as opened:
        region, codes = whole_regions(opened, Genome(genome))
        labels = opened.labels(entry.card.tasks, region)
        split = split_by_chromosome(opened.regions)
    known = (labels >= 0).any(1)
    region, codes, labels = region[known], codes[known], labels[known]
    bank = open_bank(entry, region, codes)
    trains, validates = np.isin(region, split.train), np.isin(region, split.validation)
    # What a match tells does not depend on its scale, the hold on its weight does: that of the base's features.
    matches = best_matches(motif_filters(others, OwnMotifs.WIDTH), codes).astype(np.float16)
    scale = np.median(bank.features[np.flatnonzero(validates)].astype(np.float32).std(0))
    mean, deviation = matches.astype(np.float32).mean(0), matches.astype(np.float32).std(0)

    def seen(rows: NDArray[np.int64], fuller: bool) -> NDArray[np.float32]:
        own = bank.features[rows].astype(np.float32)
        return np.hstack([own, (matches[rows] - mean) / deviation * scale]) if fuller else own

    weight, bias = (value.numpy() for value in outputs_of(entry)[:2])
    gc, random, rows = gc_content(codes), np.random.default_rng(seed), []
    enough = ((labels[validates] == 1).sum(0) >= MIN_BOUND).nonzero()[0]
    for column in enough[::every]:
        train, validation = (np.flatnonzero(part & (labels[:, column] >= 0)) for part in (trains, validates))
        bound = labels[train, column] == 1
        draws = [natural_draw(bound, seed_of(seed + i, 0), MOST_BOUND) for i in range(SEEDS)]
        halves = np.array_split(random.permutation(len(validation)), 2)
        areas = {}
        for fuller in (False, True):
            start = np.pad(weight[column], (0, len(others) * fuller))
            lessons = [Lesson(seen(train[draw], fuller), bound[draw], share) for draw, share in draws]
            chosen = (validation[half] for half in halves)
            parts = [_lesson(seen(half, fuller), labels[half, column] == 1, gc[half]) for half in chosen]
            fits = [
                fit_head(lessons, one, start, float(bias[column]), PENALTIES_NATURAL, balanced)
                for one, balanced in parts
            ]
            layers = [np.append(fit.weight[0], fit.bias).astype(np.float64) for fit in fits]
            judged = zip(layers, parts[::-1], strict=True)
            areas[fuller] = np.mean([_areas(layer, *part) for layer, part in judged], axis=0)
        rows.append(areas[True] - areas[False])
        print(f"{entry.card.tasks[column]}\t{rows[-1][0]:+.4f}\t{rows[-1][1]:+.4f}", flush=True)
    change = np.array(rows)
    error = change.std(0, ddof=1) / len(change) ** 0.5
    print(
        f"{len(others)} profiles of {RELEASE} beside {base}, {len(rows)} TFs, seed {seed}: "
        f"1:1 {change[:, 0].mean():+.4f} (standard error {error[0]:.4f}), "
        f"natural {change[:, 1].mean():+.4f} ({error[1]:.4f})"
    )


def _lesson(
    features: NDArray[np.float32], bound: NDArray[np.bool_], gc: NDArray[np.float64]
) -> tuple[Lesson, NDArray[np.float32]]:
    return Lesson(features, bound, np.ones(len(bound), np.float32)), balancing_weights(bound, gc)


def _areas(layer: NDArray[np.float64], part: Lesson, balanced: NDArray[np.float32]) -> tuple[float, float]:
    """Return the AUPRC of an output layer at 1:1 and at natural prevalence."""
    return replace(part, weight=balanced).auprc(layer), part.auprc(layer)


if __name__ == "__main__":
    typer.run(main)
