"""Whatever scores sequence is opened by its name, and a table's rows meet their regions."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from kipoi_tfb.evaluation import open as scorers
from kipoi_tfb.evaluation.evaluate import evaluate
from kipoi_tfb.evaluation.open import EntryScorer, TableScorer, Teacher, is_baseline, open_scorer, window_length
from tests import tiny
from tests.fakes import FakeScorer, made_up, noisy
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return tiny.make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    return tiny.make_entry(tmp_path_factory.mktemp("zoo") / "entry")


@pytest.fixture
def put(tmp_path):
    def write(rows, tfs=("CTCF", "JUND", "SP1"), lead=("chrom", "start", "end"), name="scores.tsv"):
        lines = ["\t".join([*lead, *tfs]), *("\t".join(map(str, row)) for row in rows)]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return str(tmp_path / name)

    return write


def keyed(data, scores):
    return [[*key, *row] for key, row in zip(data.keys, scores.tolist(), strict=True)]


# Zoo entries


def test_entry(entry):
    found = open_scorer(str(entry.folder), device="cpu")
    assert isinstance(found, EntryScorer) and found.tfs == tuple(tiny.MOTIFS) and found.window_length == 200
    assert found.seen_chromosomes == ("chr13", "chr14", "chr15", "chr21") and found.calibrated
    codes = np.random.default_rng(0).integers(0, 4, (5, 200), np.uint8)
    assert found.scores(codes).shape == (5, 3)


def test_unknown_scorer_lists_what_there_is():
    with pytest.raises(UnknownNameError, match=r"unknown scorer 'multi16'. Did you mean multi163"):
        open_scorer("multi16")
    with pytest.raises(UnknownNameError, match=r"Valid: .*jaspar.*composition.*, multi163"):
        open_scorer("????")


def test_window_lengths_must_agree():
    data = made_up()
    fakes = [FakeScorer(str(n), data.tfs, data.labels, data, window_length=n) for n in (200, 200, 500)]
    assert window_length(fakes[:2], 7) == 200 and window_length([], 7) == 7
    with pytest.raises(ConfigError, match=r"windows of different lengths .200 200 bp, 500 500 bp.; evaluate them one"):
        window_length(fakes, 200)


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


# Baselines


@pytest.fixture
def teacher(world):
    return Teacher.sparing(world.matrix, world.genome, ["chr15"])


def test_a_teacher_knows_nothing_of_what_is_held_out(teacher):
    assert teacher.chromosomes == ("chr13", "chr14")
    lesson = teacher.lesson(["SP1", "XYZ"], 100)
    assert lesson.tfs == ("SP1",) and lesson.chromosomes == ("chr13", "chr14") and lesson.codes.shape[1] == 100
    with pytest.raises(UnknownNameError, match="unknown TF 'XYZ'"):
        teacher.lesson(["XYZ"], 100)


@pytest.fixture
def learnt(monkeypatch):
    """Stand-ins for the modules of the baselines; what they were taught."""
    calls = []

    def stand_in(module, function):
        fake = ModuleType(f"kipoi_tfb.{module}")

        def make(tfs, codes, labels, *rest):
            calls.append((function, tuple(tfs), len(codes), rest))
            return calls[-1]

        setattr(fake, function, make)
        monkeypatch.setitem(sys.modules, f"kipoi_tfb.{module}", fake)

    stand_in("evaluation.composition", "composition_scorer")
    stand_in("motifs.denovo", "denovo_scorer")
    stand_in("motifs.profiles", "jaspar_scorer")
    modes = ModuleType("tfb_matrix_data.modes")
    modes.read_profiles = lambda: {"SP1": ["MA1"], "JUND": ["MA2"]}
    monkeypatch.setitem(sys.modules, "tfb_matrix_data.modes", modes)
    return calls


def test_baselines_learn_from_the_teacher(learnt, teacher):
    data = made_up()
    n = len(teacher.lesson(data.tfs, 60))
    open_scorer("composition", data, teacher=teacher, seed=3)
    open_scorer("denovo", data, teacher=teacher)
    open_scorer("jaspar", data, teacher=teacher)
    open_scorer("jaspar-oracle", data, teacher=teacher)
    open_scorer("jaspar", data)
    assert learnt == [
        ("composition_scorer", ("CTCF", "JUND", "SP1"), n, (3,)),
        ("denovo_scorer", ("CTCF", "JUND", "SP1"), n, (0,)),
        ("jaspar_scorer", ("JUND", "SP1"), n, (0, 2000, "jaspar")),
        ("jaspar_scorer", ("JUND", "SP1"), 400, (0, None, "jaspar-oracle")),
        ("jaspar_scorer", ("JUND", "SP1"), 400, (0, None, "jaspar")),
    ]


def test_baselines_that_cannot_be_made(learnt):
    data = made_up()
    with pytest.raises(ConfigError, match=r"composition has to learn: give --matrix and --genome, whose other chrom"):
        open_scorer("composition", data)
    with pytest.raises(UnknownNameError, match=r"unknown TF with a JASPAR profile 'CTCF'"):
        open_scorer("jaspar", data.only(["CTCF"]))
    with pytest.raises(ValueError, match="jaspar is made for the regions tested"):
        open_scorer("jaspar")


def test_what_is_a_baseline():
    assert all(map(is_baseline, [*scorers.BASELINES, "x.meme", "x.JASPAR", "x.pfm"]))
    assert not any(map(is_baseline, ["multi163", "x.tsv", "runs/denovo"]))
