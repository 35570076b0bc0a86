"""What a fine-tune is made from: defaults, what is refused, and the configuration of each training."""

from __future__ import annotations

import pytest

from kipoi_tfb.finetuning.config import make_config
from kipoi_tfb.zoo.card import Card, WeightsCard
from tests import tiny
from tests.entries import run_tfb
from tfb_matrix_data.errors import ConfigError, UnknownNameError


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"name": "../../etc"}, "field 'name': String should match pattern"),
        ({"seeds": 0}, "field 'seeds': Input should be greater than 0"),
        ({"learning_rate": -1}, "field 'learning_rate': Input should be greater than 0"),
        ({"labels": "dense"}, "field 'labels'"),
    ],
)
def test_wrong_settings(change, match):
    with pytest.raises(ConfigError, match=match):
        make_config(**{"tf": "SP1", **change})


def test_unknown_arm():
    with pytest.raises(UnknownNameError, match=r"unknown arm 'all'. Valid: everything, conv, first-conv"):
        make_config(tf="SP1", arm="all")


def test_whose_motif_a_tf_has():
    assert make_config(tf="MAFK").profiles == make_config(tf="MAFK-HepG2", motif_tf="MAFK").profiles
    assert make_config(tf="MAFK").profiles[0] == "MA0496.3"
    assert make_config(tf="MAFK-HepG2").profiles == ()
    with pytest.raises(UnknownNameError, match=r"unknown TF with a JASPAR profile 'MAFKK'. Did you mean MAFK"):
        make_config(tf="MAFK-HepG2", motif_tf="MAFKK")


@pytest.mark.parametrize("change", [{"authors": ("A\nB",)}, {"source": ""}, {"source": "x" * 300}, {"licence": "a\nb"}])
def test_what_a_card_does_not_say(change):
    with pytest.raises(ConfigError, match=f"field '{next(iter(change))}"):
        make_config(tf="SP1", **change)


def test_a_control_has_a_rate_of_its_own():
    chosen = make_config(tf="SP1", sweep=True, learning_rate=0.01)
    assert chosen.rate("everything") == 0.01 and chosen.rate("scratch") == 3e-3


def test_a_sweep_of_what_is_not_trained():
    with pytest.raises(ConfigError, match=r"arm head is fitted, not trained: it has no learning rate to sweep"):
        make_config(tf="SP1", arm="head", sweep=True)


@pytest.mark.parametrize("arm", ["head", "motif-head"])
def test_a_learning_rate_of_what_is_not_trained(arm):
    with pytest.raises(ConfigError, match=rf"arm {arm} is fitted, not trained: it has no learning rate$"):
        make_config(tf="SP1", arm=arm, learning_rate=0.1)


@pytest.mark.parametrize("arm", ["head", "motif-head"])
def test_a_new_output_of_what_is_fitted(arm):
    with pytest.raises(ConfigError, match=rf"arm {arm} is fitted, .* held to the base's, and cannot start new; leave"):
        make_config(tf="SP1", arm=arm, head="new")


def test_a_random_split_needs_the_exclusion():
    with pytest.raises(ConfigError, match=r"tests all over the genome, also where the base was .* --exclude-base"):
        make_config(tf="SP1", split="paper")
    assert make_config(tf="SP1", split="paper", exclude_base=True).split == "paper"


@pytest.mark.parametrize("change", [{"head": "old"}, {"split": "random"}, {"cell_types": ()}])
def test_what_is_no_choice(change):
    with pytest.raises(ConfigError, match=f"field '{next(iter(change))}'"):
        make_config(tf="SP1", **change)


def test_the_name_of_the_entry():
    assert make_config(tf="SP1").entry_name == "tf/SP1" and make_config(tf="SP1", name="own/x").entry_name == "own/x"


def test_a_recipe_is_of_the_bases_architecture_and_one_seed():
    weights = WeightsCard(file="weights.pt", sha256="0" * 64, dtype="float16")
    base = Card(weights=weights, **tiny.card_fields(architecture="motif-cnn", sizes={"filters": 12}))
    config = make_config(tf="SP1", epochs=7, patience=0, labels="less_sparse")
    recipe = config.recipe(base, "everything", 3)
    assert (recipe.architecture, recipe.sizes, recipe.tfs) == ("motif-cnn", {"filters": 12}, ("SP1",))
    assert (recipe.seed, recipe.epochs, recipe.patience, recipe.labels) == (3, 7, None, "less_sparse")
    assert recipe.learning_rate == 3e-4 and config.recipe(base, "scratch", 0).learning_rate == 3e-3
    assert config.recipe(base, "everything", 0, 1e-5).learning_rate == 1e-5
    assert recipe.summary == "SP1 from tiny: everything" and recipe.output_bias == "prior"
    assert make_config(tf="SP1", head="new").recipe(base, "scratch", 0).output_bias == "default"


@pytest.mark.parametrize(
    ("tf", "name"),
    [
        ("JUND", "tf/JUND"),
        ("NKX3-1", "tf/NKX3-1"),
        ("Ahr::Arnt", "tf/Ahr-Arnt"),
        ("RXRA(VAR.2)", "tf/RXRA-VAR.2"),
        ("HMG-I/Y", "tf/HMG-I-Y"),
    ],
)
def test_any_tf_has_an_entry_of_its_name(tf, name):
    assert make_config(tf=tf).entry_name == name and make_config(tf=tf, name="mine/x").entry_name == "mine/x"


@pytest.mark.parametrize("tf", ["", "SP1\nargs:", "../SP1", "-rf", "=SP1", "SP1\t"])
def test_what_is_no_tf(tf):
    with pytest.raises(ConfigError, match=r"field 'tf': Value error, .* is not a name of a TF: letters, digits"):
        make_config(tf=tf)


@pytest.mark.parametrize("name", ["", "../x", "tf/a b", "x\n", "/x", "tf/", "a" * 300])
def test_what_is_no_entry(name):
    with pytest.raises(ConfigError, match="field 'name': String should"):
        make_config(tf="SP1", name=name)


@pytest.mark.parametrize(
    ("field", "value"), [("epochs", 10**9), ("batch_size", 10**9), ("seeds", 10**9), ("learning_rate", float("inf"))]
)
def test_what_would_never_end_or_fit(field, value):
    with pytest.raises(ConfigError, match=f"field '{field}': Input should be"):
        make_config(tf="SP1", **{field: value})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("SP1\nargs: {}", "--from-matrix", "m.h5"), "'SP1\\nargs: {}' is not a name of a TF"),
        (("SP1", "--from-matrix", "m.h5", "--name", "a b"), "field 'name': String should match pattern"),
        (("SP1", "--peaks", "p.bed", "--assembly", "hg38\nargs:"), "--assembly is a name such as hg38"),
    ],
)
def test_the_command_refuses_them_too(monkeypatch, capfd, arguments, message):
    code, _, err = run_tfb(monkeypatch, capfd, ["finetune", *arguments, "--genome", "g.fa", "-o", "out"])
    assert code in (1, 2) and message in err and "Traceback" not in err
