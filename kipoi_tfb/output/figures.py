"""Figures: drawn by matplotlib without a display, the same bytes for the same input and version of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import atomic_path

__all__ = ["check_format", "class_order", "figure_file", "similarity_heatmap", "similarity_map"]

Colour = tuple[float, float, float, float]
FORMATS = (".png", ".svg", ".pdf")

MAX_NAMED = 400
"""TFs of a heatmap that have their names beside it: it is as large as they need to be read."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 0.8, 3.3, 0.7, 0.8  # inches around the heatmap
_MAP, _MARGIN = 6.5, 0.2  # inches of a map of TFs, and beside it
_TIMELESS: dict[str, dict[str, None]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""What else would say when a picture was made."""

_CELL, _LETTERS = 0.11, 6.5  # inches of a TF's row, and points of its name: no higher than that
UNKNOWN = "not known"
_OTHER = "other classes"


def class_order(tfs: Sequence[str], tf_class: Mapping[str, str], modes: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the TFs by class, the largest first and unknown ones last; within one by binding mode, then by name."""
    size = Counter(tf_class.get(tf, UNKNOWN) for tf in tfs)

    def key(tf: str) -> tuple[bool, int, str, list[str], str]:
        name = tf_class.get(tf, UNKNOWN)
        return name == UNKNOWN, -size[name], name, sorted(modes.get(tf, ())), tf

    return sorted(tfs, key=key)


def similarity_heatmap(
    similarity: NDArray[np.float64], tfs: Sequence[str], tf_class: Mapping[str, str], path: str | Path, title: str = ""
) -> None:
    """Draw TF x TF similarities in the order given, with a strip of the TF classes' colours and its legend.

    Parameters
    ----------
    similarity
        float (TFs, TFs) in 0 to 1; NaN is drawn grey.
    tfs
        Names of the rows and columns; `class_order` gives a good order. More than `MAX_NAMED` are not written.
    tf_class
        {TF: class}; others are "not known". The 18 largest classes have colours of their own.
    path
        File to write, .png, .svg or .pdf.
    title
        Above the picture.

    Raises
    ------
    InputError
        If the file's ending is another.
    """
    check_format(path)
    from matplotlib import colormaps

    classes = [tf_class.get(tf, UNKNOWN) for tf in tfs]
    colour = _class_colours(classes)
    strip = np.array([[colour[name] for name in classes]])
    n = len(tfs)
    named = n <= MAX_NAMED
    side = max(6.0, _CELL * n) if named else 12.0
    size = (_LEFT + side + _RIGHT, _TOP + side + _BOTTOM)
    with figure_file(path, size) as figure:

        def place(left: float, top: float, width: float, height: float) -> Any:
            """Return axes at a place in inches from the top left."""
            return figure.add_axes((left / size[0], 1 - (top + height) / size[1], width / size[0], height / size[1]))

        main = place(_LEFT, _TOP, side, side)
        shades = colormaps["magma"].with_extremes(bad="0.75")
        image = main.imshow(np.ma.masked_invalid(similarity), cmap=shades, vmin=0, vmax=1, interpolation="nearest")
        main.set_xticks(range(n) if named else [], tfs if named else [], rotation=90, fontsize=_LETTERS)
        main.set_yticks(range(n) if named else [], tfs if named else [], fontsize=_LETTERS)
        main.tick_params(length=1, pad=1)
        main.set_aspect("auto")
        across = (place(_LEFT, _TOP - 0.2, side, 0.15), strip)
        for axes, colours in (across, (place(_LEFT + side + 0.05, _TOP, 0.15, side), strip.swapaxes(0, 1))):
            axes.imshow(colours, aspect="auto", interpolation="nearest")
            axes.set_axis_off()
        figure.text(_LEFT / size[0], 1 - 0.3 / size[1], title, fontsize=11)
        bar = figure.colorbar(image, cax=place(_LEFT + side + 0.4, _TOP + side - 2, 0.15, 1.8))
        bar.set_label("cosine similarity")
        _add_legend(figure, classes, colour, ((_LEFT + side + 0.3) / size[0], 1 - _TOP / size[1]))


def similarity_map(
    places: NDArray[np.float64], tfs: Sequence[str], tf_class: Mapping[str, str], path: str | Path, title: str = ""
) -> None:
    """Draw TFs as named dots in a plane, in the colours of their classes, with a legend as of `similarity_heatmap`.

    Parameters
    ----------
    places
        float (TFs, 2), of which only the distances mean something.
    tfs, tf_class, path, title
        As of `similarity_heatmap`.

    Raises
    ------
    InputError
        If the file's ending is another.
    """
    check_format(path)
    classes = [tf_class.get(tf, UNKNOWN) for tf in tfs]
    colour = _class_colours(classes)
    size = (_MARGIN + _MAP + _RIGHT, _TOP + _MAP + _MARGIN)
    with figure_file(path, size) as figure:
        axes = figure.add_axes((_MARGIN / size[0], _MARGIN / size[1], _MAP / size[0], _MAP / size[1]))
        axes.scatter(*places.T, s=16, c=[colour[name] for name in classes], linewidth=0)
        for tf, (x, y) in zip(tfs, places, strict=True):
            axes.annotate(tf, (x, y), (0, -2.5), textcoords="offset points", ha="center", va="top", fontsize=4.5)
        axes.set(xticks=[], yticks=[])
        figure.text(_MARGIN / size[0], 1 - 0.4 / size[1], title, fontsize=11)
        _add_legend(figure, classes, colour, ((_MARGIN + _MAP + 0.05) / size[0], 1 - _TOP / size[1]))


def check_format(path: str | Path) -> None:
    """Refuse a figure's file whose ending is none of `FORMATS`."""
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise InputError(path, f"cannot draw a figure of the ending {suffix!r}; use one of {', '.join(FORMATS)}")


@contextmanager
def figure_file(path: str | Path, size: tuple[float, float]) -> Iterator[Any]:
    """Give a figure to draw on and, when that ends well, leave the whole file; the same bytes for the same input."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    suffix = Path(path).suffix.lower()
    # Ids of an SVG are hashed with a salt, random unless set; text stays text, and a name with $ is no formula.
    # A PDF holds its letters as outlines that programs can edit (TrueType).
    letters: dict[Any, Any] = {"svg.fonttype": "none", "pdf.fonttype": 42, "font.size": 8, "text.parse_math": False}
    with rc_context({"svg.hashsalt": "tfb", **letters}):
        figure = Figure(figsize=size)
        FigureCanvasAgg(figure)
        yield figure
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format=suffix[1:], dpi=200, metadata=_TIMELESS.get(suffix))


def _class_colours(classes: Sequence[str]) -> dict[str, Colour]:
    """Return a colour per class, dark grey for the smallest where there are more than colours; "not known" is light."""
    from matplotlib import colormaps

    palette: list[Colour] = [colormaps["tab20"](i) for i in range(20) if i not in (14, 15)]  # no greys
    names = [name for name, _ in Counter(sorted(classes)).most_common() if name != UNKNOWN]
    colours: dict[str, Colour] = dict(zip(names, palette[0::2] + palette[1::2], strict=False))
    rest = names[len(palette) :]
    if rest:
        colours.update(dict.fromkeys([*rest, _OTHER], (0.35, 0.35, 0.35, 1.0)))
    return {**colours, UNKNOWN: (0.85, 0.85, 0.85, 1.0)}


def _add_legend(figure: Any, classes: Sequence[str], colour: Mapping[str, Colour], corner: tuple[float, float]) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(color=shade, label=label) for label, shade in _legend(classes, colour)]
    figure.legend(handles=patches, title="TF class (TFs)", loc="upper left", bbox_to_anchor=corner, frameon=False)


def _legend(classes: Sequence[str], colour: Mapping[str, Colour]) -> list[tuple[str, Colour]]:
    """Return the legend's entries in the order of appearance, those without a colour of their own in one at the end."""
    sizes = Counter(classes)
    shown = [name for name in dict.fromkeys(classes) if colour[name] != colour.get(_OTHER)]
    entries = [(f"{_short(name)} ({sizes[name]})", colour[name]) for name in shown]
    if _OTHER in colour:
        entries.append((f"{_OTHER} ({len(classes) - sum(sizes[name] for name in shown)})", colour[_OTHER]))
    return entries


def _short(name: str) -> str:
    return name if len(name) <= 38 else name[:36] + "..."
