"""An ensemble gives the mean of its members, by every way in which a network is run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import DeepLift

from kipoi_tfb.models.attributable import attributable
from kipoi_tfb.models.build import build_network, for_inference
from kipoi_tfb.models.ensemble import join
from kipoi_tfb.models.logits import both_strands, strand_logits, to_one_hot
from kipoi_tfb.models.run import allele_logits_of, logits_of
from tfb_matrix_data.errors import ConfigError, UnknownNameError

SIZES = (
    {"filters": 13, "channels": 8, "blocks": 2, "hidden": 17},
    {"filters": 8, "channels": 6, "pool": 8, "hidden": 20},
)
"""Features of an odd number: see `kipoi_tfb.models.head`."""
CPU = torch.device("cpu")


def lively(seed, sizes):
    """Return an untrained network whose normalisations are not those of a new one."""
    torch.manual_seed(seed)
    network = build_network("motif-cnn", 3, sizes=sizes)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.5, 2)
                module.weight.uniform_(-1, 2)
                module.bias.normal_(0, 0.3)
        network.head.weight *= 5
    return network.eval()


@pytest.fixture(scope="module")
def members():
    return [lively(seed, sizes) for seed, sizes in enumerate(SIZES)]


@pytest.fixture(scope="module")
def ensemble(members):
    found = build_network("ensemble", 3, members=SIZES)
    join(found, [member.state_dict() for member in members])
    return found.eval()


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(0).integers(0, 4, (150, 200), np.uint8)


def mean_of(members, codes):
    """Return what the members say of either strand, each by itself, averaged."""
    one_hot = to_one_hot(torch.from_numpy(codes))
    with torch.no_grad():
        each = [torch.stack([member(one_hot), member(one_hot.flip((1, 2)))], 1) for member in members]
    return torch.stack(each).mean(0)


@pytest.mark.parametrize("ready", [False, True])
def test_it_gives_the_mean_of_its_members(members, ensemble, codes, ready):
    expected = mean_of(members, codes)
    assert (expected - mean_of(members[:1], codes)).abs().min(0).values.max() > 0.01
    network = build_network("ensemble", 3, members=SIZES)
    join(network, [member.state_dict() for member in members])
    network = for_inference(network) if ready else network.eval()
    one_hot = to_one_hot(torch.from_numpy(codes))
    with torch.no_grad():
        torch.testing.assert_close(strand_logits(network, one_hot), expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(network(one_hot), expected[:, 0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(network.head(network.embed(one_hot)), expected[:, 0], rtol=1e-4, atol=1e-5)


def test_changed_windows_are_read_where_they_differ(members, codes):
    network = build_network("ensemble", 3, members=SIZES)
    join(network, [member.state_dict() for member in members])
    network = for_inference(network)
    of = np.repeat(np.arange(20), 3)
    alt = codes[of]
    alt[:, 100] = (alt[:, 100] + np.tile([1, 2, 3], 20)) % 4
    whole, changed = allele_logits_of(network, codes[:20], alt, of, CPU)
    np.testing.assert_allclose(whole, mean_of(members, codes[:20]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(changed, mean_of(members, alt), rtol=1e-4, atol=1e-5)
    assert np.abs(changed - whole[of]).max() > 0.01


def test_a_window_has_the_same_bits_wherever_it_stands(members, codes):
    network = build_network("ensemble", 3, members=SIZES)
    join(network, [member.state_dict() for member in members])
    network = for_inference(network)
    together = logits_of([network], codes, CPU)
    apart = np.concatenate([logits_of([network], part, CPU) for part in (codes[:1], codes[1:70], codes[70:])])
    assert together.tobytes() == apart.tobytes()


def test_the_head_is_float32_under_bfloat16(ensemble, codes):
    one_hot = to_one_hot(torch.from_numpy(codes[:4]))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert ensemble(one_hot).dtype == torch.float32


@pytest.mark.filterwarnings("ignore::UserWarning")  # captum's, of hooks that it sets
def test_contributions_add_up(ensemble, codes):
    network = attributable(ensemble)
    one_hot = to_one_hot(torch.from_numpy(codes[:6]))
    with torch.no_grad():
        torch.testing.assert_close(network(one_hot), both_strands(ensemble, one_hot), rtol=1e-4, atol=1e-5)
        other = one_hot[:, :, torch.randperm(200, generator=torch.Generator().manual_seed(2))]
        found = DeepLift(network).attribute(one_hot, other, target=1).sum((1, 2))
        difference = (network(one_hot) - network(other))[:, 1]
    assert difference.abs().max() > 0.1
    assert ((found - difference).abs() <= 1e-4 * difference.abs().clamp(min=1)).all()


def test_it_is_no_architecture_to_train():
    with pytest.raises(UnknownNameError, match=r"unknown architecture 'ensemble'"):
        build_network("ensemble", 3)
    with pytest.raises(ConfigError, match=r"filters is 1000000000\.0; expected"):
        build_network("ensemble", 3, members=[{}, {"filters": 1e9}])
