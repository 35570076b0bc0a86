"""The commands of docs/contributing-a-model.md, as they stand there, on made-up peaks and a small base."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from kipoi_tfb import cli
from kipoi_tfb.finetuning import verdict
from kipoi_tfb.finetuning.job import finetune
from kipoi_tfb.zoo import verify
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.find import entry_names
from tests import tiny
from tests.tuned import small_base

PAGE = (Path(__file__).parents[1] / "docs" / "contributing-a-model.md").read_text()
BLOCKS = [block for number, block in enumerate(PAGE.split("```")) if number % 2]
COMMANDS = [line.strip() for block in BLOCKS for line in block.splitlines() if line.startswith("tfb ")]
SMALLER = ("--base", "base", "--seeds", "1", "--epochs", "1", "--device", "cpu")


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """Peaks, open regions and genome under the names of the page; a zoo with nothing but a base."""
    world = tiny.make_world(tmp_path)
    matrix = world.matrix
    labels = matrix.labels(["JUND"])[:, 0]
    names = np.array(matrix.regions.chrom_names)[matrix.regions.chrom]
    places = [f"{c}\t{s}\t{s + 200}" for c, s in zip(names.tolist(), matrix.regions.start.tolist(), strict=True)]
    peaks = [f"{places[i]}\tpeak{i}\t0\t.\t1\t1\t1\t100\n" for i in np.flatnonzero(labels == 1)]
    (tmp_path / "peaks.narrowPeak").write_text("".join(peaks))
    (tmp_path / "open.bed").write_text("".join(f"{places[i]}\n" for i in np.flatnonzero(labels >= 0)))
    shutil.copy(world.genome_path, tmp_path / "hg38.fa")
    folder = tmp_path / "zoo"
    small_base(folder)
    monkeypatch.setattr("kipoi_tfb.zoo.entry.files", lambda _: folder)
    monkeypatch.chdir(tmp_path)
    return folder


def test_the_commands_of_the_page(stranger, monkeypatch, capfd):
    assert [shlex.split(line)[1] for line in COMMANDS] == [
        "finetune", "finetune", "zoo", "zoo", "zoo", "predict", "zoo", "zoo", "zoo", "zoo",
    ]  # fmt: skip

    def judge(*args):
        # Whatever the verdict on a base that knows nothing would be: the page goes on with what was accepted.
        return verdict.judge(*args).model_copy(update={"verdict": "accepted with note"})

    monkeypatch.setitem(finetune.__globals__, "judge", judge)
    for command in COMMANDS:
        arguments = shlex.split(command)
        monkeypatch.setattr(sys, "argv", [*arguments, *(SMALLER if arguments[1] == "finetune" else ())])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capfd.readouterr()
        assert not caught.value.code, f"{command}\n{out}\n{err}"
    assert entry_names(stranger) == ["base", "tf/MYTF"]
    assert out.splitlines()[2].startswith("| tf/MYTF |")
    assert Path("predicted.tsv").read_text().splitlines()[0].split("\t")[-1] == "MYTF"


def test_the_page_names_every_check(stranger):
    for check in verify.verify_entry(open_entry(stranger / "base")):
        assert f"| {check.what} |" in PAGE or f"{check.what}," in PAGE or f", {check.what}" in PAGE
