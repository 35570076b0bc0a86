"""From a configuration to an entry that verifies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from kipoi_tfb.training.job import pretrain, pretrain_from_files
from kipoi_tfb.zoo.verify import verify_entry
from tests import tiny
from tests.entries import run_tfb
from tfb_matrix_data.errors import ConfigError, LockedError
from tfb_matrix_data.files import locked, sha256


def test_pretrain_writes_an_entry_that_verifies(world, tmp_path):
    config = tiny.config(epochs=1, tfs=["SP1", "CTCF"])
    entry = pretrain(config, world.matrix, world.genome, tmp_path / "run", device="cpu", command="a test")
    card = entry.card
    assert entry.folder == tmp_path / "run" / "entry" and card.name == "tiny" and card.tasks == ("SP1", "CTCF")
    assert card.data.train_chromosomes == ("chr13", "chr14", "chr15")
    assert card.data.validation_chromosomes == ("chr21",) and card.data.test_chromosomes == ("chr22",)
    assert card.data.excluded_chromosomes == ("chr16",) and card.data.matrix_sha256 == sha256(world.matrix_path)
    assert card.training.config == config and card.training.command == "a test" and card.training.best_epoch == 0
    assert [check for check in verify_entry(entry) if not check.passed] == []


def test_a_finished_run_given_again_says_so_and_does_nothing(world, tmp_path, monkeypatch, capfd):
    recipe = tiny.config(epochs=1, tfs=["SP1"], fraction=0.2).model_dump(mode="json", exclude_unset=True)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(recipe))
    rest = ("--matrix", str(world.matrix_path), "--device", "cpu", "-o", "run")
    monkeypatch.chdir(tmp_path)

    def run(genome: Path = world.genome_path) -> tuple[int, str]:
        code, _, err = run_tfb(monkeypatch, capfd, ["pretrain", "config.yaml", "--genome", str(genome), *rest])
        return code, err

    code, err = run()
    assert code == 0 and "finished before" not in err
    before = {path.name: path.read_bytes() for path in (tmp_path / "run" / "entry").rglob("*") if path.is_file()}
    with monkeypatch.context() as patch:
        patch.setitem(pretrain.__globals__, "train", None)
        code, err = run()
    assert code == 0 and "entry was finished before, and nothing was left to do" in err
    assert {
        path.name: path.read_bytes() for path in (tmp_path / "run" / "entry").rglob("*") if path.is_file()
    } == before
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(recipe | {"epochs": 2}))
    other = tmp_path / "other.fa"
    other.write_bytes(world.genome_path.read_bytes())
    code, err = run(other)
    said = r"entry exists already, and was made from another configuration, genome; remove it or use another --output"
    assert code == 1 and re.search(said, err)
    assert not (tmp_path / "run" / ".lock").exists()


def test_the_date_is_that_of_the_source(world, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    config = tiny.config(epochs=1, tfs=["SP1"], fraction=0.2)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json", exclude_unset=True)))
    files = (tmp_path / "config.yaml", world.matrix_path, world.genome_path)
    card = pretrain_from_files(*files, tmp_path / "run", device="cpu").card
    assert card.training.date == "2023-11-14" and card.training.config == config
    assert card.data.n_train < 150 and card.data.genome == world.genome_path.name


def test_a_date_that_is_none_is_said_before_the_training(world, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "today")
    with pytest.raises(ConfigError, match=r"SOURCE_DATE_EPOCH is 'today'; set it to a whole number of seconds"):
        pretrain(tiny.config(), world.matrix, world.genome, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_two_that_train_in_the_same_folder(world, tmp_path):
    held = pytest.raises(
        LockedError, match=r"another tfb pretrain is writing to .*run; wait for it, or use another --output"
    )
    with locked(tmp_path / "run" / ".lock", wait=False, held="a test"), held:
        pretrain(tiny.config(epochs=1), world.matrix, world.genome, tmp_path / "run", device="cpu")
    assert list((tmp_path / "run").iterdir()) == []


def test_a_pipe_is_no_configuration(pipe, monkeypatch, capfd):
    path = pipe(b"name: tiny\nsummary: A test.\n")
    code, _, err = run_tfb(
        monkeypatch, capfd, ["pretrain", str(path), "--matrix", "m.h5", "--genome", "g.fa", "-o", "o"]
    )
    assert code == 1 and "is a pipe or a device, and a training reads its configuration more than once" in err
