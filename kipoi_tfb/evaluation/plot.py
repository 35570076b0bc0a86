"""Figures of an evaluation: one dot per TF."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kipoi_tfb.evaluation.comparison import Comparison, Metric
from kipoi_tfb.evaluation.metrics import MIN_BOUND, TfMetrics
from kipoi_tfb.output.figures import check_format, figure_file
from kipoi_tfb.output.logos import text_width
from kipoi_tfb.output.points import Point, name_points
from tfb_matrix_data.errors import ConfigError

__all__ = ["plot_comparison", "plot_ranked"]

_NAMED = 8
_COLUMN, _LETTERS = 0.115, 6.5  # inches that a TF takes, and points of its name: no wider than that
_NAMES: dict[Metric, str] = {
    "auprc": "AUPRC, 1:1 GC-matched",
    "auroc_matched": "AUROC, 1:1 GC-matched",
    "auprc_natural": "AUPRC, natural prevalence",
}


def plot_comparison(comparison: Comparison, path: str | Path) -> None:
    """Draw the first scorer (up) against the second, a dot per TF; size and colour: its training positives.

    The TFs with the largest differences on either side are named.

    Parameters
    ----------
    comparison
        Of two scorers.
    path
        .png, .svg or .pdf to write.
    """
    check_format(path)
    rows = comparison.tfs
    x, y = np.array([row.second for row in rows]), np.array([row.first for row in rows])
    known = [row.bound_train for row in rows if row.bound_train is not None]
    # Where nobody knows what trained, what was tested stands for it.
    by_training = len(known) == len(rows)
    counts = np.array([row.bound_train if by_training else row.bound for row in rows], float)
    size = np.log10(np.maximum(counts, 1))
    areas = 12 + 18 * size
    with figure_file(path, (7.2, 6.4)) as figure:
        axes = figure.add_axes((0.1, 0.1, 0.72, 0.78))
        least = float(np.floor(min(x.min(), y.min(), 0.95) * 20) / 20)
        axes.plot((least, 1), (least, 1), color="0.6", linewidth=0.8, zorder=1)
        dots = axes.scatter(
            x, y, s=areas, c=size, cmap="viridis", alpha=0.85, edgecolors="white", linewidths=0.4, zorder=2
        )
        axes.set(xlim=(least, 1.005), ylim=(least, 1.005), aspect="equal")
        name = _NAMES[comparison.metric]
        axes.set_xlabel(f"{comparison.second}: {name}")
        axes.set_ylabel(f"{comparison.first}: {name}")
        order = sorted(rows, key=lambda row: row.difference)
        named = {row.tf for row in [*order[:_NAMED], *order[-_NAMED:]]}
        # To the right of dots below the diagonal, to the left of those above: away from the crowd.
        points = [
            Point(
                row.second, row.first, math.sqrt(area) / 2, row.tf * (row.tf in named), 1 if row.difference < 0 else -1
            )
            for row, area in zip(rows, areas.tolist(), strict=True)
            for name, side in [(row.tf if row.tf in named else "", 1 if row.difference < 0 else -1)]
        ]
        name_points(axes, points, 6)
        c = comparison
        figure.text(0.1, 0.955, f"{c.first} against {c.second}: {c.n_tfs} TFs", fontsize=10)
        figure.text(
            0.1,
            0.915,
            f"wins {c.wins}, ties {c.ties}, losses {c.losses}; mean {c.mean_first:.3f} and {c.mean_second:.3f}, "
            f"Wilcoxon p = {c.p:.2g}",
            fontsize=8,
        )
        bar = figure.colorbar(dots, cax=figure.add_axes((0.86, 0.1, 0.02, 0.3)))
        what = "in training" if by_training else "tested"
        bar.set_label(f"bound regions {what}, log10", fontsize=7)


def plot_ranked(rows: Sequence[TfMetrics], name: str, path: str | Path, min_bound: int = MIN_BOUND) -> None:
    """Draw the AUPRC of a scorer's TFs, highest first, with intervals.

    Parameters
    ----------
    rows
        Table of one scorer.
    name
        Of the scorer.
    path
        .png, .svg or .pdf to write.
    min_bound
        Bound regions that a TF needs to be drawn.

    Raises
    ------
    ConfigError
        If no TF is left to draw.
    """
    check_format(path)
    chosen = [row for row in rows if row.bound >= min_bound and not np.isnan(row.auprc)]
    chosen.sort(key=lambda row: (-row.auprc, row.tf))
    if not chosen:
        raise ConfigError(f"{path}: nothing to draw, no TF has {min_bound} bound regions (--min-bound lowers that)")
    place = np.arange(len(chosen))
    auprc = np.array([row.auprc for row in chosen])
    wide, longest = max(3.5, _COLUMN * len(chosen)), max(text_width(row.tf, _LETTERS) for row in chosen)
    below, high = longest + 0.2, 2.9
    size = (0.6 + wide + 0.15, below + high + 0.4)
    with figure_file(path, size) as figure:
        axes = figure.add_axes((0.6 / size[0], below / size[1], wide / size[0], high / size[1]))
        for at, row in zip(place, chosen, strict=True):
            if row.auprc_low is not None and row.auprc_high is not None:
                axes.plot((at, at), (row.auprc_low, row.auprc_high), color="0.7", linewidth=1, zorder=1)
        axes.scatter(place, auprc, s=9, color="tab:blue", zorder=2)
        axes.axhline(auprc.mean(), color="0.5", linewidth=0.8, linestyle="--")
        axes.set_xticks(place, [row.tf for row in chosen], rotation=90, fontsize=_LETTERS)
        axes.set_xlim(-1, len(chosen))
        axes.set_ylabel("AUPRC, 1:1 GC-matched")
        intervals = ", 95 % intervals" if chosen[0].auprc_low is not None else ""
        axes.set_title(f"{name}: mean {auprc.mean():.4f} over {len(chosen)} TFs{intervals}", fontsize=9, loc="left")
