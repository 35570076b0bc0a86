"""How alike two TFs bind: the cosine of their rows of the binding matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.matrix import BindingMatrix, Kind

__all__ = ["similarity"]

# Packed bytes per block: 32,768 regions, whose float32 sums of ones are exact.
_BLOCK = 4096


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
    bound = np.zeros((len(names), -(-len(matrix) // 8)), np.uint8)
    resolved = np.zeros_like(bound)
    for i, tf in enumerate(names):  # one TF at a time: the dense labels never exist
        labels = matrix.labels([tf], kind=kind, cell_types=cell_types)[:, 0]
        bound[i], resolved[i] = np.packbits(labels == 1), np.packbits(labels >= 0)
    both, one = np.zeros((2, len(names), len(names)))
    for start in range(0, bound.shape[1], _BLOCK):
        ones = _as_float32(bound[:, start : start + _BLOCK])
        both += ones @ ones.T
        one += ones @ _as_float32(resolved[:, start : start + _BLOCK]).T
    norm = np.sqrt(one * one.T)  # of whole numbers: exactly 1 on the diagonal
    return np.divide(both, norm, out=np.full_like(both, np.nan), where=norm > 0)


def _as_float32(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.unpackbits(packed, axis=1).astype(np.float32)
