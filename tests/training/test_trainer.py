"""Training learns, and is a function of its seed alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from kipoi_tfb.models.logits import to_one_hot
from kipoi_tfb.training.data import TrainingData
from kipoi_tfb.training.objective import masked_loss
from kipoi_tfb.training.trainer import _Trainer, train
from tests import tiny
from tests.runs import CPU, assert_same, checkpoint, few, first, make, quick, weights
from tfb_matrix_data.sequence import decode, reverse_complement


@pytest.fixture(scope="module")
def data(world):
    return few(world)


def test_a_training_without_a_folder_is_the_same_and_leaves_nothing(data, tmp_path, monkeypatch):
    kept = train(quick(epochs=2), data, make(tmp_path / "kept"), CPU)
    monkeypatch.chdir(make(tmp_path / "elsewhere"))
    passing = train(quick(epochs=2), data, None, CPU)
    assert_same(kept, passing)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_learns_the_planted_motifs():
    result = tiny.trained()
    # Almost half of the resolved labels are bound: knowing the priors alone costs 0.69.
    assert result.history[0].train_loss > 0.5
    assert min(record.validation_loss for record in result.history) < 0.4
    assert result.best_epoch == min(result.history, key=lambda r: r.validation_loss).epoch
    assert not result.network.training


def test_same_seed_same_weights_other_seed_others(data, tmp_path):
    results = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        results.append(train(quick(epochs=1, seed=seed), data, make(tmp_path / name), CPU))
    assert_same(*results[:2])
    assert not torch.equal(weights(results[0])["head.weight"], weights(results[2])["head.weight"])


@pytest.mark.parametrize(
    ("patience", "n_epochs", "best"), [(None, 6, 5), (1, 3, 1), (2, 4, 1), (3, 6, 5)], ids=["all", "1", "2", "3"]
)
def test_patience_stops_after_so_many_epochs_without_a_lower_loss(
    data, tmp_path, monkeypatch, patience, n_epochs, best
):
    losses = [0.5, 0.4, 0.45, 0.41, 0.39, 0.38]
    monkeypatch.setattr(_Trainer, "_validation_loss", lambda self, _: losses[len(self.history)])
    config = quick(epochs=6, patience=patience, schedule="constant")
    result = train(config, data, make(tmp_path / "run"), CPU)
    assert len(result.history) == n_epochs and result.best_epoch == best
    assert_same(train(config, data, tmp_path / "run", CPU), result)  # a finished run has nothing to go on with


def test_patience_needs_a_constant_rate():
    with pytest.raises(ValidationError, match="patience needs `schedule: constant`"):
        quick(patience=2, schedule="one_cycle")


@pytest.mark.parametrize("strands", ["both", "random"])
def test_strands(data, tmp_path, monkeypatch, strands):
    seen = []

    def spy(codes, *args):
        seen.extend(decode(row) for row in codes.numpy())
        return to_one_hot(codes, *args)

    monkeypatch.setattr("kipoi_tfb.training.batches.to_one_hot", spy)
    monkeypatch.setattr(_Trainer, "_validation_loss", lambda self, windows: 0.0)
    config = quick(epochs=2, strands=strands)
    train(config, data, tmp_path, CPU)
    forward = [decode(row) for row in data.train.codes]
    reverse = [decode(row) for row in reverse_complement(data.train.codes)]
    half = len(seen) // 2
    epochs = [seen[:half], seen[half:]]
    assert epochs[0] != epochs[1]
    for epoch in epochs:
        if strands == "both":
            assert sorted(epoch) == sorted(forward + reverse)
        else:
            assert len(epoch) == len(forward)
            on_reverse = len(set(epoch) & set(reverse))
            assert len(set(epoch) & set(forward)) + on_reverse == len(forward)
            assert 0.3 < on_reverse / len(forward) < 0.7


def test_labels_go_with_their_windows(data, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "kipoi_tfb.training.batches.to_one_hot", lambda codes: seen.append(codes.numpy()) or to_one_hot(codes)
    )
    monkeypatch.setattr(
        "kipoi_tfb.training.objective.masked_loss", lambda x, y: seen.append(y.numpy()) or masked_loss(x, y)
    )
    monkeypatch.setattr(_Trainer, "_validation_loss", lambda self, windows: 0.0)
    train(quick(epochs=1), data, tmp_path, CPU)
    truth = {}
    for window, labels in zip(data.train.codes, data.train.labels, strict=True):
        truth[decode(window)] = truth[decode(reverse_complement(window))] = labels.tolist()
    pairs = list(zip(seen[::2], seen[1::2], strict=True))
    assert sum(len(codes) for codes, _ in pairs) == 150
    for codes, labels in pairs:
        assert [truth[decode(row)] for row in codes] == labels.tolist()


def test_last_batch_of_one_is_left_out(data, tmp_path):
    odd = TrainingData(data.tfs, first(data.train, 129), data.validation, data.test_regions, ())
    train(quick(epochs=1), odd, tmp_path, CPU)
    assert checkpoint(tmp_path)["step"] == 2


def test_one_cycle_goes_up_and_down(data, tmp_path):
    trainer = _Trainer(quick(epochs=40), data, tmp_path, CPU, "fp32")
    rates = []
    for trainer.step in range(120):
        rates.append(trainer._learning_rate())
    peak = int(np.argmax(rates))
    assert rates[peak] == pytest.approx(0.003, rel=1e-2) and 30 <= peak <= 40
    assert rates == [*sorted(rates[: peak + 1]), *sorted(rates[peak + 1 :], reverse=True)]
    assert rates[0] == pytest.approx(0.04 * 0.003) and rates[-1] < 1e-5
