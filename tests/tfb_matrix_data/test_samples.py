"""The sample sheet: what it ties together, and what it refuses by line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.samples import read_samples

HEADER = "kind\tpath\ttf\tcell_type\n"
OPEN = "accessible\ta.bed\t\tK562\n"
PEAKS = "peaks\tp.bed\tJUND\tK562\n"


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[[str], Path]:
    """Write a sheet beside a.bed, b.bed and p.bed."""
    for name in ("a.bed", "b.bed", "p.bed"):
        (tmp_path / name).touch()

    def write(text: str) -> Path:
        (tmp_path / "samples.tsv").write_text(text)
        return tmp_path / "samples.tsv"

    return write


def test_rows_come_back_with_their_files_and_lines(sheet, tmp_path: Path) -> None:
    text = "# mine\ncell_type\ttf\tnote\tpath\tkind\n\nK562 \t JUND\tgood\tp.bed\tpeaks\n"
    text += f"K562\t\t\t{tmp_path}/a.bed\taccessible\n"
    first, second = read_samples(sheet(text))
    assert (first.kind, first.path, first.tf, first.cell_type, first.line) == (
        "accessible",
        tmp_path / "a.bed",
        "",
        "K562",
        5,
    )
    assert (second.kind, second.path, second.tf, second.cell_type, second.line) == (
        "peaks",
        tmp_path / "p.bed",
        "JUND",
        "K562",
        4,
    )


def test_the_order_of_rows_is_nothing_and_a_byte_order_mark_is_skipped(sheet) -> None:
    one = [(s.kind, s.path) for s in read_samples(sheet(HEADER + OPEN + PEAKS))]
    other = [(s.kind, s.path) for s in read_samples(sheet("\ufeff" + HEADER + PEAKS + OPEN))]
    assert one == other


REFUSED = {
    "empty": ("", "samples.tsv: is empty"),
    "comments": ("# nothing\n", "has no header"),
    "commas": ("kind,path,tf,cell_type\n", "line 1: has no column kind, path, tf, cell_type; expected a header of tab"),
    "missing column": ("kind\tpath\ttf\nx\ty\tz\n", "line 1: has no column cell_type"),
    "too many columns": (HEADER + OPEN.replace("\n", "\tx\n"), "line 2: 5 columns under a header of 4"),
    "unknown kind": (HEADER + "peak\tp.bed\tJUND\tK562\n", "line 2: unknown kind 'peak'. Did you mean peaks"),
    "missing file": (HEADER + OPEN + "peaks\tq.bed\tJUND\tK562\n", r"line 3: no such file: q\.bed \(looked for /"),
    "no path": (HEADER + "accessible\t\t\tK562\n", r"line 2: no such file: \(column path is empty\)"),
    "no TF": (HEADER + OPEN + "peaks\tp.bed\t\tK562\n", "line 3: column tf of a row of kind peaks needs a value"),
    "no cell type": (HEADER + "accessible\ta.bed\n", "line 2: column cell_type of a row of kind accessible needs"),
    "TF of open regions": (HEADER + "accessible\ta.bed\tSP1\tK562\n", "column tf of .* must be empty, not 'SP1'"),
    "two spellings": (
        HEADER + OPEN + PEAKS + "peaks\ta.bed\tJunD\tK562\n",
        "line 4: tf 'JunD' is spelt 'JUND' in line 3; use one spelling",
    ),
    "two spellings of a cell type": (
        HEADER + OPEN + "accessible\tb.bed\t\tk562\n" + PEAKS,
        "line 3: cell_type 'k562' is spelt 'K562' in line 2",
    ),
    "TF that is no name": (
        HEADER + OPEN + "peaks\tp.bed\tJUND\x85args:\tK562\n",
        "line 3: column tf: 'JUND.*' is not a name of",
    ),
    "TF like a formula": (
        HEADER + OPEN + "peaks\tp.bed\t=1+1\tK562\n",
        "line 3: column tf: '=1.1' is not a name of a TF",
    ),
    "cell type that is no name": (
        HEADER + "accessible\ta.bed\t\tB  cell\n" + PEAKS,
        "line 2: column cell_type: 'B  cell' is",
    ),
    "twice": (HEADER + OPEN + PEAKS + PEAKS, "line 4: is the same row as line 3"),
    "unknown cell type": (
        HEADER + OPEN + "peaks\tp.bed\tJUND\tK652\n",
        "line 3: unknown cell type 'K652'. Did you mean K562.* It has peaks of JUND, but no accessible track",
    ),
    "sites alone": (
        HEADER + OPEN + PEAKS + "sites\ta.bed\tSP1\tK562\n",
        "line 4: sites of SP1 in K562, but no peaks of it there",
    ),
    "nothing open": (HEADER + PEAKS, "has no row of kind accessible"),
    "nothing bound": (HEADER + OPEN, "has no row of kind peaks"),
    "both kinds of open": (
        HEADER + OPEN + PEAKS + "clusters\ta.bed\n",
        "line 4: line 2 is of kind accessible; use either",
    ),
    "clusters alone": (HEADER + PEAKS + "clusters\ta.bed\n", r"1 row\(s\) of kind clusters and 0 of kind sources"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_spoilt_sheet_is_refused_by_line(sheet, case: str) -> None:
    text, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        read_samples(sheet(text))


def test_a_sheet_from_a_pipe_has_its_files_in_this_folder(sheet, pipe, tmp_path: Path, monkeypatch) -> None:
    sheet(HEADER)
    monkeypatch.chdir(tmp_path)
    assert [s.path for s in read_samples(pipe((HEADER + OPEN + PEAKS).encode()))] == [Path("a.bed"), Path("p.bed")]


def test_a_track_may_be_a_pipe(sheet, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    samples = read_samples(sheet(HEADER + OPEN + PEAKS.replace("p.bed", "pipe")))
    assert [sample.path.name for sample in samples] == ["a.bed", "pipe"]


def test_peaks_may_say_which_point_of_them_counts(sheet) -> None:
    text = HEADER.replace("\n", "\tanchor\n") + OPEN + PEAKS.replace("\n", "\t{}\n")
    assert [s.anchor for s in read_samples(sheet(text.format("")))] == ["auto", "auto"]
    assert [s.anchor for s in read_samples(sheet(text.format("summit")))] == ["auto", "summit"]
    with pytest.raises(InputError, match=r"samples.tsv, line 3: unknown anchor 'middle'. .*auto, summit, centre"):
        read_samples(sheet(text.format("middle")))
    with pytest.raises(
        InputError, match="line 2: column anchor of a row of kind accessible must be empty, not 'centre'"
    ):
        read_samples(sheet(HEADER.replace("\n", "\tanchor\n") + OPEN.replace("\n", "\tcentre\n") + PEAKS))
