"""Profiles: reading, log-odds, and filters made of them."""

from __future__ import annotations

import gzip
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from kipoi_tfb.motifs import jaspar
from kipoi_tfb.motifs.jaspar import jaspar_motifs, vertebrate_motifs
from kipoi_tfb.motifs.profiles import Motif, log_odds, motif_filters, read_motifs, trimmed
from tests.motifs.made_up import consensus
from tfb_matrix_data.errors import ConfigError, InputError, MissingExtraError, UnknownNameError

JASPAR = ">MA1 Abc\nA [ 8 0 1 ]\nC [ 0 8 1 ]\nG [ 0 0 1 ]\nT [ 0 0 1 ]\n>MA2 Ddit3::Cebpa(var.2)\n1 0\n0 1\n0 0\n0 0\n"
MEME = """\
MEME version 4

ALPHABET= ACGT

MOTIF 1-ACG STREME-1
letter-probability matrix: alength= 4 w= 2 nsites= 30 E= 1e-9
 1.0 0.0 0.0 0.0
 0.0 0.5 0.5 0.0

MOTIF only
letter-probability matrix: alength= 4 w= 1
 0.25 0.25 0.25 0.25
"""


def test_log_odds_by_hand() -> None:
    pfm = np.array([[3.0, 1], [1, 1], [0, 1], [0, 1]])
    expected = [[3.25 / 5 / 0.25, 1], [1.25 / 5 / 0.25, 1], [0.25 / 5 / 0.25, 1], [0.25 / 5 / 0.25, 1]]
    np.testing.assert_allclose(np.exp(log_odds(pfm)), expected)


def test_a_jaspar_file(tmp_path: Path) -> None:
    path = tmp_path / "m.jaspar"
    path.write_text(JASPAR)
    one, other = read_motifs(path)
    assert (one.name, one.matrix_id, one.tf, one.width) == ("Abc", "MA1", "ABC", 3)
    assert one.pfm.tolist() == [[8, 0, 1], [0, 8, 1], [0, 0, 1], [0, 0, 1]]
    assert (other.name, other.tf) == ("Ddit3::Cebpa(var.2)", "DDIT3::CEBPA")
    assert other.pfm.tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]


def test_a_meme_file(tmp_path: Path) -> None:
    path = tmp_path / "m.meme"
    path.write_text(MEME)
    one, other = read_motifs(path)
    assert (one.name, one.matrix_id, one.tf) == ("STREME-1", "1-ACG", "STREME-1")
    assert one.pfm.tolist() == [[100, 0], [0, 50], [0, 50], [0, 0]]
    assert (other.name, other.matrix_id) == ("only", "only") and other.pfm.ravel().tolist() == [25] * 4


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.jaspar", "\n", "has no motif; expected > lines"),
        ("m.meme", "\n", "has no motif; expected MOTIF lines"),
        ("m.jaspar", "chr1\t5\t9\n", "is not a JASPAR motif file"),
        ("m.jaspar", ">x\n1 2\n3 4\n5 6\n", "has 1 lines that start with '>' but 0 motifs of four rows"),
        ("m.jaspar", "1 2\n3 4\n5 6\n7 8\n", "has 0 lines that start with '>' but 1 motifs"),
        ("m.jaspar", ">x\n1 2\n3 4\n5 6\n7\n", "is not a JASPAR motif file"),
        ("m.jaspar", ">x\n1 0\n3 0\n5 0\n7 0\n", "motif x has a column without counts"),
        ("m.jaspar", ">x\n1 0\n-3 2\n5 0\n7 0\n", "or a negative one"),
        ("m.jaspar", ">x\n1 nan\n3 2\n5 0\n7 0\n", "motif x has a column without counts"),
        ("m.meme", "MOTIF x\nletter-probability matrix:\n0.1 0.2 0.3 0.4\n", "is not a MEME motif file"),
        ("m.meme", "MOTIF x\nletter-probability matrix: w= 1\n0.1 0.2 0.3\n", "line 3: is not a MEME motif file"),
        ("m.meme", "MOTIF x\n\nMOTIF y\nletter-probability matrix: w= 1\n1 0 0 0\n", "x has no 'letter-probability"),
        ("m.meme", "MOTIF x\nletter-probability matrix: w= 2\n1 0 0 0\n", "four shares of x, found none"),
        ("m.meme", "MOTIF x\nletter-probability matrix: w= 1\n1 0 0 x\n", "found '1 0 0 x'"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, name, text, message) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=name) as error:
        read_motifs(path)
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["m.meme", "m.jaspar"])
def test_a_missing_and_a_binary_file(tmp_path: Path, name) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_motifs(tmp_path / name)
    (tmp_path / name).write_bytes(b"\x1f\x8b\xff\x00")
    with pytest.raises(InputError, match="gzip data are damaged"):
        read_motifs(tmp_path / name)


@pytest.mark.parametrize(("format", "text"), [("jaspar", JASPAR), ("meme", MEME)])
def test_motifs_from_a_pipe_compressed_and_with_a_byte_order_mark(pipe, format, text) -> None:
    data = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    for path in (pipe(data), pipe(gzip.compress(data))):
        assert [motif.width for motif in read_motifs(path, format)] == ([3, 2] if format == "jaspar" else [2, 1])


def test_jaspar_profiles_of_tfs() -> None:
    motifs = jaspar_motifs(["SP1", "CEBPA"])
    assert [m.name for m in motifs["CEBPA"]] == ["CEBPA", "Ddit3::Cebpa"]  # MA0102.4, then the dimer's MA0019.1
    assert {m.tf for m in motifs["CEBPA"]} == {"CEBPA"} and list(motifs) == ["SP1", "CEBPA"]
    assert len(jaspar_motifs()) > 600
    with pytest.raises(UnknownNameError, match="unknown TF with a JASPAR profile 'SP11'"):
        jaspar_motifs(["SP11"])
    with pytest.raises(ConfigError, match=r"JASPAR2020 has no profile MA9999\.1 of SP1"):
        jaspar_motifs(["SP1"], profiles={"SP1": ["MA9999.1"]})


@pytest.mark.parametrize("release", ["JASPAR2020", "JASPAR2024"])
def test_the_table_has_what_pyjaspar_has(release, monkeypatch) -> None:
    table = vertebrate_motifs(release)
    monkeypatch.setattr(jaspar, "RELEASE", "")
    known = jaspar.vertebrate_motifs(release)
    assert len(known) > 700 and [m.matrix_id for m in table] == [m.matrix_id for m in known]
    assert all(a.name == b.name and a.tf == b.tf and (a.pfm == b.pfm).all() for a, b in zip(table, known, strict=True))
    one = known[0].matrix_id
    (own,) = jaspar.jaspar_motifs(release=release, profiles={"X": [one]})["X"]
    assert own.tf == "X" and (own.pfm == known[0].pfm).all()


def test_what_the_table_has_not_is_pyjaspars() -> None:
    asked = ["MA0102.3", "MA0102.4", "PB0001.1", "MA0139", "MA0001.1"]  # an older one, a PBM, no version, a plant's
    own = jaspar_motifs(profiles={"X": asked})["X"]
    assert [motif.matrix_id for motif in own] == ["MA0001.1", "MA0102.3", "MA0102.4", "MA0139.1", "PB0001.1"]
    older, newer = own[1:3]
    assert older.tf == "X" and older.name == newer.name == "CEBPA" and older.pfm.sum() != newer.pfm.sum()
    with pytest.raises(UnknownNameError, match=r"unknown release of JASPAR 'JASPAR2021'\. Did you mean JASPAR20"):
        vertebrate_motifs("JASPAR2021")


def test_what_the_table_has_not_without_pyjaspar(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyjaspar", None)
    assert len(vertebrate_motifs()) > 700 and len(jaspar_motifs()) > 600
    with pytest.raises(MissingExtraError, match=r"pyjaspar, which has JASPAR2024, .*pip install 'kipoi-tfb\[jaspar\]'"):
        vertebrate_motifs("JASPAR2024")
    with pytest.raises(MissingExtraError, match=r"which may have MA0102\.3 of JASPAR2020, .*\[jaspar\]'"):
        jaspar_motifs(profiles={"CEBPA": ["MA0102.3"]})


def test_the_table_is_what_its_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Path(__file__).parents[2] / "experiments" / "make_jaspar_profiles.py"
    monkeypatch.setattr(sys, "argv", [script.name, "--output", str(tmp_path / "again.tsv")])
    with pytest.raises(SystemExit):
        runpy.run_path(str(script), run_name="__main__")
    assert (tmp_path / "again.tsv").read_bytes() == Path(jaspar.__file__).with_name("jaspar2020.tsv").read_bytes()


def test_filters_are_padded_or_cut_to_the_most_informative_columns() -> None:
    narrow = consensus("ACG")
    wide = Motif("w", "w", "T", np.hstack([np.full((4, 3), 5.0), consensus("GATTA").pfm, np.full((4, 1), 5.0)]))
    filters = motif_filters([narrow, wide], 5)
    assert filters.shape == (2, 4, 5) and filters.dtype == np.float32
    np.testing.assert_allclose(filters[0, :, 1:4], log_odds(narrow.pfm), rtol=1e-6)
    assert not filters[0, :, [0, 4]].any()
    np.testing.assert_allclose(filters[1], log_odds(consensus("GATTA").pfm), rtol=1e-6)
    assert not motif_filters([narrow], 6)[0, :, [0, 4, 5]].any()


def test_flat_flanks_are_cut() -> None:
    pfm = np.full((4, 15), 25.0)
    pfm[:, 5:10] = consensus("ACGTA", sites=100).pfm
    pfm[:, 7] *= 10  # the most informative one is in the middle
    assert np.array_equal(trimmed(pfm), pfm[:, 5:10])
    pfm[:, 2] = [70, 10, 10, 10]
    assert np.array_equal(trimmed(pfm), pfm[:, 2:10])
    assert trimmed(np.full((4, 15), 25.0)).shape == (4, 5)
