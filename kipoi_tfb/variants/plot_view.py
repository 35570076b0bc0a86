"""Picture of a variant: per TF, what each base of REF and of ALT gives to binding, and the known motif below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.output.figures import check_format, figure_file
from kipoi_tfb.output.logos import (
    READING,
    UNIT,
    check_tfs,
    contribution_heights,
    draw_logo,
    information,
    mark_positions,
    probability_digits,
    signed_text,
    text_width,
)
from kipoi_tfb.variants.sites import Site
from kipoi_tfb.variants.view import ShownAllele, VariantView
from tfb_matrix_data.sequence import decode

__all__ = ["Mark", "plot_variant"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 1.0, 0.25, 0.35, 0.7  # inches around the panels
_BASE, _LOGO, _MOTIF, _TITLE, _LETTERS, _LABEL = 0.16, 0.75, 0.5, 0.32, 0.2, 0.2
_ALLELES = _TITLE + 2 * (_LOGO + _LETTERS) + _LABEL
_LANE = 0.17  # of a mark below the letters
_BITS = 2.0
_NAMES = ("REF", "ALT")
_MARK = "0.9"


class Mark(NamedTuple):
    """A bar below the letters of a TF.

    Attributes
    ----------
    label
        What stands beside it.
    allele
        0: it lies below bases of REF; 1: of ALT.
    start, width
        Its first base among those shown of the allele, and how many it has; what is not shown is cut off.
    """

    label: str
    allele: int
    start: int
    width: int


def plot_variant(
    view: VariantView, path: str | Path, title: str = "", marks: Sequence[Sequence[Mark]] | None = None
) -> None:
    """Draw a variant: logos of REF and ALT on one scale per TF, aligned, the variant shaded, and the motif below.

    A letter's height is minus the mean effect of its base's three substitutions: up where the base helps binding.

    Parameters
    ----------
    view
        The variant.
    path
        .png, .svg or .pdf to write.
    title
        Above the picture.
    marks
        Per TF, bars below its letters.
    """
    check_format(path)
    check_tfs(len(view.tfs))
    wide = _BASE * view.n_columns
    above = [_same_above(view, i) for i in range(len(view.tfs))]
    motifs = [site if site and site.matches and not tf else None for site, tf in zip(view.sites, above, strict=True)]
    lanes = [[mark for mark in some if _columns(view, mark)] for some in marks or [()] * len(view.tfs)]
    panels = [
        _ALLELES + _LANE * len(lane) + (_MOTIF if motif else 0) for lane, motif in zip(lanes, motifs, strict=True)
    ]
    title = title or str(view)
    labels = [_label(site, tf) for site, tf in zip(view.sites, above, strict=True)]
    texts = max(text_width(title, 10), text_width(READING, 7), *(text_width(label, 6.5) for label in labels))
    size = (_LEFT + max(wide, texts) + _RIGHT, _TOP + sum(panels) + _BOTTOM)
    with figure_file(path, size) as figure:

        def place(top: float, height: float) -> Any:
            """Return axes at a place in inches from the top."""
            return figure.add_axes((_LEFT / size[0], 1 - (top + height) / size[1], wide / size[0], height / size[1]))

        figure.text(_LEFT / size[0], 1 - 0.2 / size[1], title, fontsize=10, va="center")
        for i, motif in enumerate(motifs):
            top = _TOP + sum(panels[:i]) + _TITLE
            both = [place(top + number * (_LOGO + _LETTERS), _LOGO) for number in (0, 1)]
            _draw_alleles(view, i, both)
            at, right = top + 2 * (_LOGO + _LETTERS), 1 - _RIGHT / size[0]
            if lanes[i]:
                _draw_marks(place(at, _LANE * len(lanes[i])), view, lanes[i])
            at += _LANE * len(lanes[i]) + _LABEL
            figure.text(right, 1 - (at - 0.04) / size[1], labels[i], ha="right", fontsize=6.5, color="0.3")
            if motif:
                axes = place(at, _MOTIF)
                _mark(axes, view)
                _draw_motif(axes, view, motif)
        axis = place(_TOP + sum(panels), 0.01)
        axis.set_xlim(both[0].get_xlim())
        axis.set_yticks([])
        axis.spines[["top", "left", "right"]].set_visible(False)
        mark_positions(axis, view.alleles[0].column, view.alleles[0].pos)
        axis.set_xlabel(f"{view.chrom}, 1-based position (of REF)")
        figure.text(_LEFT / size[0], 0.08 / size[1], READING, fontsize=7, color="0.3")


def _draw_alleles(view: VariantView, i: int, both: list[Any]) -> None:
    """Draw the logos of one TF on one scale, REF and ALT each on its axes."""
    tracks = [_heights(allele, i, view.n_columns) for allele in view.alleles]
    limits = _limits(tracks)
    for number, (axes, allele, heights) in enumerate(zip(both, view.alleles, tracks, strict=True)):
        _mark(axes, view)
        draw_logo(axes, heights, limits)
        axes.set_xticks(allele.column, list(decode(allele.mutations.codes)), fontsize=6)
        axes.tick_params(axis="x", length=0, pad=2)
        axes.set_ylabel(f"{_NAMES[number]}\n{UNIT}", fontsize=6.5)
        if number == 0:
            p_ref, p_alt = map(probability_digits, view.probability[:, i])
            sizes = f"impact {signed_text(view.impact[i])}, effect {signed_text(view.effect[i])}"
            words = f"{view.tfs[i]}   P(bound) {p_ref} with REF, {p_alt} with ALT; {sizes}"
            axes.set_title(words, fontsize=8, loc="left", pad=4)


def _heights(allele: ShownAllele, tf: int, n_columns: int) -> NDArray[np.float64]:
    """Return letter heights of an allele, on the columns of the picture."""
    heights = np.zeros((n_columns, 4))
    heights[allele.column] = contribution_heights(allele.mutations.codes, allele.mutations.contribution[:, tf])
    return heights


def _limits(tracks: list[NDArray[np.float64]]) -> tuple[float, float]:
    low, up = (float(function(tracks)) for function in (np.min, np.max))
    margin = 0.06 * (up - low) or 1.0
    return low - margin, up + margin


def _mark(axes: Any, view: VariantView) -> None:
    """Shade the variant's columns."""
    first = view.alleles[0].own[0]
    longest = max(allele.own[1] for allele in view.alleles)
    axes.axvspan(first - 0.5, longest - 0.5, color=_MARK, zorder=-2, linewidth=0)


def _same_above(view: VariantView, i: int) -> str:
    """Return the first TF above that has the same profile at the same place; "" if there is none."""
    site = view.sites[i]
    pairs = zip(view.tfs[:i], view.sites[:i], strict=True)
    return next((tf for tf, other in pairs if site and other and other.place == site.place), "")


def _draw_motif(axes: Any, view: VariantView, site: Site) -> None:
    """Draw the motif below the bases that it matches."""
    heights = np.zeros((view.n_columns, 4))
    at = view.alleles[site.allele].column[site.start : site.start + site.motif.width]
    heights[at] = information(site.pwm)
    draw_logo(axes, heights, (0, _BITS))
    axes.set_xticks([])
    axes.set_ylabel("motif\nbits", fontsize=6.5)
    axes.set_yticks((0, 1, 2))


def _columns(view: VariantView, mark: Mark) -> list[int]:
    """Return the columns of a mark that are shown."""
    start, end = max(mark.start, 0), max(mark.start + mark.width, 0)
    return view.alleles[mark.allele].column[start:end].tolist()


def _draw_marks(axes: Any, view: VariantView, marks: Sequence[Mark]) -> None:
    """Draw bars, each in a lane of its own, with their labels on the side that has room."""
    _mark(axes, view)
    for lane, mark in enumerate(marks):
        columns = _columns(view, mark)
        start, end = columns[0] - 0.5, columns[-1] + 0.5
        axes.barh(lane, end - start, left=start, height=0.45, color="0.35")
        x, side = (end + 0.5, "left") if start + end < view.n_columns else (start - 0.5, "right")
        axes.text(x, lane, mark.label, fontsize=6.5, va="center", ha=side)
    axes.set_xlim(-0.5, view.n_columns - 0.5)
    axes.set_ylim(len(marks) - 0.5, -0.5)
    axes.set_axis_off()


def _label(site: Site | None, same_above: str) -> str:
    if site is None:
        return "no JASPAR profile"
    name = f"JASPAR {site.motif.matrix_id} {site.motif.name}"
    ref, alt = (f"{score:.1f}".replace("-", "−") for score in site.scores)
    scores = f"log-odds {ref} in REF, {alt} in ALT"
    if not site.matches:
        return f"no match of a JASPAR profile; the best, of {name}: {scores}"
    if same_above:
        return f"{name}, the same site as of {same_above} above"
    strand = "− strand" if site.reverse else "+ strand"
    where = "best match covering the variant" if site.covers else "best match, beside the variant"
    return f"{name}, {strand} of {_NAMES[site.allele]}, {where}: {scores}"
