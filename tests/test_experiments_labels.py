"""Candidates are trained after their teachers, judged, and told in a table; what failed and what had no time too."""

from __future__ import annotations

import csv
import json

import pytest
import yaml

from experiments import labels
from kipoi_tfb.zoo.config import PretrainConfig
from kipoi_tfb.zoo.entry import open_entry
from tfb_matrix_data.errors import ConfigError

SMALL = {"filters": 8, "channels": 4, "hidden": 8, "blocks": 1}
CANDIDATES = {
    "later": {"name": "second", "teacher": {"entries": ["first"], "weight": 0.5, "made_up": 1}},
    "first": {"teacher": None},
    "both": {"ensemble": ["first", "later"]},
    "never": {"teacher": {"entries": ["wrong"]}},
    "wrong": {"learning_rate": 1e30, "schedule": "constant"},
}


@pytest.fixture
def recipes(tmp_path, monkeypatch):
    base = {"name": "base", "summary": "A test.", "architecture": "motif-cnn", "sizes": SMALL, "epochs": 1}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump({**base, "batch_size": 64}))
    path = tmp_path / "recipes.yaml"
    path.write_text(yaml.safe_dump({"base": "base.yaml", "candidates": CANDIDATES}, sort_keys=False))
    monkeypatch.setattr(labels, "RECIPES", path)
    monkeypatch.setattr(labels, "REFERENCE", "first")
    monkeypatch.setattr(labels, "MIN_BOUND", 5)
    return path


def test_candidates_that_are_in_the_repository():
    found = labels.read_candidates(labels.HERE / "labels.yaml", labels.Path("runs"))
    assert found["multi163"] == ["multi163"] and found["teacher-1"].teacher is None
    second = found["second"]
    assert isinstance(second, PretrainConfig) and second.name == "multi163-2" and second.teacher is not None
    assert second.teacher.entries[1:3] == ("multi163-teacher", "runs/teacher-1/entry")
    assert {config.name for config in found.values() if isinstance(config, PretrainConfig)} >= {"multi163-fast"}
    waiting = list(found)
    means = ["mean-fast", "mean-teacher", "mean-three"]  # of what is released: nothing to wait for
    assert labels.ready(waiting, found, labels.Path("runs"))[:6] == ["multi163", *means, "teacher-1", "teacher-2"]
    assert "second" not in labels.ready(waiting, found, labels.Path("runs"))


@pytest.mark.slow  # trains three networks
def test_run_and_table(world, recipes, tmp_path, capsys):
    folder = tmp_path / "runs"
    arguments = (world.matrix_path, world.genome_path, folder)
    labels.run(*arguments, minutes=30, workers=2, device="cpu", precision="fp32", recipes=recipes)
    said = capsys.readouterr().out
    assert said.index("first: started") < said.index("later: started"), "its teacher comes first"
    assert "wrong: failed, see" in said and "not started: never" in said
    assert "Lower learning_rate" in (folder / "wrong" / "log").read_text()
    assert open_entry(folder / "later" / "entry").card.name == "second"
    assert len(list((folder / "taught").glob("*.npy"))) == 1
    (link,) = (folder / "later").glob("taught-*.npy")
    assert link.is_symlink()

    labels.run(*arguments, device="cpu", recipes=recipes, only="first,later,both")
    assert capsys.readouterr().out == "", "all three are finished"

    log = tmp_path / "log.md"
    log.write_text(f"before\n{labels.START}\nold\n{labels.END}\nafter\n")
    (tmp_path / "labels.tsv").write_text(
        "\t".join(labels.COLUMNS) + "\nearlier" + "\t" * (len(labels.COLUMNS) - 1) + "\n"
    )
    labels.table(folder, log, tmp_path / "labels.tsv")
    with open(tmp_path / "labels.tsv") as stream:
        rows = {row["candidate"]: row for row in csv.DictReader(stream, dialect="excel-tab")}
    assert list(rows) == ["earlier", "later", "first", "both", "wrong"]
    assert rows["wrong"]["auprc"] == "not finished" and rows["first"]["d_auprc"] == ""
    judged = json.loads((folder / "later" / "judged.json").read_text())
    assert rows["later"]["auprc"] == f"{judged['auprc']:.4f}" and rows["later"]["d_natural"][0] in "+-"
    n = open_entry(folder / "first" / "entry").card.data.n_train
    assert int(rows["later"]["windows"]) > 2 * n, "regions without a label, and as many made-up ones"
    assert rows["first"]["epochs"] == "1 of 1" and rows["both"]["epochs"] == ""
    text = log.read_text()
    assert text.startswith(f"before\n{labels.START}\n\n| candidate |") and text.endswith(f"\n{labels.END}\nafter\n")
    assert "| later |" in text and "old" not in text

    labels.recipe(folder, "later", tmp_path / "later.yaml")
    assert PretrainConfig.model_validate(yaml.safe_load((tmp_path / "later.yaml").read_text())) == (
        open_entry(folder / "later" / "entry").card.training.config
    )
    with pytest.raises(ConfigError, match="both is not trained"):
        labels.recipe(folder, "both", tmp_path / "both.yaml")


def test_time_that_is_over(world, recipes, tmp_path, capsys):
    labels.run(world.matrix_path, world.genome_path, tmp_path / "runs", minutes=0.1, device="cpu", recipes=recipes)
    assert capsys.readouterr().out.startswith("not started: later, first")


def test_a_candidate_that_does_not_exist(world, recipes, tmp_path):
    with pytest.raises(ConfigError, match="no candidate frist; there are later, first"):
        labels.run(world.matrix_path, world.genome_path, tmp_path / "runs", only="frist", recipes=recipes)


def test_differences_are_over_common_tfs():
    own, other = {"A": (0.5, 0.25), "B": (0.75, 0.5)}, {"A": (0.25, 0.5), "B": (0.5, 0.75), "C": (1.0, 1.0)}
    found = dict(labels.differences(own, other))
    assert (found["d_auprc"], found["d_natural"]) == ("+0.2500", "-0.2500")
    assert dict(labels.differences(own, own))["p"] == "1"
