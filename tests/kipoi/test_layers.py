"""What is imported at run time only: import-linter (pyproject.toml) sees the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "dataloaders" / "example"
BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Block())
"""


def run(blocked: set[str], code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCK.format(blocked=blocked) + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("command", "rows"),
    [
        (["predict", "multi163", "--sequences", str(EXAMPLE / "sequences.fa")], 30),
        (["score", str(EXAMPLE / "variants.vcf"), "--genome", str(EXAMPLE / "hg19.excerpt.fa.gz")], 104),
    ],
)
def test_predict_and_score_work_without_kipoi(tmp_path, command, rows):
    out = tmp_path / "out.tsv"
    kipoi = {"kipoi", "kipoiseq", "kipoi_utils", "kipoi_conda"}
    done = run(kipoi, "from kipoi_tfb.cli import main; main()", *command, "--tfs", "MAFK", "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert len(out.read_text().splitlines()) == rows + 1
