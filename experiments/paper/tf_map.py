"""The TFs in a plane, those that bind alike near each other: kept for the picture, as its cosines are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.relations import Relations

__all__ = ["MAP", "place_tfs", "read_map", "write_map"]

MAP = "fig2.map.tsv"

_NEIGHBOURS = 15
"""TFs that a TF is kept near to: UMAP's own choice, which the authors left as it was."""


def place_tfs(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where t-SNE puts the TFs by their cosines, float64 (TFs, 2).

    NaN of a TF without any cosine; two TFs without one are as far from each other as any. Few TFs are in a row.

    Notes
    -----
    The authors' notebook UMAP_Binding_heatmap_and_selecting_groups gives rows of the matrix, with its zeros and nulls,
    to UMAP. Here the cosines that are shown beside it decide, and scikit-learn's t-SNE (van der Maaten and Hinton 2008)
    takes UMAP's part: it too keeps neighbours together, and is a dependency already.
    """
    others = np.where(np.eye(len(similarity), dtype=bool), np.nan, similarity)
    there = np.flatnonzero(~np.isnan(others).all(1))
    places = np.full((len(similarity), 2), np.nan)
    if len(there) <= 2 * _NEIGHBOURS:
        places[there] = np.stack([np.arange(len(there)), np.zeros(len(there))], axis=1)
        return places
    from sklearn.manifold import TSNE

    distance = 1 - np.nan_to_num(similarity[there][:, there], nan=0.0)
    np.fill_diagonal(distance, 0)
    tsne = TSNE(metric="precomputed", init="random", perplexity=_NEIGHBOURS, method="exact", random_state=0)
    places[there] = tsne.fit_transform(distance)
    return places


def write_map(relations: Relations, path: Path) -> None:
    """Write a table with a row per TF that has a place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, open(temporary, "w", newline="\n") as stream:
        print("tf", "x", "y", sep="\t", file=stream)
        for tf, (x, y) in zip(relations.tfs, place_tfs(relations.similarity), strict=True):
            if not np.isnan(x):
                print(tf, f"{x:.2f}", f"{y:.2f}", sep="\t", file=stream)


def read_map(path: Path) -> tuple[list[str], NDArray[np.float64]]:
    """Return the TFs and their places, float64 (TFs, 2)."""
    rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    return [row[0] for row in rows], np.array([[float(x), float(y)] for _, x, y in rows]).reshape(-1, 2)
