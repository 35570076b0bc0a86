"""Contributions for all windows of a file: in pieces, so that a killed run goes on where it was."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from kipoi_tfb import __version__
from kipoi_tfb.interpretation.attributions import Explainer
from kipoi_tfb.interpretation.completeness import BOUNDS, is_complete
from kipoi_tfb.interpretation.files import About, Piece, check_format, write_output
from kipoi_tfb.interpretation.plot import plot_contributions
from kipoi_tfb.interpretation.sources import ExplainedWindows, Source
from kipoi_tfb.models.device import numeric_identity
from kipoi_tfb.output.figures import check_format as check_picture
from kipoi_tfb.output.logos import check_tfs
from kipoi_tfb.output.pieces import Pieces
from kipoi_tfb.output.progress import progress_bar
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import check_output

__all__ = ["ExplainSummary", "explain"]

_PIECE = 64
"""Items per piece: what is lost when a run is killed."""


@dataclass
class ExplainSummary:
    """What a run explained.

    Attributes
    ----------
    windows
        How many there were; of variants two each.
    unscored
        Windows without a known base: they have no contributions.
    incomplete
        How many pairs of a window and a TF have contributions that do not add up within the bound.
    largest_error
        Largest completeness error in log-odds; NaN for `ism`.
    worst
        Where that is.
    taken_over
        Pieces that an earlier, killed run had finished.
    drawn
        Windows in the picture.
    files
        What was written.
    problems
        What is wrong although the output was written.
    """

    windows: int = 0
    unscored: int = 0
    incomplete: int = 0
    largest_error: float = float("nan")
    worst: str = ""
    taken_over: int = 0
    drawn: int = 0
    files: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def count(self, piece: Piece, tfs: list[str], method: str) -> None:
        """Add a piece."""
        self.windows += len(piece.windows.codes)
        self.unscored += int(np.isnan(piece.output[:, 0]).sum())
        self.incomplete += int((~is_complete(piece.error, piece.output, piece.reference, method)).sum())
        if not np.isnan(piece.error).all():
            window, tf = np.unravel_index(np.nanargmax(piece.error), piece.error.shape)
            error = float(piece.error[window, tf])
            if not error <= self.largest_error:
                self.largest_error, self.worst = error, f"{piece.windows.name[window]}, {tfs[tf]}"


def explain(explainer: Explainer, source: Source, output: str | Path, plot: str | Path | None = None) -> ExplainSummary:
    """Write the contribution of every base of the windows of a file to the logits of an entry's TFs.

    Parameters
    ----------
    explainer
        Entry, TFs and method.
    source
        Regions, sequences or variants.
    output
        ``.tsv`` or ``.parquet``: a row per base and TF. ``.h5``: what TF-MoDISco and finemo read, a file per TF
        (`kipoi_tfb.interpretation.files`). ``.bw``, ``.bigwig``, ``.bedgraph``: a track per TF, of regions. Where there
        is a file per TF and several TFs, the name has ``{tf}``.
    plot
        Also draw the first windows, as ``.png``, ``.svg`` or ``.pdf``.

    Raises
    ------
    ConfigError
        If the output does not fit the source, or several TFs would be written to one file.
    InputError
        If the source is not valid, or no window of it has a known base; nothing is written then.
    """
    check_format(check_output(output), explainer.tfs, source)
    if plot is not None:
        check_picture(check_output(plot))
        check_tfs(len(explainer.tfs))
    summary, about = ExplainSummary(), _about(explainer)
    with (
        Pieces(output, _identity(explainer, source, output)) as pieces,
        progress_bar("explaining", source.count) as advance,
    ):
        for windows in source.windows(explainer.predictor.window_length, _PIECE):
            pieces.add(_digest(windows), partial(_write_piece, explainer, windows))
            summary.count(Piece.read(pieces.paths[-1]), explainer.tfs, explainer.method)
            advance(len(np.unique(windows.name)))
        if summary.unscored == summary.windows:
            raise InputError(source.path, "no window has a known base: is this the right genome, and not masked there?")
        summary.files = write_output(output, explainer.tfs, lambda: _read(pieces.paths), summary.windows, about, source)
        if plot is not None:
            title = f"{explainer.entry.card.name}, {explainer.method}"
            summary.drawn = plot_contributions(_read(pieces.paths), explainer.tfs, plot, title)
        summary.taken_over = pieces.taken_over
    if summary.incomplete:
        bound = BOUNDS[explainer.method]
        summary.problems.append(
            f"contributions of {summary.incomplete} windows and TFs do not add up: they miss the difference of the "
            f"logits by more than {bound:g} of it (or {bound:g}), at most by {summary.largest_error:.3g} "
            f"({summary.worst}); "
            "their completeness_error says by how much"
        )
    return summary


def _write_piece(explainer: Explainer, windows: ExplainedWindows, path: Path) -> None:
    Piece(windows, *explainer(windows.codes, windows.shuffled)).write(path)


def _read(paths: list[Path]) -> Iterator[Piece]:
    return map(Piece.read, paths)


def _digest(windows: ExplainedWindows) -> str:
    digest = hashlib.sha256()
    for part in windows:
        digest.update("\n".join(part.tolist()).encode() if part.dtype.kind == "U" else part.tobytes())
    return digest.hexdigest()


def _about(explainer: Explainer) -> About:
    references = "none"
    if explainer.shuffles is not None:
        references = f"{explainer.shuffles} dinucleotide shuffles, seed {explainer.seed}"
    elif explainer.references is not None:
        references = f"{len(explainer.references)} sequences, sha256 {_sha256(explainer)[:12]}"
    return About(
        f"kipoi-tfb {__version__}",
        explainer.entry.card.name,
        explainer.entry.card.weights.sha256,
        explainer.method,
        references,
    )


def _sha256(explainer: Explainer) -> str:
    return "" if explainer.references is None else hashlib.sha256(explainer.references.tobytes()).hexdigest()


def _identity(explainer: Explainer, source: Source, output: str | Path) -> dict:
    """Return what the pieces depend on besides the windows."""
    return {
        **_about(explainer)._asdict(),
        "tfs": explainer.tfs,
        "reference_sequences": _sha256(explainer),
        "device": str(explainer.device),
        "batch_size": explainer.batch_size,
        "piece_size": _PIECE,
        **numeric_identity(explainer.device),
    }
