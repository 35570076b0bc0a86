"""Names of points of a picture, put where they cover neither each other nor a point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["Point", "name_points"]

_GAP, _STEP, _STEPS = 2.0, 2.0, 40  # points: from a dot to its name, and from one place that is tried to the next
_LINE_FROM = 4.0  # points off a dot from which its name needs a line to it


class Point(NamedTuple):
    """A dot of a scatter plot.

    Attributes
    ----------
    x, y
        Where, in data coordinates.
    radius
        In points.
    name
        What to write beside it; "" for nothing.
    side
        1 to write to its right, -1 to its left.
    """

    x: float
    y: float
    radius: float
    name: str = ""
    side: int = 1


def name_points(axes: Any, points: Sequence[Point], size: float) -> None:
    """Write names beside their points: as near as no other name or point is in the way, with a line where that is far.

    Parameters
    ----------
    axes
        Matplotlib axes that have their limits and their place.
    points
        All that are drawn.
    size
        Of the letters, points.
    """
    from matplotlib.transforms import Bbox

    axes.apply_aspect()
    figure = axes.figure
    pixel = figure.dpi / 72
    middles = axes.transData.transform([(point.x, point.y) for point in points])
    taken = [
        Bbox([middle - point.radius * pixel, middle + point.radius * pixel])
        for point, middle in zip(points, middles, strict=True)
    ]
    places = [(_STEP * out, _STEP * up) for out in range(_STEPS) for up in range(-_STEPS, _STEPS + 1)]
    places.sort(key=lambda place: (place[0] ** 2 + place[1] ** 2, place))
    for point in sorted((point for point in points if point.name), key=lambda point: (-point.y, point.name)):
        near = (point.radius + _GAP) * point.side
        text = axes.annotate(
            point.name,
            (point.x, point.y),
            xytext=(near, 0),
            textcoords="offset points",
            fontsize=size,
            ha="left" if point.side > 0 else "right",
            va="center",
        )
        box = text.get_window_extent(figure.canvas.get_renderer())
        for out, up in places:
            moved = box.translated(out * point.side * pixel, up * pixel)
            if not any(moved.overlaps(other) for other in taken):
                break
        taken.append(moved)
        end = (near + out * point.side, up)
        text.set_position(end)
        if max(out, abs(up)) >= _LINE_FROM:
            line = {"arrowstyle": "-", "color": "0.5", "linewidth": 0.4, "shrinkA": 0, "shrinkB": point.radius}
            axes.annotate("", (point.x, point.y), xytext=end, textcoords="offset points", arrowprops=line)
