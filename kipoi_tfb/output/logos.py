"""Sequence logos, drawn by logomaker, and the colours of sequence pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import ConfigError

__all__ = [
    "DIVERGING",
    "MAX_TFS",
    "READING",
    "UNIT",
    "check_tfs",
    "contribution_heights",
    "draw_logo",
    "information",
    "mark_positions",
    "probability_digits",
    "signed_text",
    "text_width",
]

DIVERGING = "RdBu_r"
"""Colour map of effects, centred at zero: red strengthens binding, blue weakens it; told apart by the colour-blind."""

READING = "Letters: minus the mean effect (log-odds) of the base's three substitutions. Up: the base helps binding."
"""What stands below a picture."""

UNIT = "−mean effect\n(log-odds)"
"""What an axis of letters says: what their heights are, and the unit."""

MAX_TFS = 12
"""TFs that a picture can show, one below the other."""


def probability_digits(value: float) -> str:
    """Return a probability in two significant digits, for pictures, and never as if it were certain.

    Examples
    --------
    >>> [probability_digits(value) for value in (0.00154, 0.5, 0.994, 0.999)]
    ['0.0015', '0.5', '0.99', '>0.99']
    """
    return ">0.99" if value > 0.99 and f"{value:.2g}" == "1" else f"{value:.2g}"


def signed_text(value: float) -> str:
    """Return a number with its sign, unless that is of nothing; minus is as wide as plus.

    Examples
    --------
    >>> signed_text(-12.6), signed_text(0.25), signed_text(-0.001)
    ('−12.60', '+0.25', '0.00')
    """
    text = f"{value:+.2f}"
    return text.replace("-", "−") if float(text) else text[1:]


def text_width(text: str, size: float) -> float:
    """Return how wide a line of text is, in inches, in matplotlib's font at `size` points."""
    from matplotlib.textpath import TextPath

    return float(TextPath((0, 0), text, size=size).get_extents().x1) / 72


def check_tfs(n: int) -> None:
    """Refuse to draw more TFs than a picture can show."""
    if n > MAX_TFS:
        raise ConfigError(f"a picture shows at most {MAX_TFS} TFs, these are {n}; name fewer with --tfs, or give --top")


def contribution_heights(codes: NDArray[np.uint8], contribution: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return letter heights (bases, 4) of one value per base: that of the base that is there, others zero.

    Examples
    --------
    >>> contribution_heights(np.array([2, 4], np.uint8), np.array([0.5, 0.0])).tolist()
    [[0.0, 0.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    return np.where(codes[:, None] == np.arange(4), contribution[:, None], 0.0)


def information(pwm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return letter heights (width, 4) in bits of a motif's natural log-odds (4, width): share times information.

    Schneider & Stephens 1990, doi:10.1093/nar/18.20.6097, without the correction for small samples.

    Examples
    --------
    >>> information(np.log([[2.0, 1.0], [2.0, 1.0], [1e-9, 1.0], [1e-9, 1.0]])).round(3).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    share = np.exp(pwm) / 4
    return (share * (share * pwm).sum(0) / np.log(2)).T


def draw_logo(axes: Any, heights: NDArray[np.float64], limits: tuple[float, float] | None = None) -> None:
    """Draw letters at columns 0, 1, ... of a matplotlib axes; negative ones below the line, upright.

    Parameters
    ----------
    axes
        What to draw on.
    heights
        float (columns, 4): height of A, C, G, T.
    limits
        Of the y axis; default those of the letters.
    """
    if heights.any():
        import pandas as pd
        from logomaker import Logo

        # Upright letters are read more easily than those that stand on their heads.
        letters = pd.DataFrame(heights, columns=list("ACGT"))
        Logo(letters, ax=axes, color_scheme="colorblind_safe", flip_below=False, baseline_width=0.5)
    axes.set_xlim(-0.5, len(heights) - 0.5)
    if limits is not None:
        axes.set_ylim(limits)
    axes.spines[["top", "right"]].set_visible(False)


def mark_positions(axes: Any, columns: NDArray[np.int64], positions: NDArray[np.int64]) -> None:
    """Label every tenth position, of a short stretch every fifth, with a tick at every fifth."""
    step = 10 if len(columns) > 30 else 5
    major = [(c, p) for c, p in zip(columns.tolist(), positions.tolist(), strict=True) if p % step == 0]
    axes.set_xticks([c for c, _ in major], [f"{p:,}" for _, p in major], fontsize=7)
    axes.set_xticks([c for c, p in zip(columns.tolist(), positions.tolist(), strict=True) if p % 5 == 0], minor=True)
