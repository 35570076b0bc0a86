"""Picture of a region's substitutions: a logo of what each base gives, above a heatmap of all effects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kipoi_tfb.motifs.jaspar import jaspar_motifs
from kipoi_tfb.output.figures import check_format, figure_file
from kipoi_tfb.output.logos import (
    DIVERGING,
    READING,
    UNIT,
    check_tfs,
    contribution_heights,
    draw_logo,
    mark_positions,
    probability_digits,
    text_width,
)
from kipoi_tfb.variants.mutagenesis import Region, RegionMutations
from kipoi_tfb.variants.shared_sites import SharedSites
from kipoi_tfb.variants.sites import RegionSite, region_sites
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.modes import read_profiles
from tfb_matrix_data.names import output_of, tf_of

__all__ = ["MAX_DRAWN", "check_drawable", "plot_mutations"]

MAX_DRAWN = 500
"""Bases that a picture can show: it is as wide as they need."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 0.9, 1.0, 0.4, 0.7  # inches around the panels
_BASE, _LOGO, _CELL, _TITLE, _GAP, _MARGIN = 0.115, 0.8, 0.13, 0.24, 0.06, 0.1
_GROUP, _SITE = 0.24, 0.16  # a line above TFs that share a site, and the line that names a TF's sites
_NAME = 6.0  # points
_SHARED = "tab:purple"


def check_drawable(region: Region, n_tfs: int, path: str | Path) -> None:
    """Refuse what a picture cannot show, before the work is done.

    Raises
    ------
    InputError
        If the file is none of .png, .svg and .pdf.
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
    cell. All TFs share one scale. Above the letters stand the TF's sites (`kipoi_tfb.variants.sites.region_sites`), and
    TFs that share one (`kipoi_tfb.variants.shared_sites`) stand together.

    Parameters
    ----------
    mutations
        Of the TFs to draw, in their order.
    path
        .png, .svg or .pdf to write.
    title
        Above the picture.
    """
    check_drawable(mutations.region, len(mutations.tfs), path)
    n = len(mutations)
    sites = _sites(mutations)
    best = [(own[0].start, own[0].end) if own else None for own in sites]
    groups = SharedSites(mutations.tfs).groups(range(len(sites)), best)
    panel = _TITLE + _SITE + _LOGO + _GAP + 4 * _CELL
    shared = [_shared(mutations, sites, group) for group in groups if len(group) > 1]
    wide, high = max(_BASE * n, 3.0), len(sites) * panel + _GROUP * len(shared)
    title = title or str(mutations.region)
    # A short region is narrower than what is said about it.
    texts = max(text_width(title, 10), text_width(READING, 7), *(text_width(words, 8) for words in shared)) + _MARGIN
    size = (_LEFT + max(wide + _RIGHT, texts), _TOP + high + _BOTTOM)
    most = float(np.nanmax(np.abs(mutations.effect))) or 1.0
    with figure_file(path, size) as figure:

        def place(left: float, top: float, width: float, height: float) -> Any:
            """Return axes at a place in inches from the top left."""
            return figure.add_axes((left / size[0], 1 - (top + height) / size[1], width / size[0], height / size[1]))

        figure.text(_LEFT / size[0], 1 - 0.2 / size[1], title, fontsize=10, va="center")
        top = _TOP
        for group in groups:
            if len(group) > 1:
                words = shared.pop(0)
                figure.text(_LEFT / size[0], 1 - (top + _GROUP) / size[1], words, fontsize=8, color=_SHARED)
                top += _GROUP
            for i in group:
                _draw_letters(place(_LEFT, top + _TITLE + _SITE, wide, _LOGO), mutations, i, sites[i])
                cells = place(_LEFT, top + _TITLE + _SITE + _LOGO + _GAP, wide, 4 * _CELL)
                image = _heatmap(cells, mutations, mutations.effect[:, :, i], most)
                cells.set_xticks([])
                top += panel
        mark_positions(cells, np.arange(n), mutations.region.start + 1 + np.arange(n))
        cells.set_xlabel(f"{mutations.contig}, 1-based position")
        figure.text(_LEFT / size[0], 0.08 / size[1], READING, fontsize=7, color="0.3")
        bar = figure.colorbar(image, cax=place(_LEFT + wide + 0.12, _TOP + _TITLE, 0.1, min(high - _TITLE, 2.5)))
        bar.set_label("effect: log-odds, substitution − REF\nred strengthens binding, blue weakens it", fontsize=7)


def _sites(mutations: RegionMutations) -> list[list[RegionSite]]:
    """Return the sites of each TF; none where it has no JASPAR profile."""
    names, contribution = [tf_of(output_of(tf)) for tf in mutations.tfs], mutations.contribution
    known = read_profiles()
    motifs = jaspar_motifs([name for name in names if name in known])
    return [region_sites(motifs.get(name, ()), mutations.codes, contribution[:, i]) for i, name in enumerate(names)]


def _shared(mutations: RegionMutations, sites: list[list[RegionSite]], group: list[int]) -> str:
    """Return what stands above TFs that share a site."""
    site, start = sites[group[0]][0], mutations.region.start
    tfs = ", ".join(mutations.tfs[i] for i in group)
    return f"One site, {start + 1 + site.start:,}-{start + site.end:,}: {tfs}"


def _draw_letters(axes: Any, mutations: RegionMutations, i: int, sites: list[RegionSite]) -> None:
    """Draw the logo of one TF, on the scale of all, below the names of its sites."""
    contribution = mutations.contribution
    low, up = min(float(contribution.min()), 0.0), max(float(contribution.max()), 0.0)
    margin = 0.06 * (up - low) or 1.0
    draw_logo(axes, contribution_heights(mutations.codes, contribution[:, i]), (low - margin, up + margin))
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_ylabel(UNIT, fontsize=6.5)
    title = f"{mutations.tfs[i]}   {_summary(mutations.probability[:, i])}"
    axes.set_title(title, fontsize=8, loc="left", pad=3 + 72 * _SITE)
    across = axes.get_xaxis_transform()
    free = 0.0  # inches from the left, behind the last name
    for site in sorted(sites, key=lambda site: site.start):
        axes.plot(
            (site.start - 0.4, site.end - 0.6), (1.02, 1.02), transform=across, color="0.3", lw=1.2, clip_on=False
        )
        name = f"{site.motif.name} {site.motif.matrix_id} ({'−' if site.reverse else '+'})"
        inch = axes.bbox.width / axes.figure.dpi / len(mutations)
        wide = text_width(name, _NAME)
        left = max(free, min((site.start + site.end) / 2 * inch - wide / 2, len(mutations) * inch - wide))
        axes.text(left / inch - 0.5, 1.06, name, transform=across, fontsize=_NAME, color="0.3", va="bottom")
        free = left + wide + _MARGIN


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
    shown = list(dict.fromkeys(probability_digits(value) for value in (low, high)))
    return f"P(bound) {' to '.join(shown)}"
