"""Made-up windows, and what is known beside the labels: more for a network to learn from than there is in a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.training.data import LabelledWindows
from tfb_matrix_data.matrix import BindingMatrix

__all__ = ["evidence", "with_made_up"]

Evidence = Literal["ordinal", "cells"]

_MUTATED = 0.05
"""Share of a made-up window's bases that are drawn anew."""
_AMBIGUOUS = 0.5
"""What a region is taken for in which only one of two methods finds a TF."""


def with_made_up(windows: LabelledWindows, copies: int, seed: int) -> LabelledWindows:
    """Return windows with made-up ones behind them, whose region is -1 and which no label says anything of.

    A made-up window is one window up to a random place and another one from there on, so that sites stay where they
    are, with a twentieth of its bases drawn anew (after EvoAug; Lee et al. 2023, doi:10.1186/s13059-023-02941-w).

    Parameters
    ----------
    windows
        Of which they are made; `taught` is left out.
    copies
        How many times as many.
    seed
        Of what is drawn.
    """
    n, length = windows.codes.shape
    codes, regions = [windows.codes], [windows.region]
    for copy in range(copies):
        rng = np.random.default_rng([seed, 2, copy])
        left, right = rng.permutation(n), rng.permutation(n)
        here = np.arange(length) < rng.integers(1, length, (n, 1))
        made = np.where(here, windows.codes[left], windows.codes[right])
        anew = rng.random(made.shape, np.float32) < _MUTATED
        made[anew] = rng.integers(0, 4, int(anew.sum()), np.uint8)
        codes.append(made)
        regions.append(np.full(n, -1))
    unknown = np.full((copies * n, windows.labels.shape[1]), -1, np.int8)
    return replace(
        windows,
        region=np.concatenate(regions),
        codes=np.concatenate(codes),
        labels=np.concatenate([windows.labels, unknown]),
        taught=None,
    )


def evidence(
    matrix: BindingMatrix,
    tfs: list[str],
    regions: NDArray[np.int64],
    kind: Evidence,
    cell_types: Sequence[str] | None = None,
) -> NDArray[np.float16]:
    """Return what is known of TFs in regions, between 0 and 1, float16 (regions, TFs); NaN where nothing is.

    Parameters
    ----------
    matrix, tfs, regions
        Of whom, and where.
    kind
        ``ordinal``: 1 bound, 0.5 ambiguous, 0 unbound; ``cells``: the mean of that over the profiled cell types in
        which the region is open.
    cell_types
        Restrict to these cell types; default all.
    """
    if kind == "ordinal":
        return _known(matrix, tfs, regions, cell_types).astype(np.float16)
    total, n = np.zeros((2, len(regions), len(tfs)), np.float32)
    for cell, profiled in zip(matrix.cell_types, matrix.profiled.T, strict=True):
        if cell_types is not None and cell not in cell_types:
            continue
        columns = [i for i, tf in enumerate(tfs) if profiled[matrix.tfs.index(tf)]]
        if columns:
            known = _known(matrix, [tfs[i] for i in columns], regions, [cell])
            total[:, columns] += np.nan_to_num(known)
            n[:, columns] += ~np.isnan(known)
    with np.errstate(invalid="ignore"):
        return (total / n).astype(np.float16)


def _known(
    matrix: BindingMatrix, tfs: list[str], regions: NDArray[np.int64], cells: Sequence[str] | None
) -> NDArray[np.float32]:
    strict = matrix.labels(tfs, regions, "sparse", cells)
    ambiguous = (strict < 0) & (matrix.labels(tfs, regions, "less_sparse", cells) == 0)
    return np.where(ambiguous, np.float32(_AMBIGUOUS), np.where(strict < 0, np.float32(np.nan), strict))
