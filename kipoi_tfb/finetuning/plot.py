"""Figures of a fine-tuned entry: how it learnt, and the motif that changed most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.models.first_layer import ChangedMotif
from kipoi_tfb.output.figures import check_format, figure_file
from kipoi_tfb.output.logos import draw_logo
from kipoi_tfb.training.trainer import EpochRecord

__all__ = ["plot_changed_motif", "plot_learning_curve"]

_KEPT, _OTHER = "#0072b2", "0.7"
_LETTERS = 34
"""Letters of a logo, the largest: each is most of a kilobyte, and entries are to stay small."""


def plot_learning_curve(
    histories: Mapping[int, Sequence[EpochRecord]], kept: int, path: str | Path, title: str = ""
) -> None:
    """Draw the losses of training and validation by epoch, a line per seed; the network that was kept is marked.

    Parameters
    ----------
    histories
        {seed: its epochs}.
    kept
        The seed whose best epoch was kept.
    path
        .png, .svg or .pdf to write.
    title
        Above the picture.
    """
    check_format(path)
    with figure_file(path, (4.6, 3.2)) as figure:
        axes = figure.add_axes((0.13, 0.14, 0.84, 0.76))
        for seed in sorted(histories, key=lambda each: (each == kept, each)):  # the one that was kept on top
            records = histories[seed]
            epoch = [record.epoch + 1 for record in records]
            colour = _KEPT if seed == kept else _OTHER
            for loss, style in (("train_loss", "--"), ("validation_loss", "-")):
                label = f"{loss.replace('_', ' ')}, seed {seed}" if seed == kept else None
                values = [getattr(record, loss) for record in records]
                axes.plot(epoch, values, style, color=colour, linewidth=1.2, label=label)
        best = min(histories[kept], key=lambda record: record.validation_loss)
        axes.plot(best.epoch + 1, best.validation_loss, "o", color=_KEPT, label=f"kept: epoch {best.epoch + 1}")
        if len(histories) > 1:
            axes.plot([], [], color=_OTHER, label=f"{len(histories) - 1} other seeds")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set(xlabel="epoch", ylabel="loss (cross-entropy)")
        axes.set_title(title, fontsize=8, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=7)


def plot_changed_motif(motif: ChangedMotif, path: str | Path, title: str = "") -> None:
    """Draw the largest weights of a filter before and after as letters, on one scale.

    Parameters
    ----------
    motif
        Of `kipoi_tfb.models.first_layer.most_changed`.
    path
        .png, .svg or .pdf to write.
    title
        Above the picture.
    """
    check_format(path)
    logos = [_largest(weights).T for weights in (motif.before, motif.after)]
    low = min(np.minimum(heights, 0).sum(1).min() for heights in logos)
    high = max(np.maximum(heights, 0).sum(1).max() for heights in logos)
    with figure_file(path, (5.2, 3.4)) as figure:
        figure.text(0.02, 0.95, title, fontsize=8)
        for place, heights, when in ((0.53, logos[0], "before"), (0.1, logos[1], "after")):
            axes = figure.add_axes((0.12, place, 0.86, 0.36))
            draw_logo(axes, heights, (1.05 * low, 1.05 * high))
            axes.set_ylabel(f"{when}: weight", fontsize=7)
            axes.set_xticks(range(4, len(heights), 5), range(5, len(heights) + 1, 5))


def _largest(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights, zero but for the `_LETTERS` largest."""
    size = np.abs(weights)
    least = np.sort(size, axis=None)[::-1][:_LETTERS][-1]
    return np.where(size >= least, weights, 0.0)
