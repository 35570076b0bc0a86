"""Labels of a network's outputs: of TFs, or of TFs in one cell type each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.names import cell_of, output_name, tf_of

__all__ = ["output_labels", "pairs_profiled"]


def output_labels(
    matrix: BindingMatrix,
    outputs: Sequence[str],
    regions: NDArray[np.int64],
    kind: Kind = "sparse",
    cell_types: Sequence[str] | None = None,
) -> NDArray[np.int8]:
    """Return the labels of outputs in regions, int8 (regions, outputs): 1 bound, 0 unbound, -1 unresolved.

    Of a TF in a cell type (``JUND@K562``) they are those of this cell type alone: where it is not open there, a region
    is unresolved.

    Parameters
    ----------
    matrix, regions, kind
        See `BindingMatrix.labels`.
    outputs
        Names, see `tfb_matrix_data.names.OUTPUT`.
    cell_types
        Of outputs that are of all cell types: of these alone; default all.

    Raises
    ------
    UnknownNameError
        If a TF or cell type does not exist.
    ConfigError
        If a TF was not profiled in its cell type.
    """
    labels = np.empty((len(regions), len(outputs)), np.int8)
    pooled = [column for column, output in enumerate(outputs) if not cell_of(output)]
    if pooled:
        labels[:, pooled] = matrix.labels([outputs[column] for column in pooled], regions, kind, cell_types)
    for column, output in enumerate(outputs):
        if cell := cell_of(output):
            matrix.check_profiled([tf_of(output)], [cell])
            labels[:, column] = matrix.labels([tf_of(output)], regions, kind, [cell])[:, 0]
    return labels


def pairs_profiled(matrix: BindingMatrix, tfs: Sequence[str]) -> list[str]:
    """Return the outputs of TFs in each cell type in which they were profiled, by TF, then by cell type.

    Cell types whose accessibility is not known are left out: no region is unbound there.
    """
    known = matrix.accessible_known
    return [
        output_name(tf, cell)
        for tf in tfs
        for cell, profiled, is_known in zip(
            matrix.cell_types, matrix.profiled[matrix.tfs.index(tf)], known, strict=True
        )
        if profiled and is_known
    ]
