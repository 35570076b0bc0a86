"""`tfb finetune`: someone's peaks, the same bytes for the same command, exit codes, options that do not go together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kipoi_tfb.finetuning.job import finetune, finished
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.describe import describe
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.finetuned_card import GateCard
from tests.entries import run_tfb
from tests.tuned import contents

pytest_plugins = ("tests.finetuning.small_motif_base",)

QUICK = ("--seeds", "1", "--epochs", "2", "--batch-size", "64", "--device", "cpu")


@pytest.fixture
def tfb(monkeypatch, capfd, tmp_path, zoo, world):
    """Run `tfb finetune SP1` in an empty folder. (code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    matrix = world.matrix
    chosen = np.flatnonzero(matrix.labels(["SP1"])[:, 0] == 1)
    names = np.array(matrix.regions.chrom_names)[matrix.regions.chrom[chosen]]
    starts = matrix.regions.start[chosen].tolist()
    lines = [f"{c}\t{s}\t{s + 200}\n" for c, s in zip(names.tolist(), starts, strict=True)]
    (tmp_path / "peaks.bed").write_text("".join(lines))
    common = ("--genome", str(world.genome_path), "--base", str(zoo.folder), *QUICK)

    def call(*arguments, out="out"):
        valid = {"MATRIX": str(world.matrix_path)}
        given = [valid.get(each, each) for each in arguments]
        return run_tfb(monkeypatch, capfd, ["finetune", *given, *common, "-o", str(out)])

    return call


def test_command_on_peaks_of_a_tf_that_nobody_knows(tfb, tmp_path, cheap, caplog):
    with caplog.at_level("INFO", "kipoi_tfb"):
        code, out, err = tfb("MYTF", "--peaks", "peaks.bed", "--matrix", "MATRIX")
    assert "JASPAR 2020 has no profile of MYTF: that control is left out" in caplog.text
    assert "small has no output for MYTF; SP1 tells its training regions best" in caplog.text
    found = open_entry(tmp_path / "out" / ("refused" if code == 3 else "entry"))
    assert code == (3 if found.card.gate.verdict == "refused" else 0) and found.card.gate.words in out
    assert "train" in err and "unbound, of the same GC content" in err
    card = found.card
    assert card.tasks == ("MYTF",) and card.finetuned.head_from == "SP1" and card.metrics.labels == "peaks"
    assert card.data.peaks_sha256 and card.data.matrix_sha256 and card.metrics.matrix_sha256 is None
    assert card.training.command.startswith("tfb finetune MYTF --peaks peaks.bed --matrix matrix.h5 --genome genome.fa")
    assert Predictor([found]).columns == ["MYTF"]


def test_who_made_it_from_what_is_in_the_card(tfb, tmp_path, cheap):
    said = ("--author", "A. Lab, 0000-0002-1825-0097; B. Lab", "--source", "GEO:GSE12345", "--licence", "CC-BY-4.0")
    command = ("SP1-mine", "--peaks", "peaks.bed", "--matrix", "MATRIX", "--arm", "head", "--motif-tf", "SP1", *said)
    code, out, err = tfb(*command)
    found = finished(tmp_path / "out")
    assert code in (0, 3) and found is not None, err
    card = found.card
    assert (card.authors, card.licence) == (("A. Lab, 0000-0002-1825-0097", "B. Lab"), "CC-BY-4.0")
    assert (card.data.accession, card.finetuned.motif_tf) == ("GEO:GSE12345", "SP1")
    assert "jaspar" in {control.kind for control in card.gate.controls} and "JASPAR motif" in out
    shown = "\n".join(describe(found))
    assert "data from   GEO:GSE12345\n" in shown and "CC-BY-4.0; by A. Lab, 0000-0002-1825-0097, B. Lab\n" in shown
    assert len(describe(found)) <= 25
    assert "finished before" in tfb(*command)[2]
    code, _, err = tfb(*command[:-1], "MIT")
    assert code == 1 and "says another licence, other authors or another source; give the same as then" in err


def test_a_card_of_who_says_nothing_is_as_it_was(tfb, tmp_path, cheap):
    tfb("SP1", "--from-matrix", "MATRIX", "--arm", "head", "--controls", "base")
    text = (finished(tmp_path / "out").folder / "card.yaml").read_text()
    assert "accession" not in text and "motif_tf" not in text and "- the kipoi-tfb developers" in text


def test_the_motif_of_a_tf_that_jaspar_lacks(tfb, tmp_path):
    code, _, err = tfb("SP1-mine", "--peaks", "peaks.bed", "--matrix", "MATRIX", "--motif-tf", "SP11")
    assert code == 1 and "unknown TF with a JASPAR profile 'SP11'. Did you mean SP1" in " ".join(err.split())
    code, _, err = tfb("--all", "--from-matrix", "MATRIX", "--motif-tf", "SP1")
    assert code == 2 and "--motif-tf goes with one TF" in err


@pytest.mark.parametrize("arm", ["head", "motif-head", "everything"])
def test_the_same_command_gives_the_same_bytes(tfb, tmp_path, monkeypatch, cheap, arm):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    found = []
    for out in (Path("a"), tmp_path / "deeper" / "b"):
        code, _, err = tfb("SP1", "--from-matrix", "MATRIX", "--arm", arm, out=out)
        assert code in (0, 3), err
        found.append(contents(finished(out)))
    assert found[0].keys() == found[1].keys() and {"card.yaml", "weights.pt", "controls.tsv"} <= found[0].keys()
    for name, content in found[0].items():
        assert content == found[1][name], name
    card = found[0]["card.yaml"].decode()
    assert card.count("2023-11-14") == 2 and card.count("-o OUT") == 2 and str(tmp_path) not in card


@pytest.mark.parametrize(("verdict", "code"), [("refused", 3), ("accepted with note", 0)])
def test_exit_code_says_the_verdict(tfb, tmp_path, cheap, monkeypatch, verdict, code):
    gate = GateCard(verdict=verdict, words=f"{verdict}: so it is", controls=())
    monkeypatch.setitem(finetune.__globals__, "judge", lambda *_: gate)
    found, out, err = tfb("SP1", "--from-matrix", "MATRIX", "--arm", "head")
    assert found == code and f"{verdict}: so it is" in out
    assert (tmp_path / "out" / "refused").exists() == (code == 3)
    assert ("next: tfb zoo add" in err) == (code == 0) and "finished before" not in err
    before = contents(finished(tmp_path / "out"))
    found, out, err = tfb("SP1", "--from-matrix", "MATRIX", "--arm", "head")
    assert found == code and out.strip() == f"{verdict}: so it is" and contents(finished(tmp_path / "out")) == before
    assert f"out/{'refused' if code else 'entry'} was finished before, and nothing was left to do" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either --from-matrix or --peaks"),
        (("--from-matrix", "MATRIX", "--peaks", "peaks.bed"), "give either --from-matrix or --peaks"),
        (("--from-matrix", "MATRIX", "--open", "peaks.bed"), "--open and --matrix go with --peaks"),
        (("--peaks", "peaks.bed", "--open", "peaks.bed", "--matrix", "MATRIX"), "give one of --open and --matrix"),
    ],
)
def test_options_that_do_not_go_together(tfb, arguments, message):
    code, _, err = tfb("SP1", *arguments)
    assert code == 2 and message in " ".join(err.replace("│", " ").split())
