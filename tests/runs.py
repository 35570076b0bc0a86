"""Small runs of training: their data, what is left of them, and whether two gave the same."""

from __future__ import annotations

import torch

from kipoi_tfb.training.data import LabelledWindows, TrainingData, load_training_data
from tests import tiny

CPU = torch.device("cpu")
SMALL = {"filters": 8, "channels": 4, "hidden": 8, "blocks": 1}


def quick(**changes):
    """Return `tiny.config` of a network that trains in hundredths of a second, where it matters not what is learnt."""
    return tiny.config(**{"architecture": "motif-cnn", "sizes": SMALL, **changes})


def few(world, n=150, n_validation=40):
    """Return windows of a world; 150 for training, so that an epoch of 64 is 3 steps, the last one short."""
    every = load_training_data(tiny.config(), world.matrix, world.genome)
    train, validation = first(every.train, n), first(every.validation, n_validation)
    return TrainingData(every.tfs, train, validation, every.test_regions, ())


def first(windows, n):
    return LabelledWindows(windows.region[:n], windows.codes[:n], windows.labels[:n])


def weights(result):
    return result.network.state_dict()


def assert_same(a, b):
    assert weights(a).keys() == weights(b).keys()
    for name, value in weights(a).items():
        assert torch.equal(value, weights(b)[name]), name
    losses = [[(r.epoch, r.train_loss, r.validation_loss) for r in result.history] for result in (a, b)]
    assert losses[0] == losses[1] and a.best_epoch == b.best_epoch


def make(folder):
    folder.mkdir()
    return folder


def checkpoint(folder):
    return torch.load(folder / "checkpoint.pt", weights_only=True)
