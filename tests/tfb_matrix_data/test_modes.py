"""Tables of binding modes, classes and STRING scores: what is read, and what is refused."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from tfb_matrix_data import modes as module
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.modes import DERIVED, read_modes, read_profiles, read_string_scores


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(line.replace(" ", "\t") + "\n" for line in lines))
    return path


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    lines = (
        "#comment",
        "extra cluster TF tf_class",
        "x c1 A bZIP|bHLH",
        "x c2 A ETS",
        "",
        "x c2 B bHLH::ETS",
        "x c3 C",
    )
    known = read_modes(write(tmp_path / "m.tsv", *lines))
    assert known.modes == {"A": {"c1", "c2"}, "B": {"c2"}, "C": {"c3"}}
    assert known.tf_class == {"A": "ETS", "B": "bHLH"}  # a TF's own profile goes before a dimer's
    assert known.shared("A", "B") == ["c2"] and known.shared("A", "C") == known.shared("A", "nobody") == []
    assert known.source == str(tmp_path / "m.tsv")


def test_profiles_of_a_table_of_ones_own(tmp_path: Path) -> None:
    path = write(tmp_path / "m.tsv", "TF matrix_id", "B M2", "A M1", "B M1", "B M2")
    assert read_profiles(path) == {"B": ("M2", "M1"), "A": ("M1",)}
    with pytest.raises(InputError, match="no column 'matrix_id'"):
        read_profiles(write(tmp_path / "n.tsv", "TF cluster", "A c1"))


def test_classes_are_optional(tmp_path: Path) -> None:
    assert read_modes(write(tmp_path / "m.tsv", "TF cluster", "A c1")).tf_class == {}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("TF mode", "A c1"), r"m\.tsv, line 1: no column 'cluster'; expected a tab-separated header with TF, cluster"),
        (("TF cluster",), r"m\.tsv: has no rows"),
        (("#only",), r"m\.tsv: has no rows"),
        (("TF cluster", "A c1", "B"), r"m\.tsv, line 3: no value in column 'cluster'"),
        ((), r"m\.tsv: is empty"),
    ],
)
def test_bad_tables_of_modes(tmp_path: Path, lines, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_modes(write(tmp_path / "m.tsv", *lines))


def test_string_scores(tmp_path: Path) -> None:
    scores = read_string_scores(write(tmp_path / "s.tsv", "TF_a TF_b score", "A B 700", "B A 900", "C A 400.5"))
    assert scores == {frozenset("AB"): 900, frozenset("AC"): 400.5}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("A B 700",), r"s\.tsv, line 1: no column 'TF_a'"),
        (("TF_a TF_b score", "A B high"), r"s\.tsv, line 2: score 'high' is not a finite number"),
        (("TF_a TF_b score", "A B nan"), r"s\.tsv, line 2: score 'nan' is not a finite number"),
    ],
)
def test_bad_string_scores(tmp_path: Path, lines, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_string_scores(write(tmp_path / "s.tsv", *lines))


def test_the_package_has_the_clusters_of_jaspar() -> None:
    known = read_modes()
    assert len(known.modes) == 163 and known.modes.keys() <= known.tf_class.keys()
    assert known.modes["MAX"] == {"cluster_7"} and known.modes["SP1"] == known.modes["EGR1"] == {"cluster_34"}
    assert known.shared("HNF4A", "TEAD4") == ["cluster_2"] and known.shared("JUND", "ATF3") == ["cluster_18"]
    assert known.shared("GATA1", "TAL1") == ["cluster_103"]
    for one, other in ("MAX", "MXI1"), ("MAX", "E2F6"), ("JUND", "SP1"), ("CTCF", "SP1"):
        assert not known.shared(one, other), (one, other)


def test_tfs_outside_the_matrix_have_a_class_but_no_cluster() -> None:
    known, derived = read_modes(), read_modes(DERIVED)
    assert "POU2F1" in derived.modes and "POU2F1" in known.tf_class and "POU2F1" not in known.modes
    assert not any(mode.startswith("mode_") for modes in known.modes.values() for mode in modes)
    assert "`derived` has all TFs of JASPAR" in known.source


def test_the_package_has_derived_modes_of_all_tfs() -> None:
    known = read_modes(DERIVED)
    assert known == read_modes(Path(DERIVED))
    assert len(known.modes) > 600 and known.modes.keys() == known.tf_class.keys()
    for one, other in ("FOS", "JUND"), ("GATA1", "GATA2"), ("MAX", "MYC"), ("ELF1", "GABPA"), ("CEBPA", "CEBPB"):
        assert known.shared(one, other), (one, other)
    for one, other in ("FOS", "GATA1"), ("TEAD4", "GATA1"), ("CTCF", "SP1"), ("JUND", "SPI1"):
        assert not known.shared(one, other), (one, other)


EXPERIMENTS = Path(__file__).parents[2] / "experiments"
PACKAGE = Path(module.__file__).parent


def run(monkeypatch: pytest.MonkeyPatch, script: str, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(EXPERIMENTS / script), run_name="__main__")
    return int(caught.value.code or 0)


def test_the_table_is_what_its_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyjaspar")
    assert run(monkeypatch, "make_tf_classes.py", "--output", str(tmp_path / "again.tsv")) == 0
    assert (tmp_path / "again.tsv").read_bytes() == (PACKAGE / "tf_classes.tsv").read_bytes()


@pytest.mark.shared_data
def test_the_clusters_are_what_their_script_writes(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, again = shared_data / "knowledge" / "tf_binding_modes.tsv", tmp_path / "again.tsv"
    assert run(monkeypatch, "make_jaspar_clusters.py", str(table), "--output", str(again)) == 0
    assert again.read_bytes() == (PACKAGE / "jaspar_clusters.tsv").read_bytes()
    assert read_modes().modes == read_modes(table).modes


def test_a_table_of_clusters_by_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = write(tmp_path / "m.tsv", "TF cluster", "A cluster_3", "B mode_3")
    monkeypatch.setattr(sys, "argv", ["make_jaspar_clusters.py", str(table), "--output", str(tmp_path / "out.tsv")])
    with pytest.raises(InputError, match=r"m\.tsv: cluster 'mode_3' of B is not named as cluster_1 is"):
        runpy.run_path(str(EXPERIMENTS / "make_jaspar_clusters.py"), run_name="__main__")
    assert not (tmp_path / "out.tsv").exists()


@pytest.mark.shared_data
def test_the_derived_modes_are_much_like_jaspars(shared_data: Path) -> None:
    paper, own = read_modes(shared_data / "knowledge" / "tf_binding_modes.tsv"), read_modes(DERIVED)
    assert paper.modes.keys() <= own.modes.keys()
    assert all(own.tf_class[tf] == tf_class for tf, tf_class in paper.tf_class.items())
    pairs = [(a, b) for a in paper.modes for b in paper.modes if a < b]
    agree = sum(bool(own.shared(*pair)) == bool(paper.shared(*pair)) for pair in pairs)
    assert agree / len(pairs) > 0.99
    assert len(read_string_scores(shared_data / "knowledge" / "string_v11_tf_pairs.tsv")) == 159
