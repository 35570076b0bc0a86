"""What trains is what the configuration asks for, and labels stay with their windows."""

from __future__ import annotations

import logging

import h5py
import numpy as np
import pytest

from kipoi_tfb.training.data import load_training_data, region_windows
from tests import tiny
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.sequence import UNKNOWN, decode


@pytest.fixture(scope="module")
def load(world):
    return lambda **changes: load_training_data(tiny.config(**changes), world.matrix, world.genome)


def regions_on(*names):
    """Indices of the regions on some contigs, from the numbers that the world was made with."""
    contigs = np.repeat(list(tiny.CONTIGS), list(tiny.CONTIGS.values()))
    return np.flatnonzero(np.isin(contigs, names))


def with_n():
    first = np.cumsum([0, *tiny.CONTIGS.values()])
    return {int(first[i]) + tiny.N_AT[name] for i, name in enumerate(tiny.CONTIGS) if name in tiny.N_AT}


RESOLVED = (tiny.BOUND, tiny.OPEN)


@pytest.mark.parametrize(("resolved", "combine"), [("any", np.any), ("all", np.all)])
def test_selection(world, load, resolved, combine):
    data = load(resolved=resolved)
    candidates = set(np.flatnonzero(combine(np.isin(world.codes, RESOLVED), axis=1)))
    train = set(regions_on("chr13", "chr14", "chr15")) & candidates
    assert with_n() & train, "the world should have a candidate with an N"
    assert data.train.region.tolist() == sorted(train - with_n())
    assert data.validation.region.tolist() == sorted((set(regions_on("chr21")) & candidates) - with_n())
    assert data.test_regions.tolist() == sorted(set(regions_on("chr22")) & candidates)
    assert (data.train.labels == -1).any() == (resolved == "any")
    assert len(data.train) == len(data.train.codes) == len(data.train.labels)


def test_any_is_more_than_all(load):
    assert len(load(resolved="any").train) > 1.2 * len(load(resolved="all").train)


def test_windows_with_n_are_dropped(load):
    data = load()
    for part in (data.train, data.validation):
        assert not with_n() & set(part.region.tolist())
        assert not (part.codes == UNKNOWN).any()


@pytest.mark.parametrize("labels", ["sparse", "less_sparse"])
def test_labels_are_those_of_the_regions(world, load, labels):
    data = load(labels=labels, tfs=["SP1", "CTCF"])
    assert data.tfs == ["SP1", "CTCF"]
    meaning = {tiny.BOUND: 1, tiny.OPEN: 0, tiny.CLOSED: -1}
    meaning[tiny.AMBIGUOUS] = 0 if labels == "less_sparse" else -1
    # The columns are in the order asked for, not the file's.
    columns = [list(tiny.MOTIFS).index(tf) for tf in data.tfs]
    for part in (data.train, data.validation):
        expected = [[meaning[code] for code in row] for row in world.codes[part.region][:, columns].tolist()]
        assert part.labels.tolist() == expected


def test_windows_are_those_of_the_labels(load):
    data = load(tfs=["JUND", "SP1"])
    for part in (data.train, data.validation):
        sequences = [decode(row) for row in part.codes]
        for column, tf in enumerate(data.tfs):
            has_motif = np.array([tiny.MOTIFS[tf] in sequence for sequence in sequences])
            # A motif of 12 bp stands in 650 random windows of 200 bp by chance once in 100 worlds.
            assert (has_motif == (part.labels[:, column] == 1)).all()


def test_windows_are_those_of_the_fasta(world):
    name, start = "chr14", tiny.EVERY
    (index,) = regions_on(name)[:1]
    text = world.genome_path.read_text().split(f">{name}\n")[1].split("\n")[0]
    codes = region_windows(world.matrix, world.genome, np.array([index, index + 1]))
    assert [decode(row) for row in codes] == [text[start : start + 200], text[start + 250 : start + 450]]


def test_chr16_is_left_out(load):
    data = load()
    used = {*data.train.region, *data.validation.region, *data.test_regions}
    assert not used & set(regions_on("chr16")) and data.excluded_chromosomes == ("chr16",)
    # ... because the configuration says so, not for another reason:
    assert set(load(split={"excluded": []}).train.region) & set(regions_on("chr16"))


def test_paper_split_is_random(load):
    data = load(split="paper", seed=3)
    parts = [set(part.tolist()) for part in (data.train.region, data.validation.region, data.test_regions)]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert parts[0] & set(regions_on("chr22")) and data.excluded_chromosomes == ()
    assert 0.77 < len(parts[0]) / sum(map(len, parts)) < 0.83
    assert set(load(split="paper", seed=3).train.region.tolist()) == parts[0]
    assert set(load(split="paper", seed=4).train.region.tolist()) != parts[0]


def test_most_resolved(world, load):
    n_null = (np.isin(world.codes, (tiny.CLOSED,))).sum(0)
    assert len(set(n_null.tolist())) == 1  # all the same here: the later in the alphabet goes first
    assert load(tfs={"most_resolved": 2}).tfs == ["SP1", "JUND"]


def test_unknown_tf(load):
    with pytest.raises(UnknownNameError, match=r"unknown TF 'JUNDD'.*Did you mean JUND"):
        load(tfs=["CTCF", "JUNDD"])


@pytest.mark.parametrize(
    ("split", "complaint"),
    [
        ({"validation": ["chr21", "chr22"]}, "chr22 cannot be both validation and test"),
        ({"validation": ["chr16"]}, "chr16 cannot be both validation and excluded"),
        ({"test": ["chr16"]}, "chr16 cannot be both test and excluded"),
        ({"validation": ["chr9"]}, "no region left for validation .chr9.; the file has chr13, chr14"),
        ({"excluded": ["chr13", "chr14", "chr15", "chr16"]}, "no region left for train"),
    ],
)
def test_split_that_cannot_be(load, split, complaint):
    with pytest.raises(ConfigError, match=complaint):
        load(split=split)


def test_tf_without_positives(tmp_path, caplog):
    world = tiny.make_world(tmp_path, blind="JUND")
    for tfs in (["CTCF", "JUND"], {"most_resolved": 3}):
        with pytest.raises(ConfigError, match="no bound training region for JUND; leave them out of `tfs`"):
            load_training_data(tiny.config(tfs=tfs), world.matrix, world.genome)
    with caplog.at_level(logging.WARNING):
        data = load_training_data(tiny.config(tfs="all"), world.matrix, world.genome)
    assert data.tfs == list(tiny.MOTIFS)
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warning == "no bound training region for JUND: its output can only say 'unbound'"


def test_fraction_draws_that_share(world):
    whole = load_training_data(tiny.config(), world.matrix, world.genome)
    half, again, other = (
        load_training_data(tiny.config(fraction=0.5, seed=seed), world.matrix, world.genome) for seed in (0, 0, 1)
    )
    # A share of the regions, of which the odd one with an N is dropped afterwards.
    assert abs(len(half.train) - len(whole.train) / 2) <= 2
    np.testing.assert_array_equal(half.train.region, again.train.region)
    assert not np.array_equal(half.train.region, other.train.region)
    assert np.isin(half.train.region, whole.train.region).all() and (np.diff(half.train.region) > 0).all()
    np.testing.assert_array_equal(half.validation.region, whole.validation.region)


def test_max_regions_draws_so_many(load):
    whole, few, again, other = (
        load(max_regions=n, seed=seed).train for n, seed in ((10**6, 0), *[(100, s) for s in (0, 0, 1)])
    )
    np.testing.assert_array_equal(whole.region, load().train.region)
    assert 98 <= len(few) <= 100  # less the odd one with an N
    np.testing.assert_array_equal(few.region, again.region)
    assert not np.array_equal(few.region, other.region)
    assert np.isin(few.region, whole.region).all() and (np.diff(few.region) > 0).all()
    np.testing.assert_array_equal(load(max_regions=100).validation.region, load().validation.region)


def test_labels_of_cell_types_only(world, load, caplog):
    # All that is bound is bound in K562; in HepG2 the same regions are open, and nothing more is known.
    k562, all_types = load(cell_types=["K562"]), load()
    np.testing.assert_array_equal(k562.train.labels, all_types.train.labels)
    with caplog.at_level(logging.WARNING):
        hepg2 = load(cell_types=["HepG2"], tfs="all")
    assert "no bound training region for CTCF, JUND, SP1: its output can only say 'unbound'" in caplog.text
    open_there = (world.codes[hepg2.train.region] != tiny.CLOSED).all(1)
    assert open_there.all() and (hepg2.train.labels == 0).all()
    with pytest.raises(ConfigError, match="no bound training region for CTCF; leave them out"):
        load(cell_types=["HepG2"], tfs=["CTCF"])


@pytest.fixture
def unprofiled(tmp_path):
    """A world where JUND was not profiled in HepG2."""
    world = tiny.make_world(tmp_path)
    with h5py.File(world.matrix_path, "r+") as file:
        file["profiled"][list(tiny.MOTIFS).index("JUND"), 0] = False
    return lambda **changes: load_training_data(tiny.config(**changes), world.matrix, world.genome)


@pytest.mark.parametrize(
    "tfs", [["SP1", "JUND"], {"most_resolved": 3}, {"relation": "cofactors", "of": "JUND", "n": 1}], ids=str
)
def test_tf_never_profiled_in_the_cell_types(unprofiled, tfs):
    complaint = "field 'cell_types': JUND was never profiled in HepG2; leave them out .*in these: CTCF, SP1"
    with pytest.raises(ConfigError, match=complaint):
        unprofiled(cell_types=["HepG2"], tfs=tfs)


def test_all_tfs_are_those_profiled_in_the_cell_types(unprofiled):
    assert unprofiled(cell_types=["HepG2"]).tfs == ["CTCF", "SP1"]
    assert unprofiled(cell_types=["HepG2", "K562"]).tfs == ["CTCF", "JUND", "SP1"]


def test_unknown_cell_type(load):
    with pytest.raises(UnknownNameError, match=r"unknown cell type 'K563'\. Did you mean K562"):
        load(cell_types=["HepG2", "K563"])


def test_cell_types_in_which_nothing_was_profiled(tmp_path):
    world = tiny.make_world(tmp_path)
    with h5py.File(world.matrix_path, "r+") as file:
        file["profiled"][:, 0] = False
    with pytest.raises(ConfigError, match="field 'cell_types': no TF was profiled in HepG2"):
        load_training_data(tiny.config(cell_types=["HepG2"]), world.matrix, world.genome)


def test_tf_that_is_never_unbound(tmp_path):
    world = tiny.make_world(tmp_path)
    with h5py.File(world.matrix_path, "r+") as file:
        file["accessible_known"][:] = False
    with pytest.raises(ConfigError, match="no unbound training region for CTCF, JUND; leave them out of `tfs`"):
        load_training_data(tiny.config(tfs=["CTCF", "JUND"]), world.matrix, world.genome)
