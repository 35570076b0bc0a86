"""No network is larger than it may be, and what is too large is said before anything is allocated."""

from __future__ import annotations

import time

import pytest
import torch

from kipoi_tfb.models.build import build_network
from kipoi_tfb.models.sizes import check_sizes, check_window
from tfb_matrix_data.errors import ConfigError


def test_sizes_of_the_zoo():
    sizes = {"filters": 320, "width": 19, "pool": 4, "channels": 192, "blocks": 3, "hidden": 512, "dropout": 0.3}
    assert check_sizes(sizes) == sizes and check_sizes({"own_motifs": 0}) and check_window(200) == 200


@pytest.mark.parametrize("value", [1e9, 10**9, -1, 0, float("nan"), float("inf"), 3.5, 320.0, True, 10**400])
def test_filters_that_are_none(value):
    with pytest.raises(ValueError, match=r"^filters is .*; expected a whole number from 1 to 4096$"):
        check_sizes({"filters": value})


@pytest.mark.parametrize(
    ("name", "value"), [("dropout", 1), ("dropout", float("nan")), ("members", 33), ("blocks", -1)]
)
def test_other_sizes(name, value):
    with pytest.raises(ValueError, match=f"^{name} is"):
        check_sizes({name: value})


@pytest.mark.parametrize("length", [0, -2, 201, 10**9, 10**400])
def test_windows_that_are_none(length):
    with pytest.raises(ValueError, match=r"a window of .* bp; expected an even number from 2 to 4096"):
        check_window(length)


@pytest.mark.parametrize(
    ("architecture", "length", "sizes", "complaint"),
    [
        ("motif-cnn", 200, {"filters": 10**9}, "filters is 1000000000; expected"),
        ("motif-cnn", 200, {"channels": 2048, "members": 32, "blocks": 10}, "parameters; at most 134,217,728 are"),
        ("motif-cnn", 202, {}, r"length \(202\) must be a multiple of pool \(4\)"),
        ("motif-cnn", 200, {"width": 18}, "width .18. odd"),
        ("paper-cnn", 10**9, {}, "a window of 1000000000 bp"),
        ("paper-cnn", 20, {}, "paper-cnn with 20 bp and sizes {}: "),
        ("danq", 12, {}, "danq with 12 bp"),
    ],
)
def test_what_cannot_be_built_is_said_at_once(architecture, length, sizes, complaint):
    started = time.monotonic()
    with pytest.raises(ConfigError, match=complaint):
        build_network(architecture, 3, length, sizes)
    assert time.monotonic() - started < 20


def test_counting_parameters_draws_no_random_number():
    """Networks of a seed are what they were."""
    made = []
    for sizes in ({}, {"filters": 320}):
        torch.manual_seed(3)
        made.append(build_network("motif-cnn", 2, 200, sizes).state_dict())
    assert all(torch.equal(made[0][name], made[1][name]) for name in made[0])
