"""DanQ is the published network, and works wherever the paper's CNN does: training, the zoo, Kipoi's modules."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kipoi_tfb.models.build import build_network, for_inference
from kipoi_tfb.models.danq import DanQ
from kipoi_tfb.models.logits import to_one_hot
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.serving import RegionModel
from kipoi_tfb.training.trainer import train
from kipoi_tfb.zoo.verify import verify_entry
from kipoi_tfb.zoo.write import LARGEST_SHIFT
from tests import tiny
from tests.models.parts import of_type
from tests.runs import few

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(0).integers(0, 4, (6, 200), np.uint8)


@pytest.fixture
def one_hot(codes):
    return to_one_hot(torch.from_numpy(codes))


@pytest.fixture(scope="module")
def network():
    """An untrained network whose logits differ between windows by tenths."""
    torch.manual_seed(0)
    net = DanQ(3).eval()
    with torch.no_grad():
        net.head.weight *= 50
    return net


@pytest.fixture(scope="module")
def entry(tmp_path_factory, network):
    return tiny.make_entry(tmp_path_factory.mktemp("zoo") / "danq", network, architecture="danq")


@pytest.fixture(scope="module")
def data(world):
    return few(world, 96, 16)


def test_sizes_are_those_of_the_paper(network):
    (convolution,), (pool,), (lstm,) = (of_type(network, kind) for kind in (nn.Conv1d, nn.MaxPool1d, nn.LSTM))
    assert (convolution.in_channels, convolution.out_channels, convolution.kernel_size) == (4, 320, (26,))
    assert pool.kernel_size == 13
    assert (lstm.input_size, lstm.hidden_size, lstm.num_layers, lstm.bidirectional) == (320, 320, 2, True)
    assert lstm.dropout == 0.5 and [drop.p for drop in of_type(network, nn.Dropout)] == [0.2]
    # 200 bp: 175 -> 13 positions of 2 x 320 states.
    assert [(d.in_features, d.out_features) for d in of_type(network, nn.Linear)] == [(8320, 925), (925, 3)]


def test_is_the_published_network_layer_by_layer(network, one_hot):
    """In the published order: ReLU, then pooling."""
    convolution, dense = of_type(network, nn.Conv1d)[0], of_type(network, nn.Linear)[0]
    with torch.no_grad():
        pooled = F.max_pool1d(F.relu(convolution(one_hot)), 13)
        steps = torch.stack([pooled[:, :, position] for position in range(13)])
        lstm = nn.LSTM(320, 320, num_layers=2, bidirectional=True)  # positions first
        lstm.load_state_dict(network.recurrent.state_dict())
        states = lstm(steps)[0].transpose(0, 1).reshape(6, 13 * 640)
        expected = network.head(F.relu(dense(states)))
        torch.testing.assert_close(network(one_hot), expected, rtol=0, atol=1e-4)
    assert expected.std() > 0.05


def test_dropout_follows_the_pooling(network):
    kinds = [type(module) for module in network.features][:4]
    assert kinds == [nn.Conv1d, nn.MaxPool1d, nn.ReLU, nn.Dropout]


@pytest.mark.parametrize("length", [38, 120, 202])
def test_takes_other_lengths(length):
    logits = build_network("danq", 2, length=length)(torch.zeros(2, 4, length))
    assert logits.shape == (2, 2) and logits.dtype == torch.float32


def test_ready_to_predict_is_the_same(network, one_hot):
    ready = build_network("danq", 3)
    ready.load_state_dict(network.state_dict())
    ready = for_inference(ready)
    assert of_type(ready, nn.Conv2d) and not of_type(ready, nn.Conv1d) and not ready.training
    with torch.no_grad():
        torch.testing.assert_close(ready(one_hot), network(one_hot), rtol=0, atol=1e-4)


def test_an_entry_verifies(entry):
    assert [check for check in verify_entry(entry) if not check.passed] == []
    assert entry.card.weights.largest_shift <= LARGEST_SHIFT
    large = [value for value in entry.state_dict().values() if value.numel() > 10_000]
    assert len(large) > 8 and all(value.dtype == torch.float16 for value in large)


def test_kipoi_is_served_what_we_predict(entry, codes, one_hot):
    model = RegionModel(str(entry.folder / "card.yaml"))
    served = model(one_hot)
    predicted = Predictor([entry]).probability(codes)
    assert list(served) == list(tiny.MOTIFS) and predicted.std() > 0.01
    for column, tf in enumerate(served):
        np.testing.assert_allclose(served[tf].numpy(), predicted[:, column], atol=1e-6)


def test_batches_do_not_change_predictions(entry, codes):
    one, all_at_once = (Predictor([entry], batch_size=size).probability(codes) for size in (1, 128))
    np.testing.assert_allclose(one, all_at_once, atol=1e-6)


def test_bf16_is_close(entry, codes):
    precise, fast = (Predictor([entry], precision=precision).probability(codes) for precision in ("fp32", "bf16"))
    assert 0 < np.abs(precise - fast).max() < 0.05


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_trains_from_the_prior(data, tmp_path, precision):
    config = tiny.config(architecture="danq", epochs=1, batch_size=32, learning_rate=0.001)
    result = train(config, data, tmp_path, CPU, precision)
    losses = (result.history[0].train_loss, result.history[0].validation_loss)
    assert all(0.4 < loss < 0.9 for loss in losses)  # the priors alone cost 0.69
