"""Entries on one base: one copy of it in memory, one pass of it over the windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import kipoi_tfb
from kipoi_tfb.models import motif_cnn
from kipoi_tfb.models.motif_cnn import MotifCNN
from kipoi_tfb.models.paper_cnn import PaperCNN
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.networks import load_network, load_side_by_side, outputs_of, with_outputs
from tests.tuned import small_base, some_motifs, tuned, tuned_with_motifs
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
    first, second = (load_network(entry) for entry in entries[:2])
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
        torch.testing.assert_close(load_network(entries[0])(one_hot), whole(one_hot), rtol=0, atol=1e-5)


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


def test_an_output_layer_of_another_network_is_refused(base, entries):
    outputs = outputs_of(entries[0])._replace(weight=torch.zeros(1, 7))
    with pytest.raises(EntryError, match=r"an output layer of shape \(1, 7\) and \(1,\) does not fit a network whose"):
        with_outputs(load_network(base), outputs)


# Entries with motifs of their own


@pytest.fixture(scope="module")
def motif_base(tmp_path_factory):
    return small_base(tmp_path_factory.mktemp("motifs"))


@pytest.fixture(scope="module")
def mixed(motif_base):
    """With motifs, the base, without, and with motifs of which one is another entry's too."""
    three, two = some_motifs(3, 1), some_motifs(2, 2)
    filters = np.concatenate([two.filters[:1], three.filters[1:2]])
    return [
        tuned_with_motifs(motif_base, "tf/RELA", three, 1),
        motif_base,
        tuned(motif_base, "tf/ATF4", 2),
        tuned_with_motifs(motif_base, "tf/MYC", replace(two, filters=filters), 3),
    ]


def alone(entries, predict):
    """Return what each entry gives by itself, side by side."""
    return np.concatenate([predict(Predictor([entry])) for entry in entries], axis=-1)


def test_entries_with_motifs_share_all_but_their_outputs(mixed):
    networks = [load_network(mixed[number]) for number in (0, 2, 3)]  # all of them alive: memory is used again
    first, plain, second = map(pointers, networks)
    own = {"head.weight", "head.bias", "own_motifs.weight", "own_motifs.share"}
    assert set(first) == set(second) and {name for name in first if first[name] != second[name]} == own
    assert {name for name in plain if plain[name] != first[name]} == {"head.weight", "head.bias"}


@pytest.fixture(params=[3, 64])
def at_once(request, monkeypatch):
    """Of the four motifs of a group."""
    monkeypatch.setattr(motif_cnn, "_MOTIFS_AT_ONCE", request.param)


def test_a_mixed_group_gives_what_its_entries_give(mixed, at_once):
    (network,), _ = load_side_by_side(mixed)
    assert network.own_motifs.weight.shape[0] == 4 and network.own_motifs.share.shape == (6, 4)
    assert (network.own_motifs.share != 0).sum(1).tolist() == [3, 0, 0, 0, 0, 2]
    together = Predictor(mixed)
    assert together.columns == ["RELA", "CTCF", "JUND", "SP1", "ATF4", "MYC"]
    expected = alone(mixed, lambda predictor: predictor.logits(CODES))
    np.testing.assert_allclose(together.logits(CODES), expected, rtol=0, atol=1e-4)
    assert np.abs(np.diff(expected, axis=1)).min(1).max() > 1e-3  # the columns differ
    strands = alone(mixed, lambda predictor: predictor.strand_logits(CODES))
    np.testing.assert_allclose(together.strand_logits(CODES), strands, rtol=0, atol=1e-4)
    some = Predictor(mixed, ["MYC", "JUND", "RELA"])
    np.testing.assert_allclose(some.logits(CODES), expected[:, [5, 2, 0]], rtol=0, atol=1e-4)


@pytest.mark.parametrize("strands", [False, True])
def test_variants_have_the_effects_that_entries_alone_give(mixed, strands, at_once):
    ref = np.repeat(CODES, 3, axis=0)
    alt = ref.copy()
    at = np.arange(len(ref)) * 3 + 5  # from the window's start to its end
    alt[np.arange(len(ref)), at] = (alt[np.arange(len(ref)), at] + 1) % 4
    found = Predictor(mixed).allele_logits(ref, alt, strands)
    expected = alone(mixed, lambda predictor: np.stack(predictor.allele_logits(ref, alt, strands)))
    np.testing.assert_allclose(np.stack(found), expected, rtol=0, atol=1e-4)
    assert np.abs(found[1] - found[0])[..., [0, 5]].max() > 0.1


def test_entries_with_motifs_cost_one_pass_of_the_base(monkeypatch, mixed):
    with monkeypatch.context() as patch:
        one = count_passes(patch, mixed[:1])
    with monkeypatch.context() as patch:
        assert count_passes(patch, mixed) == one > 0


def test_motifs_on_another_base_or_under_another_arm_stay_apart(motif_base, mixed, tmp_path):
    other = small_base(tmp_path, seed=9)
    elsewhere = tuned_with_motifs(other, "tf/SPI1", some_motifs(3, 4))
    changed = tuned(motif_base, "tf/FOS", 7, only_head=False)
    every = [mixed[0], elsewhere, changed, mixed[3]]
    networks, order = load_side_by_side(every)
    assert len(networks) == 3 and order == [0, 2, 3, 1]
    expected = alone(every, lambda predictor: predictor.logits(CODES))
    np.testing.assert_allclose(Predictor(every).logits(CODES), expected, rtol=0, atol=1e-4)


def test_motifs_that_do_not_fit_are_refused(mixed, tmp_path):
    paper = load_network(small_base(tmp_path, architecture="paper-cnn"))
    outputs = outputs_of(mixed[0])
    with pytest.raises(EntryError, match="a PaperCNN takes no motifs of a TF's own"):
        with_outputs(paper, outputs._replace(weight=torch.zeros(1, paper.head.in_features)))
    with pytest.raises(EntryError, match=r"motifs of shape \(3, 4, 1, 7\) and \(1, 3\) are not \(3, 4, 1, 25\)"):
        with_outputs(load_network(mixed[1]), outputs._replace(filters=torch.zeros(3, 4, 1, 7)))
    card = mixed[0].card.model_copy(update={"sizes": {"own_motifs": 2}})
    with pytest.raises(EntryError, match="RELA: weights do not fit the card, which has 1 TFs and 2 motifs: outputs of"):
        outputs_of(replace(mixed[0], card=card))


def test_loaded_to_be_trained_further(entries):
    name = str(entries[0].folder)
    (network, card), (other, _) = kipoi_tfb.load(name, trainable=True), kipoi_tfb.load(name, trainable=True)
    assert card == entries[0].card and not network.training
    assert all(weight.requires_grad for weight in network.parameters())
    owned = {weight.data_ptr() for weight in network.parameters()}
    assert owned.isdisjoint(weight.data_ptr() for weight in other.parameters())
    assert list(network.state_dict()) == list(entries[0].state_dict())
    assert not any(weight.requires_grad for weight in kipoi_tfb.load(name)[0].parameters())
