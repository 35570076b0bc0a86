"""Networks are built by name, and folding batch normalisation changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from kipoi_tfb.models.build import ARCHITECTURES, build_network, fold_batchnorm
from kipoi_tfb.models.paper_cnn import PaperCNN
from tests.models.parts import of_type, random_one_hot
from tfb_matrix_data.errors import UnknownNameError


@pytest.fixture
def one_hot():
    return random_one_hot()


def test_folding_keeps_the_outputs(one_hot):
    torch.manual_seed(1)
    network = PaperCNN(5)
    with torch.no_grad():
        for norm in of_type(network, nn.BatchNorm1d):  # means, variances and affine parameters other than 0 and 1
            norm.weight.uniform_(0.5, 2)
            norm.bias.normal_(0, 0.3)
        for _ in range(5):
            network(one_hot + 0.1 * torch.randn_like(one_hot))
    network.eval()
    with torch.no_grad():
        expected = network(one_hot)
        folded = fold_batchnorm(network)
        found = folded(one_hot)
    assert not of_type(folded, nn.BatchNorm1d) and not folded.training
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
    assert expected.std() > 1e-2


def test_build_by_name():
    network = build_network("paper-cnn", 4, length=100)
    assert isinstance(network, PaperCNN) and network(torch.zeros(2, 4, 100)).shape == (2, 4)


def test_unknown_architecture():
    with pytest.raises(UnknownNameError, match=r"unknown architecture 'paper-cn'.*Did you mean paper-cnn") as error:
        build_network("paper-cn", 4)
    assert error.value.choices == list(ARCHITECTURES)


def test_sizes_are_counted_without_the_symbolic_half_of_torch():
    code = (
        "import sys\nfrom kipoi_tfb.models.build import build_network\n"
        "build_network('motif-cnn', 3, sizes={'filters': 8, 'members': 2, 'own_motifs': 2})\n"
        "print('sympy' in sys.modules)"
    )  # 2 s of every start
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout == "False\n"
