"""Counting what a binding matrix holds: per TF, and jointly for several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.matrix import BindingMatrix, Kind

__all__ = ["TfCounts", "count_labels", "counts", "resolved"]


class TfCounts(NamedTuple):
    """Regions of one TF by label; `bound` is the same in both kinds of labels.

    Attributes
    ----------
    tf
        Name.
    cell_types
        Number of cell types in which the TF was profiled.
    bound
        Regions labelled 1.
    unbound_sparse, unresolved_sparse
        Regions labelled 0 and -1 in the sparse labels.
    unbound_less_sparse, unresolved_less_sparse
        The same in the less sparse labels.
    """

    tf: str
    cell_types: int
    bound: int
    unbound_sparse: int
    unresolved_sparse: int
    unbound_less_sparse: int
    unresolved_less_sparse: int


def counts(
    matrix: BindingMatrix, tfs: Sequence[str] | None = None, cell_types: Sequence[str] | None = None
) -> list[TfCounts]:
    """Return the bound, unbound and unresolved regions of each TF: the paper's Table S1.

    Parameters
    ----------
    matrix
        An open matrix.
    tfs
        Names, in the order of the result; default all.
    cell_types
        Restrict to these cell types; default all.

    Raises
    ------
    UnknownNameError
        If a TF or cell type does not exist.

    Notes
    -----
    Source: Novakovsky et al. 2021, Additional file 1: Table S1, doi:10.1186/s13059-021-02499-5.
    """
    names = matrix.tfs if tfs is None else [tfs] if isinstance(tfs, str) else list(tfs)
    wanted = matrix.cell_types if cell_types is None else [cell_types] if isinstance(cell_types, str) else cell_types
    cells = np.isin(matrix.cell_types, list(wanted))
    result = []
    for tf in names:
        sparse = count_labels(matrix, tf, "sparse", cell_types)
        less_sparse = count_labels(matrix, tf, "less_sparse", cell_types)
        profiled = int(matrix.profiled[matrix.tfs.index(tf), cells].sum())
        result.append(TfCounts(tf, profiled, *sparse, *less_sparse[1:]))
    return result


def resolved(
    matrix: BindingMatrix,
    tfs: Sequence[str] | None = None,
    kind: Kind = "less_sparse",
    cell_types: Sequence[str] | None = None,
) -> NDArray[np.int64]:
    """Return the indices of the regions that are bound or unbound, not null, for every one of the TFs.

    With ``matrix.select_multimodel(50)`` and the less sparse labels these are the regions that the paper pre-trains on.

    Parameters
    ----------
    matrix
        An open matrix.
    tfs
        Names; default all.
    kind, cell_types
        As for `BindingMatrix.labels`.

    Returns
    -------
    numpy.ndarray
        int64, ascending.

    Raises
    ------
    UnknownNameError
        If a TF, cell type or kind does not exist.
    """
    mask = np.ones(len(matrix), bool)
    for tf in matrix.tfs if tfs is None else [tfs] if isinstance(tfs, str) else tfs:
        mask &= matrix.labels([tf], kind=kind, cell_types=cell_types)[:, 0] >= 0
    return np.flatnonzero(mask)


def count_labels(
    matrix: BindingMatrix, tf: str, kind: Kind, cell_types: Sequence[str] | None = None
) -> tuple[int, int, int]:
    """Return the number of regions of one TF that are labelled 1, 0 and -1."""
    unresolved, unbound, bound = np.bincount(
        matrix.labels([tf], kind=kind, cell_types=cell_types)[:, 0] + 1, minlength=3
    )
    return int(bound), int(unbound), int(unresolved)
