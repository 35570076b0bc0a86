"""A base of the relatives of one TF: made first, found beside the entry, and taken along into a zoo."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from kipoi_tfb.finetuning.job import finetune
from kipoi_tfb.finetuning.verdict import judge
from kipoi_tfb.training.relatives import _PROTOCOL, RELATIONS, base_of_relatives, relatives_config
from kipoi_tfb.zoo import find
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.networks import load_network
from tests import tiny
from tests.entries import run_tfb
from tests.tuned import small_base, tuned
from tfb_matrix_data.errors import ConfigError, UnknownNameError

PENTAD = Path(__file__).parents[2] / "experiments" / "pentad" / "JUND-cofactors.yaml"
NAME = "relatives-SP1-cofactors"


@pytest.fixture
def tfb(monkeypatch, capfd, tmp_path, world):
    """Run `tfb` in an empty folder, with quick trainings. (code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(_PROTOCOL, "epochs", 1)

    def call(*arguments):
        valid = {"MATRIX": str(world.matrix_path), "GENOME": str(world.genome_path)}
        return run_tfb(monkeypatch, capfd, [valid.get(each, each) for each in arguments])

    return call


RUN = ("finetune", "SP1", "--from-matrix", "MATRIX", "--genome", "GENOME", "--arm", "head", "--seeds", "1",
       "--controls", "base", "--device", "cpu", "-o", "out", "--relatives", "2")  # fmt: skip


def test_it_is_the_protocol_of_the_pentads():
    fields = {"name", "summary", "tfs", "seed"}
    expected = {name: value for name, value in yaml.safe_load(PENTAD.read_text()).items() if name not in fields}
    assert expected == _PROTOCOL
    config = relatives_config("JUND", "binding_mode", 3, 7)
    choice = config.tfs
    assert (choice.relation, choice.of, choice.n, choice.with_target) == ("binding_mode", "JUND", 3, False)
    assert config.name == "relatives-JUND-binding-mode" and config.seed == 7


def test_relations():
    assert RELATIONS == ("binding_mode", "cofactors", "cofactors_any", "non_cofactors", "random")
    with pytest.raises(UnknownNameError, match=r"unknown relation 'string'. Valid: binding_mode, cofactors"):
        relatives_config("JUND", "string")


def test_from_a_tf_of_a_matrix_to_a_zoo(tfb, tmp_path, monkeypatch):
    def accepting(*args):
        return judge(*args).model_copy(update={"verdict": "accepted"})

    monkeypatch.setitem(finetune.__globals__, "judge", accepting)
    code, _, err = tfb(*RUN, "--relevant", "cofactors")
    assert code == 0, err
    base, entry = open_entry(tmp_path / "out" / NAME), open_entry(tmp_path / "out" / "entry")
    assert set(base.card.tasks) == {"CTCF", "JUND"} and base.card.architecture == "paper-cnn"
    assert f"next: tfb zoo add {base.folder} {entry.folder}" in err
    assert entry.card.base == NAME and entry.card.finetuned.base_weights_sha256 == base.card.weights.sha256
    assert entry.find_base().folder == base.folder and entry.card.finetuned.head_from in base.card.tasks
    folder = tmp_path / "elsewhere" / "deep" / "deeper" / "zoo"
    folder.mkdir(parents=True)
    monkeypatch.setattr("kipoi_tfb.zoo.entry.files", lambda _: folder)
    code, _, err = tfb("zoo", "add", "out/entry")
    said = f"`tfb zoo add {base.folder} {entry.folder}` adds both"
    assert code == 1 and f"its base {NAME} is neither in a folder above" in err and said in err
    assert not list(folder.iterdir())
    code, _, err = tfb("zoo", "add", str(base.folder), "out/entry")
    assert code == 0 and find.entry_names(folder) == [NAME, "tf/SP1"], err
    shutil.rmtree(tmp_path / "out")
    assert load_network(open_entry(folder / "tf" / "SP1")) is not None


def test_a_base_that_is_there_is_not_made_again(tmp_path, world, monkeypatch):
    config = relatives_config("SP1", "cofactors", 2)

    def making(recipe, matrix, genome, folder, *_):
        training = tiny.card_fields()["training"].model_copy(update={"config": recipe})
        return tiny.make_entry(folder / "entry", name=recipe.name, training=training)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("kipoi_tfb.training.relatives.pretrain", making)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "rename", lambda path, to: killed() if path.name == "entry" else path.replace(to))
        base_of_relatives(config, world.matrix, world.genome, tmp_path)
    monkeypatch.setattr("kipoi_tfb.training.relatives.pretrain", lambda *_: pytest.fail("trained again"))
    for _ in range(2):
        found = base_of_relatives(config, world.matrix, world.genome, tmp_path)
        assert found.folder == tmp_path / NAME and found.card.training.config == config
    with pytest.raises(ConfigError, match=rf"{NAME} was made with another configuration .* another --output"):
        base_of_relatives(relatives_config("SP1", "cofactors", 2, seed=1), world.matrix, world.genome, tmp_path)


def test_a_zoo_that_has_another_base_of_that_name(tfb, tmp_path, monkeypatch):
    entry = tuned(small_base(tmp_path / "mine"), "tf/JUND")
    folder = tmp_path / "zoo"
    small_base(folder, seed=8)
    monkeypatch.setattr("kipoi_tfb.zoo.entry.files", lambda _: folder)
    code, _, err = tfb("zoo", "add", str(entry.folder))
    assert code == 1 and "was fine-tuned from base with weights" in err and not (folder / "tf").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*RUN, "--relevant", "random", "--base", "multi50"), "--relevant makes a base of its own: leave out --base"),
        (("finetune", "SP1", "--peaks", "x", "--genome", "GENOME", "-o", "out", "--relevant", "random"),
         "--relevant goes with --from-matrix and one TF"),
        (("finetune", "--all", *RUN[2:], "--relevant", "random"), "--relevant goes with --from-matrix and one TF"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together(tfb, arguments, message):
    code, _, err = tfb(*arguments)
    assert code == 2 and message in " ".join(err.replace("│", " ").split())


def test_too_few_relatives(tfb, tmp_path):
    code, _, err = tfb(*RUN[:-1], "7", "--relevant", "cofactors")
    assert code == 1 and "7 TFs other than SP1 asked for by relation cofactors, but there are only" in err
    assert not (tmp_path / "out" / NAME).exists()
