"""The paper's network is the published one."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from kipoi_tfb.models.paper_cnn import PaperCNN
from tests.models.parts import of_type, random_one_hot


@pytest.fixture
def one_hot():
    return random_one_hot()


def test_sizes_are_those_of_the_paper():
    network = PaperCNN(163)
    convolutions = [(c.in_channels, c.out_channels, c.kernel_size) for c in of_type(network, nn.Conv1d)]
    assert convolutions == [(4, 100, (19,)), (100, 200, (7,)), (200, 200, (4,))]
    # 200 bp: 182 -> 60, 54 -> 18, 15 -> 5 positions of 200 channels.
    assert [(d.in_features, d.out_features) for d in of_type(network, nn.Linear)] == [
        (1000, 1000),
        (1000, 1000),
        (1000, 163),
    ]
    assert [pool.kernel_size for pool in of_type(network, nn.MaxPool1d)] == [3, 3, 3]
    assert [drop.p for drop in of_type(network, nn.Dropout)] == [0.3, 0.3]
    assert [norm.num_features for norm in of_type(network, nn.BatchNorm1d)] == [100, 200, 200, 1000, 1000]
    assert len(of_type(network, nn.ReLU)) == 5


def test_gives_one_logit_per_tf(one_hot):
    logits = PaperCNN(3)(one_hot)
    assert logits.shape == (8, 3) and logits.dtype == torch.float32
    assert PaperCNN(2, length=120)(one_hot[..., :120]).shape == (8, 2)


def test_is_in_training_mode_when_new():
    network = PaperCNN(3)
    assert all(module.training for module in network.modules())
    # Finding out the size of the flat layer left no trace.
    assert all(int(norm.num_batches_tracked) == 0 for norm in of_type(network, nn.BatchNorm1d))


def test_pooling_before_relu_is_relu_before_pooling(one_hot):
    network = PaperCNN(3)
    swapped = copy.deepcopy(network)
    order = list(swapped.features)
    for at in [i for i, module in enumerate(order) if isinstance(module, nn.MaxPool1d)]:
        assert isinstance(order[at + 1], nn.ReLU)
        order[at], order[at + 1] = order[at + 1], order[at]
    swapped.features = nn.Sequential(*order)
    for mode in (True, False):
        features = [net.train(mode).features(one_hot) for net in (network, swapped)]
        assert features[0].std() > 0
        torch.testing.assert_close(*features, rtol=0, atol=0)
