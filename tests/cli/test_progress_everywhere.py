"""Every long command shows how far it is and when it ends: on a terminal, and never in a pipe."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests import tiny
from tests.entries import VCF, base, record, run_tfb, write_files
from tests.published import publish_tfs
from tests.terminal import terminal
from tests.tuned import small_base

pytest_plugins = ("tests.entries",)

MATRIX = ("--matrix", "MATRIX", "--genome", "PLANTED")
QUICK = ("--seeds", "1", "--epochs", "2", "--batch-size", "64", "--controls", "base")
COMMANDS = {
    "data import": ("reading matrices", ("data", "import", "PUBLISHED", "-o", "m.h5")),
    "data build": ("building", ("data", "build", "sheet.tsv", "-o", "m.h5")),
    "data export": ("exporting", ("data", "export", "MATRIX", "SP1", "-o", "out.tsv")),
    "evaluate": ("scoring", ("evaluate", "TRAINED", *MATRIX, "--bootstrap", "20", "--min-bound", "20", "-o", "o.tsv")),
    "null": ("random variants", ("null", "TRAINED", *MATRIX, "--positions", "200")),
    "explain": ("explaining", ("explain", "ENTRY", "--regions", "in.bed", "--genome", "GENOME", "--tfs", "JUND",
                               "--method", "ism", "-o", "out.tsv")),
    "grammar": ("CTCF beside JUND", ("grammar", "JUND", "--with", "CTCF", "--regions", "two.bed", "--genome", "GENOME",
                                     "--models", "ENTRY", "--step", "35", "-o", "out.tsv")),
    "rank": ("ranking", ("rank", "scores.parquet", "-o", "out.tsv")),
    "report": ("details", ("report", "scores.parquet", "--models", "ENTRY", "--genome", "GENOME", "-o", "out.html")),
    "pretrain": ("training tiny", ("pretrain", "config.yaml", *MATRIX, "--device", "cpu", "-o", "run")),
    "finetune": ("training", ("finetune", "SP1", "--from-matrix", "MATRIX", "--genome", "PLANTED", "--base",
                                      "BASE", "--arm", "everything", *QUICK, "-o", "RUN")),
}  # fmt: skip
"""{command: what its bar says, and its arguments}; those of windows and variants are in test_progress.py."""

TRAINING = ("grammar", "pretrain", "finetune")


@pytest.fixture(scope="module")
def places(tmp_path_factory, dense) -> dict[str, str]:
    """What the words in capitals stand for."""
    folder = tmp_path_factory.mktemp("places")
    world = tiny.make_world(folder)
    base_entry = small_base(folder / "zoo")
    trained = tiny.make_entry(folder / "zoo" / "trained", tiny.network())
    return {
        "MATRIX": str(world.matrix_path),
        "PLANTED": str(world.genome_path),
        "PUBLISHED": str(publish_tfs(dense, folder / "published")),
        "BASE": str(base_entry.folder),
        "TRAINED": str(trained.folder),
        "RUN": str(folder / "zoo" / "run"),  # beside its base
    }


@pytest.fixture
def run(monkeypatch, capfd, tmp_path, entry, genome_path, places):
    """Run `tfb` in a folder with small inputs. (code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    other = "ACGT"["ACGT".index(base(500)) - 1]
    write_files(tmp_path, {
        "in.vcf": VCF + record(500, other) + record(700), "in.bed": "chr1\t500\t700\n", "open.bed": "chr1\t500\t700\n",
        "two.bed": "chr1\t500\t700\nchr1\t900\t1100\n",
        "sheet.tsv": "kind\tpath\ttf\tcell_type\naccessible\topen.bed\t\tK562\npeaks\topen.bed\tJUND\tK562\n",
        "config.yaml": "name: tiny\nsummary: Motifs.\nepochs: 1\nbatch_size: 64\nlearning_rate: 0.003\n",
    })  # fmt: skip
    valid = {**places, "ENTRY": str(entry.folder), "GENOME": str(genome_path)}

    def tfb(*arguments: str) -> tuple[int, str, str]:
        return run_tfb(monkeypatch, capfd, [valid.get(each, each) for each in arguments])

    monkeypatch.setattr("kipoi_tfb.variants.make_null.MIN_VARIANTS", 1)
    code, _, err = tfb("score", "in.vcf", "--models", "ENTRY", "--genome", "GENOME", "-o", "scores.parquet")
    assert code == 0, err
    return tfb


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in TRAINING else []) for name in COMMANDS]
)
def test_a_bar_with_an_eta_on_a_terminal_and_none_in_a_pipe(run, tmp_path, monkeypatch, places, name):
    says, arguments = COMMANDS[name]
    with terminal(monkeypatch) as said:
        code, _, err = run(*arguments)
    assert code == 0, said[0] + err
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said[0])
    assert re.search(rf"{re.escape(says)} .* ETA", plain), plain
    for folder in (tmp_path / "run", Path(places["RUN"])):
        shutil.rmtree(folder, ignore_errors=True)
    code, _, err = run(*arguments)
    assert code == 0 and "\x1b" not in err and "ETA" not in err, err
