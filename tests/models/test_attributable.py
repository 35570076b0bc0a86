"""DeepLIFT adds up on what `attributable` gives, by captum and by tangermeme, and what it gives is the network."""

from __future__ import annotations

import copy
import functools
import warnings

import pytest
import torch
from captum.attr import DeepLift
from tangermeme.deep_lift_shap import deep_lift_shap

from kipoi_tfb.models.attributable import attributable
from kipoi_tfb.models.build import build_network, for_inference
from kipoi_tfb.models.logits import both_strands
from kipoi_tfb.zoo.find import find_entry
from kipoi_tfb.zoo.networks import load_network
from tests.models.parts import random_one_hot
from tfb_matrix_data.errors import ConfigError

pytestmark = pytest.mark.usefixtures("small_danq")

SMALL = {"filters": 12, "channels": 8, "blocks": 2, "hidden": 10, "members": 2, "own_motifs": 3}
NETWORKS = {"paper-cnn": {}, "motif-cnn": SMALL}
FINISHED = [("paper-cnn", False), ("paper-cnn", True), ("motif-cnn", False), ("motif-cnn", True)]


def lively(architecture, ready=False, length=200):
    """Return an untrained network that is not nearly linear, as trained or ready to predict."""
    network = copy.deepcopy(made(architecture, length))
    return for_inference(network) if ready else network.eval()


@functools.cache
def made(architecture, length):
    torch.manual_seed(1)
    network = build_network(architecture, 3, length, NETWORKS.get(architecture))
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
                module.weight.uniform_(-1, 2)  # also negative: the best match is then the lowest after it
                module.bias.normal_(0, 0.5)
        network.head.weight *= 10
        if architecture == "motif-cnn":
            network.own_motifs.weight.normal_()
            network.own_motifs.share.normal_()
        for _ in range(20):
            network(random_one_hot(16, length))
    return network


def windows_and_references():
    one_hot = random_one_hot(8)
    return one_hot, one_hot[:, :, torch.randperm(200, generator=torch.Generator().manual_seed(2))]


def errors(network, one_hot, references, target):
    """Return by how much captum's contributions miss the difference of the logits, and the differences."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        found = DeepLift(network).attribute(one_hot, references, target=target).sum((1, 2))
        difference = (network(one_hot) - network(references))[:, target]
    return (found - difference).abs(), difference


@pytest.mark.parametrize("architecture", ["paper-cnn", "danq", "motif-cnn"])
@pytest.mark.parametrize("ready", [False, True])
def test_it_gives_the_averaged_logits(architecture, ready):
    network, one_hot = lively(architecture, ready), random_one_hot()
    one_hot[0, :, 50:90] = 0  # unknown bases
    with torch.no_grad():
        before = both_strands(network, one_hot)
        found = attributable(network, deeplift=False)(one_hot)
        assert before.std() > 0.1
        torch.testing.assert_close(found, before, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(found, attributable(network, deeplift=False)(one_hot), rtol=0, atol=0)


@pytest.mark.parametrize(("architecture", "ready"), FINISHED)
def test_the_network_is_left_as_it_was(architecture, ready):
    network, (one_hot, references) = lively(architecture, ready), windows_and_references()
    keys = {name: value.clone() for name, value in network.state_dict().items()}
    modules = [name for name, _ in network.named_modules()]
    with torch.no_grad():
        before = both_strands(network, one_hot)
        errors(attributable(network), one_hot, references, 0)
        assert torch.equal(both_strands(network, one_hot), before)
    assert list(network.state_dict()) == list(keys) and modules == [name for name, _ in network.named_modules()]
    assert all(torch.equal(value, keys[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(("architecture", "ready"), FINISHED)
def test_captum_is_complete(architecture, ready):
    network = attributable(lively(architecture, ready))
    for target in range(3):
        error, difference = errors(network, *windows_and_references(), target)
        assert difference.abs().min() > 0.01
        assert (error <= 1e-4 * difference.abs().clamp(min=1)).all()


def test_captum_is_not_complete_without_it():
    network = lively("paper-cnn")
    error, difference = errors(network, *windows_and_references(), 0)
    assert (error > 0.1 * difference.abs()).any()


@pytest.mark.parametrize("architecture", list(NETWORKS))
def test_tangermeme_gives_the_same(architecture):
    network, (one_hot, references) = attributable(lively(architecture)), windows_and_references()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        by_captum = DeepLift(network).attribute(one_hot, references, target=1).sum(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it warns of what does not add up
        found = deep_lift_shap(
            network, one_hot, target=1, references=references[:, None], device="cpu", raw_outputs=True
        )[:, 0]
    torch.testing.assert_close(
        ((one_hot - references) * found).sum(1), by_captum.detach(), rtol=1e-3, atol=1e-4 * by_captum.abs().max().item()
    )


def test_other_lengths():
    network = lively("motif-cnn", length=120)
    one_hot = random_one_hot(4, 120)
    error, difference = errors(attributable(network), one_hot, one_hot.flip(0), 0)
    assert (error <= 1e-4 * difference.abs().clamp(min=1)).all()


@pytest.mark.parametrize("name", ["multi163", "multi50", "tf/JUND"])
def test_entries_of_the_zoo(name):
    network, (one_hot, references) = load_network(find_entry(name)), windows_and_references()
    error, difference = errors(attributable(network), one_hot, references, 0)
    assert (error <= 1e-4 * difference.abs().clamp(min=1)).all()
    with torch.no_grad():
        torch.testing.assert_close(attributable(network)(one_hot), both_strands(network, one_hot), rtol=1e-5, atol=1e-5)


def test_no_rule_for_an_lstm():
    with pytest.raises(ConfigError, match=r"no rule for LSTM of DanQ.* use ig \(integrated gradients\) or ism"):
        attributable(lively("danq"))


def test_no_rule_for_an_activation_of_ones_own():
    network = copy.deepcopy(lively("paper-cnn"))
    network.trunk[2] = torch.nn.GELU()
    with pytest.raises(ConfigError, match="no rule for GELU of PaperCNN"):
        attributable(network)
