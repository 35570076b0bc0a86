"""A network learns from a teacher beside the labels, and from no teacher that has seen what is held out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from kipoi_tfb.models.logits import probability
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.training.data import load_training_data
from kipoi_tfb.training.distil import find_teachers, taught
from kipoi_tfb.training.job import pretrain
from kipoi_tfb.zoo.config import TeacherConfig
from tests import tiny
from tests.entries import lively_network
from tests.tiny import make_entry
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.files import sha256

CPU = torch.device("cpu")
TFS = tuple(tiny.MOTIFS)


@pytest.fixture(scope="module")
def teachers(tmp_path_factory):
    """Two entries, the second with its TFs in another order and one more."""
    folder = tmp_path_factory.mktemp("teachers")
    return [
        make_entry(folder / "first", lively_network(0, 3), name="first", tasks=TFS),
        make_entry(folder / "second", lively_network(1, 4), name="second", tasks=(TFS[2], "MAX", TFS[0], TFS[1])),
    ]


def config_of(entries, **changes):
    teacher = TeacherConfig(entries=tuple(str(entry.folder) for entry in entries), weight=0.25)
    return tiny.config(**{"teacher": teacher, **changes})


def test_probabilities_are_of_the_mean_logit(world, teachers, tmp_path):
    config = config_of(teachers)
    data = load_training_data(config, world.matrix, world.genome)
    result = taught(config, data, teachers, tmp_path, CPU)
    first = Predictor(teachers[:1]).logits(data.train.codes)
    second = Predictor(teachers[1:], tfs=TFS).logits(data.train.codes)
    expected = probability(torch.from_numpy((first + second) / 2)).numpy()
    assert result.train.taught.dtype == np.float16
    np.testing.assert_allclose(result.train.taught, expected, atol=1e-3)
    assert expected.std() > 0.02, "the test should tell windows apart"
    assert result.validation.taught is None


def test_regions_without_a_label_train_too(world, teachers):
    alone = load_training_data(tiny.config(), world.matrix, world.genome)
    with_teacher = load_training_data(config_of(teachers), world.matrix, world.genome)
    added = np.setdiff1d(with_teacher.train.region, alone.train.region)
    assert len(added)
    rows = np.searchsorted(with_teacher.train.region, added)
    assert (with_teacher.train.labels[rows] == -1).all()
    assert not np.setdiff1d(alone.train.region, with_teacher.train.region).size
    np.testing.assert_array_equal(alone.validation.region, with_teacher.validation.region)


def test_a_resumed_run_does_not_ask_again(world, teachers, tmp_path, monkeypatch):
    config = config_of(teachers)
    data = load_training_data(config, world.matrix, world.genome)
    first = taught(config, data, teachers, tmp_path, CPU).train.taught

    def fail(*_, **__):
        raise AssertionError("asked again")

    monkeypatch.setattr("kipoi_tfb.training.distil.logits_of", fail)
    np.testing.assert_array_equal(taught(config, data, teachers, tmp_path, CPU).train.taught, first)
    with pytest.raises(AssertionError, match="asked again"):  # other teachers, other words
        taught(config, data, teachers[:1], tmp_path, CPU)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npy"]


def test_a_student_says_what_its_teacher_says(world, tmp_path):
    """Against the labels' word: they are shuffled, and it learns from the teacher alone."""
    teacher = make_entry(tmp_path / "teacher", tiny.trained().network, name="teacher", tasks=TFS)
    entry = pretrain(config_of([teacher], epochs=4, teacher=TeacherConfig(entries=(str(teacher.folder),), weight=1.0)),
                     world.matrix, world.genome, tmp_path / "run")  # fmt: skip
    data = load_training_data(tiny.config(), world.matrix, world.genome)
    student, master, fresh = (
        Predictor([e]).logits(data.validation.codes)
        for e in (entry, teacher, make_entry(tmp_path / "fresh", tiny.network(7), name="fresh", tasks=TFS))
    )
    alike = [np.corrcoef(master[:, i], student[:, i])[0, 1] for i in range(len(TFS))]
    unlike = [np.corrcoef(master[:, i], fresh[:, i])[0, 1] for i in range(len(TFS))]
    assert min(alike) > 0.8 > max(unlike)
    assert entry.card.training.teachers == {"teacher": sha256(teacher.weights_path)}


@pytest.mark.parametrize(
    ("entry", "changes", "message"),
    [
        ({"tasks": ("CTCF", "JUND", "MAX")}, {}, "has no SP1"),
        ({"window_length": 100}, {}, "windows of 100 bp, not of 200"),
        ({}, {"split": "paper"}, "needs a split by chromosome"),
        ({}, {"split": {"validation": ("chr14",), "test": ("chr22",)}}, "trained on chr14, held out here"),
    ],
    ids=["lacks a TF", "other length", "paper split", "has seen it"],
)
def test_what_cannot_teach_says_why(world, tmp_path, entry, changes, message):
    fields = tiny.card_fields(tasks=TFS)
    data_card = fields["data"].model_copy(update={"train_chromosomes": ("chr13", "chr14")})
    length = entry.pop("window_length", 200)
    teacher = make_entry(
        tmp_path / "t", lively_network(0, 3), **{"name": "t", "tasks": TFS, "data": data_card, **entry}
    )
    if length != 200:
        object.__setattr__(teacher, "card", teacher.card.model_copy(update={"window_length": length}))
    config = config_of([teacher])
    data = load_training_data(config, world.matrix, world.genome)
    with pytest.raises(ConfigError, match=message):
        taught(tiny.config(teacher=config.teacher, **changes), data, [teacher], tmp_path, CPU)
    assert not list(tmp_path.glob("taught*"))


def test_an_unknown_teacher_is_said_before_anything_is_read():
    with pytest.raises(UnknownNameError, match="no-such-entry"):
        find_teachers(TeacherConfig(entries=("no-such-entry",)))


@pytest.mark.parametrize("weight", [0, 1.5])
def test_a_weight_is_a_share(weight):
    with pytest.raises(ValidationError):
        TeacherConfig(entries=("multi163",), weight=weight)
