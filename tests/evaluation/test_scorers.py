"""Entries, tables and known scores score windows alike, and a table's rows meet their regions."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.evaluation.job import evaluate
from kipoi_tfb.evaluation.open import open_scorer
from kipoi_tfb.evaluation.scorers import (
    EntryScorer,
    GroupScorer,
    KnownScores,
    NetworkScorer,
    TableScorer,
    seen_chromosomes,
)
from tests import tiny
from tests.fakes import FakeScorer, made_up, noisy, scorer
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError


@pytest.fixture
def put(tmp_path):
    def write(rows, tfs=("CTCF", "JUND", "SP1"), lead=("chrom", "start", "end"), name="scores.tsv"):
        lines = ["\t".join([*lead, *tfs]), *("\t".join(map(str, row)) for row in rows)]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return str(tmp_path / name)

    return write


def keyed(data, scores):
    return [[*key, *row] for key, row in zip(data.keys, scores.tolist(), strict=True)]


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    return tiny.make_entry(tmp_path_factory.mktemp("zoo") / "entry")


# Zoo entries


def test_entry(entry):
    found = open_scorer(str(entry.folder), device="cpu")
    assert isinstance(found, EntryScorer) and found.tfs == tuple(tiny.MOTIFS) and found.window_length == 200
    assert found.seen_chromosomes == ("chr13", "chr14", "chr15", "chr21") and found.calibrated
    codes = np.random.default_rng(0).integers(0, 4, (5, 200), np.uint8)
    assert found.scores(codes).shape == (5, 3)


def test_a_group_is_its_entries_side_by_side(tmp_path):
    data = tiny.card_fields()["data"].model_copy(update={"train_chromosomes": ("chr7",)})
    a = tiny.make_entry(tmp_path / "group" / "a", tiny.network(1, 1), name="group/a", tasks=("SP1",))
    b = tiny.make_entry(tmp_path / "group" / "b", tiny.network(2, 1), name="group/b", tasks=("JUND",), data=data)
    found = open_scorer(str(tmp_path / "group"), device="cpu")
    assert isinstance(found, GroupScorer) and found.tfs == ("SP1", "JUND") and found.calibrated
    assert found.train_chromosomes == ("chr13", "chr14", "chr15", "chr7")
    assert seen_chromosomes(found) == ("chr13", "chr14", "chr15", "chr21", "chr7")
    codes = np.random.default_rng(0).integers(0, 4, (5, 200), np.uint8)
    alone = [EntryScorer(str(each.folder), "cpu").scores(codes) for each in (a, b)]
    np.testing.assert_allclose(found.scores(codes), np.hstack(alone), atol=1e-6)


# Tables


def test_a_table_gives_what_the_scorer_itself_gives(put):
    data = made_up()
    scores = noisy(data, 1.0)
    direct = evaluate([FakeScorer("s", data.tfs, scores, data)], data, replicates=20).tables["s"]
    order = np.random.default_rng(0).permutation(len(data))
    rows = keyed(data, scores)
    for path in (put([rows[i] for i in order]), put(scores.tolist(), lead=(), name="b.tsv")):
        table = open_scorer(path)
        assert evaluate([table], data, replicates=20).tables[path] == direct


def test_probabilities_are_known_by_their_range(put):
    data = made_up()
    right = np.where(data.labels == 1, 0.9, 0.1)
    path = put(keyed(data, right))
    (row, *_) = evaluate([TableScorer(path)], data, replicates=0).tables[path]
    assert row.ece == pytest.approx(0.1) and row.auprc == 1
    path = put(keyed(data, right + 0.2))
    assert evaluate([TableScorer(path)], data, replicates=0).tables[path][0].ece is None


def test_tables_of_predict_have_columns_that_are_no_tfs(put):
    data = made_up(20)
    rows = [[*key, "peak", 0, *row] for key, row in zip(data.keys, noisy(data, 1).tolist(), strict=True)]
    assert TableScorer(put(rows, lead=("chrom", "start", "end", "name", "n_unknown"))).tfs == data.tfs


def test_regions_without_labels_need_no_score(put):
    data = made_up()
    data.labels[:5], data.labels[5] = -1, 1
    rows = keyed(data, noisy(data, 1))
    assert np.isnan(TableScorer(put(rows[5:])).join(data)[:5]).all()
    with pytest.raises(InputError, match=r"has no row for 1 of \d+ regions, the first is chr9:5000-5060"):
        TableScorer(put(rows[6:])).join(data)


@pytest.mark.parametrize("value", ["", "nan", "inf"])
def test_missing_scores(put, value):
    data = made_up()
    data.labels[7:10, 1] = (1, 0, -1)
    rows = keyed(data, noisy(data, 1))
    for row in rows[7:10]:
        row[4] = value
    with pytest.raises(InputError, match=r"scores.tsv, line 9: column 'JUND': no finite score for 2 of \d+ regions"):
        TableScorer(put(rows)).join(data)


def test_scores_that_are_text(put):
    data = made_up()
    rows = keyed(data, noisy(data, 1))
    rows[2][3] = "high"
    with pytest.raises(InputError, match=r"scores.tsv, line 4: column 'CTCF': 'high' is not a score"):
        TableScorer(put(rows)).join(data)


def test_table_of_no_tested_tf(put):
    data = made_up()
    path = put(keyed(data, noisy(data, 1)), tfs=("CTCFL", "X", "Y"))
    with pytest.raises(UnknownNameError, match=r"unknown TF .of .*scores.tsv, in made up. 'CTCFL'. Did you mean CTCF"):
        evaluate([TableScorer(path)], data)


def test_table_without_scores(put):
    with pytest.raises(InputError, match="has no column of scores; expected one per TF, named by it"):
        TableScorer(put([("1", 2, 3)], tfs=()))


def test_a_table_cannot_score_other_windows(put):
    data = made_up()
    with pytest.raises(ConfigError, match="is a table of scores: it cannot score other windows"):
        TableScorer(put(keyed(data, noisy(data, 1)))).scores(data.codes)


# Scores that are there already


def test_known_scores_are_of_the_windows_tested():
    data = made_up(40, ("X",))
    known = KnownScores("known", "X", np.arange(40, dtype=np.float32))
    assert known.join(data).tolist() == [[float(i)] for i in range(40)]
    result = evaluate([known, scorer(data, "own", 0.3)], data, 0, 0)
    assert result.tables["known"][0].ece is not None  # they are logits
    with pytest.raises(ConfigError, match=r"known: 39 scores for 40 windows"):
        KnownScores("known", "X", np.zeros(39, np.float32)).join(data)


def test_a_network_scores_as_its_entry_does(entry):
    codes = np.random.default_rng(0).integers(0, 4, (5, 200), np.uint8)
    whole = EntryScorer(str(entry.folder), "cpu")
    network = NetworkScorer("network", whole.tfs, whole.scores)
    np.testing.assert_array_equal(network.scores(codes), whole.scores(codes))
    assert network.calibrated and seen_chromosomes(network) == ()
