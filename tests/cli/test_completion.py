"""What Tab offers, as the functions give it and as a shell asks for it."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from kipoi_tfb.cli.completion import complete_chromosomes, complete_entries, complete_tfs
from tests.command_tree import commands


def test_entries():
    assert complete_entries("multi16") == [
        "multi163",
        "multi163-3",
        "multi163-cells",
        "multi163-ensemble",
        "multi163-fast",
    ]
    assert complete_entries("t") == ["tf"] and "all" in complete_entries("") and "tf/JUND" not in complete_entries("")
    assert complete_entries("tf/JUN") == ["tf/JUN", "tf/JUNB", "tf/JUND"]
    assert complete_entries("tf/JUND,multi50") == ["tf/JUND,multi50", "tf/JUND,multi50-danq"]
    assert complete_entries("multi50,multi50") == ["multi50,multi50-danq"] and complete_entries("x") == []


@pytest.mark.parametrize("where", ["models", "entry", "scorer"])
def test_tfs_of_the_entries_that_were_given(where):
    context = SimpleNamespace(params={where: "pentad-JUND-cofactors,tf/SPI1"})
    found = complete_tfs(context, "")
    assert "JUND" in found and "SPI1" in found and len(found) == 6
    assert complete_tfs(context, "SPI1,JUN") == ["SPI1,JUND"]


def test_tfs_without_an_entry_and_of_an_unknown_one():
    assert complete_tfs(SimpleNamespace(params={}), "JUN") == ["JUN", "JUNB", "JUND"]
    assert complete_tfs(SimpleNamespace(params={"models": "none"}), "J") == []


def test_chromosomes():
    assert complete_chromosomes("chr2") == ["chr2", "chr20", "chr21", "chr22"]
    assert complete_chromosomes("chr22,chrX") == ["chr22,chrX"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("tfb predict multi50-", {"multi50-danq"}),
        ("tfb score x.vcf --models pentad-JUND-b", {"pentad-JUND-binding-mode"}),
        ("tfb score x.vcf --models multi50 --tfs MAF", {"MAFK"}),
        ("tfb cache clear gen", {"genomes"}),
        ("tfb evaluate multi163 --chromosomes chrY", {"chrY"}),
        ("tfb grammar JUN", {"JUN", "JUNB", "JUND"}),
        ("tfb finetune --base multi50-", {"multi50-danq"}),
    ],
)
def test_in_a_shell(words, offered):
    environment = {"_TFB_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    command = [sys.executable, "-c", "from kipoi_tfb.cli import main; main()"]
    code = "import sys; sys.argv[0] = 'tfb'; from kipoi_tfb.cli import app; app(prog_name='tfb')"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert set(done.stdout.split()) == offered, done.stderr


def test_all_that_names_a_tf_an_entry_or_a_chromosome_is_completed():
    asked = {"--tfs", "--tf", "--motif-tf", "--with", "tf", "tfs", "--models", "entry", "models", "--base", "--entry",
             "--compare", "--chromosomes"}  # fmt: skip
    found = 0
    for name, command in commands():
        for parameter in command.params:
            if asked & set(parameter.opts):
                found += 1
                assert parameter._custom_shell_complete is not None, f"{name} {parameter.opts}"
    assert found > 35
