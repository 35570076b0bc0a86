"""Made-up windows are of pieces of real ones; evidence is what each cell type says."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from kipoi_tfb.training.data import LabelledWindows, TrainingData
from kipoi_tfb.training.distil import with_evidence
from kipoi_tfb.training.job import pretrain
from kipoi_tfb.training.made_up import evidence, with_made_up
from kipoi_tfb.zoo.config import TeacherConfig
from tests import tiny
from tests.entries import lively_network
from tests.runs import quick
from tests.tiny import make_entry
from tfb_matrix_data.layout import BindingEvents, EventList, write_events
from tfb_matrix_data.matrix import BindingMatrix

TFS = tuple(tiny.MOTIFS)


def test_a_made_up_window_is_one_window_and_then_another():
    codes = np.repeat(np.arange(3, dtype=np.uint8), 400).reshape(3, 400)  # of A alone, of C alone, of G alone
    labels = np.ones((3, 2), np.int8)
    made = with_made_up(LabelledWindows(np.arange(3), codes, labels), 20, seed=1)
    assert made.region.tolist() == [0, 1, 2] + [-1] * 60
    np.testing.assert_array_equal(made.codes[:3], codes)
    assert (made.labels[:3] == 1).all() and (made.labels[3:] == -1).all() and made.labels.dtype == np.int8
    drawn_anew = crossed = 0
    for row in made.codes[3:]:
        best = min(
            (int((np.where(np.arange(400) < at, left, right) != row).sum()), left, right)
            for left in range(3)
            for right in range(3)
            for at in range(1, 400, 3)
        )
        drawn_anew += best[0]
        crossed += best[1] != best[2]
    assert 0.02 < drawn_anew / made.codes[3:].size < 0.06, "a twentieth, a quarter of which was that base before"
    assert 20 < crossed < 60


def test_made_up_windows_follow_from_the_seed():
    windows = LabelledWindows(np.arange(9), np.random.default_rng(0).integers(0, 4, (9, 50), np.uint8), np.ones((9, 1)))
    first, again, other = (with_made_up(windows, 2, seed).codes for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first[9:18] != first[18:]).any() and (first != other).any()


@pytest.fixture
def cells(tmp_path):
    """One TF, profiled in three of four cell types; five regions."""
    is_open = np.array([[1, 1, 1, 1, 0], [1, 1, 0, 1, 0], [0, 1, 0, 1, 0], [1, 1, 1, 1, 1]], bool)
    bound, ambiguous = [(0, 0), (1, 0), (1, 1)], [(3, 2)]  # (region, cell type)

    def pairs(found):
        region, cell = (np.array(column) for column in zip(*found, strict=True))
        return EventList(np.array([0, len(found)]), region.astype(np.uint32), cell.astype(np.uint8))

    write_events(
        BindingEvents(
            tfs=["JUND"], cell_types=["a", "b", "c", "d"], profiled=np.array([[True, True, True, False]]),
            accessible=np.packbits(is_open, axis=1), accessible_known=np.ones(4, bool), bound=pairs(bound),
            ambiguous=pairs(ambiguous), region_id=np.arange(5, dtype=np.uint32), region_chrom=np.zeros(5, np.uint8),
            region_start=np.arange(5, dtype=np.uint32) * 300, chrom_names=["chr13"],
            attrs={"n_regions": 5, "region_length": 200, "assembly": "synthetic", "source": "made by a test"},
        ),
        tmp_path / "matrix.h5",
    )  # fmt: skip
    with BindingMatrix(tmp_path / "matrix.h5") as matrix:
        yield matrix


@pytest.mark.parametrize(
    ("kind", "expected"), [("ordinal", [1, 1, 0, 0.5, np.nan]), ("cells", [1 / 2, 2 / 3, 0, 0.5 / 3, np.nan])]
)
def test_evidence_by_hand(cells, kind, expected):
    found = evidence(cells, ["JUND"], np.arange(5), kind)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-3)


@pytest.mark.parametrize(("kind", "expected"), [("ordinal", [1, 1, 0, 0, np.nan]), ("cells", [1 / 2, 1, 0, 0, np.nan])])
def test_evidence_of_some_cell_types(cells, kind, expected):
    found = evidence(cells, ["JUND"], np.arange(5), kind, ["a", "b"])
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-3)


def test_evidence_is_of_the_cell_types_of_the_configuration(world):
    index = np.arange(40)
    word = np.full((40, len(TFS)), 0.25, np.float16)
    train = LabelledWindows(index, np.zeros((40, 200), np.uint8), np.zeros((40, len(TFS)), np.int8), word)
    data = TrainingData(list(TFS), train, train, index, ())
    config = tiny.config(teacher=TeacherConfig(entries=("any",), evidence="cells"), cell_types=["HepG2"])
    # Nothing is bound in HepG2: half of the word is 0 where the region is open, and it stays where it is not.
    expected = np.where(world.codes[:40] == tiny.CLOSED, 0.25, 0.125)
    np.testing.assert_allclose(with_evidence(config, data, world.matrix).train.taught, expected)


def test_half_of_the_word_is_what_is_known(world):
    matrix = world.matrix
    config = tiny.config(teacher=TeacherConfig(entries=("any",), evidence="ordinal"))
    index = np.arange(40)
    word = np.full((43, len(TFS)), 0.25, np.float16)
    region = np.concatenate([index, [-1, -1, -1]])
    train = LabelledWindows(region, np.zeros((43, 200), np.uint8), np.zeros((43, len(TFS)), np.int8), word)
    data = with_evidence(config, TrainingData(list(TFS), train, train, index, ()), matrix)
    known = evidence(matrix, list(TFS), index, "ordinal")
    assert {0, 0.5, 1} <= set(known[~np.isnan(known)].tolist()) and np.isnan(known).any()
    np.testing.assert_allclose(data.train.taught[:40], np.where(np.isnan(known), 0.25, (known + 0.25) / 2))
    assert (data.train.taught[40:] == 0.25).all() and (word == 0.25).all(), "the file's own stays"


def test_a_student_of_made_up_windows(world, tmp_path):
    teacher = make_entry(tmp_path / "teacher", lively_network(0, 3), name="teacher", tasks=TFS)
    recipe = {"entries": (str(teacher.folder),), "made_up": 1}
    plain, more = (
        pretrain(quick(epochs=1, teacher=given), world.matrix, world.genome, tmp_path / name)
        for name, given in (("plain", {**recipe, "made_up": 0}), ("more", {**recipe, "evidence": "cells"}))
    )
    assert plain.card.data == more.card.data, "no region more"
    assert plain.card.weights.sha256 != more.card.weights.sha256
    (kept,) = (tmp_path / "more").glob("taught-*.npy")
    assert len(np.load(kept)) == 2 * plain.card.data.n_train


@pytest.mark.parametrize("wrong", [{"made_up": -1}, {"made_up": 17}, {"evidence": "all"}])
def test_what_a_teacher_cannot_be_asked(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        TeacherConfig(entries=("multi163",), **wrong)
