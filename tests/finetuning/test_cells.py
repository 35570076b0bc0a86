"""Outputs of TFs in cell types: fitted to what is open there, held to the TF's own, and tested beside it."""

from __future__ import annotations

from unittest.mock import Mock

import h5py
import numpy as np
import pytest

from kipoi_tfb.evaluation.regions import from_matrix
from kipoi_tfb.evaluation.scorers import EntryScorer, PooledScorer
from kipoi_tfb.finetuning import cell_heads, cells_job
from kipoi_tfb.finetuning.cell_heads import CellLesson, fit_cell_heads, mean_auprc, mean_loss
from kipoi_tfb.finetuning.cells_job import finetune_cells
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.verify import verify_entry
from tests import tiny
from tests.tuned import small_base, tuned
from tfb_matrix_data.errors import ConfigError, LockedError, UnknownNameError
from tfb_matrix_data.files import locked
from tfb_matrix_data.matrix import BindingMatrix

TRUTH = np.array([[2, -1, 0.5, 0], [-1, 0, 0, 2]], np.float32)


@pytest.fixture
def many_steps(monkeypatch):
    """As many steps, of small batches, as there are of the real data."""
    monkeypatch.setattr(cell_heads, "_BATCH", 64)
    monkeypatch.setattr(cell_heads, "_RATE", 0.02)


def lesson(n: int, seed: int) -> CellLesson:
    """Return windows that are bound by a logistic model of their features; a third of the second output unresolved."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, 4)).astype(np.float32)
    labels = (random.random((n, 2)) < 1 / (1 + np.exp(-features @ TRUTH.T))).astype(np.int8)
    labels[: n // 3, 1] = -1
    return CellLesson(features, labels)


def test_outputs_learn_what_each_is_told(many_steps):
    train, validation = lesson(20_000, 1), lesson(4_000, 2)
    start = np.zeros((2, 4), np.float32), np.zeros(2, np.float32)
    found = fit_cell_heads(train, validation, *start, penalties=(1.0, 0.001))
    np.testing.assert_allclose(found.weight, TRUTH, atol=0.3)
    assert found.penalty == 0.001 == min(found.losses, key=found.losses.__getitem__)
    assert mean_loss(validation, found.weight, found.bias) == found.losses[0.001] < mean_loss(validation, *start)
    assert mean_auprc(validation, found.weight, found.bias) > mean_auprc(validation, *start) + 0.2
    again = fit_cell_heads(train, validation, *start, penalties=(1.0, 0.001))
    assert (again.weight == found.weight).all()


def test_what_is_unresolved_teaches_nothing(many_steps):
    train, validation = lesson(8_000, 1), lesson(1_000, 2)
    others = CellLesson(train.features, train.labels.copy())
    changed = train.features.copy()
    found = fit_cell_heads(train, validation, TRUTH, np.zeros(2, np.float32), penalties=(0.01,))
    alone = CellLesson(changed[8_000 // 3 :], others.labels[8_000 // 3 :])
    least = fit_cell_heads(alone, validation, TRUTH, np.zeros(2, np.float32), penalties=(0.01,))
    np.testing.assert_allclose(found.weight[1], least.weight[1], atol=0.1)


def test_a_strong_hold_stays_at_the_start(many_steps):
    found = fit_cell_heads(lesson(8_000, 1), lesson(1_000, 2), -TRUTH, np.zeros(2, np.float32), penalties=(1e4,))
    np.testing.assert_allclose(found.weight, -TRUTH, atol=0.05)


@pytest.fixture(scope="module")
def cells_world(world, tmp_path_factory):
    """The tiny world, but that half of what SP1 binds it binds in HepG2, and not in K562."""
    folder = tmp_path_factory.mktemp("cells")
    path = folder / "matrix.h5"
    path.write_bytes(world.matrix_path.read_bytes())
    with h5py.File(path, "r+") as file:
        ends, cell = file["bound/indptr"][:], file["bound/cell_type"]
        row = list(tiny.MOTIFS).index("SP1")
        cell[ends[row] : ends[row + 1] : 2] = tiny.CELL_TYPES.index("HepG2")
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return small_base(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module")
def made(cells_world, world, base):
    with BindingMatrix(cells_world) as matrix:
        out = base.folder.parent / "out"
        return finetune_cells(base.name, matrix, world.genome, out, "cells", 50, command="a test", replicates=20)


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cells-cache"))


def test_an_entry_of_tfs_in_cell_types(made, base):
    card = made.entry.card
    assert card.tasks == ("CTCF@K562", "JUND@K562", "SP1@HepG2", "SP1@K562")
    assert card.data.cell_types == ("HepG2", "K562") and card.base == base.card.name
    assert {check.what for check in verify_entry(made.entry) if not check.passed} <= {"verdict"}
    assert card.finetuned.head.loss < card.finetuned.head.start_loss
    assert min(card.finetuned.counts["train"].values()) >= 50
    assert card.gate.controls[0].name == "base (of all cell types)" and "TFs in cell types" in card.gate.words
    assert card.metrics.n_tfs == made.comparisons[0].n_tfs > 0 and card.metrics.chromosomes == ("chr22",)


def test_given_again_it_is_finished(made, cells_world, world, base, caplog):
    with BindingMatrix(cells_world) as matrix, caplog.at_level("INFO"):
        out = made.entry.folder.parent
        again = finetune_cells(base.name, matrix, world.genome, out, "cells", 50, replicates=20)
        assert again.entry.card == made.entry.card and again.comparisons == ()
        assert "entry was finished before; nothing to do" in caplog.text
        with pytest.raises(
            ConfigError, match="was made under another name, from another matrix, base or seed, or with"
        ):
            finetune_cells(base.name, matrix, world.genome, out, "other", 50, replicates=20)
        with (
            locked(out / ".lock", wait=False, held=""),
            pytest.raises(LockedError, match="another tfb finetune is writing to"),
        ):
            finetune_cells(base.name, matrix, world.genome, out, "cells", 50, replicates=20)


def test_what_was_stopped_before_its_verdict_is_made_again(made, cells_world, world, base, monkeypatch):
    out = base.folder.parent / "stopped"
    with BindingMatrix(cells_world) as matrix, monkeypatch.context() as stopped, pytest.raises(KeyboardInterrupt):
        stopped.setattr(cells_job, "evaluate", Mock(side_effect=KeyboardInterrupt))
        finetune_cells(base.name, matrix, world.genome, out, "cells", 50, command="a test", replicates=20)
    assert open_entry(out / "entry").card.gate is None
    with BindingMatrix(cells_world) as matrix:
        again = finetune_cells(base.name, matrix, world.genome, out, "cells", 50, command="a test", replicates=20)
    assert again.entry.card == made.entry.card


def test_the_base_stays_as_it_is(made, base):
    before, after = base.network().state_dict(), made.entry.network().state_dict()
    assert all((after[name] == value).all() for name, value in before.items() if not name.startswith("head."))
    assert len(after["head.weight"]) == 4


def test_labels_are_those_of_the_cell_type(made, cells_world, world):
    with BindingMatrix(cells_world) as matrix:
        data = from_matrix(matrix, world.genome, ["chr22"], tfs=["SP1@HepG2", "SP1@K562", "SP1"])
        by_cell, pooled = data.labels[:, :2], data.labels[:, 2]
        assert ((by_cell == 1).any(1) == (pooled == 1)).all() and (by_cell == 1).any(0).all()
        assert len(set(data.streams)) == 3
        with pytest.raises(UnknownNameError, match="K56"):
            from_matrix(matrix, world.genome, ["chr22"], tfs=["SP1@K56"])


def test_a_scorer_of_tfs_as_one_of_tfs_in_cell_types(base):
    scorer = EntryScorer(str(base.folder))
    codes = np.random.default_rng(0).integers(0, 4, (3, 200), np.uint8)
    pooled = PooledScorer(scorer, ["SP1@K562", "SP1@HepG2", "CTCF@K562"])
    plain = scorer.scores(codes)
    assert (pooled.scores(codes) == plain[:, [2, 2, 0]]).all() and pooled.name.endswith("(of all cell types)")
    with pytest.raises(UnknownNameError, match="MAFK"):
        PooledScorer(scorer, ["MAFK@K562"])


def test_what_is_refused(cells_world, world, base, tmp_path):
    with BindingMatrix(cells_world) as matrix:
        with pytest.raises(ConfigError, match="no TF of base has 5000 bound training regions in one cell type"):
            finetune_cells(str(base.folder), matrix, world.genome, base.folder.parent / "none", "cells", 5000)
        single = tuned(base, "tf-SP1")
        with pytest.raises(ConfigError, match="is fine-tuned itself, from base"):
            finetune_cells(str(single.folder), matrix, world.genome, tmp_path, "cells", 50)
