"""Picture of a region's substitutions: a logo of what each base gives, above a heatmap of all effects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kipoi_tfb.output.figures import check_format, figure_file
from kipoi_tfb.output.logos import (
    DIVERGING,
    READING,
    check_tfs,
    contribution_heights,
    draw_logo,
    mark_positions,
    text_width,
)
from kipoi_tfb.variants.mutagenesis import Region, RegionMutations
from tfb_matrix_data.errors import ConfigError

__all__ = ["MAX_DRAWN", "check_drawable", "plot_mutations"]

MAX_DRAWN = 500
"""Bases that a picture can show: it is as wide as they need."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 0.75, 1.0, 0.4, 0.7  # inches around the panels
_BASE, _LOGO, _CELL, _TITLE, _GAP, _MARGIN = 0.115, 0.8, 0.13, 0.24, 0.06, 0.1


def check_drawable(region: Region, n_tfs: int, path: str | Path) -> None:
    """Refuse what a picture cannot show, before the work is done.

    Raises
    ------
    InputError
        If the file is neither .png nor .svg.
    ConfigError
        If there are more bases or TFs than fit.
    """
    check_format(path)
    if len(region) > MAX_DRAWN:
        raise ConfigError(
            f"a picture shows at most {MAX_DRAWN} bases, {region} has {len(region):,}; give less, or no --plot"
        )
    check_tfs(n_tfs)


def plot_mutations(mutations: RegionMutations, path: str | Path, title: str = "") -> None:
    """Draw, per TF, what each base gives to binding (letters) and the effect of each substitution (colours).

    A letter's height is minus the mean effect of its base's three substitutions: up where the base helps. A cell is the
    effect of having A, C, G or T there, `kipoi_tfb.models.logits.effect`; the base that is there stands in its grey
    cell. All TFs share one scale.

    Parameters
    ----------
    mutations
        Of the TFs to draw, in their order.
    path
        .png or .svg to write.
    title
        Above the picture.
    """
    check_drawable(mutations.region, len(mutations.tfs), path)
    n, n_tfs = len(mutations), len(mutations.tfs)
    panel = _TITLE + _LOGO + _GAP + 4 * _CELL
    wide, high = max(_BASE * n, 3.0), n_tfs * panel
    title = title or str(mutations.region)
    # A short region is narrower than what is said about it.
    texts = max(text_width(title, 10), text_width(READING, 7)) + _MARGIN
    size = (_LEFT + max(wide + _RIGHT, texts), _TOP + high + _BOTTOM)
    effects, contribution, probability = mutations.effect, mutations.contribution, mutations.probability
    most = float(np.nanmax(np.abs(effects))) or 1.0
    low, up = min(float(contribution.min()), 0.0), max(float(contribution.max()), 0.0)
    margin = 0.06 * (up - low) or 1.0
    with figure_file(path, size) as figure:

        def place(left: float, top: float, width: float, height: float) -> Any:
            """Return axes at a place in inches from the top left."""
            return figure.add_axes((left / size[0], 1 - (top + height) / size[1], width / size[0], height / size[1]))

        figure.text(_LEFT / size[0], 1 - 0.2 / size[1], title, fontsize=10, va="center")
        for i, tf in enumerate(mutations.tfs):
            top = _TOP + i * panel + _TITLE
            logo = place(_LEFT, top, wide, _LOGO)
            heights = contribution_heights(mutations.codes, contribution[:, i])
            draw_logo(logo, heights, (low - margin, up + margin))
            logo.set_xticks([])
            logo.spines["bottom"].set_visible(False)
            logo.set_ylabel("−mean effect", fontsize=7)
            logo.set_title(f"{tf}   {_summary(probability[:, i])}", fontsize=8, loc="left", pad=3)
            cells = place(_LEFT, top + _LOGO + _GAP, wide, 4 * _CELL)
            image = _heatmap(cells, mutations, effects[:, :, i], most)
            if i < n_tfs - 1:
                cells.set_xticks([])
        mark_positions(cells, np.arange(n), mutations.region.start + 1 + np.arange(n))
        cells.set_xlabel(f"{mutations.region.chrom}, 1-based position")
        figure.text(_LEFT / size[0], 0.08 / size[1], READING, fontsize=7, color="0.3")
        bar = figure.colorbar(image, cax=place(_LEFT + wide + 0.12, _TOP + _TITLE, 0.1, min(high - _TITLE, 2.5)))
        bar.set_label("effect: log-odds, substitution − REF\nred strengthens binding, blue weakens it", fontsize=7)


def _heatmap(axes: Any, mutations: RegionMutations, effects: Any, most: float) -> Any:
    """Draw the effects of one TF, the letter of the base that is there in its own cell."""
    from matplotlib import colormaps

    shades = colormaps[DIVERGING].with_extremes(bad="0.85")
    image = axes.imshow(
        np.ma.masked_invalid(effects.T), cmap=shades, vmin=-most, vmax=most, aspect="auto", interpolation="nearest"
    )
    for at, code in enumerate(mutations.codes.tolist()):
        if code < 4:
            axes.text(at, code, "ACGT"[code], ha="center", va="center_baseline", fontsize=5)
    axes.set_yticks(range(4), list("ACGT"), fontsize=6)
    axes.tick_params(axis="y", length=0)
    return image


def _summary(probability: Any) -> str:
    """Return in words what the model makes of the sequence as it is."""
    low, high = np.nanmin(probability), np.nanmax(probability)
    shown = list(dict.fromkeys(f"{value:.2g}" for value in (low, high)))
    return f"P(bound) {' to '.join(shown)}"
