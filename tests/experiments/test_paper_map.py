"""The map of TFs: those that bind alike lie together, and who has no cosine has no place."""

from __future__ import annotations

import numpy as np

from experiments.paper.tf_map import place_tfs, read_map, write_map
from tfb_matrix_data.modes import BindingModes
from tfb_matrix_data.relations import Relations

GROUP = np.arange(48) // 8


def cosines() -> np.ndarray:
    """Return cosines of six groups of eight TFs; the last TF has none, and the first two have none with each other."""
    noise = np.random.default_rng(3).uniform(0, 0.1, (48, 48))
    similarity = np.where(GROUP[:, None] == GROUP, 0.7, 0.1) + (noise + noise.T) / 2
    np.fill_diagonal(similarity, 1)
    similarity[0, 1] = similarity[1, 0] = np.nan
    return np.block([[similarity, np.full((48, 1), np.nan)], [np.full((1, 49), np.nan)]])


def test_tfs_that_bind_alike_lie_together():
    places = place_tfs(cosines())
    assert np.isnan(places[48]).all() and not np.isnan(places[:48]).any()
    distance = np.linalg.norm(places[:48, None] - places[None, :48], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (GROUP[distance.argmin(1)] == GROUP).mean() > 0.9
    assert (place_tfs(cosines())[:48] == places[:48]).all()


def test_a_map_is_read_as_it_was_written(tmp_path):
    tfs = [f"TF{number}" for number in range(49)]
    write_map(Relations(tfs, cosines(), [], BindingModes({}, {}, "a test")), tmp_path / "map.tsv")
    names, places = read_map(tmp_path / "map.tsv")
    assert names == tfs[:48]
    assert np.allclose(places, place_tfs(cosines())[:48], atol=0.006)


def test_few_tfs_are_in_a_row():
    assert place_tfs(np.ones((3, 3))).tolist() == [[0, 0], [1, 0], [2, 0]]
