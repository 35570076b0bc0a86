"""A TF brings its motifs along to a base that does not know it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kipoi_tfb.finetuning import own_motifs
from kipoi_tfb.finetuning.own_motifs import SPREAD, check_takes_motifs, find_tf_motifs, with_motifs
from kipoi_tfb.models.build import build_network, for_inference
from kipoi_tfb.models.changes import Change, ChangedWindows, images
from kipoi_tfb.models.logits import to_one_hot
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.training.data import LabelledWindows
from kipoi_tfb.zoo.verify import verify_entry
from tests.tuned import small_base, tuned, tuned_with_motifs
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sequence import encode, reverse_complement

PLANTED = "TTGACGATCGTA"


def windows(n: int = 120, seed: int = 0) -> LabelledWindows:
    """Random windows, of which the first half has a motif on either strand."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, 200), np.uint8)
    labels = np.repeat(np.array([1, 0], np.int8), n // 2)[:, None]
    site = encode(PLANTED)
    for row in range(n // 2):
        at = int(rng.integers(20, 160))
        codes[row, at : at + len(site)] = site if row % 2 else reverse_complement(site[None])[0]
    return LabelledWindows(np.arange(n), codes, labels)


@pytest.fixture
def base(tmp_path):
    return small_base(tmp_path)


def one_hot(codes):
    return to_one_hot(torch.from_numpy(codes))


def fuller(base, motifs, share):
    network = build_network("motif-cnn", 1, sizes=base.card.sizes)
    return with_motifs(network, base.card, motifs, np.array(share, np.float32)), network


def test_finds_what_is_in_bound_windows():
    motifs = find_tf_motifs("MYTF", windows(), 0, ())
    assert any(PLANTED[2:-2] in name or "CGATCGTC" in name for name in motifs.names), motifs.names
    features = motifs.features(windows(seed=1).codes)
    assert features.dtype == np.float32 and features.shape == (120, len(motifs.names))
    best = features[:60].mean(0) - features[60:].mean(0)
    assert best.max() > 2  # bound windows match, unbound ones do not
    own = motifs.features(windows().codes)
    np.testing.assert_allclose(own.mean(0), 0, atol=0.3)  # GC bins may leave unbound windows out of the draw
    np.testing.assert_allclose(own.std(0), SPREAD, rtol=0.1)


def test_takes_the_profile_that_jaspar_has():
    assert find_tf_motifs("RELA", windows(), 0, ("MA0107.1",)).names[0] == "MA0107.1 RELA"
    assert find_tf_motifs("RELA-K562", windows(), 0, ("MA0107.1",)).names[0] == "MA0107.1 RELA"


def test_nothing_to_bring_along(monkeypatch):
    monkeypatch.setattr(own_motifs, "find_motifs", lambda *args, **kwargs: [])
    assert find_tf_motifs("RELA", windows(), 0, ("MA0107.1",)).names == ("MA0107.1 RELA",)
    with pytest.raises(ConfigError, match=r"no motif is found in the training regions of MYTF.*--arm head"):
        find_tf_motifs("MYTF", windows(), 0, ())


def test_logits_are_those_of_the_features(base):
    motifs = find_tf_motifs("RELA", windows(), 0, ("MA0107.1",))
    share = np.linspace(-1, 2, len(motifs.names)).astype(np.float32)
    network, before = fuller(base, motifs, share)
    codes = windows(seed=2).codes
    with torch.no_grad():
        added = (network.eval()(one_hot(codes)) - before.eval()(one_hot(codes))).numpy()[:, 0]
    np.testing.assert_allclose(added, motifs.features(codes) @ share, rtol=1e-3, atol=1e-3)
    assert added.std() > 1


@pytest.mark.parametrize("stretch", [(100, 101), (0, 2), (190, 200)])
def test_strands_and_changes_see_the_same(base, stretch):
    motifs = find_tf_motifs("RELA", windows(), 0, ("MA0107.1",))
    network = for_inference(fuller(base, motifs, np.ones(len(motifs.names)))[0])
    codes, (start, stop) = windows(seed=2).codes[:6], stretch
    other = codes[[0, 0, 3]]
    other[:, start:stop] = (other[:, start:stop] + 1) % 4
    with torch.no_grad():
        both = network.both_strands(one_hot(codes))
        apart = [network(one_hot(codes)), network(one_hot(reverse_complement(codes)))]
        change = Change(images(one_hot(other))[..., start:stop], torch.tensor([0, 0, 3]), start)
        found = network.change_logits(ChangedWindows(images(one_hot(codes)), [change]))
        expected = [both, network.both_strands(one_hot(other))]
    torch.testing.assert_close(both, torch.cat(apart), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_motifs_are_float32_under_bfloat16(base):
    """Log-odds of best matches are large: rounded to bfloat16, effects would move by hundredths."""
    motifs = find_tf_motifs("RELA", windows(), 0, ("MA0107.1",))
    own = fuller(base, motifs, np.ones(len(motifs.names)))[0].own_motifs
    codes = one_hot(windows(seed=2).codes[:6])
    changed = ChangedWindows(images(codes[:3]), [Change(images(codes[3:]), torch.arange(3), 0)])
    with torch.no_grad():
        expected = own(codes), own.of_changes(changed)
        with torch.autocast("cpu", torch.bfloat16):
            found = own(codes), own.of_changes(changed)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_in_the_zoo(base):
    """An entry holds its motifs and its output, and stands beside entries that share the base."""
    motifs = find_tf_motifs("RELA", windows(), 0, ("MA0107.1",))
    entry = tuned_with_motifs(base, "tf/RELA", motifs)
    assert [check for check in verify_entry(entry) if not check.passed] == []
    assert entry.weights_path.stat().st_size < 20_000
    assert set(entry.own_outputs()) == {"head.weight", "head.bias", "own_motifs.weight", "own_motifs.share"}
    other = tuned(base, "tf/OTHER")
    codes = windows(seed=3).codes
    together = Predictor([entry, other, base]).logits(codes)
    np.testing.assert_allclose(together[:, [0]], Predictor([entry]).logits(codes), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(together[:, [1]], Predictor([other]).logits(codes), rtol=1e-4, atol=1e-4)


def test_a_base_that_takes_no_motifs(tmp_path):
    with pytest.raises(ConfigError, match="arm motif-head needs a base of architecture motif-cnn; base is a paper-cnn"):
        check_takes_motifs(small_base(tmp_path, architecture="paper-cnn").card)
