"""Logos of contributions: the first windows of a run, a line for each window and TF."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.interpretation.attributions import explainer_of
from kipoi_tfb.interpretation.files import Piece
from kipoi_tfb.interpretation.sources import ExplainedWindows
from kipoi_tfb.output.figures import figure_file
from kipoi_tfb.output.logos import MAX_TFS, contribution_heights, draw_logo, mark_positions, text_width
from kipoi_tfb.zoo.entry import Entry
from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["plot_contributions", "plot_windows"]

_BASE, _LINE, _LEFT, _RIGHT, _TOP, _BOTTOM = 0.075, 1.0, 0.7, 0.2, 0.4, 0.35  # inches
_FAINT = 0.03
"""Share of the largest contribution below which a letter is left out of a picture that is kept."""
_READING = "Letters: what each base contributes to the log-odds of binding. Up: towards binding."


class _Line(NamedTuple):
    title: str
    codes: NDArray[np.uint8]
    start: int
    values: NDArray[np.float32]


def plot_contributions(
    pieces: Iterator[Piece], tfs: list[str], path: str | Path, title: str, bases: int | None = None
) -> int:
    """Draw the contributions of the first windows that have some, and return how many windows are drawn.

    Parameters
    ----------
    pieces
        Windows in their order.
    tfs
        At most `kipoi_tfb.output.logos.MAX_TFS`; so many lines are drawn at most.
    path
        .png, .svg or .pdf to write.
    title
        Above the picture.
    bases
        Of each window only the stretch of so many bases that contributes most, without what contributes next to
        nothing: for pictures that are kept.
    """
    n_windows = max(MAX_TFS // len(tfs), 1)
    lines = list(islice(_lines(pieces, tfs), n_windows * len(tfs)))
    if bases is not None:
        lines = [_strongest(line, bases) for line in lines]
    length = len(lines[0].codes)
    wide = max(_BASE * length, text_width(title, 10), text_width(_READING, 7))
    size = (_LEFT + wide + _RIGHT, _TOP + _LINE * len(lines) + _BOTTOM)
    with figure_file(path, size) as figure:
        figure.text(_LEFT / size[0], 1 - 0.2 / size[1], title, fontsize=10, va="center")
        for number, line in enumerate(lines):
            top = _TOP + _LINE * number + 0.25
            box = (_LEFT, size[1] - top - 0.55, _BASE * length, 0.55)
            axes = figure.add_axes((box[0] / size[0], box[1] / size[1], box[2] / size[0], box[3] / size[1]))
            low, up = min(float(line.values.min()), 0.0), max(float(line.values.max()), 0.0)
            margin = 0.06 * (up - low) or 1.0
            draw_logo(axes, contribution_heights(line.codes, line.values), (low - margin, up + margin))
            axes.set_title(line.title, fontsize=8, loc="left", pad=3)
            mark_positions(axes, np.arange(length), line.start + 1 + np.arange(length))
        figure.text(_LEFT / size[0], 0.08 / size[1], _READING, fontsize=7, color="0.3")
    return len(lines) // len(tfs)


def plot_windows(
    entry: Entry,
    tf: str,
    windows: ExplainedWindows,
    path: Path,
    what: str,
    device: str = "cpu",
    bases: int | None = None,
) -> None:
    """Draw what bases of windows contribute to one TF by an entry, by DeepLIFT or, where that has no rule, mutagenesis.

    Parameters
    ----------
    entry, tf
        Of the zoo, and one of its TFs.
    windows
        One line is drawn for each.
    path
        .png, .svg or .pdf to write.
    what
        Ends the title, which begins with the TF, the entry and the method.
    device
        See `kipoi_tfb.models.device.choose_device`.
    bases
        See `plot_contributions`.
    """
    explainer = explainer_of(entry, [tf], device)
    piece = Piece(windows, *explainer(windows.codes, windows.shuffled))
    plot_contributions(iter([piece]), [tf], path, f"{tf} by {entry.card.name}, {explainer.method}: {what}", bases)


def _lines(pieces: Iterator[Piece], tfs: list[str]) -> Iterator[_Line]:
    for piece in pieces:
        windows = piece.windows
        values = piece.contributions.of_bases(windows.codes)
        for row in np.flatnonzero((windows.codes < UNKNOWN).any(1)).tolist():
            allele = "" if windows.allele[row] == "." else f" ({windows.allele[row]})"
            for column, tf in enumerate(tfs):
                ends = f"log-odds {piece.output[row, column]:.2f}"
                if not np.isnan(piece.error[row, column]):
                    ends += f", of references {piece.reference[row, column]:.2f}"
                title = f"{tf}   {windows.name[row]}{allele}   {ends}"
                yield _Line(title, windows.codes[row], int(windows.start[row]), values[row, column])


def _strongest(line: _Line, bases: int) -> _Line:
    """Return the stretch of a line that contributes most, either way."""
    size = np.abs(line.values)
    first = int(np.argmax(np.convolve(size, np.ones(bases), "valid"))) if len(size) > bases else 0
    part = slice(first, first + bases)
    values = np.where(size >= _FAINT * size.max(), line.values, np.float32(0))
    return _Line(line.title, line.codes[part], line.start + first, values[part])
