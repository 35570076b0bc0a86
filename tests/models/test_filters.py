"""First layers at work: activations are those that the network computes, silencing is leaving a filter out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from kipoi_tfb.models.build import build_network, for_inference
from kipoi_tfb.models.filters import first_layer
from kipoi_tfb.models.logits import both_strands
from tests.models.parts import random_one_hot
from tfb_matrix_data.errors import ConfigError

pytestmark = pytest.mark.usefixtures("small_danq")

SMALL = {"filters": 12, "channels": 8, "blocks": 2, "hidden": 10, "members": 2}


def network(architecture: str) -> nn.Module:
    torch.manual_seed(2)
    made = build_network(architecture, 3, sizes=SMALL if architecture == "motif-cnn" else {})
    with torch.no_grad():
        for _ in range(5):
            made(random_one_hot(16))
    return made.eval()


@pytest.mark.parametrize("architecture", ["paper-cnn", "danq", "motif-cnn"])
def test_whole_and_silenced(architecture):
    made, windows = network(architecture), random_one_hot(4)
    layer = first_layer(made)
    with torch.inference_mode():
        versions = list(layer.without_each(windows))
        expected = both_strands(made, windows)
        assert len(versions) == 1 + layer.n_filters
        torch.testing.assert_close(versions[0], expected)
        assert any(not torch.equal(one, versions[0]) for one in versions[1:])
        torch.testing.assert_close(both_strands(made, windows), expected)  # nothing is left behind


@pytest.mark.parametrize("architecture", ["paper-cnn", "danq"])
def test_a_silenced_filter_is_one_whose_weights_say_nothing(architecture):
    made, windows = network(architecture), random_one_hot(4)
    with torch.inference_mode():
        _, *silenced = first_layer(made).without_each(windows)
        made.features[0].weight[5] = 0
        made.features[0].bias[5] = -1e6  # never above the ReLU
        torch.testing.assert_close(silenced[5], both_strands(made, windows))


def test_a_silenced_motif_says_the_same_of_all_windows():
    windows = random_one_hot(6)
    made, without = network("motif-cnn"), network("motif-cnn")
    with torch.inference_mode():
        for trunk in (*made.trunks, *without.trunks):
            trunk.dense.weight[:, -12:] = 0  # best matches reach the outputs by themselves only
        best = made._scan(windows).amax((2, 3))[:, 3]
        _, *silenced = first_layer(made).without_each(windows)
        without.scan_norm.weight[3], without.scan_norm.bias[3] = 0, 0
        shift = made.head.weight[:, [10 + 3, 22 + 10 + 3]].sum(1) * best.mean() / 2
        torch.testing.assert_close(
            silenced[3] - both_strands(without, windows), shift.expand(6, 3), atol=1e-5, rtol=1e-4
        )
    assert best.std() > 0 and shift.abs().min() > 1e-3


@pytest.mark.parametrize("architecture", ["paper-cnn", "danq", "motif-cnn"])
def test_activations_follow_a_planted_filter(architecture):
    made, windows = network(architecture), random_one_hot(3)
    word = windows[1, :, 40:60].clone()
    with torch.inference_mode():
        weights = made.scan_weight if architecture == "motif-cnn" else made.features[0].weight
        filters = weights.view(len(weights), 4, -1)
        filters[0] = 0
        filters[0, :, : min(20, filters.shape[2])] = word[:, : filters.shape[2]] - 0.25
        layer = first_layer(made)
        found = layer.activations(windows)[:, 0]
    assert found.shape[1] == 200 + 2 * layer.margin - layer.width + 1 and bool((found >= 0).all())
    window, place = np.unravel_index(int(found.argmax()), found.shape)
    assert (window, place - layer.margin) == (1, 40)


def test_no_first_layer_as_it_was_trained():
    with pytest.raises(ConfigError, match=r"PaperCNN has no first layer of filters as it was trained; take `Entry"):
        first_layer(for_inference(network("paper-cnn")))
    with pytest.raises(ConfigError, match="Linear has no first layer"):
        first_layer(nn.Linear(2, 2))
