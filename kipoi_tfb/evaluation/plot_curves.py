"""Pictures of one test: precision against recall, and predicted probabilities against observed shares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve

from kipoi_tfb.evaluation.areas import calibration_bins, calibration_error
from kipoi_tfb.output.figures import check_format, figure_file

__all__ = ["plot_tested"]

_POINTS = 200
_LINE, _CHANCE = "#0072b2", "0.6"


def plot_tested(probability: NDArray[np.floating], bound: NDArray[np.bool_], path: str | Path, title: str = "") -> None:
    """Draw the precision-recall curve and the calibration of probabilities, at the share that is bound.

    Parameters
    ----------
    probability
        (regions,): finite.
    bound
        bool (regions,): of both kinds.
    path
        .png, .svg or .pdf to write.
    title
        Above the picture.
    """
    check_format(path)
    precision, recall, _ = precision_recall_curve(bound, probability)
    some = np.unique(np.linspace(0, len(recall) - 1, min(_POINTS, len(recall))).astype(int))
    bins = calibration_bins(probability, bound)
    area, error = average_precision_score(bound, probability), calibration_error(probability, bound)
    with figure_file(path, (6.4, 3.3)) as figure:
        figure.text(0.02, 0.95, title, fontsize=8)
        left, right = (figure.add_axes((at, 0.15, 0.38, 0.68)) for at in (0.09, 0.59))
        left.plot(recall[some], precision[some], color=_LINE, linewidth=1.2, label=f"AUPRC {area:.3f}")
        left.axhline(bound.mean(), color=_CHANCE, linestyle="--", linewidth=0.8, label=f"chance {bound.mean():.3f}")
        left.set(xlabel="recall: share of bound regions found", ylabel="precision: share of these that are bound")
        right.plot([0, 1], [0, 1], color=_CHANCE, linestyle="--", linewidth=0.8, label="as predicted")
        right.plot(
            bins.predicted, bins.observed, "o-", color=_LINE, markersize=3, linewidth=1, label=f"error {error:.4f}"
        )
        right.set(xlabel="predicted probability", ylabel="share that is bound")
        for axes, place in ((left, "upper right"), (right, "upper left")):
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(frameon=False, fontsize=7, loc=place)
