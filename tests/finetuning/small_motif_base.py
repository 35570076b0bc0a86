"""A small base to fine-tune, trained on the planted motifs, as a plugin of pytest.

PYTEST_DONT_REWRITE: it asserts nothing.
"""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from kipoi_tfb.evaluation.scorers import NetworkScorer
from kipoi_tfb.finetuning import controls
from kipoi_tfb.training.data import load_training_data
from kipoi_tfb.training.trainer import train
from kipoi_tfb.zoo.entry import Entry, open_entry
from tests import tiny

SIZES = {"filters": 16, "channels": 8, "hidden": 16, "blocks": 1, "members": 2, "width": 13}


@pytest.fixture(scope="module")
def base(world, tmp_path_factory) -> Entry:
    """An entry of a small motif network that knows the planted motifs."""
    recipe = tiny.config(architecture="motif-cnn", sizes=SIZES, epochs=4, learning_rate=0.01, batch_size=32)
    data = load_training_data(recipe, world.matrix, world.genome)
    folder = tmp_path_factory.mktemp("zoo")
    network = train(recipe, data, folder, torch.device("cpu")).network
    return tiny.make_entry(folder / "small", network, name="small", architecture="motif-cnn", sizes=SIZES)


@pytest.fixture
def zoo(base, tmp_path) -> Entry:
    """The base in a folder of its own: entries beside it find it."""
    return open_entry(shutil.copytree(base.folder, tmp_path / "small"))


@pytest.fixture
def cheap(monkeypatch):
    """Leave out the control that takes seconds."""

    def guess(tfs, codes, labels, seed, name):
        return NetworkScorer(name, tuple(tfs), lambda windows: windows[:, :1].astype(np.float32))

    monkeypatch.setattr(controls, "denovo_scorer", guess)
