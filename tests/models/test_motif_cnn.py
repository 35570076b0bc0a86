"""The motif network reads both strands alike, starts from motifs, and folds without changing what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kipoi_tfb.models.build import build_network, fold_batchnorm, for_inference
from kipoi_tfb.models.logits import both_strands, to_one_hot
from kipoi_tfb.models.motif_cnn import MotifCNN
from kipoi_tfb.motifs.jaspar import jaspar_motifs
from kipoi_tfb.motifs.profiles import motif_filters
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.serving import RegionModel
from kipoi_tfb.training.job import pretrain
from kipoi_tfb.zoo.networks import load_network
from kipoi_tfb.zoo.verify import verify_entry
from tests import tiny
from tfb_matrix_data.errors import UnknownNameError
from tfb_matrix_data.sequence import encode, reverse_complement

SMALL = {"filters": 12, "channels": 8, "blocks": 2, "hidden": 10, "members": 2}


@pytest.fixture
def codes():
    return np.random.default_rng(0).integers(0, 4, (70, 200), np.uint8)


@pytest.fixture
def network(codes):
    """A network whose normalisation layers have seen something."""
    torch.manual_seed(0)
    net = MotifCNN(3, **SMALL)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
                module.weight.uniform_(-1, 2)  # also negative: then the best match is the lowest after the norm
                module.bias.normal_(0, 0.3)
        for _ in range(5):
            net(one_hot(codes))
    return net.eval()


def one_hot(codes):
    return to_one_hot(torch.from_numpy(codes))


def test_both_strands_is_two_passes(network, codes):
    with torch.no_grad():
        together = network.both_strands(one_hot(codes))
        apart = torch.cat([network(one_hot(codes)), network(one_hot(reverse_complement(codes)))])
    assert apart.std() > 0.05
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


def test_what_effects_need_is_float32_under_bfloat16(network, codes):
    """The scan, the fully connected layers and the head, in evaluation only; the trunk is bfloat16."""
    network = for_inference(network)
    watched = {"trunk": network.trunks[0].mix, "dense": network.trunks[1].dense, "head": network.head}
    found = {}
    for name, layer in watched.items():
        layer.register_forward_hook(
            lambda _, given, made, name=name: found.update({name: (given[0].dtype, made.dtype)})
        )
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits = network.both_strands(one_hot(codes))
        exact = {"trunk": (torch.float32, torch.bfloat16), "dense": (torch.float32,) * 2, "head": (torch.float32,) * 2}
        assert found == exact
        network.train()(one_hot(codes))
        assert {made for _, made in found.values()} == {torch.bfloat16}
        network.eval()
    with torch.no_grad():
        torch.testing.assert_close(logits, network.both_strands(one_hot(codes)), rtol=0, atol=0.02)


def test_a_window_and_its_reverse_complement_score_alike(network, codes):
    with torch.no_grad():
        forward, reverse = (both_strands(network, one_hot(c)) for c in (codes, reverse_complement(codes)))
    torch.testing.assert_close(forward, reverse, rtol=1e-4, atol=1e-5)


def test_folding_keeps_the_outputs(network, codes):
    with torch.no_grad():
        expected = both_strands(network, one_hot(codes))
        folded = fold_batchnorm(network)
        torch.testing.assert_close(both_strands(folded, one_hot(codes)), expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(both_strands(for_inference(folded), one_hot(codes)), expected, rtol=1e-4, atol=1e-5)
    left = [m for m in folded.modules() if isinstance(m, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d)]
    assert len(left) == 3  # of the scan, after a maximum, and of the trunks, after a sum: nothing to fold them into


def test_number_of_windows_does_not_matter(network, codes):
    with torch.no_grad():
        torch.testing.assert_close(network(one_hot(codes))[:3], network(one_hot(codes[:3])), rtol=1e-4, atol=1e-5)


def test_a_motif_is_found_on_either_strand():
    network = MotifCNN(2, **SMALL)
    with torch.no_grad():
        network.head.weight.zero_()
    motif = jaspar_motifs(["CTCF"])["CTCF"][0]
    network.start_from_motifs(torch.from_numpy(motif_filters([motif], 19)), [(1, 0)], 0.5)
    site = np.argmax(motif.pfm, 0).astype(np.uint8)
    codes = np.tile(encode("ACGT" * 50), (3, 1))
    codes[1, 100 : 100 + len(site)] = site
    codes[2, 60 : 60 + len(site)] = reverse_complement(site)
    with torch.no_grad():
        best = network.train(False)._scan(one_hot(codes))[:, 0, 0].amax(1)
        assert (best[1:] > best[0] + 10).all() and best[1] == pytest.approx(best[2].item(), rel=1e-3)
        # Of the two outputs, the one that owns the motif rises with it.
        logits = both_strands(network, one_hot(codes))
    assert (logits[1:, 1] - logits[0, 1] > 3).all() and (logits[1:, 0] - logits[0, 0]).abs().max() < 2


def test_several_motifs_share_the_weight_of_their_tf():
    network = MotifCNN(2, **SMALL)
    with torch.no_grad():
        network.head.weight.zero_()
    network.start_from_motifs(torch.zeros(3, 4, 19), [(0, 0), (0, 2), (1, 1)], 0.5)
    for end in (22, 44):  # 10 of the dense layer and 12 best matches, of each member
        assert network.head.weight[:, end - 12 : end - 8].tolist() == [[0.25, 0, 0.25, 0], [0, 0.5, 0, 0]]


def test_logits_are_the_mean_of_the_members(network, codes):
    with torch.no_grad():
        members = network.member_logits(network.embed(one_hot(codes)))
        torch.testing.assert_close(torch.stack(members).mean(0), network(one_hot(codes)), rtol=1e-4, atol=1e-5)
    assert len(members) == 2 and (members[0] - members[1]).abs().max() > 0.05


def test_sizes():
    assert build_network("motif-cnn", 3, sizes=SMALL).scan_weight.shape == (12, 4, 1, 19)
    with pytest.raises(UnknownNameError, match="unknown size of motif-cnn 'depth'"):
        build_network("motif-cnn", 3, sizes={"depth": 3})
    with pytest.raises(UnknownNameError, match="size of paper-cnn"):
        build_network("paper-cnn", 3, sizes={"depth": 3})
    for sizes in ({"width": 20}, {"pool": 3}):
        with pytest.raises(ValueError, match=r"must be a multiple of pool .* odd"):
            MotifCNN(3, **sizes)


@pytest.fixture(scope="module")
def entry(world, tmp_path_factory):
    """Trained by the command's function, as a zoo entry."""
    folder = tmp_path_factory.mktemp("motif-cnn")
    sizes = {**SMALL, "filters": 40}
    config = tiny.config(architecture="motif-cnn", sizes=sizes, first_layer="jaspar", shift=3, epochs=1, batch_size=32)
    return pretrain(config, world.matrix, world.genome, folder / "run", device="cpu", precision="fp32")


def test_an_entry_knows_its_sizes(entry):
    assert entry.card.sizes == {**SMALL, "filters": 40}
    assert [check for check in verify_entry(entry) if not check.passed] == []
    assert len(load_network(entry).trunks) == 2


def test_kipoi_is_served_what_we_predict(entry, codes):
    served = RegionModel(str(entry.folder / "card.yaml"))(one_hot(codes))
    predicted = Predictor([entry]).probability(codes)
    assert predicted.std() > 0.01
    for column, tf in enumerate(tiny.MOTIFS):
        np.testing.assert_allclose(served[tf].numpy(), predicted[:, column], atol=1e-6)


def test_knows_motifs_after_one_epoch(entry):
    """CTCF's own profile is in the first layer: a site stands out from any other window."""
    site = encode(tiny.MOTIFS["CTCF"])
    windows = np.tile(encode("ACGT" * 50), (2, 1))
    windows[1, 90 : 90 + len(site)] = site
    without, with_site = Predictor([entry]).probability(windows)[:, list(tiny.MOTIFS).index("CTCF")]
    assert with_site > without + 0.05
