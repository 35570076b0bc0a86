"""`--quiet` and `--verbose`: every command has them, and they change what is said, never what is written."""

from __future__ import annotations

import logging
import re

import pytest

from tests.command_tree import commands
from tests.entries import SCORE, VCF, record, write_files
from tests.terminal import terminal

pytest_plugins = ("tests.entries",)

FILES = {"in.vcf": VCF + "".join(record(pos) for pos in range(500, 520))}


def test_every_command_has_both():
    found = dict(commands())
    assert len(found) > 30
    for name, command in found.items():
        named = {tuple(parameter.opts) for parameter in command.params}
        assert {("-q", "--quiet"), ("-v", "--verbose")} <= named, name


@pytest.fixture
def usual(tfb, tmp_path):
    """What is said without either, and the bytes that are written."""
    write_files(tmp_path, FILES)
    code, _, err = tfb(*SCORE)
    assert code == 0 and "20 alleles x 3 TFs" in err
    return err, (tmp_path / "out.tsv").read_bytes()


def test_quiet_says_nothing(tfb, tmp_path, usual):
    for option in ("-q", "--quiet"):
        (tmp_path / "out.tsv").unlink()
        assert tfb(*SCORE, option) == (0, "", "")
        assert (tmp_path / "out.tsv").read_bytes() == usual[1]
    assert tfb(*SCORE)[2] == usual[0], "the next command is as loud as before"


def test_quiet_has_no_bar_on_a_terminal(tfb, usual, monkeypatch):
    with terminal(monkeypatch) as said:
        assert tfb(*SCORE, "-q")[0] == 0
    assert said == [""]


def test_quiet_keeps_warnings_and_errors(tfb, usual, monkeypatch, capfd):
    code, _, err = tfb("score", "none.vcf", *SCORE[2:], "-q")
    assert code == 1 and err.startswith("error: ") and err.count("\n") == 1
    monkeypatch.setattr(logging.root, "handlers", [])  # pytest's own: `main` makes one, as in a shell
    assert tfb(*SCORE, "-q")[0] == 0
    logging.getLogger("kipoi_tfb.any").info("a remark")
    logging.getLogger("tfb_matrix_data.any").warning("a warning")
    assert capfd.readouterr().err == "a warning\n"


def test_verbose_says_when_where_from_and_what_is_used(tfb, tmp_path, usual, monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])
    code, _, err = tfb(*SCORE, "--verbose")
    first = err.splitlines()[0]
    assert code == 0 and re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ kipoi_tfb\.cli\.loudness: kipoi-tfb \d", first)
    assert "torch 2" in first and "Python 3" in first
    assert (tmp_path / "out.tsv").read_bytes() == usual[1]


def test_verbose_has_the_traceback_of_an_error(tfb):
    code, _, err = tfb("score", "none.vcf", *SCORE[2:], "-v")
    assert code == 1 and "Traceback (most recent call last)" in err and err.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in tfb("score", "none.vcf", *SCORE[2:])[2]


def test_not_both(tfb):
    code, _, err = tfb(*SCORE, "-q", "-v")
    assert code == 2 and "give --quiet or --verbose, not both" in " ".join(err.split())
