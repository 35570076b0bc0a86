"""Pictures of figures in one style: boxes per arm or base, stars for PWMs, dots for TFs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.paper.arms import ARMS
from experiments.paper.figure import Figure, Pick, read_bases
from experiments.paper.results import Row
from experiments.paper.selection import Valued, by_tf, role_of, select
from kipoi_tfb.output.figures import figure_file
from tfb_matrix_data.errors import UnknownNameError

__all__ = ["KINDS", "draw"]

_COLOURS = ("#1965b0", "#dc050c", "#4eb265", "#f7a056", "#7bafde", "#882e72", "#777777", "#cae0ab")
_ORDER = ("transfer", "scratch", "transfer, multi50-without", "copied", "conv", "first-conv", "motifs", "frozen")
"""Series by the place of their colour."""
_SAID = {"transfer, multi50-without": "transfer from a multi-model without the TF"}
_ROLES = {
    "in": "in the multi-model",
    "out": "not in the multi-model",
    "mode": "binding mode in it",
    "other": "binding mode not in it",
}
_STAR = {"marker": "*", "color": "black", "s": 45, "zorder": 3}
_PANEL = (3.4, 2.9)  # inches


def draw(figure: Figure, rows: Sequence[Row], path: Path) -> bool:
    """Draw a figure as its YAML says; return whether there was anything to draw.

    ``plot`` in the YAML has a `kind` (`KINDS`), a `pick` of rows, and what that kind asks for: `panels` (a column of
    rows, or roles), `x` and `y` (arms).

    Raises
    ------
    UnknownNameError
        If there is no such kind.
    """
    if figure.plot is None:
        return False
    options = dict(figure.plot)
    kind = options.pop("kind", None)
    if kind not in KINDS:
        raise UnknownNameError(f"kind of plot in {figure.name}.yaml", kind, KINDS)
    pick = Pick.model_validate(options.pop("pick", {}))
    found = [each for each in select(rows, pick) if each.row.split != "chr22"]
    panels = _panels(found, options.pop("panels", None))
    if not panels:
        return False
    across = min(len(panels), 3)
    down = -(-len(panels) // across)
    with figure_file(path, (_PANEL[0] * across, _PANEL[1] * down)) as canvas:
        canvas.set_layout_engine("constrained")
        axes = canvas.subplots(down, across, squeeze=False).ravel()
        for ax, (title, own) in zip(axes, panels.items(), strict=False):
            ax.set_title(title)
            ax.spines[["top", "right"]].set_visible(False)
            KINDS[kind](ax, own, **options)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        handles = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
        if handles:
            canvas.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False)
    return True


def _panels(found: Sequence[Valued], by: str | Sequence[str] | None) -> dict[str, list[Valued]]:
    """Return what each panel shows, by its title."""
    if by is None:
        return {"": list(found)} if found else {}
    if not isinstance(by, str):
        parts = {role: [each for each in found if _has_role(each.row, role)] for role in by}
        return {_ROLES[role]: own for role, own in parts.items() if own}
    parts = {}
    for each in found:
        parts.setdefault(getattr(each.row, by), []).append(each)
    return dict(sorted(parts.items()))


def _has_role(row: Row, role: str) -> bool:
    own = role_of(row)
    return own == role or (role == "out" and own != "in")


def _pairs(ax: Any, found: Sequence[Valued], x: str, y: str) -> None:
    """Draw a dot per TF, one arm against another."""
    first, second = (by_tf(each for each in found if each.row.arm == arm) for arm in (x, y))
    tfs = sorted(first.keys() & second.keys())
    a, b = ([values[tf] for tf in tfs] for values in (first, second))
    ax.scatter(a, b, s=9, color=_COLOURS[0], alpha=0.8, linewidth=0)
    low = min([*a, *b], default=0.4)
    ax.plot([low, 1], [low, 1], color="0.6", linewidth=0.8)
    ax.set(xlabel=f"AUPRC, {ARMS[x].what}", ylabel=f"AUPRC, {ARMS[y].what}")


def _sizes(ax: Any, found: Sequence[Valued]) -> None:
    """Draw boxes per arm along the number of bound regions, and a star for the PWM."""
    sizes = sorted({int(each.row.n) for each in found})
    series = _series(found, lambda row: row.arm if row.base == "multi50" else f"{row.arm}, {row.base}")
    stars = series.pop("denovo", [])
    place = {n: number for number, n in enumerate(sizes)}
    _boxes(ax, {name: _by(own, lambda row: place[int(row.n)]) for name, own in series.items()}, len(sizes))
    for at, values in _by(stars, lambda row: place[int(row.n)]).items():
        ax.scatter([at], [np.mean(values)], label="de novo PWM" if at == min(place.values()) else None, **_STAR)
    ax.set_xticks(range(len(sizes)), [f"{n:,}" for n in sizes])
    ax.set(xlabel="bound regions", ylabel="AUPRC")


def _bases(ax: Any, found: Sequence[Valued], order: Sequence[str] = ()) -> None:
    """Draw a box per base, and lines for what does not depend on it."""
    trained = [each for each in found if each.row.arm == "transfer"]
    known = [*order, *read_bases()]
    names = sorted(
        {each.row.base for each in trained}, key=lambda name: (name not in known, [*known, name].index(name))
    )
    place = {name: number for number, name in enumerate(names)}
    _boxes(ax, {"": _by(trained, lambda row: place[row.base])}, len(names) + 1)
    others = _series([each for each in found if each.row.arm != "transfer"], lambda row: row.arm)
    for name, own in others.items():
        mean = float(np.mean([each.value for each in own]))
        if name == "denovo":
            ax.scatter([len(names)], [mean], label=ARMS[name].what, **_STAR)
        else:
            ax.axhline(mean, color="0.5", linewidth=0.8, linestyle="--", label=ARMS[name].what)
    ax.set_xticks(range(len(names)), [name.replace("_", " ") for name in names], rotation=60, ha="right", fontsize=6)
    ax.set_ylabel("AUPRC")


def _arms(ax: Any, found: Sequence[Valued]) -> None:
    """Draw boxes per arm for each TF."""
    tfs = sorted({each.row.tf for each in found})
    place = {tf: number for number, tf in enumerate(tfs)}
    series = _series(found, lambda row: row.arm)
    _boxes(ax, {name: _by(own, lambda row: place[row.tf]) for name, own in series.items()}, len(tfs))
    ax.set_xticks(range(len(tfs)), tfs, rotation=60, ha="right")
    ax.set_ylabel("AUPRC")


def _gains(ax: Any, found: Sequence[Valued]) -> None:
    """Draw the gain by transfer of each TF, by its role."""
    gains = {
        role: list(
            by_tf(select([each.row for each in found], Pick(arm="transfer", minus="scratch", role=role))).values()
        )
        for role in ("in", "mode", "other")
    }
    shown = {role: values for role, values in gains.items() if values}
    _boxes(ax, {"": dict(enumerate(shown.values()))}, len(shown))
    ax.set_xticks(range(len(shown)), [_ROLES[role] for role in shown], fontsize=6)
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.set_ylabel("gain in AUPRC by transfer")


def _scatter(ax: Any, found: Sequence[Valued]) -> None:
    """Draw the area of each TF by the number of windows it was trained with."""
    for colour, arm in zip(_COLOURS, ("transfer", "scratch"), strict=False):
        own = [each for each in found if each.row.arm == arm]
        sizes = {each.row.tf: int(each.row.n_train) for each in own}
        means = by_tf(own)
        ax.scatter(
            [sizes[tf] for tf in means], list(means.values()), s=9, color=colour, label=ARMS[arm].what, linewidth=0
        )
    ax.set(xscale="log", xlabel="windows to train and validate with", ylabel="AUPRC")


KINDS: dict[str, Callable[..., None]] = {
    "pairs": _pairs,
    "sizes": _sizes,
    "bases": _bases,
    "arms": _arms,
    "gains": _gains,
    "scatter": _scatter,
}
"""Ways to draw rows."""


def _series(found: Sequence[Valued], name: Callable[[Row], str]) -> dict[str, list[Valued]]:
    series: dict[str, list[Valued]] = {}
    for each in found:
        series.setdefault(name(each.row), []).append(each)
    return series


def _by(found: Sequence[Valued], place: Callable[[Row], int]) -> dict[int, list[float]]:
    values: dict[int, list[float]] = {}
    for each in found:
        values.setdefault(place(each.row), []).append(each.value)
    return values


def _boxes(ax: Any, series: Mapping[str, Mapping[int, Sequence[float]]], n_places: int) -> None:
    """Draw boxes side by side at each place, one colour per series."""
    width = 0.8 / max(len(series), 1)
    for number, (name, values) in enumerate(series.items()):
        colour = _COLOURS[(_ORDER.index(name) if name in _ORDER else number) % len(_COLOURS)]
        at = [place + (number - (len(series) - 1) / 2) * width for place in values]
        parts = ax.boxplot(
            list(values.values()), positions=at, widths=width * 0.85, patch_artist=True, manage_ticks=False,
            showfliers=True, flierprops={"markersize": 2, "markeredgecolor": colour}, medianprops={"color": "black"},
        )  # fmt: skip
        for box in parts["boxes"]:
            box.set(facecolor=colour, linewidth=0.5)
        if name:
            ax.plot([], [], color=colour, linewidth=4, label=ARMS[name].what if name in ARMS else _SAID.get(name, name))
    ax.set_xlim(-0.6, n_places - 0.4)
