"""The matrix that the package brings: what it holds, and that it needs nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import numpy as np
import pyfaidx
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tfb_matrix_data import example
from tfb_matrix_data.files import sha256
from tfb_matrix_data.intervals import read_intervals
from tfb_matrix_data.sequence import encode

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = ROOT / "tfb_matrix_data" / "embedded"

ALONE = """
import sys

class Blocked:
    names = frozenset(sys.argv[1].split(","))

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
import tfb_matrix_data

matrix, genome = tfb_matrix_data.example()
with matrix:
    here = matrix.regions.on(["chr22"])
    windows = genome.windows(["chr22"] * len(here), matrix.regions.start[here], 200)
    print(matrix.labels(["MAFK"], here).sum(), windows.codes.shape)
for name in MODULES:
    __import__(f"tfb_matrix_data.{name}")
"""


def _needed(names: list[str]) -> set[str]:
    """Return distributions with all that they need in turn."""
    found: set[str] = set()
    while names:
        name = canonicalize_name(names.pop())
        if name not in found:
            found.add(name)
            wanted = [Requirement(each) for each in requires(name) or ()]
            names += [each.name for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def test_it_is_the_peaks_of_the_embedded_example():
    peaks = read_intervals(ROOT / "dataloaders" / "example" / "regions.bed")
    on = peaks.chrom == "chr22"
    truth = {int(start): name for start, name in zip(peaks.start[on], np.array(peaks.name)[on], strict=True)}
    matrix, genome = example()
    with (
        matrix,
        pyfaidx.Fasta(str(ROOT / "dataloaders/example/hg19.excerpt.fa.gz"), as_raw=True, rebuild=False) as text,
    ):
        starts = matrix.regions.start.tolist()
        assert sorted(starts) == sorted(truth) and matrix.attrs["assembly"] == "hg19"
        assert matrix.labels(["MAFK", "POU5F1"]).tolist() == [
            [int(truth[start] == "MAFK"), int(truth[start] == "OCT4")] for start in starts
        ]
        windows = genome.windows(["chr22"] * len(starts), starts, 200)
        assert not windows.n_unknown.any() and windows.codes.tolist() == [
            encode(text["chr22"][start : start + 200]).tolist() for start in starts
        ]


def test_it_needs_nothing_but_what_the_docs_say(tmp_path):
    (line,) = re.findall(r"^pip install (biopython .*)$", (ROOT / "docs" / "python.md").read_text(), re.M)
    allowed = _needed(line.split())
    blocked = {
        module
        for module, owners in packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & {*allowed, "kipoi-tfb"}
    } | {"kipoi_tfb"}
    assert {"torch", "kipoi", "pandas", "scipy", "rich", "typer"} <= blocked
    modules = sorted(path.stem for path in (ROOT / "tfb_matrix_data").glob("[!_]*.py"))
    code = ALONE.replace("MODULES", repr(modules))
    command = [sys.executable, "-c", code, ",".join(blocked)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "40 (78, 200)\n"), done.stderr


def test_the_python_of_the_docs_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "python.md").read_text(), re.M | re.S)
    (ours,) = (block for block in blocks if "example()" in block)
    exec(compile(ours, "docs/python.md", "exec"), {})
    assert capsys.readouterr().out == "(78, 2) (78, 200)\n" and "# (78, 2) (78, 200)" in ours


def test_it_is_small_and_as_its_readme_says():
    text = (EMBEDDED / "README.md").read_text()
    recorded = {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", text, re.M)}
    assert recorded == {path.name: sha256(path) for path in EMBEDDED.iterdir() if path.name != "README.md"}
    assert sum(path.stat().st_size for path in EMBEDDED.iterdir()) < 200_000
