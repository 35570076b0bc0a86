"""The loss by hand: over what is resolved, against a teacher, and of each member of an ensemble."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from kipoi_tfb.models.logits import to_one_hot
from kipoi_tfb.models.motif_cnn import MotifCNN
from kipoi_tfb.training.objective import Objective, masked_loss, taught_loss
from tests.entries import lively_network


def test_masked_loss_by_hand():
    logits = torch.tensor([[0.0, 2.0, -1.0], [3.0, 0.0, 5.0]])
    labels = torch.tensor([[1, 0, -1], [-1, -1, 1]], dtype=torch.int8)
    expected = (math.log(2) + math.log(1 + math.exp(2)) + math.log(1 + math.exp(-5))) / 3
    assert masked_loss(logits, labels).item() == pytest.approx(expected, rel=1e-6)


def test_masked_loss_has_no_gradient_where_unresolved():
    logits = torch.tensor([[0.0, 2.0, -1.0], [3.0, 0.0, 5.0]], requires_grad=True)
    labels = torch.tensor([[1, 0, -1], [-1, -1, 1]], dtype=torch.int8)
    masked_loss(logits, labels).backward()
    assert torch.equal(logits.grad != 0, labels >= 0)


def test_masked_loss_of_nothing_is_zero():
    logits = torch.zeros(2, 3, requires_grad=True)
    loss = masked_loss(logits, torch.full((2, 3), -1, dtype=torch.int8))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


def test_masked_loss_is_float32_for_bf16_logits():
    logits = torch.zeros((1, 2), dtype=torch.bfloat16)
    assert masked_loss(logits, torch.ones((1, 2), dtype=torch.int8)).dtype == torch.float32


def test_taught_loss_by_hand():
    """Logit 0 costs log 2 whatever it is told; logit 2 against 0.25 costs log(1 + e^2) - 0.5."""
    logits = torch.tensor([[0.0, 2.0]])
    says = torch.tensor([[0.9, 0.25]])
    expected = (math.log(2) + math.log(1 + math.exp(2)) - 0.5) / 2
    assert taught_loss(logits, says).item() == pytest.approx(expected, rel=1e-6)


def test_the_weight_shares_the_loss():
    network = lively_network(0, 3)
    one_hot = torch.eye(4)[torch.randint(0, 4, (5, 200), generator=torch.Generator().manual_seed(0))].transpose(1, 2)
    labels = torch.tensor([[1, 0, -1]] * 5, dtype=torch.int8)
    says = torch.full((5, 3), 0.75)
    network.eval()
    logits = network(one_hot)
    expected = 0.75 * masked_loss(logits, labels) + 0.25 * taught_loss(logits, says)
    assert Objective(network, 0.25)(one_hot, labels, says).item() == pytest.approx(expected.item(), rel=1e-6)
    assert Objective(network)(one_hot, labels).item() == pytest.approx(masked_loss(logits, labels).item(), rel=1e-6)


def test_each_member_learns_by_its_own_loss():
    torch.manual_seed(0)
    network = MotifCNN(3, filters=12, channels=8, blocks=2, hidden=10, members=2, dropout=0)
    one_hot = to_one_hot(torch.randint(0, 4, (70, 200), dtype=torch.uint8))
    labels = torch.randint(-1, 2, (70, 3), dtype=torch.int8)
    members = network.member_logits(network.embed(one_hot))
    loss = Objective(network)(one_hot, labels)
    assert loss.item() == pytest.approx(np.mean([masked_loss(m, labels).item() for m in members]), rel=1e-5)
    assert loss.item() > masked_loss(torch.stack(members).mean(0), labels).item()
