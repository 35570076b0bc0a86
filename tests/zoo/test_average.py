"""The mean of entries is an entry: verified, served, explained and fine-tuned like any other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import logit
from torch import nn

from kipoi_tfb.finetuning.nearest import Nearest
from kipoi_tfb.finetuning.start import start_network
from kipoi_tfb.models.build import build_network
from kipoi_tfb.models.filters import first_layer
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.average import average
from kipoi_tfb.zoo.card import Card
from kipoi_tfb.zoo.describe import describe
from kipoi_tfb.zoo.networks import load_side_by_side
from kipoi_tfb.zoo.verify import verify_entry
from tests.tiny import card_fields, make_entry
from tfb_matrix_data.errors import ConfigError, EntryError

SIZES = {
    "one": {"filters": 12, "channels": 8, "hidden": 10},
    "two": {"filters": 8, "channels": 6, "pool": 8, "hidden": 10},
}


def motif_network(sizes: dict, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    network = build_network("motif-cnn", 3, sizes=sizes)
    with torch.no_grad():
        network.head.weight *= 5
    return network.eval()


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    folder = tmp_path_factory.mktemp("members")
    return [
        make_entry(folder / name, motif_network(sizes, seed), name=name, architecture="motif-cnn", sizes=sizes)
        for seed, (name, sizes) in enumerate(SIZES.items())
    ]


@pytest.fixture(scope="module")
def ensemble(members, tmp_path_factory):
    return average(members, "both", "The mean.", tmp_path_factory.mktemp("mean") / "both", "tfb zoo average one two")


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(0).integers(0, 4, (40, 200), np.uint8)


def test_its_logits_are_the_mean(members, ensemble, codes):
    each = [logit(Predictor([member]).probability(codes).astype(float)) for member in members]
    found = logit(Predictor([ensemble]).probability(codes).astype(float))
    assert np.abs(each[0] - each[1]).max() > 0.1 and np.abs(found).max() < 8
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=0, atol=1e-3)


def test_it_is_an_entry_like_any_other(members, ensemble):
    assert [check for check in verify_entry(ensemble) if not check.passed] == []
    card = ensemble.card
    assert [member.name for member in card.members] == ["one", "two"]
    assert [member.weights_sha256 for member in card.members] == [each.card.weights.sha256 for each in members]
    assert card.training.config is None and card.training.validation_loss is None
    assert any("the mean of one, two" in line for line in describe(ensemble))
    assert "the mean of the logits of one, two" in (ensemble.folder / "model.yaml").read_text()


def test_beside_a_member_it_keeps_its_own_outputs(members, ensemble):
    together = load_side_by_side([ensemble, members[0]])
    assert len(together.networks) == 2 and together.order == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": ("SP1", "JUND", "CTCF")}, "is of other TFs, or of windows of another length"),
        ({"data": {"validation_chromosomes": ("chr14",)}}, "differ in validation_chromosomes of their data"),
    ],
)
def test_what_cannot_be_averaged(members, changes, message, tmp_path):
    fields = card_fields(name="other", architecture="motif-cnn", sizes=SIZES["two"])
    if "data" in changes:
        changes = {"data": fields["data"].model_copy(update=changes["data"])}
    other = make_entry(
        tmp_path / "other", motif_network(SIZES["two"], 3), name="other", architecture="motif-cnn", sizes=SIZES["two"],
        **changes,
    )  # fmt: skip
    with pytest.raises(ConfigError, match=message):
        average([members[0], other], "both", "The mean.", tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_other_architectures_and_twice_the_same(members, tmp_path):
    paper = make_entry(tmp_path / "paper", name="paper")
    with pytest.raises(
        ConfigError, match="paper is a paper-cnn; a mean is of pretrained entries of architecture motif"
    ):
        average([members[0], paper], "both", "The mean.", tmp_path / "both")
    with pytest.raises(ConfigError, match="two to eight different entries"):
        average([members[0], members[0]], "both", "The mean.", tmp_path / "both")
    with pytest.raises(ConfigError, match="two to eight different entries"):
        average(members[:1], "both", "The mean.", tmp_path / "both")
    with pytest.raises(EntryError, match="exists already"):
        average(members, "both", "The mean.", members[0].folder)


def test_a_card_needs_members_for_it(ensemble):
    fields = ensemble.card.model_dump()
    for change in ({"members": None}, {"architecture": "motif-cnn"}):
        with pytest.raises(ValueError, match="architecture ensemble goes with `members`"):
            Card.model_validate({**fields, **change})


def test_its_output_layer_can_be_fitted_and_its_layers_not_trained(ensemble):
    labels, nearest = np.zeros((4, 1), np.int8), Nearest("JUND", True, 0.0)
    start = start_network("head", ensemble, "JUND", labels, nearest, 0)
    before = ensemble.network()
    row = ensemble.card.tasks.index("JUND")
    assert torch.equal(start.network.head.weight[0], before.head.weight[row])
    assert torch.equal(start.network.parts[1].scan_weight, before.parts[1].scan_weight)
    with pytest.raises(ConfigError, match=r"arm everything trains layers, and .* is the mean of .* \(one, two\)"):
        start_network("everything", ensemble, "JUND", labels, nearest, 0)


def test_its_members_have_first_layers_and_it_has_none(ensemble):
    with pytest.raises(ConfigError, match="Ensemble has no first layer of its own: take one of the entries"):
        first_layer(ensemble.network())
