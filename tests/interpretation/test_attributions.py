"""Contributions add up, lie in the sites that the logit is made of, and agree with what mutations do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kipoi_tfb.interpretation import attributions
from kipoi_tfb.interpretation.attributions import Explainer
from kipoi_tfb.interpretation.completeness import is_complete
from kipoi_tfb.interpretation.references import dinucleotide_shuffles
from kipoi_tfb.models.build import build_network
from kipoi_tfb.models.logits import both_strands, to_one_hot
from kipoi_tfb.zoo.find import find_entry
from tests.interpretation.planted import MOTIF, SMALL, planted_entry
from tests.models.parts import random_one_hot
from tests.tiny import make_entry
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.sequence import encode, reverse_complement

TFS = ("ATF4", "CTCF", "JUND")


def windows(n=3):
    codes = np.random.default_rng(0).integers(0, 4, (n, 200), np.uint8)
    codes[1, 60:90] = 4  # unknown bases within
    return codes


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    """An entry of each architecture, untrained, whose logits differ between windows."""
    made = {}
    for architecture, sizes in {"paper-cnn": {}, "danq": {}, "motif-cnn": SMALL}.items():
        torch.manual_seed(1)
        network = build_network(architecture, 3, sizes=sizes)
        with torch.no_grad():
            network.head.weight *= 20
            for _ in range(10):
                network(random_one_hot(32))
        fields = {"architecture": architecture, "sizes": sizes, "name": architecture, "tasks": TFS}
        made[architecture] = make_entry(tmp_path_factory.mktemp("zoo") / architecture, network.eval(), **fields)
    return made


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return planted_entry(tmp_path_factory.mktemp("zoo") / "planted")


@pytest.mark.parametrize("architecture", ["paper-cnn", "motif-cnn"])
def test_deeplift_adds_up(entries, architecture):
    explainer = Explainer(entries[architecture], shuffles=3)
    codes = windows()
    found = explainer(codes)
    assert found.hypothetical.shape == (3, 3, 4, 200) and np.abs(found.output - found.reference).min() > 1e-3
    assert is_complete(found.error, found.output, found.reference, "deeplift").all()
    network = entries[architecture].network().eval()
    with torch.no_grad():
        logits = both_strands(network, to_one_hot(torch.from_numpy(codes))).numpy()
        own = dinucleotide_shuffles(codes[2], 3)
        references = both_strands(network, to_one_hot(torch.from_numpy(own))).numpy()
    np.testing.assert_allclose(found.output, logits, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.reference[2], references.mean(0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        found.of_bases(codes).sum(2, dtype=float) - (found.output - found.reference), 0, atol=found.error.max() + 1e-6
    )
    assert not found.hypothetical[1, ..., 60:90].any()


@pytest.mark.parametrize("architecture", [pytest.param("danq", marks=pytest.mark.slow), "paper-cnn", "motif-cnn"])
def test_ig_adds_up(entries, architecture):
    codes = windows()[1:2]
    found = Explainer(entries[architecture], ["CTCF"], "ig")(codes)
    assert np.isfinite(found.error).all() and np.abs(found.output - found.reference).min() > 1e-3
    assert is_complete(found.error, found.output, found.reference, "ig").all()


def test_finer_ig_is_that_of_three_times_as_many_points(entries, monkeypatch):
    codes, entry = windows()[1:3], entries["paper-cnn"]
    monkeypatch.setattr(attributions, "_FINER", 0)
    monkeypatch.setattr(attributions, "_POINTS", 54)
    many = Explainer(entry, ["CTCF"], "ig")(codes)
    monkeypatch.setattr(attributions, "is_complete", lambda error, *_, method: np.zeros(error.shape, bool))
    monkeypatch.setattr(attributions, "_POINTS", 6)
    few = Explainer(entry, ["CTCF"], "ig")(codes)
    monkeypatch.setattr(attributions, "_FINER", 2)
    finer = Explainer(entry, ["CTCF"], "ig")(codes)
    highest = np.abs(many.hypothetical).max()
    assert np.abs(finer.hypothetical - many.hypothetical).max() < 1e-3 * highest
    assert np.abs(few.hypothetical - many.hypothetical).max() > 1e-2 * highest


@pytest.mark.slow
@pytest.mark.parametrize(("name", "tfs"), [("multi163", ["CTCF", "JUND", "SP1"]), ("multi50", None), ("tf/JUND", None)])
def test_entries_of_the_zoo_add_up(name, tfs):
    entry = find_entry(name)
    found = Explainer(entry, tfs or list(entry.card.tasks[:2]), shuffles=4)(windows(3))
    assert is_complete(found.error, found.output, found.reference, "deeplift").all()


def test_a_window_alone_has_what_it_has_among_others(entries):
    codes = windows(4)
    codes[2, 20:190] = 0  # a stretch that is its own shuffle
    explain = Explainer(entries["motif-cnn"], ["JUND"], shuffles=3, batch_size=4)
    together, alone = explain(codes), explain(codes[2:3])
    np.testing.assert_allclose(together.hypothetical[2], alone.hypothetical[0], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(together.reference[2], alone.reference[0], rtol=1e-5)


def test_ism_is_the_mean_over_the_others(entries):
    codes = windows(2)
    explain = Explainer(entries["paper-cnn"], ["JUND", "ATF4"], "ism")
    found = explain(codes)
    others = np.repeat(codes[:1], 3, axis=0)
    others[:, 150] = [base for base in range(4) if base != codes[0, 150]]
    logits = explain.predictor.logits(np.concatenate([codes[:1], others]))
    np.testing.assert_allclose(found.of_bases(codes)[0, :, 150], logits[0] - logits[1:].mean(0), rtol=1e-3, atol=1e-5)
    # Of the three others: what each has over the mean of the rest.
    base = int(others[0, 150])
    rest = np.concatenate([logits[:1], logits[2:]]).mean(0)
    np.testing.assert_allclose(found.hypothetical[0, :, base, 150], logits[1] - rest, rtol=1e-3, atol=1e-5)
    assert np.isnan(found.error).all() and not found.hypothetical[1, ..., 60:90].any()


@pytest.mark.parametrize("strand", ["forward", "reverse"])
def test_contributions_lie_in_the_site(planted, strand):
    rng = np.random.default_rng(4)
    site = encode(MOTIF) if strand == "forward" else reverse_complement(encode(MOTIF))
    codes = rng.integers(0, 4, (8, 200), np.uint8)
    places = rng.integers(20, 160, 8)
    for window, place in zip(codes, places, strict=True):
        window[place : place + len(site)] = site
    inside = (np.arange(200) >= places[:, None]) & (np.arange(200) < places[:, None] + len(site))
    # A reference without any site: what lies outside it is none of the site's.
    plain = np.full((1, 200), 4, np.uint8)
    by = {
        method: Explainer(planted, method=method, **given)(codes).of_bases(codes)[:, 0]
        for method, given in {"deeplift": {"references": plain}, "ig": {}, "ism": {}}.items()
    }
    for method, values in by.items():
        share = np.abs(values * inside).sum(1) / np.abs(values).sum(1)
        assert (share >= 0.95).all(), method
    assert np.corrcoef(by["deeplift"].ravel(), by["ism"].ravel())[0, 1] > 0.95


def test_both_alleles_are_compared_with_one_set(entries):
    codes = np.repeat(np.random.default_rng(5).integers(0, 4, (1, 200), np.uint8), 2, axis=0)
    codes[1, 100] = (codes[0, 100] + 1) % 4
    found = Explainer(entries["motif-cnn"], ["JUND"], shuffles=3)(codes, codes[[0, 0]])
    assert found.reference[0] == found.reference[1]
    sums = found.of_bases(codes).sum(2)[:, 0]
    assert sums[1] - sums[0] == pytest.approx(float(found.output[1, 0] - found.output[0, 0]), abs=1e-5)


def test_a_window_without_a_known_base(entries):
    codes = windows(2)
    codes[0] = 4
    for method in ("deeplift", "ism"):
        found = Explainer(entries["motif-cnn"], ["JUND"], method)(codes)
        assert np.isnan(found.output[0]).all() and not found.hypothetical[0].any()
        assert np.isfinite(found.output[1]).all() and found.hypothetical[1].any()


def test_references_of_ones_own(entries):
    codes = windows(2)
    references = np.random.default_rng(9).integers(0, 4, (2, 200), np.uint8)
    found = Explainer(entries["paper-cnn"], ["JUND"], references=references)(codes)
    assert is_complete(found.error, found.output, found.reference, "deeplift").all()
    with pytest.raises(ConfigError, match=r"shape \(2, 120\) do not fit windows of 200 bp: expected \(n, 200\)"):
        Explainer(entries["paper-cnn"], references=references[:, :120])
    with pytest.raises(ConfigError, match=r"references are given, or shuffles made: not both"):
        Explainer(entries["paper-cnn"], references=references, shuffles=2)
    with pytest.raises(ConfigError, match="ism changes one base at a time"):
        Explainer(entries["paper-cnn"], method="ism", shuffles=2)
    with pytest.raises(ConfigError, match="at least 1 shuffle, not 0"):
        Explainer(entries["paper-cnn"], shuffles=0)


def test_what_there_is_not(entries):
    with pytest.raises(ConfigError, match=r"DeepLIFT has no rule for LSTM of DanQ.* use ig"):
        Explainer(entries["danq"])
    with pytest.raises(UnknownNameError, match=r"unknown method 'lrp'. Valid: deeplift, ig, ism"):
        Explainer(entries["paper-cnn"], method="lrp")
    with pytest.raises(UnknownNameError, match=r"unknown TF 'JUNDD'. Did you mean JUND"):
        Explainer(entries["paper-cnn"], ["JUNDD"])
