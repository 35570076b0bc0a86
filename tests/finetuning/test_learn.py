"""Of the networks of all seeds the best is kept, and of the learning rates tried the best is that of all."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kipoi_tfb.finetuning import learn
from kipoi_tfb.finetuning.data import FinetuneData, from_binding_matrix
from kipoi_tfb.finetuning.head import PENALTIES_NATURAL, fit_head
from kipoi_tfb.finetuning.learn import fit_output, train_seeds
from kipoi_tfb.finetuning.nearest import Nearest
from kipoi_tfb.training.trainer import EpochRecord, TrainingResult
from tests.tuned import small_base, work_of
from tfb_matrix_data.errors import ConfigError, DivergedError

OWN = Nearest("SP1", True, 0.0)


@pytest.fixture(scope="module")
def sp1(world) -> FinetuneData:
    return from_binding_matrix(world.matrix, world.genome, "SP1")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return small_base(tmp_path_factory.mktemp("zoo"))


@pytest.fixture
def trained(monkeypatch):
    """Instead of training: a loss by (learning rate, seed), NaN where training diverges; and what was asked for."""
    losses, asked = {}, []

    def train(recipe, data, folder, device, precision, network, trainable):
        asked.append((recipe.learning_rate, recipe.seed, folder.name))
        loss = losses.get((recipe.learning_rate, recipe.seed), 0.5)
        if loss != loss:
            raise DivergedError(f"the loss of seed {recipe.seed} became nan")
        history = [EpochRecord(0, 1.0, loss + 0.1, 0.0), EpochRecord(1, 0.9, loss, 0.0), EpochRecord(2, 0.8, 0.7, 0.0)]
        return TrainingResult(network, 1, history)

    monkeypatch.setattr(learn, "train", train)
    return losses, asked


def test_the_best_seed_is_kept(base, sp1, tmp_path, trained):
    losses, asked = trained
    losses |= {(3e-4, 5): 0.4, (3e-4, 6): 0.2, (3e-4, 7): 0.2}
    found = train_seeds(work_of(base, sp1, tmp_path, seeds=3, seed=5), "everything", OWN)
    assert (found.seed, found.seeds, found.losses, found.rate) == (6, (5, 6, 7), (0.4, 0.2, 0.2), 3e-4)
    assert found.best_epoch == 1 and found.head_from == "SP1" and list(found.histories) == [5, 6, 7]
    assert asked == [(3e-4, seed, f"everything-{seed}") for seed in (5, 6, 7)] and not found.swept


def test_the_best_rate_is_that_of_all_seeds(base, sp1, tmp_path, trained):
    losses, asked = trained
    losses[9e-4, 0] = 0.3
    found = train_seeds(work_of(base, sp1, tmp_path, seeds=2, sweep=True), "everything", OWN)
    assert found.swept == {9e-5: 0.5, 3e-4: 0.5, 9e-4: 0.3} and found.rate == 9e-4
    assert asked[-2:] == [(9e-4, 0, "everything-0-0.0009"), (9e-4, 1, "everything-1-0.0009")]


def test_controls_are_not_swept(base, sp1, tmp_path, trained):
    found = train_seeds(work_of(base, sp1, tmp_path, seeds=1, sweep=True), "scratch", OWN)
    assert trained[1] == [(3e-3, 0, "scratch-0")] and not found.swept and found.head_from is None


def test_a_learning_rate_that_diverges_is_lost_to_the_sweep_alone(base, sp1, tmp_path, trained, caplog):
    losses, _ = trained
    losses[9e-4, 0] = float("nan")
    found = train_seeds(work_of(base, sp1, tmp_path, seeds=1, sweep=True), "everything", OWN)
    assert found.swept == {9e-5: 0.5, 3e-4: 0.5, 9e-4: None} and found.rate == 9e-5
    assert "learning rate 0.0009 of the sweep is lost: the loss of seed 0 became nan" in caplog.text


def test_a_sweep_of_which_every_rate_diverges(base, sp1, tmp_path, trained):
    losses, _ = trained
    losses |= {(rate, 0): float("nan") for rate in (9e-5, 3e-4, 9e-4)}
    match = r"everything: training diverged by every learning rate .* \(9e-05, 0.0003, 0.0009\); lower it"
    with pytest.raises(DivergedError, match=match):
        train_seeds(work_of(base, sp1, tmp_path, seeds=1, sweep=True), "everything", OWN)


def test_a_fitted_output_layer_leaves_the_rest_alone(base, sp1, tmp_path):
    found = fit_output(work_of(base, sp1, tmp_path, arm="head", seeds=2), OWN)
    before, after = base.network().state_dict(), found.network.state_dict()
    assert all(torch.equal(value, before[name]) for name, value in after.items() if not name.startswith("head."))
    assert found.head.auprc >= found.head.start_auprc and found.seeds == (0, 1)
    assert not found.histories and not found.sizes and found.head.motifs is None


@pytest.mark.parametrize("own", [True, False])
def test_an_output_that_the_base_has_is_fitted_as_the_base_was(base, sp1, tmp_path, monkeypatch, own):
    """Among all regions, from the base's own bias; another TF's output 1:1, raised to it, by the weights of chr21."""
    given = {}

    def fit(lessons, validation, start, bias, *more):
        given.update(lessons=lessons, validation=validation, bias=bias, more=more)
        return fit_head(lessons, validation, start, bias, *more)

    monkeypatch.setattr(learn, "fit_head", fit)
    found = fit_output(work_of(base, sp1, tmp_path, arm="head", seeds=1), Nearest("SP1", own, 1.5))
    row = base.card.tasks.index("SP1")
    before = base.network().state_dict()["head.bias"][row].item()
    (lesson,), counts = given["lessons"], np.bincount(sp1.every["train"].labels[:, 0])
    shares = [lesson.weight[lesson.bound == bound].sum() for bound in (False, True)]
    assert found.head.prevalence == ("natural" if own else None)
    assert given["bias"] == pytest.approx(before if own else before + 1.5, abs=1e-6)
    assert (given["validation"].weight == 1).all() == own
    if own:
        assert shares == pytest.approx(counts) and given["more"][0] == PENALTIES_NATURAL
        assert (given["more"][1][given["validation"].bound] == 1).all() and given["more"][1].min() < 0.9
    else:
        assert (lesson.weight == 1).all() and not given["more"]


def test_motifs_beside_a_base_that_takes_none(sp1, tmp_path):
    plain = small_base(tmp_path, "plain", "paper-cnn")
    with pytest.raises(ConfigError, match="motif-head"):
        fit_output(work_of(plain, sp1, tmp_path, arm="motif-head"), OWN)
