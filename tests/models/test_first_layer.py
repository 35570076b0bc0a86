"""The motifs of the first layer, as they act, and which of them changed most."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from kipoi_tfb.models.build import build_network
from kipoi_tfb.models.first_layer import first_filters, most_changed
from tests.tuned import SIZES
from tfb_matrix_data.errors import UnknownNameError


def lively(architecture: str) -> nn.Module:
    torch.manual_seed(1)
    network = build_network(architecture, 2, sizes=SIZES if architecture == "motif-cnn" else {}).eval()
    for name, value in network.state_dict().items():
        if "running" in name or (value.ndim == 1 and value.is_floating_point()):
            value.add_(torch.rand_like(value))
    return network


@pytest.mark.parametrize("architecture", ["paper-cnn", "danq"])
def test_filters_are_what_the_first_layer_does(architecture):
    network = lively(architecture)
    filters = first_filters(architecture, network.state_dict())
    layer = network.features[:2] if architecture == "paper-cnn" else network.features[:1]
    width = filters.shape[2]
    one, other = (torch.eye(4)[torch.randint(0, 4, (1, width))].permute(0, 2, 1) for _ in range(2))
    with torch.no_grad():
        difference = (layer(one) - layer(other))[0, :, 0].numpy()  # what is added whatever the sequence is, goes
    expected = np.einsum("fbp,bp->f", filters, (one - other)[0].numpy())
    np.testing.assert_allclose(difference, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(filters.mean(1), 0, atol=1e-12)


def test_filters_of_the_motif_network():
    network = lively("motif-cnn")
    state = network.state_dict()
    filters = first_filters("motif-cnn", state)
    assert filters.shape == (SIZES["filters"], 4, 19)
    raw = state["scan_weight"][3, :, 0].double().numpy()
    gain = state["scan_norm.weight"][3].item() / np.sqrt(state["scan_norm.running_var"][3].item() + 1e-5)
    np.testing.assert_allclose(filters[3], gain * (raw - raw.mean(0)), rtol=1e-5)


def test_the_filter_that_changed_most_for_what_it_was():
    before = np.random.default_rng(0).normal(size=(5, 4, 9))
    before[2] *= 0.01  # any step is a large one for it
    after = before.copy()
    after[1], after[4] = 1.5 * before[1], 0.2 * before[4]
    after[2] += 0.1
    found = most_changed(before, after)
    assert found.filter == 4 and found.change == pytest.approx(0.8) and found.median == pytest.approx(0.25)
    np.testing.assert_array_equal(found.after, after[4])
    np.testing.assert_array_equal(found.before, before[4])


def test_unknown_architecture():
    with pytest.raises(UnknownNameError, match="unknown architecture to take motifs from 'cnn'"):
        first_filters("cnn", {})
