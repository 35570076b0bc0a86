"""The table of arms: every weight of every architecture belongs to a group of layers."""

from __future__ import annotations

import pytest

from kipoi_tfb.cli.finetune_options import FinetuneOptions
from kipoi_tfb.finetuning.arms import ARMS, layer_group
from kipoi_tfb.models.build import build_network
from tfb_matrix_data.errors import UnknownNameError


@pytest.mark.parametrize(
    ("architecture", "groups"),
    [
        ("motif-cnn", {"scan_weight": "first", "scan_norm.bias": "first", "trunks.1.mix.weight": "conv"}),
        ("motif-cnn", {"trunks.0.dense.weight": "dense", "trunks.0.dense_norm.bias": "dense", "head.bias": "head"}),
        ("paper-cnn", {"features.1.weight": "first", "features.4.weight": "conv", "trunk.0.weight": "dense"}),
        ("danq", {"features.0.weight": "first", "recurrent.bias_hh_l0": "conv", "trunk.1.bias": "dense"}),
    ],
)
def test_groups_of_layers(architecture, groups):
    assert {name: layer_group(architecture, name) for name in groups} == groups


@pytest.mark.parametrize("architecture", ["motif-cnn", "paper-cnn", "danq"])
def test_every_weight_belongs_to_a_group(architecture):
    found = {layer_group(architecture, name) for name in build_network(architecture, 1).state_dict()}
    assert found == {"first", "conv", "dense", "head"}


def test_arms_in_which_the_bases_first_layer_learns():
    found = {name for name, arm in ARMS.items() if arm.tunes_first}
    assert found == {"everything", "conv", "first-conv", "frozen-dense"}


def test_an_arm_that_transfers_all_has_nothing_left_to_start_at_random():
    found = {name for name, arm in ARMS.items() if arm.transfers_all}
    assert found == {"everything", "frozen-conv", "frozen-dense", "head", "motif-head"}
    fitted = {name for name, arm in ARMS.items() if arm.learning_rate is None}
    assert fitted == {"head", "motif-head"} and all(ARMS[name].frozen == ARMS[name].transferred for name in fitted)


def test_what_no_group_is_known_of():
    with pytest.raises(UnknownNameError, match=r"unknown architecture to transfer from 'cnn'. .*paper-cnn"):
        layer_group("cnn", "head.bias")
    with pytest.raises(ValueError, match=r"tail.weight belongs to no group of danq: add it to kipoi_tfb.finetuning.a"):
        layer_group("danq", "tail.weight")


def test_arms_are_said_in_the_help():
    assert all(name in FinetuneOptions.__annotations__["arm"] for name in ARMS)
