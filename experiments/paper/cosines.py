"""The cosines of all pairs of TFs, kept for the heatmap, which is drawn where no matrix is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.relations import Relations

__all__ = ["COSINES", "read_cosines", "write_cosines"]

COSINES = "fig2.cosines.tsv"


def write_cosines(relations: Relations, path: Path) -> None:
    """Write a table with a row and a column per TF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, open(temporary, "w", newline="\n") as stream:
        print("tf", *relations.tfs, sep="\t", file=stream)
        for tf, row in zip(relations.tfs, relations.similarity, strict=True):
            print(tf, *(f"{value:.4f}" for value in row), sep="\t", file=stream)


def read_cosines(path: Path) -> tuple[list[str], NDArray[np.float64]]:
    """Return the TFs and their cosines, NaN where there is none."""
    head, *lines = path.read_text().splitlines()
    return head.split("\t")[1:], np.array([[float(value) for value in line.split("\t")[1:]] for line in lines])
