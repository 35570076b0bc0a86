"""The picture of filters: how much each says against how much it matters, coloured by how like a known motif it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kipoi_tfb.interpretation.filters import FilterMotif
from kipoi_tfb.motifs.tomtom import ALIKE
from kipoi_tfb.output.figures import check_format, figure_file
from kipoi_tfb.output.points import Point, name_points

__all__ = ["plot_filters"]

_NAMED = 8
_MOST = 8.0
"""-log10 q from which the colour is the same."""
_LEFT, _PANEL, _GAP, _RIGHT, _HEIGHT, _TOP, _BOTTOM = 0.75, 3.6, 0.25, 0.9, 3.0, 0.6, 0.9  # inches
_RADIUS = 2.2  # points


def plot_filters(panels: Mapping[str, Sequence[FilterMotif]], path: str | Path, title: str = "") -> None:
    """Draw a panel per set of filters; those like no known motif (q above 0.05) are rings.

    Parameters
    ----------
    panels
        {what they are: filters with an influence}, such as base and fine-tuned entry.
    path
        .png, .svg or .pdf to write.
    title
        Above the picture.
    """
    check_format(path)
    width = _LEFT + len(panels) * (_PANEL + _GAP) + _RIGHT
    height = _TOP + _HEIGHT + _BOTTOM
    every = [row for rows in panels.values() for row in rows if row.sites]
    with figure_file(path, (width, height)) as figure:
        figure.text(0.15 / width, 1 - 0.22 / height, title or "Filters of the first layer", fontsize=10, va="center")
        shades = None
        for number, (name, rows) in enumerate(panels.items()):
            left = _LEFT + number * (_PANEL + _GAP)
            axes = figure.add_axes((left / width, _BOTTOM / height, _PANEL / width, _HEIGHT / height))
            axes.set(xlim=_limits([row.information for row in every]), yscale="log")
            axes.set_ylim(_limits([np.log10(_height(row)) for row in every], power=True))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("")
            shades = _panel(axes, rows)
            axes.set_title(name, fontsize=8, loc="left")
            axes.set_xlabel("information content of the motif (bits)")
            axes.tick_params(labelleft=number == 0)
            if number == 0:
                axes.set_ylabel("influence: mean squared change of P when silenced")
        bar = figure.add_axes(((width - _RIGHT) / width, _BOTTOM / height, 0.12 / width, 1.6 / height))
        figure.colorbar(shades, cax=bar, label="−log10 q (Tomtom, JASPAR)")


def _panel(axes: Any, rows: Sequence[FilterMotif]) -> Any:
    there = [row for row in rows if row.sites]
    known = [row for row in there if row.is_known]
    other = [row for row in there if not row.is_known]
    axes.scatter(
        [row.information for row in other],
        [_height(row) for row in other],
        14,
        facecolors="none",
        edgecolors="0.6",
        linewidths=0.7,
        label=f"{len(other)} like no known motif",
    )
    shades = axes.scatter(
        [row.information for row in known],
        [_height(row) for row in known],
        16,
        c=[_evidence(row) for row in known],
        cmap="viridis_r",
        vmin=-np.log10(ALIKE),
        vmax=_MOST,
        label=f"{len(known)} like one (q ≤ {ALIKE:g})",
    )
    named = {row.filter for row in sorted(there, key=_height, reverse=True)[:_NAMED]}
    points = [
        Point(row.information, _height(row), _RADIUS, _called(row) if row.filter in named else "") for row in there
    ]
    name_points(axes, points, 6.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=7, loc="upper left", bbox_to_anchor=(-0.02, -0.14), ncols=2)
    return shades


def _limits(values: Sequence[float], power: bool = False) -> tuple[float, float]:
    """Return limits around values, or around powers of ten of them, with room."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = 0.08 * (high - low) or 0.5
    low, high = low - room, high + room
    return (10**low, 10**high) if power else (low, high)


def _called(row: FilterMotif) -> str:
    return row.match.motif.name if row.is_known and row.match else f"filter {row.filter}"


def _evidence(row: FilterMotif) -> float:
    return min(-np.log10(max(row.match.q, 1e-300)), _MOST) if row.match else 0.0


def _height(row: FilterMotif) -> float:
    return max(row.influence, 1e-12)
