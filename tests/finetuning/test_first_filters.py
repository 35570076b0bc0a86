"""The paper's start from motifs: what is in which filter, drawn by the seed, on the paper's network alone."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.finetuning.data import from_binding_matrix
from kipoi_tfb.finetuning.first_filters import check_takes, denovo_motifs, dissimilar_profiles, start_from_motifs
from kipoi_tfb.finetuning.job import finetune
from kipoi_tfb.finetuning.nearest import Nearest
from kipoi_tfb.finetuning.start import start_network
from kipoi_tfb.models.build import build_network
from kipoi_tfb.motifs.profiles import Motif, frequency_filters
from tests import tiny
from tests.tuned import small_base, work_of
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.modes import read_profile_clusters

LABELS = np.array([[1], [0], [1], [0]], np.int8)
OWN = Nearest("SP1", True, 0.5)


def motif(name, width=11, seed=0):
    return Motif(name, name, "SP1", np.random.default_rng(seed).integers(1, 50, (4, width)).astype(float))


FOUND = [motif(f"denovo-{i + 1}", width, i) for i, width in enumerate((5, 8, 12, 19, 21))]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A base of the paper's network."""
    return tiny.make_entry(tmp_path_factory.mktemp("plain") / "plain", name="plain")


def started(base, seed=0, denovo=FOUND):
    return start_network("motifs", base, "SP1", LABELS, OWN, seed, "new", denovo)


def test_sixty_filters_are_the_matrices_less_a_quarter(plain):
    found = started(plain)
    filters = found.network.get_parameter("features.0.weight").detach().numpy()
    random = start_network("scratch", plain, "SP1", LABELS, OWN, 0, "new").network.state_dict()
    profiles = dissimilar_profiles(0)
    assert len(profiles) == 50 and found.filters[:50] == tuple(each.matrix_id for each in profiles)
    for row, profile in zip(filters, profiles, strict=False):
        if profile.width <= 19:
            left = (19 - profile.width) // 2
            wanted = np.pad(profile.pfm / profile.pfm.sum(0) - 0.25, ((0, 0), (left, 19 - profile.width - left)))
            np.testing.assert_allclose(row, wanted, atol=1e-6)
        np.testing.assert_allclose(row.sum(0), 0, atol=1e-6)
    for i, each in enumerate(FOUND):
        forward, reverse = filters[50 + 2 * i : 52 + 2 * i]
        np.testing.assert_allclose(forward, frequency_filters([each], 19)[0])
        turned = Motif("turned", "turned", "SP1", each.pfm[::-1, ::-1])
        np.testing.assert_allclose(reverse, frequency_filters([turned], 19)[0])
        assert found.filters[50 + 2 * i : 52 + 2 * i] == (f"denovo-{i + 1} +", f"denovo-{i + 1} -")
    # The other 40, and all else, are as from scratch.
    for name, value in found.network.state_dict().items():
        same = value == random[name]
        assert bool(
            same[60:].all() and not same[:60].flatten(1).all(1).any() if name == "features.0.weight" else same.all()
        )
    assert found.head_from is None and len(found.filters) == 60


@pytest.mark.parametrize("width", [19, 18, 7])
def test_a_narrow_one_is_turned_within_the_same_columns(width):
    """Both orientations lie in the middle: where that cannot be, a column apart."""
    one = motif("one", width)
    forward, reverse = frequency_filters([one, Motif("r", "r", "SP1", one.pfm[::-1, ::-1])], 19)
    shift = (19 - width) % 2
    np.testing.assert_allclose(np.roll(reverse, shift, axis=1), forward[::-1, ::-1])


def test_of_a_wider_one_the_most_informative_columns_stay():
    pfm = np.full((4, 25), 25.0)
    pfm[:, 3:9] = np.array([[97, 1, 1, 1]]).T
    found = frequency_filters([Motif("wide", "wide", "SP1", pfm)], 19)[0]
    assert found.shape == (4, 19) and (found[0] > 0.7).sum() == 6


def test_the_seed_draws_the_profiles():
    clusters = read_profile_clusters()
    names = [[each.matrix_id for each in dissimilar_profiles(seed)] for seed in (1, 1, 2)]
    assert names[0] == names[1] != names[2]
    for drawn in names:
        assert len({clusters[name] for name in drawn}) == 50


def test_too_few_profiles():
    clusters = {"MA0019.1": "a", "MA0102.4": "a", "MA0006.1": "b"}
    assert len(dissimilar_profiles(0, 2, clusters)) == 2
    with pytest.raises(ConfigError, match=r"3 profiles in 2 clusters: there are no 3 of which none is like another"):
        dissimilar_profiles(0, 3, clusters)
    with pytest.raises(ConfigError, match=r"746 profiles in \d+ clusters: there are no 700 of which none is"):
        dissimilar_profiles(0, 700)


def test_more_motifs_than_filters():
    with pytest.raises(ConfigError, match=r"110 motifs for 100 filters; start from fewer"):
        start_from_motifs(build_network("paper-cnn", 1), FOUND * 6, 0)


def test_where_nothing_is_found_the_profiles_are_all(plain):
    assert len(started(plain, denovo=()).filters) == 50


def test_motifs_that_nobody_looked_for(plain):
    with pytest.raises(ConfigError, match=r"arm motifs needs the motifs found in the training windows"):
        started(plain, denovo=None)


def test_other_networks_are_refused_with_the_arm_that_they_have(tmp_path):
    of_motifs = small_base(tmp_path, "small")
    with pytest.raises(
        ConfigError, match=r"motifs needs a base of .* paper-cnn; .*small is a motif-cnn; its arm is jaspar"
    ):
        started(of_motifs)
    with pytest.raises(ConfigError, match=r"arm motifs needs a base of architecture paper-cnn; danq is a danq$"):
        check_takes("danq", "danq")
    plain = tiny.make_entry(tmp_path / "plain", name="plain")
    with pytest.raises(ConfigError, match=r"needs a base of .* motif-cnn; .*plain is a paper-cnn; its arm is motifs"):
        start_network("jaspar", plain, "SP1", LABELS, OWN, 0)


def test_motifs_of_the_training_windows(world, plain, tmp_path):
    data = from_binding_matrix(world.matrix, world.genome, "SP1")
    found = denovo_motifs("SP1", data.training.train, n=1)
    consensus = "".join("ACGT"[i] for i in found[0].pfm.argmax(0))
    assert any(tiny.MOTIFS["SP1"] in each for each in (consensus, reverse(consensus)))
    work = work_of(plain, data, tmp_path, arm="motifs")
    assert work.denovo is work.denovo, "found once for all seeds"


def reverse(sequence):
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


def test_the_card_names_the_filters(world, plain, tmp_path, monkeypatch):
    monkeypatch.setattr("kipoi_tfb.finetuning.work.denovo_motifs", lambda tf, train, seed: FOUND[:2])
    data = from_binding_matrix(world.matrix, world.genome, "SP1", n_bound=40)
    config = work_of(plain, data, tmp_path, arm="motifs", epochs=1, batch_size=16).config
    out = plain.folder.parent / "out"
    card = finetune(config, data, out, "cpu", "fp32", controls=("base",), replicates=10).entry.card
    assert card.finetuned.arm == "motifs" and card.finetuned.head_from is None
    assert card.finetuned.filters[50:] == ("denovo-1 +", "denovo-1 -", "denovo-2 +", "denovo-2 -")
    assert 0 < card.metrics.auprc <= 1
