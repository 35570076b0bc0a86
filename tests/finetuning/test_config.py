"""What a fine-tune is asked for is checked before anything is read."""

from __future__ import annotations

import pytest

from kipoi_tfb.finetuning.config import make_config
from tests.entries import run_tfb
from tfb_matrix_data.errors import ConfigError


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
