"""Regions to fine-tune on, of a matrix: as everyone samples them."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.finetuning.data import from_binding_matrix
from tests import tiny
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.genome import region_windows
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sampling import sample_tf
from tfb_matrix_data.splits import split_by_chromosome, split_randomly


def test_a_matrix_gives_what_the_sampler_gives(world):
    matrix, genome = world.matrix, world.genome
    data = from_binding_matrix(matrix, genome, "SP1", seed=3)
    parts = sample_tf(matrix, genome, "SP1", split_by_chromosome(matrix.regions), 3).parts
    labels = matrix.labels(["SP1"])[:, 0]
    for windows, part in ((data.training.train, parts["train"]), (data.training.validation, parts["validation"])):
        assert sorted(windows.region) == sorted(part.regions)
        assert (windows.labels[:, 0] == labels[windows.region]).all() and windows.codes.shape == (len(part), 200)
    n_bound = len(parts["test"].bound)
    assert data.counts["test"] == {"bound": n_bound, "unbound": len(parts["test"].unbound), "short": 0}
    assert data.test.chromosomes == ("chr22",) and (data.test.labels == 1).sum() == n_bound
    assert data.card.train_chromosomes == ("chr13", "chr14", "chr15") and data.card.n_train == len(parts["train"])
    assert data.card.validation_chromosomes == ("chr21",) and data.card.excluded_chromosomes == ("chr16",)


def test_fewer_bound_regions_to_train_with(world):
    data = from_binding_matrix(world.matrix, world.genome, "SP1", n_bound=30)
    every = from_binding_matrix(world.matrix, world.genome, "SP1")
    assert data.counts["train"]["bound"] == 30 and data.counts["test"] == every.counts["test"]
    assert set(data.training.train.region) < set(every.training.train.region)


def test_a_tf_that_the_matrix_lacks(world):
    with pytest.raises(UnknownNameError, match=r"unknown TF 'SP2'. Did you mean SP1"):
        from_binding_matrix(world.matrix, world.genome, "SP2")


def test_a_tf_that_trains_nowhere(tmp_path):
    world = tiny.make_world(tmp_path, blind="SP1")
    with pytest.raises(ConfigError, match=r"SP1 in matrix.h5: 0 bound regions to train with, at least 20 are needed"):
        from_binding_matrix(world.matrix, world.genome, "SP1")


def test_a_base_of_other_windows(world):
    with pytest.raises(ConfigError, match=r"has regions of 200 bp, the base takes windows of 500 bp"):
        from_binding_matrix(world.matrix, world.genome, "SP1", length=500)


def test_regions_that_the_base_was_made_from_have_no_use(world):
    matrix, genome = world.matrix, world.genome
    every = from_binding_matrix(matrix, genome, "SP1")
    out = np.sort(np.concatenate([every.every["train"].region[::3], every.every["validation"].region[::5]]))
    out = np.concatenate([out, every.test_region[::4]])
    data = from_binding_matrix(matrix, genome, "SP1", exclude=out)
    for use in ("train", "validation"):
        assert np.array_equal(data.every[use].region, np.setdiff1d(every.every[use].region, out))
        assert np.isin(getattr(data.training, use).region, data.every[use].region).all()
    assert np.array_equal(data.test_region, np.setdiff1d(every.test_region, out)) and len(data.test) < len(every.test)
    places = np.array(data.test.keys)[data.test.kept]
    assert places[:, 1].astype(int).tolist() == matrix.regions.start[data.test_region].tolist()
    assert data.card.n_excluded == len(out) and every.card.n_excluded is None
    # Nothing else differs: what is excluded without being there changes no draw.
    same = from_binding_matrix(matrix, genome, "SP1", exclude=np.array([], np.int64))
    assert np.array_equal(same.training.train.region, every.training.train.region) and same.counts == every.counts


def test_a_random_split_tests_on_a_tenth_of_everywhere(world):
    matrix, genome = world.matrix, world.genome
    data = from_binding_matrix(matrix, genome, "SP1", seed=2, split="paper")
    split = split_randomly(np.flatnonzero(matrix.labels(["SP1"])[:, 0] >= 0), 2)
    parts = sample_tf(matrix, genome, "SP1", split, 2).parts
    assert sorted(data.training.train.region) == sorted(parts["train"].regions)
    assert np.isin(data.test_region, split.test).all() and set(parts["test"].regions) <= set(data.test_region)
    labels = matrix.labels(["SP1"], data.test_region)
    assert np.array_equal(data.test.labels, labels) and data.card.excluded_chromosomes == ()
    codes = region_windows(matrix, genome, data.test_region)
    assert np.array_equal(data.test.codes, codes) and data.card.split == "paper"


def test_labels_of_some_cell_types_alone(world, tmp_path):
    matrix = BindingMatrix(tiny.half_profiled(world, tmp_path))
    every, some = (from_binding_matrix(matrix, world.genome, "SP1", cell_types=each) for each in (None, ["K562"]))
    assert np.array_equal(some.test.labels, every.test.labels), "tests.tiny has all that is bound in K562"
    assert some.card.cell_types == ("K562",) and every.card.cell_types is None
    with pytest.raises(ConfigError, match=r"SP1 in matrix.h5: 0 bound regions to train with"):
        from_binding_matrix(world.matrix, world.genome, "SP1", cell_types=["HepG2"])
    with pytest.raises(UnknownNameError, match=r"unknown cell type 'K56'. Did you mean K562"):
        from_binding_matrix(matrix, world.genome, "SP1", cell_types=["K56"])
    with pytest.raises(ConfigError, match=r"SP1 was not profiled in HepG2; it was in K562"):
        from_binding_matrix(matrix, world.genome, "SP1", cell_types=["K562", "HepG2"])
