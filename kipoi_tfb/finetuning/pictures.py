"""Pictures on the card of a fine-tuned entry: how good it was on the test regions, and what it reads in them."""

from __future__ import annotations

import numpy as np

from kipoi_tfb.evaluation.plot_curves import plot_tested
from kipoi_tfb.evaluation.regions import LabelledRegions
from kipoi_tfb.interpretation.plot import plot_windows
from kipoi_tfb.interpretation.sources import ExplainedWindows
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.finetuned_card import READS_FILE, TESTED_FILE

__all__ = ["draw_tested"]

_WINDOWS, _BASES = 2, 40
"""Of the picture of what an entry reads: entries are to stay small."""


def draw_tested(entry: Entry, test: LabelledRegions, device: str) -> None:
    """Draw how good an entry of one TF was on its test regions, and the bases that it reads in those it is surest of.

    Parameters
    ----------
    entry
        Its folder is where the pictures go (`TESTED_FILE`, `READS_FILE`).
    test
        With one TF; bound and unbound regions.
    device
        See `kipoi_tfb.models.device.choose_device`.
    """
    (tf,) = entry.card.tasks
    predictor = Predictor([entry], device=device)
    resolved = np.flatnonzero(test.labels[:, 0] >= 0)
    p, bound = predictor.probability(test.codes[resolved])[:, 0], test.labels[resolved, 0] == 1
    if not bound.any() or bound.all():
        return
    title = f"{entry.card.name} on {', '.join(test.chromosomes)}: {bound.sum():,} of {len(bound):,} regions bound"
    plot_tested(p, bound, entry.folder / TESTED_FILE, title)
    surest = resolved[bound][np.argsort(-p[bound], kind="stable")[:_WINDOWS]]
    codes = test.codes[surest]
    names = np.array([_name(test.keys[region]) for region in test.kept[surest].tolist()])
    windows = ExplainedWindows(
        names, np.full(len(codes), "."), np.full(len(codes), "."), np.zeros(len(codes), np.int64), codes, codes
    )
    plot_windows(entry, tf, windows, entry.folder / READS_FILE, "positions in the window", device, _BASES)


def _name(key: tuple) -> str:
    """Return what a region is called: by its place, or the name of its sequence."""
    return str(key[0]) if len(key) == 1 else "chr{}:{}-{}".format(*key[:3])
