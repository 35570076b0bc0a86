"""Logos of patterns: of their contributions, of how often each base is there, and of the known motif beside."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kipoi_tfb.interpretation.discovery import Pattern
from kipoi_tfb.motifs.profiles import Motif, log_odds
from kipoi_tfb.output.figures import figure_file
from kipoi_tfb.output.logos import draw_logo, information

__all__ = ["plot_motif", "plot_pattern"]

_BASE, _LOGO, _LEFT, _BETWEEN = 0.13, 0.62, 0.62, 0.16  # inches


def plot_pattern(pattern: Pattern, path: str | Path) -> None:
    """Draw a pattern's contributions and, below, its frequencies; its motif is between the grey lines.

    Parameters
    ----------
    pattern
        Of `kipoi_tfb.interpretation.discovery.discover`.
    path
        .png, .svg or .pdf to write.
    """
    width = pattern.contributions.shape[1]
    size = (_LEFT + _BASE * width + 0.1, 2 * (_LOGO + _BETWEEN) + 0.1)
    with figure_file(path, size) as figure:
        rows = ((pattern.contributions.T, "log-odds"), (information(log_odds(pattern.counts)), "bits"))
        for number, (heights, unit) in enumerate(rows):
            bottom = size[1] - (number + 1) * (_LOGO + _BETWEEN) + 0.02
            box = (_LEFT / size[0], bottom / size[1], _BASE * width / size[0], _LOGO / size[1])
            axes = figure.add_axes(box)
            draw_logo(axes, heights, (0, 2) if unit == "bits" else None)
            axes.set_ylabel(unit, fontsize=7)
            axes.tick_params(labelsize=6, labelbottom=False, bottom=False)
            for edge in (pattern.first, pattern.first + pattern.motif.width):
                axes.axvline(edge - 0.5, color="0.7", lw=0.6, zorder=0)


def plot_motif(motif: Motif, path: str | Path) -> None:
    """Draw a known motif in bits.

    Parameters
    ----------
    motif
        Its counts.
    path
        .png, .svg or .pdf to write.
    """
    size = (_LEFT + _BASE * motif.width + 0.1, _LOGO + _BETWEEN)
    with figure_file(path, size) as figure:
        axes = figure.add_axes((_LEFT / size[0], 0.1 / size[1], _BASE * motif.width / size[0], _LOGO / size[1]))
        draw_logo(axes, information(log_odds(motif.pfm)).astype(np.float64), (0, 2))
        axes.set_ylabel("bits", fontsize=7)
        axes.tick_params(labelsize=6, labelbottom=False, bottom=False)
