"""How well a model tells bound from unbound regions, per TF, on chromosomes it has not seen."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from kipoi_tfb.card import MetricsCard, write_card
from kipoi_tfb.datasets import region_windows
from kipoi_tfb.entry import Entry
from kipoi_tfb.predictor import Predictor
from kipoi_tfb.progress import progress_bar
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import atomic_path, sha256
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.sampling import balanced_sample, seed_of
from tfb_matrix_data.sequence import UNKNOWN, gc_content

__all__ = ["MIN_BOUND", "TfMetrics", "evaluate", "macro", "record", "write_metrics"]

MIN_BOUND = 40
"""Bound regions that a TF needs on the tested chromosomes to count in the macro average."""


@dataclass(frozen=True)
class TfMetrics:
    """One row of the table of metrics.

    Attributes
    ----------
    tf
        Name.
    bound_train
        Bound regions on the chromosomes that trained the model.
    bound, unbound
        Regions tested.
    matched
        Unbound regions drawn to match the bound ones in GC content, 1:1 but where a GC bin ran short.
    auprc
        Area under the precision-recall curve (average precision) against the matched ones.
    auroc
        Area under the ROC curve at natural prevalence, against all unbound regions.
    auprc_natural
        Area under the precision-recall curve at natural prevalence.
    """

    tf: str
    bound_train: int
    bound: int
    unbound: int
    matched: int
    auprc: float
    auroc: float
    auprc_natural: float


def evaluate(
    entry: Entry,
    matrix: BindingMatrix,
    genome: Genome,
    chromosomes: Sequence[str],
    kind: Kind = "sparse",
    seed: int = 0,
    device: str = "auto",
) -> list[TfMetrics]:
    """Test an entry on all resolved regions of some chromosomes; windows with an N are left out.

    Parameters
    ----------
    entry
        Zoo entry.
    matrix, genome
        Labels and sequence.
    chromosomes
        None of them may have trained or validated the entry.
    kind
        Which labels.
    seed
        For the draw of GC-matched unbound regions; each TF has its own stream.
    device
        See `kipoi_tfb.device.choose_device`.

    Returns
    -------
    list of TfMetrics
        One per task; areas are NaN where a TF has no bound or no unbound region.

    Raises
    ------
    ConfigError
        If a chromosome trained or validated the entry.
    """
    data = entry.card.data
    seen = sorted(set(chromosomes) & {*data.train_chromosomes, *data.validation_chromosomes})
    if seen:
        raise ConfigError(f"{entry.name} was trained or validated on {', '.join(seen)}; test it on other chromosomes")
    index = matrix.regions.on(chromosomes)
    codes = region_windows(matrix, genome, index)
    whole = ~(codes == UNKNOWN).any(1)
    index, codes = index[whole], codes[whole]
    predictor = Predictor([entry], device=device)
    logits = np.empty((len(index), len(predictor.columns)), np.float32)
    with progress_bar(f"evaluating {entry.name}", len(index)) as advance:
        for start in range(0, len(index), 8192):
            part = slice(start, start + 8192)
            logits[part] = predictor.logits(codes[part])
            advance(len(logits[part]))
    gc = gc_content(codes)
    train = matrix.regions.on(data.train_chromosomes)
    rows = []
    for task, tf in enumerate(entry.card.tasks):
        labels = matrix.labels([tf], kind=kind)[:, 0]
        n_train = int((labels[train] == 1).sum())
        rows.append(_metrics(tf, n_train, labels[index], logits[:, task], gc, seed_of(seed, matrix.tfs.index(tf))))
    return rows


def macro(rows: Sequence[TfMetrics], min_bound: int = MIN_BOUND) -> tuple[int, float, float]:
    """Return (TFs, mean AUPRC, mean AUROC) over the TFs with at least `min_bound` bound regions tested."""
    enough = [row for row in rows if row.bound >= min_bound]
    if not enough:
        return 0, float("nan"), float("nan")
    return len(enough), float(np.mean([row.auprc for row in enough])), float(np.mean([row.auroc for row in enough]))


def write_metrics(rows: Sequence[TfMetrics], path: str | Path) -> None:
    """Write the table as TSV, one row per TF."""
    names = [field.name for field in fields(TfMetrics)]
    lines = ["\t".join(names)]
    for row in rows:
        values = asdict(row)
        lines.append("\t".join(f"{v:.4f}" if isinstance(v := values[name], float) else str(v) for name in names))
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def record(
    entry: Entry,
    rows: Sequence[TfMetrics],
    matrix: BindingMatrix,
    chromosomes: Sequence[str],
    kind: Kind,
    seed: int,
    command: str,
) -> MetricsCard:
    """Write the table into the entry's folder and its macro averages onto the card."""
    n_tfs, auprc, auroc = macro(rows)
    metrics = MetricsCard(
        command=command,
        chromosomes=tuple(chromosomes),
        labels=kind,
        min_bound=MIN_BOUND,
        n_tfs=n_tfs,
        auprc=round(auprc, 4),
        auroc=round(auroc, 4),
        seed=seed,
        matrix_sha256=sha256(matrix.path),
        weights_sha256=entry.card.weights.sha256,
        date=datetime.date.today().isoformat(),
    )
    write_metrics(rows, entry.folder / metrics.table)
    write_card(entry.card.model_copy(update={"metrics": metrics}), entry.folder)
    return metrics


def _metrics(
    tf: str, n_train: int, labels: NDArray[np.int8], logits: NDArray[np.float32], gc: NDArray[np.float64], seed: int
) -> TfMetrics:
    sample = balanced_sample(labels, gc, seed)
    counts = (tf, n_train, sample.bound_available, sample.unbound_available, len(sample.unbound))
    if not len(sample.bound) or not len(sample.unbound):
        return TfMetrics(*counts, float("nan"), float("nan"), float("nan"))
    balanced = sample.regions
    every = np.concatenate([sample.bound, np.flatnonzero(labels == 0)])
    return TfMetrics(
        *counts,
        auprc=float(average_precision_score(labels[balanced], logits[balanced])),
        auroc=float(roc_auc_score(labels[every], logits[every])),
        auprc_natural=float(average_precision_score(labels[every], logits[every])),
    )
