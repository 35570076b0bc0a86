"""Which regions a base was made from: those that it was trained and validated on, and no others."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.finetuning.base_regions import base_regions
from kipoi_tfb.training.data import load_training_data
from tests import tiny
from tests.tuned import tuned
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import sha256
from tfb_matrix_data.genome import region_windows
from tfb_matrix_data.sequence import UNKNOWN


def made_by(world, folder, data=None, **changes):
    """Return an entry that says it was made from the world's matrix by a configuration."""
    fields = tiny.card_fields()
    config = tiny.config(**changes)
    card = fields["data"].model_copy(update={"matrix_sha256": sha256(world.matrix_path), **(data or {})})
    training = fields["training"].model_copy(update={"config": config})
    tasks = tuple(config.tfs) if isinstance(config.tfs, tuple) else tuple(tiny.MOTIFS)
    net = tiny.network(n_outputs=len(tasks))
    return tiny.make_entry(folder / "base", net, name="base", tasks=tasks, data=card, training=training)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"resolved": "all", "labels": "less_sparse"},
        {"tfs": ["SP1", "CTCF"], "resolved": "all"},
        {"split": "paper", "seed": 3},
        {"split": {"train": ["chr13"], "validation": ["chr14"], "test": ["chr22"]}},
        {"fraction": 0.4, "seed": 2},
    ],
)
def test_they_are_those_that_pretraining_reads(world, tmp_path, changes):
    found = base_regions(made_by(world, tmp_path, **changes), world.matrix)
    data = load_training_data(tiny.config(**changes), world.matrix, world.genome)
    read = np.union1d(data.train.region, data.validation.region)
    assert found.dtype == np.int64 and (np.diff(found) > 0).all() and set(read.tolist()) <= set(found.tolist())
    # What is more are windows with an N, which no model is made from.
    more = np.setdiff1d(found, read)
    assert (region_windows(world.matrix, world.genome, more) == UNKNOWN).any(1).all()
    assert not np.isin(data.test_regions, found).any()


def test_all_regions_that_train_if_there_was_a_teacher(world, tmp_path):
    """A teacher labels also what no label says; it is not asked again for which regions."""
    entry = made_by(world, tmp_path, teacher={"entries": ["someone"]})
    found = base_regions(entry, world.matrix)
    train = world.matrix.regions.on(["chr13", "chr14", "chr15"])
    assert np.isin(train, found).all() and not np.isin(world.matrix.regions.on(["chr22", "chr16"]), found).any()


def test_another_matrix(world, tmp_path):
    entry = made_by(world, tmp_path, data={"matrix_sha256": "0" * 64})
    with pytest.raises(ConfigError, match=r"base was made from another binding matrix \(sha256 000000000000...\) than"):
        base_regions(entry, world.matrix)


def test_no_matrix(world, tmp_path):
    entry = made_by(world, tmp_path, data={"matrix_sha256": None})
    with pytest.raises(ConfigError, match=r"base was not made from a binding matrix: it is not known from which"):
        base_regions(entry, world.matrix)


def test_a_card_that_does_not_say(world, tmp_path):
    base = made_by(world, tmp_path)
    training = base.card.training.model_copy(update={"config": None})
    entry = tuned(base, "tf/SP1", only_head=False, training=training)
    with pytest.raises(ConfigError, match=r"is fine-tuned itself: its card does not say .* that `tfb pretrain` made"):
        base_regions(entry, world.matrix)
