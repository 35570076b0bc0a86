"""How alike two TFs bind: the cosine of their rows of the binding matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.matrix import BindingMatrix, Kind

__all__ = ["similarity"]

# Words of 64 regions per block: those of 163 TFs take 1.3 MB, so that they stay in the processor's cache.
_BLOCK = 1024


def similarity(
    matrix: BindingMatrix,
    tfs: Sequence[str] | None = None,
    kind: Kind = "less_sparse",
    cell_types: Sequence[str] | None = None,
) -> NDArray[np.float64]:
    """Return the cosine of each two TFs' labels over the regions that are resolved in both.

    Labels are 0 and 1 there, so that the cosine is the number of regions that both bind, over the geometric mean of
    the numbers that each binds. 0: never together; 1: always.

    Parameters
    ----------
    matrix
        An open matrix.
    tfs
        Names, in the order of rows and columns; default all.
    kind
        ``"less_sparse"``, from which the paper's authors made their heatmap and chose cofactors, or ``"sparse"``.
    cell_types
        Restrict to these cell types; default all.

    Returns
    -------
    numpy.ndarray
        float64 of shape (TFs, TFs), symmetric, 1 on the diagonal; NaN where it is not defined: where a TF has no
        bound region among those resolved in both, as a TF without any bound region has with all, itself included.

    Raises
    ------
    UnknownNameError
        If a TF, cell type or kind does not exist.

    Notes
    -----
    Source: Novakovsky et al. 2021, Methods, doi:10.1186/s13059-021-02499-5, and the authors' notebook
    UMAP_Binding_heatmap_and_selecting_groups (github.com/wassermanlab/TF-Binding-Transfer-Learning), which takes the
    less sparse ("partial") matrix and leaves out TFs without a bound region.
    """
    names = matrix.tfs if tfs is None else [tfs] if isinstance(tfs, str) else list(tfs)
    bound = np.zeros((len(names), -(-len(matrix) // 64)), np.uint64)
    resolved = np.zeros_like(bound)
    for i, tf in enumerate(names):  # one TF at a time: the dense labels never exist
        labels = matrix.labels([tf], kind=kind, cell_types=cell_types)[:, 0]
        _pack(labels == 1, bound[i])
        _pack(labels >= 0, resolved[i])
    # Counting bits on one core is faster than products of matrices on two, which also suffer where cores are busy.
    both, one = np.zeros((2, len(names), len(names)), np.int64)
    for start in range(0, bound.shape[1], _BLOCK):
        ones = bound[:, start : start + _BLOCK].copy()
        known = resolved[:, start : start + _BLOCK].copy()
        for i, row in enumerate(ones):
            both[i] += np.bitwise_count(row & ones).sum(1, dtype=np.int64)
            one[i] += np.bitwise_count(row & known).sum(1, dtype=np.int64)
    norm = np.sqrt(one * one.T)  # of whole numbers: exactly 1 on the diagonal
    return np.divide(both, norm, out=np.full(both.shape, np.nan), where=norm > 0)


def _pack(mask: NDArray[np.bool_], words: NDArray[np.uint64]) -> None:
    """Write a mask as bits; the order within a word does not matter, the bits after the last region stay 0."""
    packed = np.packbits(mask)
    words.view(np.uint8)[: len(packed)] = packed
