"""The small matrix of two TFs on chr22 that the package brings, with its sequence: what examples run on."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix

__all__ = ["example"]


def example() -> tuple[BindingMatrix, Genome]:
    """Open the matrix and the genome that the package brings; neither a network nor torch is needed.

    Of MAFK and POU5F1 (OCT4) in 78 regions of 200 bp on chr22 of hg19, real peaks at their true coordinates; the
    genome has N outside of them. Where they are from: ``embedded/README.md`` in this package.

    Returns
    -------
    tuple
        The matrix, which is closed by its `close` or as a context, and the genome.

    Examples
    --------
    >>> matrix, genome = example()
    >>> matrix
    <BindingMatrix 2 TFs x 78 regions x 1 cell types>
    >>> int(matrix.labels(["MAFK"]).sum()), genome.lengths
    (40, {'chr22': 51304566})
    >>> here = matrix.regions.on(["chr22"])
    >>> windows = genome.windows(["chr22"] * len(here), matrix.regions.start[here], 200)
    >>> windows.codes.shape, windows.codes.dtype
    ((78, 200), dtype('uint8'))
    """
    folder = Path(str(files("tfb_matrix_data"))) / "embedded"
    return BindingMatrix(folder / "matrix.h5"), Genome(folder / "hg19.chr22.fa.gz")
