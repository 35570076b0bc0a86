"""Where training starts from: outputs at the prior, first filters at the motifs of the TFs."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.models.motif_cnn import MotifCNN
from kipoi_tfb.motifs.jaspar import jaspar_motifs
from kipoi_tfb.motifs.profiles import motif_filters
from kipoi_tfb.training.initialise import start_at_prior, start_from_jaspar
from tests import tiny
from tfb_matrix_data.errors import ConfigError


@pytest.mark.parametrize(
    ("labels", "odds"),
    [([1, 0, 0, 0, -1], 2 / 4), ([1, 1, -1, -1, -1], 3 / 1), ([0, 0, 0, -1, -1], 1 / 4), ([-1] * 5, 1)],
    ids=["both", "bound only", "unbound only", "none resolved"],
)
def test_output_bias_starts_at_the_log_odds_of_one_more_of_each(labels, odds):
    network = tiny.network(n_outputs=2)
    others = {name: value.clone() for name, value in network.state_dict().items() if name != "head.bias"}
    start_at_prior(network, np.stack([np.array(labels, np.int8), np.zeros(5, np.int8)], axis=1))
    assert network.head.bias.tolist() == pytest.approx([np.log(odds), np.log(1 / 6)], abs=1e-6)
    assert all((network.state_dict()[name] == value).all() for name, value in others.items())


def test_start_from_jaspar():
    network = MotifCNN(3, filters=40)
    before = network.head.weight.detach().clone()
    start_from_jaspar(network, ["CTCF", "NOTATF", "JUND"])
    own = network.head.weight[:, -40:].sum(1) - before[:, -40:].sum(1)
    assert own.tolist() == pytest.approx([0.5, 0, 0.5], abs=1e-5)
    filters = motif_filters(jaspar_motifs(["CTCF"])["CTCF"], 19)
    correlation = np.corrcoef(network.scan_weight[0, :, 0].detach().numpy().ravel(), filters[0].ravel())
    assert correlation[0, 1] > 0.99


def test_start_from_jaspar_refuses():
    with pytest.raises(ConfigError, match="field 'first_layer': jaspar needs `architecture: motif-cnn`"):
        start_from_jaspar(tiny.network(), ["CTCF"])
    with pytest.raises(ConfigError, match=r"field 'sizes.filters': 2 filters for \d+ JASPAR profiles"):
        start_from_jaspar(MotifCNN(1, filters=2), ["JUND"])


def test_tfs_without_an_output_have_filters_alone():
    network = MotifCNN(1, filters=40)
    before = network.head.weight.detach().clone()
    start_from_jaspar(network, ["JUND"], ["CTCF", "JUND"])
    risen = ((network.head.weight - before) != 0).sum().item()
    n = {tf: len(motifs) for tf, motifs in jaspar_motifs(["JUND", "CTCF"]).items()}
    assert risen == n["JUND"]
    last = motif_filters(jaspar_motifs(["CTCF"])["CTCF"], 19)[-1]
    found = network.scan_weight[n["JUND"] + n["CTCF"] - 1, :, 0].detach().numpy()
    assert np.corrcoef(found.ravel(), last.ravel())[0, 1] > 0.99
