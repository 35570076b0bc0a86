"""Entries on one base: one copy of it in memory, one pass of it over the windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import kipoi_tfb
from kipoi_tfb.architectures import PaperCNN
from kipoi_tfb.motif_cnn import MotifCNN
from kipoi_tfb.predictor import Predictor
from kipoi_tfb.shared import load_side_by_side, with_head
from tests.tuned import small_base, tuned
from tfb_matrix_data.errors import EntryError

CODES = np.random.default_rng(0).integers(0, 4, (20, 200), np.uint8)


@pytest.fixture(scope="module", params=["motif-cnn", "paper-cnn"])
def base(request, tmp_path_factory):
    return small_base(tmp_path_factory.mktemp("zoo"), architecture=request.param)


@pytest.fixture(scope="module")
def entries(base):
    return [tuned(base, f"tf/{tf}", seed) for seed, tf in enumerate(("SP1", "ATF4", "MYC"))]


def pointers(network):
    return {name: value.data_ptr() for name, value in network.named_parameters()}


def test_loaded_entries_share_all_but_the_output_layer(entries):
    networks = [kipoi_tfb.load(str(entry.folder))[0] for entry in entries[:2]]
    first, second = map(pointers, networks)
    assert {name for name in first if first[name] != second[name]} == {"head.weight", "head.bias"}
    assert not any(value.requires_grad for network in networks for value in network.parameters())


def test_one_that_is_moved_leaves_the_others(entries):
    first, second = (entry.load() for entry in entries[:2])
    first.double()
    assert {value.dtype for value in second.parameters()} == {torch.float32}
    assert second(torch.zeros(1, 4, 200)).shape == (1, 1)


def test_a_group_gives_what_its_entries_give(base, entries):
    alone = np.concatenate([Predictor([entry]).logits(CODES) for entry in (entries[0], base, entries[1])], 1)
    together = Predictor([entries[0], base, entries[1]])
    assert together.columns == ["tf/SP1", "CTCF", "JUND", "base/SP1", "ATF4"]
    assert [entry.name for entry in together.sources] == [entries[0].name, *[base.name] * 3, entries[1].name]
    np.testing.assert_allclose(together.logits(CODES), alone, rtol=0, atol=1e-5)
    assert np.abs(np.diff(alone, axis=1)).min(1).max() > 1e-3  # the columns differ
    some = Predictor([entries[0], base, entries[1]], ["ATF4", "JUND"])
    np.testing.assert_allclose(some.logits(CODES), alone[:, [4, 2]], rtol=0, atol=1e-5)


def test_networks_are_loaded_as_they_were_trained(entries, base):
    whole = entries[0].network().eval()
    with torch.no_grad():
        one_hot = torch.eye(4)[torch.from_numpy(CODES).long()].permute(0, 2, 1)
        torch.testing.assert_close(entries[0].load()(one_hot), whole(one_hot), rtol=0, atol=1e-5)


def count_passes(monkeypatch, entries):
    """Return how many windows went through the layers under the output layer."""
    seen = []
    for kind, name in ((MotifCNN, "_scan"), (PaperCNN, "embed")):
        before = getattr(kind, name)

        def counting(self, one_hot, before=before):
            seen.append(len(one_hot))
            return before(self, one_hot)

        monkeypatch.setattr(kind, name, counting)
    found = Predictor(entries).logits(CODES)
    assert found.shape == (len(CODES), sum(len(entry.card.tasks) for entry in entries))
    return sum(seen)


def test_many_entries_cost_what_one_costs(monkeypatch, base, entries):
    with monkeypatch.context() as patch:
        one = count_passes(patch, entries[:1])
    with monkeypatch.context() as patch:
        assert count_passes(patch, [*entries, base]) == one > 0


def test_others_have_networks_of_their_own(monkeypatch, base, entries):
    changed = tuned(base, "tf/FOS", 7, only_head=False)
    networks, order = load_side_by_side([entries[0], changed, entries[1]])
    assert len(networks) == 2 and order == [0, 2, 1]
    expected = Predictor([changed]).logits(CODES)
    np.testing.assert_allclose(Predictor([entries[0], changed]).logits(CODES)[:, 1:], expected, rtol=0, atol=1e-5)


def test_bases_that_differ_are_not_mixed(base, entries, tmp_path):
    other = small_base(tmp_path, architecture=base.card.architecture, seed=9)
    networks, _ = load_side_by_side([entries[0], tuned(other, "tf/SP1"), other])
    assert len(networks) == 2


def test_an_output_layer_of_another_network_is_refused(base):
    with pytest.raises(EntryError, match=r"an output layer of shape \(1, 7\) and \(1,\) does not fit a network whose"):
        with_head(base.load(), torch.zeros(1, 7), torch.zeros(1))
