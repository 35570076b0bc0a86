"""Predictions for the regions of a BED file or the sequences of a FASTA file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kipoi_tfb.output.progress import progress_bar
from kipoi_tfb.output.tables import Table, open_table
from kipoi_tfb.prediction.predictor import Predictor
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.fasta import iter_sequences, sequence_windows
from tfb_matrix_data.files import count_lines
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import Anchor, interval_windows, iter_intervals
from tfb_matrix_data.windows import Windows

__all__ = ["PredictionSummary", "predict_regions", "predict_sequences"]

_CHUNK = 4096


@dataclass
class PredictionSummary:
    """What a run predicted.

    Attributes
    ----------
    rows
        Rows written, one per region or sequence.
    partly_unknown
        Windows with some bases that are not A, C, G or T (scored, counted in the column ``n_unknown``).
    unscored
        Windows without any known base: their scores are empty.
    edge_padded
        Windows that reach beyond their contig, or sequences shorter than the window.
    """

    rows: int = 0
    partly_unknown: int = 0
    unscored: int = 0
    edge_padded: int = 0

    def count(self, windows: Windows) -> None:
        """Add a chunk of windows."""
        length = windows.codes.shape[1]
        self.rows += len(windows.codes)
        self.unscored += int((windows.n_unknown == length).sum())
        self.partly_unknown += int(((windows.n_unknown > 0) & (windows.n_unknown < length)).sum())
        self.edge_padded += int(windows.edge_padded.sum())


def predict_regions(
    predictor: Predictor, bed: str | Path, genome: Genome, output: str | Path, anchor: Anchor = "centre"
) -> PredictionSummary:
    """Write one row per region of a BED file, in its order: its columns, ``n_unknown``, and a probability per TF.

    Raises
    ------
    InputError
        If the BED or a region in it is not valid (with the line); nothing is written then.
    """

    def chunks() -> Iterator[tuple[Table, Windows]]:
        for part in iter_intervals(bed, _CHUNK):
            windows = interval_windows(part, genome, predictor.window_length, anchor)
            columns = {"chrom": part.chrom, "start": part.start, "end": part.end, "name": np.array(part.name)}
            yield columns, windows

    return _predict(predictor, chunks(), output, lambda: count_lines(bed))


def predict_sequences(predictor: Predictor, fasta: str | Path, output: str | Path) -> PredictionSummary:
    """Write one row per sequence of a FASTA file: name, length, ``n_unknown``, and a probability per TF."""

    def chunks() -> Iterator[tuple[Table, Windows]]:
        for part in iter_sequences(fasta, _CHUNK):
            windows = sequence_windows(part, predictor.window_length)
            yield {"name": np.array(part.name), "length": part.length}, windows

    return _predict(predictor, chunks(), output, lambda: count_lines(fasta, b">"))


def _predict(
    predictor: Predictor, chunks: Iterator[tuple[Table, Windows]], output: str | Path, total: Callable[[], int]
) -> PredictionSummary:
    summary = PredictionSummary()
    taken = {"chrom", "start", "end", "name", "length", "n_unknown"} & set(predictor.columns)
    if taken:
        raise InputError(output, f"a TF is named like a column of the table: {', '.join(taken)}")
    with open_table(output) as table, progress_bar("predicting", total) as advance:
        for columns, windows in chunks:
            scores = predictor.probability(windows.codes)
            per_tf = {tf: scores[:, i] for i, tf in enumerate(predictor.columns)}
            table.write({**columns, "n_unknown": windows.n_unknown, **per_tf})
            summary.count(windows)
            advance(len(scores))
    return summary
