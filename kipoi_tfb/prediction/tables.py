"""Predictions for the regions of a BED file or the sequences of a FASTA file."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb import __version__
from kipoi_tfb.models.run import heard
from kipoi_tfb.output.progress import progress_bar, progress_within
from kipoi_tfb.output.tables import Notes, Table, open_table
from kipoi_tfb.prediction.predictor import Predictor
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.fasta import iter_sequences, sequence_windows
from tfb_matrix_data.files import file_name
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import Anchor, Intervals, check_contigs, iter_intervals, no_contig_of
from tfb_matrix_data.lines import count_lines
from tfb_matrix_data.names import shown
from tfb_matrix_data.placing import NO_FLAG, OFF_GENOME, has_window, place_windows
from tfb_matrix_data.summits import Kind
from tfb_matrix_data.windows import Windows

__all__ = ["PredictionSummary", "predict_regions", "predict_sequences", "tell_anchor"]

logger = logging.getLogger(__name__)

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
    flags
        How many regions have each flag of `tfb_matrix_data.placing`.
    first_off
        Line of the first region that is not wholly on the genome.
    """

    rows: int = 0
    partly_unknown: int = 0
    unscored: int = 0
    edge_padded: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    first_off: int | None = None

    def count(self, windows: Windows) -> None:
        """Add a chunk of windows."""
        length = windows.codes.shape[1]
        self.rows += len(windows.codes)
        self.unscored += int((windows.n_unknown == length).sum())
        self.partly_unknown += int(((windows.n_unknown > 0) & (windows.n_unknown < length)).sum())
        self.edge_padded += int(windows.edge_padded.sum())

    def count_flags(self, flags: NDArray[np.str_], lines: NDArray[np.int64]) -> None:
        """Add the flags of some regions and their lines in the file."""
        found, first, counts = np.unique(flags, return_index=True, return_counts=True)
        for text, at, n in zip(found.tolist(), lines[first].tolist(), counts.tolist(), strict=True):
            own = [] if text == NO_FLAG else text.split(";")
            self.flags.update(dict.fromkeys(own, n))
            if not {*own}.isdisjoint(OFF_GENOME):
                self.first_off = at if self.first_off is None else min(self.first_off, at)


def predict_regions(
    predictor: Predictor,
    bed: str | Path,
    genome: Genome,
    output: str | Path,
    anchor: Anchor = "centre",
    strict: bool = False,
) -> PredictionSummary:
    """Write one row per region of a BED file, in its order: its columns, flags, and a probability per TF.

    Parquet and HDF5 say which models, genome and windows the numbers are from (``tfb_models``, ``tfb_predict``).

    Before the TFs are ``n_unknown`` and ``flags`` (`tfb_matrix_data.placing`). A region that is not on the genome keeps
    its row, without scores; with `strict` it is refused.

    Raises
    ------
    InputError
        If the BED or a line of it is not valid (with the line), or no region is on the genome; nothing is written then.
    """
    summary = PredictionSummary()
    names: dict[str, None] = {}

    def chunks() -> Iterator[tuple[Table, Windows, Table]]:
        fits = False
        for part in iter_intervals(bed, _CHUNK):
            if strict:
                check_contigs(part, genome)
            if not summary.rows:
                tell_anchor(part, anchor)
            windows, flags = place_windows(part, genome, predictor.window_length, anchor)
            summary.count_flags(flags, part.line)
            if not fits:
                names.update(dict.fromkeys(part.chrom.tolist()))
                fits = bool(has_window(flags).any())
            columns = {"chrom": part.chrom, "start": part.start, "end": part.end, "name": np.array(part.name)}
            yield columns, windows, {"flags": flags}
        if not fits:
            raise InputError(bed, no_contig_of(genome, names))

    about = f"genome {shown(genome.path.name)}, {predictor.windows} around each {anchor}"
    return _predict(predictor, chunks(), output, lambda: count_lines(bed), summary, about)


def tell_anchor(part: Intervals, anchor: Anchor) -> None:
    """Say in the log which point of the regions was taken, and that there is another where that is so."""
    there = " (column 10 has summits: --anchor summit takes them)"
    more = there if anchor == "centre" and part.kind[0] == Kind.NARROW_PEAK and (part.summit >= 0).any() else ""
    logger.info("%s: windows around %ss%s", file_name(part.path), anchor, more)


def predict_sequences(predictor: Predictor, fasta: str | Path, output: str | Path) -> PredictionSummary:
    """Write one row per sequence of a FASTA file: name, length, ``n_unknown``, and a probability per TF."""

    def chunks() -> Iterator[tuple[Table, Windows, Table]]:
        for part in iter_sequences(fasta, _CHUNK):
            windows = sequence_windows(part, predictor.window_length)
            yield {"name": np.array(part.name), "length": part.length}, windows, {}

    about = f"{predictor.windows} at the centre of each sequence"
    return _predict(predictor, chunks(), output, lambda: count_lines(fasta, b">"), PredictionSummary(), about)


def _predict(
    predictor: Predictor,
    chunks: Iterator[tuple[Table, Windows, Table]],
    output: str | Path,
    total: Callable[[], int | None],
    summary: PredictionSummary,
    about: str,
) -> PredictionSummary:
    taken = {"chrom", "start", "end", "name", "length", "n_unknown", "flags"} & set(predictor.columns)
    if taken:
        raise InputError(output, f"a TF is named like a column of the table: {', '.join(taken)}")
    with open_table(output, _notes(predictor, about)) as table, progress_bar("predicting", total) as advance:
        for columns, windows, more in chunks:
            with progress_within(advance, len(windows.codes)) as share, heard(share):
                scores = predictor.probability(windows.codes)
            per_tf = {tf: scores[:, i] for i, tf in enumerate(predictor.columns)}
            table.write({**columns, "n_unknown": windows.n_unknown, **more, **per_tf})
            summary.count(windows)
    return summary


def _notes(predictor: Predictor, about: str) -> Notes:
    said = {"tfb_predict": f"kipoi-tfb {__version__}, {about}", "tfb_models": json.dumps(predictor.models)}
    return Notes(said, dict.fromkeys(predictor.columns, "probability of binding"))
