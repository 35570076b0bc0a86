"""ONNX programs give what the network gives, whatever the size of the batch: more than it scans at once, too."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from kipoi_tfb.models import both_strands, build_network, for_inference, probability
from kipoi_tfb.models.motif_cnn import _SCAN_WINDOWS
from kipoi_tfb.models.onnx_program import onnx_program
from tests.models.parts import random_one_hot
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sequence import UNKNOWN, one_hot

SMALL = {"filters": 16, "channels": 8, "hidden": 16, "blocks": 2, "members": 2}
NETWORKS = {
    "own motifs": ("motif-cnn", 2, {**SMALL, "own_motifs": 70}),
    "motif-cnn": ("motif-cnn", 5, SMALL),
    "paper-cnn": ("paper-cnn", 3, {}),
    "danq": ("danq", 1, {}),
}
BATCHES = (1, 3, _SCAN_WINDOWS, _SCAN_WINDOWS + 1, 200)


def lively(architecture, n_outputs, sizes):
    """Return a network ready to predict, whose probabilities differ from window to window."""
    torch.manual_seed(1)
    network = build_network(architecture, n_outputs, sizes=sizes)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "own_motifs" in name:  # which are zero
                value.normal_(std=0.05)
        for name, value in network.named_buffers():
            if name.endswith("running_var"):
                value.uniform_(0.01, 0.03)
        for_inference(network)
        logits = network(random_one_hot(32))
        spread = logits.std(0)
        network.head.weight.div_(spread[:, None])
        network.head.bias.sub_(logits.mean(0)).div_(spread)
    return network


def probabilities(network, codes):
    with torch.inference_mode():
        return probability(both_strands(network, torch.from_numpy(one_hot(codes)))).numpy()


@pytest.mark.slow  # tests/zoo/test_onnx_file.py has one for `make test`
@pytest.mark.parametrize("kind", NETWORKS)
def test_any_size_of_a_batch(kind):
    runtime = pytest.importorskip("onnxruntime")
    network = lively(*NETWORKS[kind])
    program = onnx_program(network, 200)
    session = runtime.InferenceSession(program.SerializeToString(), providers=["CPUExecutionProvider"])
    codes = np.random.default_rng(0).integers(0, 4, (sum(BATCHES), 200), np.uint8)
    codes[::5, :60] = UNKNOWN
    spread, start = [], 0
    for n in BATCHES:
        some, start = codes[start : start + n], start + n
        found = session.run(None, {"one_hot": one_hot(some)})[0]
        assert found.shape == (n, NETWORKS[kind][1]) and found.dtype == np.float32
        np.testing.assert_allclose(found, probabilities(network, some), rtol=0, atol=1e-5)
        spread.append(found)
    assert np.concatenate(spread).std(axis=0).min() > 0.01, "they would be equal whatever they read"
    codes[1] = UNKNOWN
    found = session.run(None, {"one_hot": one_hot(codes[:3])})[0]
    assert np.isnan(found[1]).all() and not np.isnan(found[[0, 2]]).any()
    kept = [part for part in (program.graph, *program.graph.node) if part.metadata_props or part.doc_string]
    assert not kept, "it would say which files it was made from"


@pytest.mark.parametrize("missing", ["onnx", "onnxscript"])
def test_without_the_extra(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=rf"ONNX is not installed .*{missing}.*: pip install 'kipoi-tfb\[onnx\]'"):
        onnx_program(lively(*NETWORKS["motif-cnn"]), 200)
