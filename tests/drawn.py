"""What stands in a figure, and whether it has room."""

from __future__ import annotations

from itertools import combinations


def texts(figure):
    """Return the words of a figure that are to be seen, and the box of each in pixels."""
    from matplotlib.text import Text

    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [(text, text.get_window_extent(renderer)) for text in shown]


def collisions(boxes):
    """Return the pairs of (name, box) whose boxes share more than a hair's breadth."""
    small = [(name, box.padded(-1.0)) for name, box in boxes]
    return [(one, other) for (one, first), (other, second) in combinations(small, 2) if first.overlaps(second)]


def sticking_out(figure):
    """Return the words that are not wholly on the figure."""
    width, height = figure.bbox.width, figure.bbox.height
    return [
        text.get_text()
        for text, box in texts(figure)
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]
