"""What trains is what the configuration asks for, and labels stay with their windows."""

from __future__ import annotations

import logging

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
