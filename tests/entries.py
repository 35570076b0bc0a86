"""Fixtures of a small genome and small zoo entries, for what predicts: ``pytest_plugins = ("tests.entries",)``.

PYTEST_DONT_REWRITE: it asserts nothing, and test modules import it before they make it a plugin.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from kipoi_tfb import cli
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.entry import Entry
from tests.tiny import make_entry, network
from tfb_matrix_data.genome import Genome

TFS = ("ATF4", "CTCF", "JUND")

Run = Callable[..., tuple[int, str, str]]

VCF = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
BED = "chr1\t500\t700\tpeak\nchr2\t1300\t1310\tunknown\n1\t0\t20\tedge\n"
FASTA = ">a\n" + "ACGT" * 60 + "\n"

REGIONS = ("predict", "ENTRY", "--regions", "in.bed", "--genome", "GENOME", "-o", "out.tsv")
SEQUENCES = ("predict", "ENTRY", "--sequences", "in.fa", "-o", "out.tsv")
SCORE = ("score", "in.vcf", "--models", "ENTRY", "--genome", "GENOME", "-o", "out.tsv")
"""Arguments of the `tfb` fixture."""

_rng = np.random.default_rng(3)
CONTIGS = {
    "chr1": "".join(_rng.choice(list("ACGT"), 3000)),
    # 1,000 known bases, 600 unknown ones, 400 known ones.
    "chr2": "".join(_rng.choice(list("ACGT"), 1000)) + "N" * 600 + "".join(_rng.choice(list("acgt"), 400)),
}


def base(pos: int) -> str:
    """Return the base of chr1 at a 1-based position."""
    return CONTIGS["chr1"][pos - 1]


def record(pos: int, alt: str = "", ref: str = "", chrom: str = "chr1") -> str:
    """Return a line of a VCF, by default of an insertion that fits chr1."""
    ref = ref or base(pos)
    return f"{chrom}\t{pos}\t.\t{ref}\t{alt or ref + 'A'}\t.\t.\t.\n"


def lively_network(seed: int, n_outputs: int) -> nn.Module:
    """Return an untrained network whose logits differ between windows by tenths, instead of by thousandths."""
    net = network(seed, n_outputs)
    with torch.no_grad():
        net.head.weight *= 200
    return net


def write_files(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture(scope="session")
def genome_path(tmp_path_factory: pytest.TempPathFactory, write_fasta: Callable[..., Path]) -> Path:
    """FASTA of `CONTIGS`."""
    return write_fasta(tmp_path_factory.mktemp("genome") / "genome.fa", CONTIGS)


@pytest.fixture(scope="session")
def genome(genome_path: Path) -> Genome:
    return Genome(genome_path)


@pytest.fixture(scope="session")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Entry:
    """An entry of the TFs `TFS`."""
    return make_entry(tmp_path_factory.mktemp("zoo") / "tiny", lively_network(0, 3), name="tiny", tasks=TFS)


@pytest.fixture(scope="session")
def other_entry(tmp_path_factory: pytest.TempPathFactory) -> Entry:
    """An entry that shares JUND with `entry`."""
    tasks = ("JUND", "SP1")
    return make_entry(tmp_path_factory.mktemp("zoo") / "other", lively_network(1, 2), name="other", tasks=tasks)


@pytest.fixture(scope="session")
def predictor(entry: Entry) -> Predictor:
    return Predictor([entry])


def run_tfb(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: Sequence[str]
) -> tuple[int, str, str]:
    """Run `tfb` in this process. (code, stdout, stderr)."""
    monkeypatch.setattr(sys, "argv", ["tfb", *arguments])
    capfd.readouterr()
    with pytest.raises(SystemExit) as caught:
        cli.main()
    out, err = capfd.readouterr()
    return int(caught.value.code or 0), out, err


@pytest.fixture
def tfb(monkeypatch, capfd, tmp_path, entry, genome_path) -> Run:
    """Run `tfb` in this process, in an empty folder; ENTRY and GENOME stand for a valid one. (code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        valid = {"ENTRY": str(entry.folder), "GENOME": str(genome_path)}
        return run_tfb(monkeypatch, capfd, [valid.get(argument, argument) for argument in arguments])

    return run
