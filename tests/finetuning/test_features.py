"""Features of windows: what the output layer sees, computed once and kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kipoi_tfb.finetuning import features
from kipoi_tfb.finetuning.features import open_bank, window_features
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.networks import load_network, outputs_of
from tests.tuned import small_base
from tfb_matrix_data.errors import TfbError

CODES = np.random.default_rng(1).integers(0, 4, (50, 200), np.uint8)
REGION = np.arange(50) * 3


@pytest.fixture(scope="module", params=["motif-cnn", "paper-cnn"])
def base(request, tmp_path_factory):
    return small_base(tmp_path_factory.mktemp("zoo"), architecture=request.param)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFB_DATA", str(tmp_path))
    return tmp_path / "features"


def test_the_output_layer_of_features_is_the_network(base):
    weight, bias = outputs_of(base)[:2]
    found = window_features(base, CODES) @ weight.numpy().T + bias.numpy()
    np.testing.assert_allclose(found, Predictor([base]).logits(CODES), rtol=0, atol=1e-4)
    assert isinstance(load_network(base).get_submodule("head"), torch.nn.Linear)  # that of others is still there


def test_a_bank_is_computed_once(base, cache, monkeypatch):
    bank = open_bank(base, REGION, CODES)
    expected = window_features(base, CODES)
    np.testing.assert_allclose(bank.of(REGION[[4, 40, 4]]), expected[[4, 40, 4]], rtol=1e-3, atol=1e-4)
    assert bank.features.dtype == np.float16 and isinstance(bank.features, np.memmap)
    assert list(cache.iterdir()) == [bank.path]
    monkeypatch.setattr(features, "_features", lambda *_: pytest.fail("computed again"))
    assert open_bank(base, REGION, CODES).path == bank.path


def test_other_windows_or_weights_are_another_bank(base, cache, tmp_path):
    path = open_bank(base, REGION, CODES).path
    assert open_bank(base, REGION[1:], CODES[1:]).path != path
    other = small_base(tmp_path, architecture=base.card.architecture, seed=8)
    assert open_bank(other, REGION, CODES).path != path


def test_a_machine_that_computes_other_last_bits_starts_another_bank(base, cache, monkeypatch):
    monkeypatch.setenv("MKL_ENABLE_INSTRUCTIONS", "AVX2")
    path = open_bank(base, REGION, CODES).path
    monkeypatch.setenv("MKL_ENABLE_INSTRUCTIONS", "SSE4_2")
    assert open_bank(base, REGION, CODES).path != path


@pytest.mark.parametrize("threads", [(1, 1, 1), (2, 2, 2), (1, 2, 1), (2, 1, 2)])
def test_a_bank_that_was_stopped_is_gone_on_with(base, cache, monkeypatch, set_threads, threads):
    set_threads(threads[0])
    codes = np.concatenate([CODES, CODES[::-1]])[:70]
    whole = open_bank(base, np.arange(70), codes)
    content = whole.path.read_bytes()
    whole.path.unlink()
    monkeypatch.setattr(features, "_PART", 32)
    compute, calls = features._features, []

    def stopping(network, codes, device):
        calls.append(len(codes))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return compute(network, codes, device)

    set_threads(threads[1])
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(features, "_features", stopping)
        open_bank(base, np.arange(70), codes)
    assert calls == [1, 32, 32] and not whole.path.exists()
    set_threads(threads[2])
    calls.extend([0] * 9)
    monkeypatch.setattr(features, "_features", stopping)
    open_bank(base, np.arange(70), codes)
    assert calls[12:] == [1, 32, 6] and whole.path.read_bytes() == content
    assert not [path for path in cache.iterdir() if path.suffix in {".part", ".json"}]


def test_a_region_that_is_not_there(base, cache):
    bank = open_bank(base, REGION, CODES)
    for region in (1, 148, 999):
        with pytest.raises(TfbError, match=rf"\.npy: has no features of region {region}"):
            bank.of(np.array([0, region]))
    assert bank.of(np.array([], np.int64)).shape == (0, bank.features.shape[1])


def test_what_does_not_fit_into_float16(base, cache, monkeypatch):
    monkeypatch.setattr(features, "_features", lambda network, codes, device: np.full((len(codes), 3), 1e6, np.float32))
    with pytest.raises(TfbError, match=r"features of .* do not fit into float16 \(largest 1e\+06\)"):
        open_bank(base, REGION, CODES)
    assert not list(cache.glob("*.npy"))
