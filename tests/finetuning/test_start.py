"""The network that an arm starts from: what is the base's, what learns, and where the output starts from."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
import yaml
from pydantic import ValidationError

from kipoi_tfb.finetuning.arms import layer_group
from kipoi_tfb.finetuning.nearest import Nearest
from kipoi_tfb.finetuning.start import start_network
from kipoi_tfb.models.build import build_network
from kipoi_tfb.training.data import LabelledWindows, TrainingData
from kipoi_tfb.training.trainer import train
from kipoi_tfb.zoo.card import Card
from kipoi_tfb.zoo.entry import Entry, open_entry
from kipoi_tfb.zoo.finetuned_card import FinetunedCard
from kipoi_tfb.zoo.networks import load_network
from kipoi_tfb.zoo.write import write_entry
from tests import tiny
from tests.tuned import SIZES, small_base
from tfb_matrix_data.errors import ConfigError, EntryError, UnknownNameError
from tfb_matrix_data.modes import read_profiles
from tfb_matrix_data.sequence import encode

LABELS = np.array([[1], [0], [1], [0]], np.int8)
OWN = Nearest("SP1", True, 0.5)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Entry:
    return small_base(tmp_path_factory.mktemp("zoo"))


def start(base: Entry, arm: str, seed: int = 0, nearest: Nearest = OWN):
    return start_network(arm, base, "SP1", LABELS, nearest, seed)


@pytest.mark.parametrize(
    ("arm", "transferred", "learning"),
    [
        ("everything", {"first", "conv", "dense"}, {"first", "conv", "dense", "head"}),
        ("conv", {"first", "conv"}, {"first", "conv", "dense", "head"}),
        ("first-conv", {"first"}, {"first", "conv", "dense", "head"}),
        ("frozen-conv", {"first", "conv", "dense"}, {"dense", "head"}),
        ("head", {"first", "conv", "dense"}, {"head"}),
        ("motif-head", {"first", "conv", "dense"}, {"head"}),
        ("scratch", set(), {"first", "conv", "dense", "head"}),
    ],
)
def test_arms(base, arm, transferred, learning):
    found = start(base, arm)
    before = base.network().state_dict()
    parameters = dict(found.network.named_parameters())
    same = {name: torch.equal(value, before[name]) for name, value in parameters.items() if value.ndim > 1}
    for name, equal in same.items():
        group = layer_group("motif-cnn", name)
        assert equal == (group in transferred), name
    assert {layer_group("motif-cnn", name) for name in found.trainable} == learning
    assert all((layer_group("motif-cnn", name) in learning) == (name in found.trainable) for name in parameters)
    assert (found.head_from == "SP1") == (transferred == {"first", "conv", "dense"})


def test_frozen_dense_leaves_the_matrices_alone(base):
    trainable = start(base, "frozen-dense").trainable
    assert {"trunks.0.dense.bias", "trunks.0.dense_norm.weight", "trunks.0.mix.weight", "head.weight"} <= trainable
    assert not {"trunks.0.dense.weight", "trunks.1.dense.weight"} & trainable


def test_the_output_starts_from_the_bases_own_one(base):
    network = start(base, "everything").network.eval()
    one_hot = torch.eye(4)[torch.randint(0, 4, (5, 200), generator=torch.manual_seed(1))].permute(0, 2, 1)
    with torch.no_grad():
        expected = base.network().eval()(one_hot)[:, list(tiny.MOTIFS).index("SP1")] + 0.5
        torch.testing.assert_close(network(one_hot)[:, 0], expected)


def test_a_new_output_starts_at_the_prior(base):
    head = start(base, "conv").network.head
    assert head.bias.item() == pytest.approx(np.log(3 / 3))
    assert not torch.equal(head.weight, start(base, "conv", seed=1).network.head.weight)
    assert torch.equal(head.weight, start(base, "conv").network.head.weight)


@pytest.mark.parametrize("arm", ["everything", "frozen-conv", "frozen-dense", "conv", "scratch"])
def test_a_new_output_is_the_bases_in_nothing(base, arm):
    """The paper transfers all but the output layer; it is as torch starts it, its bias too."""
    new, copied = (start_network(arm, base, "SP1", LABELS, OWN, 0, head) for head in ("new", "copied"))
    assert new.head_from is None and new.trainable == copied.trainable
    weight, bias = new.network.head.weight, new.network.head.bias
    torch.manual_seed(0)
    fresh = build_network("motif-cnn", 1, sizes=SIZES)
    assert torch.equal(weight, fresh.head.weight) and torch.equal(bias, fresh.head.bias)
    below = {name: value for name, value in new.network.state_dict().items() if not name.startswith("head.")}
    assert all(torch.equal(value, copied.network.state_dict()[name]) for name, value in below.items())


@pytest.mark.parametrize("arm", ["head", "motif-head"])
def test_a_fitted_output_cannot_be_new(base, arm):
    with pytest.raises(ConfigError, match=rf"arm {arm} fits an output layer that starts from the base's: it cannot"):
        start_network(arm, base, "SP1", LABELS, OWN, 0, "new")


def test_jaspar_filters_are_of_the_motif(tmp_path):
    sizes = {**SIZES, "filters": 64, "width": 19}
    network = build_network("motif-cnn", 3, sizes=sizes)
    base = tiny.make_entry(tmp_path / "wide", network, name="wide", architecture="motif-cnn", sizes=sizes)
    found, random = start(base, "jaspar").network, start(base, "scratch").network
    profiles = read_profiles()
    known = {matrix_id for tf in tiny.MOTIFS for matrix_id in profiles[tf]}
    changed = (found.scan_weight != random.scan_weight).flatten(1).any(1)
    assert changed.sum() == len(known) and changed[: len(known)].all()
    # The own profiles share a weight of 0.5 in each of two members.
    rise = (found.head.weight - random.head.weight).detach()
    assert (rise != 0).sum() == 2 * len(profiles["SP1"]) and rise.sum().item() == pytest.approx(1, rel=1e-4)


def test_jaspar_needs_a_motif_network(tmp_path):
    base = tiny.make_entry(tmp_path / "plain")
    with pytest.raises(ConfigError, match=r"arm jaspar needs a base of architecture motif-cnn; .* is a paper-cnn"):
        start(base, "jaspar")


def test_unknown_arm(base):
    with pytest.raises(UnknownNameError, match=r"unknown arm 'frozen'. Did you mean frozen-conv or frozen-dense"):
        start(base, "frozen")


# What does not learn stays


def motif_data(n: int = 64) -> TrainingData:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (n, 200), np.uint8)
    codes[: n // 2, 90:102] = encode(tiny.MOTIFS["SP1"])
    labels = np.repeat(np.array([1, 0], np.int8), n // 2)[:, None]
    windows = LabelledWindows(np.arange(n), codes, labels)
    return TrainingData(["SP1"], windows, windows, np.arange(0), ())


@pytest.mark.parametrize("arm", ["frozen-conv", "frozen-dense", "everything"])
def test_only_what_learns_changes(base, arm, tmp_path):
    begun = start(base, arm)
    before = {name: value.clone() for name, value in begun.network.state_dict().items()}
    recipe = tiny.config(tfs=["SP1"], architecture="motif-cnn", sizes=SIZES, epochs=1, batch_size=32)
    folder = tmp_path
    result = train(recipe, motif_data(), folder, torch.device("cpu"), "fp32", begun.network, begun.trainable)
    after = result.network.state_dict()
    parameters = {name for name, _ in result.network.named_parameters()}
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    matrices = {name for name, parameter in result.network.named_parameters() if parameter.ndim > 1}
    # A bias before batch normalisation may have no gradient at all.
    assert matrices & begun.trainable <= changed & parameters <= begun.trainable
    frozen_norm = {"scan_norm.running_mean", "trunks.0.norm.running_var"}
    assert frozen_norm.isdisjoint(changed) if arm == "frozen-conv" else frozen_norm <= changed


def test_a_checkpoint_of_another_start_is_refused(base, tmp_path):
    recipe = tiny.config(tfs=["SP1"], architecture="motif-cnn", sizes=SIZES, epochs=1, batch_size=32)
    data, cpu = motif_data(), torch.device("cpu")
    for arm, seed in (("everything", 0), ("everything", 0)):  # the same again is resumed: nothing is left to do
        begun = start(base, arm, seed)
        train(recipe, data, tmp_path, cpu, "fp32", begun.network, begun.trainable)
    for arm in ("frozen-conv", "conv"):
        begun = start(base, arm)
        with pytest.raises(ConfigError, match=r"belongs to another configuration, data or precision"):
            train(recipe, data, tmp_path, cpu, "fp32", begun.network, begun.trainable)


# Weights that hold only what differs


def tuned_entry(base: Entry, folder, arm: str = "head"):
    network = start(base, arm).network
    finetuned = FinetunedCard(
        arm=arm, base_weights_sha256=base.card.weights.sha256, seeds=(0,), validation_losses=(0.5,), counts={}
    )
    fields = tiny.card_fields(
        name="tuned", architecture="motif-cnn", sizes=SIZES, tasks=("SP1",), base="base", finetuned=finetuned
    )
    return write_entry(folder, network, fields, base=base), network


def test_weights_hold_what_differs_and_load_whole(base):
    entry, network = tuned_entry(base, base.folder.parent / "tuned")
    stored = torch.load(entry.weights_path, weights_only=True)
    assert set(stored) == {"head.weight", "head.bias"}
    loaded = entry.network().state_dict()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(loaded[name], value, rtol=1e-3, atol=1e-4)
    assert entry.find_base().folder == base.folder


def test_a_group_finds_the_base_two_folders_up(base):
    entry, _ = tuned_entry(base, base.folder.parent / "tf" / "SP1")
    assert open_entry(entry.folder).find_base().folder == base.folder
    load_network(entry)


def test_a_base_that_is_missing_or_another(base, tmp_path):
    tuned, _ = tuned_entry(base, base.folder.parent / "moved")
    shutil.copytree(tuned.folder, tmp_path / "zoo" / "deep" / "tuned")
    alone = open_entry(tmp_path / "zoo" / "deep" / "tuned")
    with pytest.raises(EntryError, match=r"its base base is neither in a folder above .* nor in the installed zoo"):
        load_network(alone)
    tiny.make_entry(tmp_path / "zoo" / "base", name="base")
    with pytest.raises(EntryError, match=r"was fine-tuned from base with weights .*, but .*zoo/base has weights"):
        load_network(alone)
    shutil.rmtree(tmp_path / "zoo" / "base")
    shutil.copytree(base.folder, tmp_path / "zoo" / "base")
    load_network(alone)


@pytest.mark.parametrize("name", ["../base", "/tmp/base", "a/../b", "", ".hidden"])
def test_a_base_that_climbs_out_of_the_zoo_is_refused(base, tmp_path, name):
    if not (base.folder.parent / "climbs").exists():
        tuned_entry(base, base.folder.parent / "climbs")
    folder = shutil.copytree(base.folder.parent / "climbs", tmp_path / "climbs")
    card = yaml.safe_load((folder / "card.yaml").read_text())
    (folder / "card.yaml").write_text(yaml.safe_dump({**card, "base": name}))
    with pytest.raises(EntryError, match=r"field 'base': String should match pattern"):
        open_entry(folder)


def test_fine_tuned_without_a_base_is_refused(base):
    fields = tuned_entry(base, base.folder.parent / "whole")[0].card.model_dump()
    with pytest.raises(ValidationError, match=r"finetuned needs `base`"):
        Card.model_validate({**fields, "base": None})
