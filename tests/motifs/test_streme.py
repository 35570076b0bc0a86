"""STREME is run with the paper's settings and read, and taken where it is on PATH."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kipoi_tfb.motifs.denovo import find_motifs
from kipoi_tfb.motifs.streme import run_streme
from tests.motifs.made_up import random_windows
from tfb_matrix_data.errors import TfbError
from tfb_matrix_data.sequence import decode

STREME = """\
#!{python}
import pathlib, sys
option = dict(zip(sys.argv[1::1], sys.argv[2::1]))
assert (option["--nmotifs"], option["--maxw"], option["--hofract"], option["--seed"]) == ("5", "21", "0", "3")
assert pathlib.Path(option["--p"]).read_text() == ">0\\n{positive}\\n" and ">1" in open(option["--n"]).read()
{end}
pathlib.Path(option["--oc"], "streme.txt").write_text('''MEME version 5.5

ALPHABET= ACGT

MOTIF 1-AC STREME-1
letter-probability matrix: alength= 4 w= 2 nsites= 30 E= 1.0e-003
 1 0 0 0
 0 1 0 0

''')
"""


def write_streme(folder: Path, positive: NDArray, end: str = "") -> Path:
    """Write a program that stands in for STREME: it checks what it is given, and finds one motif."""
    program = folder / "streme"
    program.write_text(STREME.format(python=sys.executable, positive=decode(positive), end=end))
    program.chmod(0o755)
    return program


def test_streme_is_used_where_it_is_on_path(tmp_path: Path, monkeypatch) -> None:
    positives, negatives = random_windows(1, seed=1), random_windows(2, seed=2)
    write_streme(tmp_path, positives[0])
    monkeypatch.setenv("PATH", str(tmp_path))
    for engine in ("auto", "streme"):
        (found,) = find_motifs(positives, negatives, engine=engine, seed=3, tf="A")
        assert (found.motif.name, found.motif.matrix_id, found.motif.tf) == ("STREME-1", "1-AC", "A")
        assert found.motif.pfm.argmax(0).tolist() == [0, 1] and np.isnan(found.p_value)


def test_its_motifs_are_named_after_the_tf(tmp_path: Path) -> None:
    positives = random_windows(1, seed=1)
    program = write_streme(tmp_path, positives[0])
    (motif,) = run_streme(str(program), positives, random_windows(2, seed=2), 5, 21, 3, "A")
    assert (motif.name, motif.matrix_id, motif.tf, motif.width) == ("STREME-1", "1-AC", "A", 2)


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("sys.exit('ERROR: no sequences')", r"failed \(exit 1\): ERROR: no sequences; mend it, or use engine='own'"),
        ("sys.exit(0)", r"failed \(exit 0\): no message"),
    ],
)
def test_streme_that_fails(tmp_path: Path, end, message) -> None:
    positives = random_windows(1, seed=1)
    program = write_streme(tmp_path, positives[0], end)
    with pytest.raises(TfbError, match=message):
        run_streme(str(program), positives, random_windows(2, seed=2), 5, 21, 3)


def test_streme_that_cannot_be_run(tmp_path: Path) -> None:
    positives = random_windows(1, seed=1)
    program = write_streme(tmp_path, positives[0])
    program.write_text("#!/nowhere\n")
    with pytest.raises(TfbError, match="cannot be run"):
        run_streme(str(program), positives, random_windows(2, seed=2), 5, 21)
