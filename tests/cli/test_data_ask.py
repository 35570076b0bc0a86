"""`tfb data similarity`, `neighbours` and `counts --kind both`, on the small matrix."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.entries import write_files
from tfb_matrix_data.counts import counts
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.similarity import similarity

pytest_plugins = ("tests.entries",)

MODES = "TF\tcluster\ttf_class\nATF4\ta\tbZIP\nCTCF\tb\tC2H2\nJUND\ta\tbZIP\nSP1\tc\tC2H2\n"
STRING = "TF_a\tTF_b\tscore\nSP1\tJUND\t900\nATF4\tJUND\t990\n"


def test_similarity(tfb, tmp_path, dense_path):
    arguments = ("--tfs", "SP1,JUND", "--cell-types", "HeLa-S3,K562", "--kind", "sparse", "--plot", "sim.svg")
    code, out, err = tfb("data", "similarity", str(dense_path), "-o", "sim.tsv", *arguments)
    assert (code, err) == (0, "") and "sim.tsv: 2 x 2 TFs, 0 values not defined" in out
    rows = [line.split("\t") for line in (tmp_path / "sim.tsv").read_text().splitlines()]
    assert rows[0] == ["tf", "SP1", "JUND"] and [row[0] for row in rows[1:]] == ["SP1", "JUND"]
    with BindingMatrix(dense_path) as matrix:
        expected = similarity(matrix, ["SP1", "JUND"], "sparse", ["HeLa-S3", "K562"])
    np.testing.assert_allclose(np.array([row[1:] for row in rows[1:]], float), expected, atol=1e-6)
    assert ">Binding similarity of 2 TFs (sparse labels, HeLa-S3,K562)<" in (tmp_path / "sim.svg").read_text()


def test_what_is_not_defined_is_empty(tfb, tmp_path, dense_path):
    # ATF4 and JUND were not profiled there.
    code, out, _ = tfb("data", "similarity", str(dense_path), "-o", "sim.tsv", "--cell-types", "K562")
    assert code == 0 and "12 values not defined" in out
    assert "\nJUND\t\t\t\t\n" in (tmp_path / "sim.tsv").read_text()
    arguments = ("-o", "sim.tsv", "--cell-types", "K562", "--plot", "sim.svg")
    code, out, _ = tfb("data", "similarity", str(dense_path), *arguments)
    assert code == 0 and "sim.svg: 2 TFs by class; 2 without a bound region left out" in out
    assert ">SP1<" in (tmp_path / "sim.svg").read_text() and ">JUND<" not in (tmp_path / "sim.svg").read_text()
    code, _, err = tfb("data", "similarity", str(dense_path), *arguments, "--tfs", "JUND")
    assert code == 1 and "nothing to draw" in err


@pytest.mark.parametrize(
    ("relation", "names"),
    [
        (("cofactors",), {"CTCF", "SP1"}),
        (("cofactors-any",), {"ATF4", "CTCF", "SP1"}),
        (("non-cofactors",), {"ATF4"}),
        (("same-mode", "-n", "1"), {"ATF4"}),
        (("same-mode-random", "-n", "1", "--seed", "3"), {"ATF4"}),
        (("string", "--string", "string.tsv"), {"ATF4", "SP1"}),
        (("string", "--string", "string.tsv", "--other-modes"), {"SP1"}),
        (("random", "-n", "1", "--seed", "3"), {"SP1", "CTCF"}),
    ],
)
def test_neighbours(tfb, tmp_path, dense_path, relation, names):
    write_files(tmp_path, {"modes.tsv": MODES, "string.tsv": STRING})
    arguments = ("data", "neighbours", str(dense_path), "JUND", "--modes", "modes.tsv", "--relation", *relation)
    code, out, err = tfb(*arguments)
    assert code == 0 and (err == "" or re.fullmatch(r"\d of the 5 asked for: .* no more such TFs\n", err))
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == ["name", "score", "reason"] and all(len(row) == 3 for row in rows)
    assert {row[0] for row in rows[1:]} <= names and len(rows) > 1
    assert relation[0] == "random" or {row[0] for row in rows[1:]} == names
    assert tfb(*arguments)[1] == out


def test_counts_of_both_kinds(tfb, dense_path):
    code, out, _ = tfb("data", "counts", str(dense_path), "--kind", "both")
    rows = [line.split("\t") for line in out.splitlines()]
    with BindingMatrix(dense_path) as matrix:
        table = counts(matrix)
    assert code == 0 and rows[0][:3] == ["tf", "cell_types", "bound"]
    assert rows[1:-1] == [[str(value) for value in row] for row in table]
    assert rows[-1][:3] == ["total", "3", str(sum(row.bound for row in table))]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("similarity", "-o", "s.tsv", "--plot", "s.eps"), 1, "cannot draw a figure of the ending '.eps'"),
        (("similarity", "-o", "s.tsv", "--tfs", "JUN"), 1, "unknown TF 'JUN'. Did you mean JUND?"),
        (("similarity", "-o", "s.tsv", "--kind", "dense"), 1, "unknown kind of labels 'dense'"),
        (("similarity", "-o", "s.tsv", "--modes", "in.tsv"), 1, "in.tsv, line 1: no column 'TF'"),
        (("neighbours", "JUN"), 1, "unknown TF 'JUN'. Did you mean JUND?"),
        (("neighbours", "JUND", "--modes", "in.tsv"), 1, "in.tsv, line 1: no column 'TF'"),
        (("neighbours", "JUND", "--relation", "string"), 2, "--relation string needs --string"),
        (("neighbours", "JUND", "--relation", "string", "--string", "in.tsv"), 1, "in.tsv, line 1: no column 'TF_a'"),
        (("neighbours", "JUND", "--relation", "friends"), 2, "'friends' is not one of"),
    ],
)
def test_bad_input(tfb, tmp_path, dense_path, arguments, code, message):
    write_files(tmp_path, {"in.tsv": "a\tb\n1\t2\n"})
    command, *rest = arguments
    found, _, err = tfb("data", command, str(dense_path), *rest)
    assert found == code and "Traceback" not in err
    assert message in " ".join(err.replace("│", " ").split())
    assert [path.name for path in tmp_path.iterdir()] == ["in.tsv"]
