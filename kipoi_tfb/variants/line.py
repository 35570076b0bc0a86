"""The line of an allele: what is said of it as a whole, over all TFs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from kipoi_tfb.models.logits import NOTABLE, difference, impact, is_bound
from kipoi_tfb.variants.columns import TOP

__all__ = ["allele_line", "top_tfs"]


def allele_line(tfs: Sequence[str], logits_ref: Tensor, logits_alt: Tensor, top: int) -> dict[str, NDArray]:
    """Return the columns of `kipoi_tfb.variants.columns.LINE` that follow from the logits, in their order.

    Parameters
    ----------
    tfs
        Names of the columns.
    logits_ref, logits_alt
        Logits of binding with either allele, (alleles, TFs).
    top
        How many TFs are named that an allele gains most, and loses most; 0 for no such columns.

    Returns
    -------
    dict
        By column one number per allele, float32, NaN where the network has none; or one text, of dtype object, ``"."``
        for none.
    """
    sizes, bound = impact(logits_ref, logits_alt).numpy(), is_bound(logits_ref, logits_alt).numpy()
    rows, best = np.arange(len(sizes)), np.abs(sizes).argmax(1)  # of a NaN, if there is one
    largest = sizes[rows, best]
    named = np.where(bound, sizes, 0)
    unknown = np.where(np.isnan(largest), np.nan, 0).astype(np.float32)  # a window without a known base
    line = {
        "sum_difference": difference(logits_ref, logits_alt).numpy().sum(1),  # row by row, whatever their number
        "largest_impact": largest,
        "largest_impact_tf": np.where(bound[rows, best], np.array(tfs, object)[best], "."),
        "n_gained": (named >= NOTABLE).sum(1, dtype=np.float32) + unknown,
        "n_lost": (named <= -NOTABLE).sum(1, dtype=np.float32) + unknown,
    }
    if top:
        line |= {name: np.array(top_tfs(tfs, named, n), object) for name, n in zip(TOP, (top, -top), strict=True)}
    return line


def top_tfs(tfs: Sequence[str], sizes: NDArray[np.float32], n: int) -> list[str]:
    """Return, for each allele, the TFs of the n largest positive sizes (n < 0: the most negative), largest first.

    Examples
    --------
    >>> top_tfs(["JUND", "SP1", "MAX"], np.array([[1.5, -0.2, 2.25], [-1, -2, 0]], np.float32), 2)
    ['MAX:2.25;JUND:1.5', '.']
    """
    sign = 1 if n > 0 else -1
    left, rows = sign * sizes, np.arange(len(sizes))
    named: list[list[str]] = [[] for _ in sizes]
    # For the few that are wanted, one maximum after the other is some three times faster than sorting all TFs.
    for _ in range(min(abs(n), len(tfs))):
        best = left.argmax(1)
        for names, i, value in zip(named, best.tolist(), left[rows, best].tolist(), strict=True):
            if value > 0:
                names.append(f"{tfs[i]}:{sign * value:.3g}")
        left[rows, best] = -np.inf
    return [";".join(names) or "." for names in named]
