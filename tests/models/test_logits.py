"""One-hot on the device is one-hot in the data package; scores do not depend on the strand."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from kipoi_tfb.models.logits import (
    as_tensor,
    average,
    both_strands,
    difference,
    disagreement,
    effect,
    impact,
    is_bound,
    probability,
    to_one_hot,
)
from tests import tiny
from tfb_matrix_data.sequence import encode, one_hot, reverse_complement


@given(arrays(np.uint8, st.tuples(st.integers(0, 4), st.integers(1, 30)), elements=st.integers(0, 4)))
def test_one_hot_is_that_of_the_data_package(codes):
    found = to_one_hot(torch.from_numpy(codes))
    assert found.dtype == torch.float32
    np.testing.assert_array_equal(found.numpy(), one_hot(codes))


def test_one_hot_takes_other_types():
    found = to_one_hot(torch.from_numpy(encode("AN")[None]), torch.bfloat16)
    assert found.dtype == torch.bfloat16
    assert found.float().tolist() == [[[1, 0], [0, 0], [0, 0], [0, 0]]]


def test_both_strands_is_strand_symmetric():
    codes = np.random.default_rng(0).integers(0, 5, (16, 200), np.uint8)
    network = tiny.network(seed=4)
    with torch.no_grad():
        forward, reverse = (to_one_hot(torch.from_numpy(c)) for c in (codes, reverse_complement(codes)))
        assert (network(forward) - network(reverse)).abs().max() > 1e-3  # the network alone is not
        torch.testing.assert_close(both_strands(network, forward), both_strands(network, reverse), rtol=0, atol=1e-6)


def test_both_strands_averages_logits():
    class CountA(nn.Module):
        def forward(self, hot):
            return hot[:, 0].sum(1, keepdim=True)

    # A on the one strand plus A on the other (T), over two.
    hot = to_one_hot(torch.from_numpy(np.stack([encode("AACG"), encode("TTTA"), encode("NNAA")])))
    assert both_strands(CountA(), hot).tolist() == [[1.0], [2.0], [1.0]]


def test_equal_logits_have_equal_scores_wherever_they_stand():
    logits = torch.from_numpy(np.random.default_rng(2).normal(0, 6, (3, 2000)).astype(np.float32))
    whole = probability(logits), impact(logits, logits.flip(1))
    torch.testing.assert_close(whole[0], torch.sigmoid(logits))
    for length in (1, 7, 31, 33, 500, 1999):
        part, other = logits[:, :length], logits.flip(1)[:, :length]
        assert (probability(part) == whole[0][:, :length]).all()
        assert (impact(part, other) == whole[1][:, :length]).all()


def test_logits_far_out_and_shapes():
    far = torch.tensor([-1000.0, -89.0, 0.0, 89.0, 1000.0, torch.nan])
    assert probability(far)[:5].tolist() == [0, 0, 0.5, 1, 1] and torch.isnan(probability(far)[5])
    assert probability(torch.tensor(0.0)).shape == () and probability(torch.empty(0, 3)).shape == (0, 3)
    wanted = torch.zeros(2, requires_grad=True)
    probability(wanted).sum().backward()
    assert wanted.grad is not None and wanted.grad.tolist() == [0.25, 0.25]


def test_disagreement_of_the_strands_by_hand():
    # (allele, strand, TF): the effects are 2 and 0.5 on the one strand, 1 and 1.5 on the other.
    ref = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    alt = torch.tensor([[[2.0, 1.5], [2.0, 1.5]]])
    assert disagreement(ref, alt).tolist() == [[1.0, 1.0]]
    assert effect(average(ref), average(alt)).tolist() == [[1.5, 1.0]]
    assert disagreement(alt, alt).tolist() == [[0.0, 0.0]]


def test_difference_of_probabilities_by_hand():
    logits = torch.log(torch.tensor([[0.25, 0.8]]) / (1 - torch.tensor([[0.25, 0.8]])))
    torch.testing.assert_close(difference(torch.zeros(1, 2), logits), torch.tensor([[-0.25, 0.3]]))


def test_both_strands_is_float32_under_bf16():
    hot = to_one_hot(torch.zeros((2, 200), dtype=torch.uint8))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert both_strands(tiny.network(), hot).dtype == torch.float32


def test_effect_is_the_difference_of_log_odds():
    ref, alt = torch.tensor([[0.3, -1.0, 2.0]]), torch.tensor([[1.3, -2.5, 2.0]])
    p_ref, p_alt = (probability(x).double() for x in (ref, alt))
    log_odds = torch.log(p_alt / (1 - p_alt)) - torch.log(p_ref / (1 - p_ref))
    torch.testing.assert_close(effect(ref, alt).double(), log_odds, rtol=0, atol=1e-5)
    torch.testing.assert_close(effect(ref, alt), torch.tensor([[1.0, -1.5, 0.0]]))  # stronger, weaker, the same


def test_impact_by_hand():
    # Odds of 1 to 4, of 0.01 to 0.1, and back: of the better-bound allele 4, 0.1 and 0.1, divided by e.
    ref, alt = torch.log(torch.tensor([[1, 0.01, 0.1]])), torch.log(torch.tensor([[4, 0.1, 0.01]]))
    gain, weights = np.log([4, 10, 0.1]), np.array([4, 0.1, 0.1]) / np.e
    wanted = torch.from_numpy(gain * weights / (1 + weights))[None].float()
    torch.testing.assert_close(impact(ref, alt), wanted)
    torch.testing.assert_close(impact(alt, ref), -wanted)
    assert impact(ref, torch.full((1, 3), torch.nan)).isnan().all()


_LOGITS = st.floats(-20, 20, width=32)


@given(_LOGITS, _LOGITS)
def test_impact_is_signed_as_the_effect_and_never_larger(ref, alt):
    size, change = (score(torch.tensor([ref]), torch.tensor([alt])) for score in (impact, effect))
    assert size * change >= 0 and size.abs() <= change.abs()


def test_the_better_bound_allele_says_whether_a_tf_is_bound():
    odds = torch.tensor([0.11, 0.112])  # P 0.0991, 0.1007
    unbound = torch.full((2,), -9.0)
    for alleles in ((odds.log(), unbound), (unbound, odds.log())):
        assert is_bound(*alleles).tolist() == [False, True]


def test_probability_is_between_0_and_1():
    assert probability(torch.tensor([-200.0, 0.0, 200.0])).tolist() == [0.0, 0.5, 1.0]


def test_a_probability_does_not_depend_on_what_stands_beside_it():
    logits = 4 * torch.randn(1000, generator=torch.Generator().manual_seed(0))
    whole = probability(logits)
    for start in range(33):
        assert torch.equal(probability(logits[start : 7 * start + 9]), whole[start : 7 * start + 9])
    torch.testing.assert_close(whole, torch.sigmoid(logits), rtol=0, atol=1e-6)


def test_a_probability_has_a_gradient():
    logits = torch.zeros(2, requires_grad=True)
    probability(logits).sum().backward()
    assert logits.grad is not None and logits.grad.tolist() == [0.25, 0.25]


def test_as_tensor_copies_what_cannot_be_written():
    codes = encode("ACGT")
    assert as_tensor(codes).data_ptr() == codes.ctypes.data
    codes.flags.writeable = False
    assert as_tensor(codes).data_ptr() != codes.ctypes.data and as_tensor(codes).tolist() == [0, 1, 2, 3]
