"""Changed windows are read as if each were run from end to end, for less work."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from kipoi_tfb.models import run
from kipoi_tfb.models.build import build_network, for_inference
from kipoi_tfb.models.changes import Change, ChangedWindows, convolve, images, pool
from kipoi_tfb.models.logits import strand_logits, to_one_hot
from kipoi_tfb.models.motif_cnn import MotifCNN
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.mutagenesis import mutate_window
from tests.tiny import make_entry

SIZES = {"filters": 12, "channels": 8, "hidden": 16}
STRETCHES = [(100, 101), (0, 1), (199, 200), (3, 9), (95, 117), (100, 200), (0, 200)]


def lively(n_outputs: int = 3, **sizes: float) -> MotifCNN:
    """Return a network whose normalisations are not those of a new one."""
    torch.manual_seed(0)
    network = build_network("motif-cnn", n_outputs, sizes={**SIZES, **sizes}).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)
            module.bias.data.normal_(0, 0.3)
    return network


def versions_of(windows: np.ndarray, of: list[int], start: int, stop: int, seed: int = 1) -> np.ndarray:
    """Return windows with other bases from start to stop."""
    found = windows[of]
    found[:, start:stop] = (
        found[:, start:stop] + np.random.default_rng(seed).integers(1, 4, (len(of), stop - start))
    ) % 4
    return found


WINDOWS = np.random.default_rng(0).integers(0, 4, (3, 200)).astype(np.uint8)
OF = [0, 1, 1, 2]


# Layers


@pytest.mark.parametrize(("start", "stop"), [(20, 21), (0, 2), (38, 40), (0, 40), (13, 31)])
@pytest.mark.parametrize(("width", "padding", "dilation"), [(5, 2, 1), (3, 4, 4), (7, 0, 1), (1, 0, 1)])
def test_layers_give_what_they_give_for_whole_windows(start, stop, width, padding, dilation):
    generator = torch.Generator().manual_seed(0)
    whole = torch.randn(3, 6, 1, 40, generator=generator).contiguous(memory_format=torch.channels_last)
    of = torch.tensor(OF)
    versions = whole[of]
    versions[..., start:stop] += 1 + torch.rand(4, 6, 1, stop - start, generator=generator)
    weight, bias = torch.randn(5, 6, 1, width, generator=generator), torch.randn(5, generator=generator)
    layers = (
        (
            lambda images: convolve(images, weight, bias, padding, dilation),
            lambda image: F.conv2d(image, weight, bias, padding=(0, padding), dilation=(1, dilation)),
        ),
        (lambda images: pool(images, 3), lambda image: F.max_pool2d(image, (1, 3))),
    )
    for layer, full in layers:
        found = layer(ChangedWindows(whole, [Change(versions[..., start:stop], of, start)]))
        expected, unchanged = full(versions), full(whole)
        torch.testing.assert_close(found.whole, unchanged)
        (change,) = found.changes
        at = slice(change.start, change.stop)
        torch.testing.assert_close(change.image, expected[..., at], rtol=0, atol=1e-5)
        outside = torch.ones(expected.shape[3], dtype=torch.bool)
        outside[at] = False
        torch.testing.assert_close(expected[..., outside], unchanged[of][..., outside])
        for strand, image in ((found, expected), (found.flipped(), expected.flip(3))):
            n = image.shape[3]
            seen = strand.stretch(strand.changes[0], -2, n + 1)
            torch.testing.assert_close(seen, F.pad(image, (2, 1)), rtol=0, atol=1e-5)
            both = torch.cat([strand.whole, image])
            torch.testing.assert_close(torch.cat(strand.amax()), both.amax((2, 3)), rtol=0, atol=1e-5)
            torch.testing.assert_close(torch.cat(strand.mean()), both.mean((2, 3)), rtol=0, atol=1e-5)


def test_only_what_changes_is_convolved():
    whole = torch.zeros(1, 4, 1, 200)
    windows = ChangedWindows(whole, [Change(whole[..., :1], torch.tensor([0]), at) for at in (100, 197)])
    found = convolve(windows, torch.zeros(2, 4, 1, 19), None, 9)
    assert [(change.start, change.stop) for change in found.changes] == [(91, 110), (188, 200)]
    found = pool(found, 4)
    assert [(change.start, change.stop) for change in found.changes] == [(22, 28), (47, 50)]
    assert found.whole.shape[3] == 50


# Networks


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("ready", [False, True])
@pytest.mark.parametrize(("start", "stop"), STRETCHES)
def test_a_network_gives_the_logits_of_whole_windows(start, stop, ready, members):
    network = for_inference(lively(members=members)) if ready else lively(members=members)
    windows, versions = (torch.from_numpy(codes) for codes in (WINDOWS, versions_of(WINDOWS, OF, start, stop)))
    change = Change(images(to_one_hot(versions[:, start:stop])), torch.tensor(OF), start)
    other = Change(images(to_one_hot(versions[3:])), torch.tensor(OF[3:]), 0)
    with torch.no_grad():
        expected = strand_logits(network, to_one_hot(torch.cat([windows, versions])))
        found = network.change_logits(ChangedWindows(images(to_one_hot(windows)), [change, other]))
    whole, changed, again = (torch.stack(logits.chunk(2), 1) for logits in found)
    torch.testing.assert_close(torch.cat([whole, changed]), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(again, changed[3:], rtol=0, atol=1e-5)
    assert (expected[3:] - expected[OF]).abs().min() > 1e-5


def test_versions_of_a_window_each_need_not_say_of_which():
    network = for_inference(lively())
    windows, versions = torch.from_numpy(WINDOWS), torch.from_numpy(versions_of(WINDOWS, [0, 1, 2], 80, 100))
    image = images(to_one_hot(versions[:, 80:100]))
    whole = images(to_one_hot(windows))
    with torch.no_grad():
        said, not_said = (
            network.change_logits(ChangedWindows(whole, [Change(image, of, 80)]))
            for of in (torch.arange(len(WINDOWS)), None)
        )
        other = network.change_logits(ChangedWindows(whole, [Change(image, torch.tensor([1, 0, 2]), 80)]))
    assert all(torch.equal(one, another) for one, another in zip(said, not_said, strict=True))
    assert not torch.equal(other[1], said[1])


# Predictors


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    """Return one entry of the motif network and one of the paper's."""
    folder = tmp_path_factory.mktemp("entries")
    motif = make_entry(folder / "motif", lively(), architecture="motif-cnn", sizes=SIZES, name="motif")
    return motif, make_entry(folder / "paper", name="paper")


def alleles() -> tuple[np.ndarray, np.ndarray]:
    """Return REF and ALT windows of every kind, several ALTs of one REF in a row among them."""
    ref = np.repeat(WINDOWS[OF], 3 * len(STRETCHES), axis=0)
    alt = np.concatenate(
        [
            versions_of(WINDOWS, [one], *stretch, seed)
            for seed, one in enumerate(OF)
            for stretch in STRETCHES
            for _ in range(3)
        ]
    )
    alt[5], alt[7] = ref[5], 4  # the same, and nothing known
    ref[8:11, :50] = alt[8:11, :50] = 4
    return ref, alt


@pytest.mark.parametrize("batch_size", [128, 5])
@pytest.mark.parametrize("tfs", [None, ["paper/SP1", "motif/JUND"]])
@pytest.mark.parametrize("which", [(0,), (1,), (0, 1)])
def test_alleles_have_the_logits_of_their_windows(entries, which, tfs, batch_size):
    if tfs and len(which) < 2:
        tfs = [tf.partition("/")[2] for tf in tfs]
    predictor = Predictor([entries[i] for i in which], tfs, batch_size=batch_size)
    ref, alt = alleles()
    for strands, read in ((False, predictor.logits), (True, predictor.strand_logits)):
        for found, codes in zip(predictor.allele_logits(ref, alt, strands), (ref, alt), strict=True):
            np.testing.assert_allclose(found, read(codes), rtol=0, atol=1e-5)
    assert np.isnan(predictor.allele_logits(ref, alt)[1]).any(1).nonzero()[0].tolist() == [7]
    assert [logits.shape for logits in predictor.allele_logits(ref[:0], alt[:0])] == [(0, len(predictor.columns))] * 2


def test_a_window_is_run_once_for_its_alleles(entries, monkeypatch):
    """However many ALTs it has; of each no more is run than the cell that changes."""
    seen = []
    read = MotifCNN.change_logits

    def noted(self, windows):
        seen.append((len(windows.whole), [(len(one.image), one.start, one.stop) for one in windows.changes]))
        return read(self, windows)

    monkeypatch.setattr(MotifCNN, "change_logits", noted)
    predictor = Predictor(entries[:1], batch_size=5)
    ref = np.repeat(WINDOWS, 3, axis=0)
    alt = ref.copy()
    alt[:, 100] = (alt[:, 100] + np.tile([1, 2, 3], 3)) % 4
    predictor.allele_logits(ref, alt)
    assert seen == [(5, [(5, 100, 101)] * 2)]  # three windows and nine ALTs
    seen.clear()
    mutate_window(predictor, WINDOWS[0], 98, 104)
    assert seen == [(5, [(5, 80, 100)] * 2 + [(5, 100, 101)] + [(5, 101, 121)] * 2)]


@pytest.mark.parametrize(("weights", "at_once"), [(run._SMALL, 64), (1, 32)])
def test_a_small_network_runs_more_at_once(entries, monkeypatch, weights, at_once):
    seen = []
    read = MotifCNN.change_logits

    def noted(self, windows):
        seen.append((len(windows.whole), [(len(one.image), one.of is None) for one in windows.changes]))
        return read(self, windows)

    monkeypatch.setattr(MotifCNN, "change_logits", noted)
    monkeypatch.setattr(run, "_SMALL", weights)
    predictor = Predictor(entries[:1])
    ref = np.random.default_rng(5).integers(0, 4, (70, 200)).astype(np.uint8)
    alt = ref.copy()
    alt[:, 100] = (alt[:, 100] + 1) % 4
    found = predictor.allele_logits(ref, alt)
    assert seen == [(at_once, [(at_once, True)])] * -(-70 // at_once)
    for logits, codes in zip(found, (ref, alt), strict=True):
        np.testing.assert_allclose(logits, predictor.logits(codes), rtol=0, atol=1e-5)


def test_mutations_are_those_of_whole_windows(entries):
    predictor = Predictor(entries[:1])
    found = mutate_window(predictor, WINDOWS[0], 0, 200)
    windows = np.repeat(WINDOWS[:1], 800, axis=0)
    windows[np.arange(800), np.repeat(np.arange(200), 4)] = np.tile(np.arange(4), 200)
    expected = predictor.logits(windows).reshape(200, 4, 3)
    own = np.arange(4) == WINDOWS[0][:, None]
    assert np.isnan(found.alt[own]).all()
    np.testing.assert_allclose(found.alt[~own], expected[~own], rtol=0, atol=1e-5)
