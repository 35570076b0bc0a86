"""Matrices from raw tracks: against a naive version, against the real matrix, and against spoilt input."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kipoi_tfb import cli
from tests.tfb_matrix_data.lab import ACCESSIBLE, ALL, HEADER
from tfb_matrix_data import tracks
from tfb_matrix_data.build import build_matrix
from tfb_matrix_data.layout import open_events
from tfb_matrix_data.matrix import BindingMatrix

pytest_plugins = ("tests.tfb_matrix_data.lab",)

CELLS = ["A549", "B cell"]


SIZE = 2000


def naive(accessible: dict, peaks: dict, sites: dict) -> tuple[list[tuple[str, int]], dict]:
    """Regions as (contig, start), and {(tf, cell): code of each region}."""
    merged: list[list] = []
    for chrom, start, end in sorted({interval for intervals in accessible.values() for interval in intervals}):
        if merged and merged[-1][0] == chrom and start < merged[-1][2]:
            merged[-1][2] = max(end, merged[-1][2])
        else:
            merged.append([chrom, start, end])
    regions = {(c, (s + e) // 2 - 100): (c, s, e) for c, s, e in merged if (s + e) // 2 >= 100}
    codes = {}
    for (tf, cell), summits in peaks.items():
        for chrom, start in sorted(regions):
            c, s, e = regions[chrom, start]
            is_open = any(x == c and y < e and s < z for x, y, z in accessible[cell])
            peak = any(x == chrom and start <= y < start + 200 for x, y in summits)
            centres = sites.get((tf, cell), summits)
            site = any(x == chrom and start <= y < start + 200 for x, y in centres)
            codes.setdefault((tf, cell), []).append(is_open * (1 + peak + 2 * site))
    return sorted(regions), codes


contigs = st.sampled_from(["chr1", "chr2"])


intervals = st.tuples(contigs, st.integers(0, SIZE - 400), st.integers(1, 300)).map(lambda t: (t[0], t[1], t[1] + t[2]))


points = st.lists(st.tuples(contigs, st.integers(0, SIZE - 1)), min_size=1, max_size=12)


experiments = st.dictionaries(st.tuples(st.sampled_from(["JUND", "SP1"]), st.sampled_from(CELLS)), points, min_size=1)


@st.composite
def worlds(draw) -> tuple[dict, dict, dict]:
    accessible = {cell: draw(st.lists(intervals, min_size=1, max_size=12)) for cell in CELLS}
    accessible["A549"] += [("chr1", 700, 901), ("chr2", 700, 901)]
    peaks = draw(experiments)
    return accessible, peaks, {key: value for key, value in draw(experiments).items() if key in peaks}


def write_world(folder: Path, world: tuple[dict, dict, dict], shuffle: random.Random) -> Path:
    """Write a world as tracks of whatever form, in whatever order, and return its sheet."""
    accessible, peaks, sites = world
    rows = []
    lines_of = {
        **{("accessible", "", cell): [f"{c}\t{s}\t{e}" for c, s, e in value] for cell, value in accessible.items()},
        **{
            ("peaks", *key): [_peak(c, p, narrow) for c, p in value]
            for (key, value), narrow in zip(peaks.items(), shuffle.choices([True, False], k=len(peaks)), strict=True)
        },
        **{("sites", *key): [f"{c}\t{p}\t{p + 1}\tx" for c, p in value] for key, value in sites.items()},
    }
    for number, ((kind, tf, cell), lines) in enumerate(lines_of.items()):
        name = f"{number}.{shuffle.choice(['bed', 'bed.gz'])}"
        lines = shuffle.sample(lines, len(lines))
        if shuffle.random() < 0.3:
            lines = [line.replace("\t", " ") for line in lines]
        if shuffle.random() < 0.3:
            lines.insert(shuffle.randrange(len(lines) + 1), shuffle.choice(["# a comment", "", "track name=x"]))
        text = "\n".join(lines) + shuffle.choice(["", "\n"])
        (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
        rows.append(f"{kind}\t{name}\t{tf}\t{cell}\n")
    sheet = folder / "samples.tsv"
    sheet.write_text(HEADER + "".join(shuffle.sample(rows, len(rows))))
    return sheet


def _peak(chrom: str, point: int, narrow: bool) -> str:
    start = max(0, point - 7)
    return (
        f"{chrom}\t{start}\t{point + 30}\t.\t0\t.\t0\t0\t0\t{point - start}" if narrow else f"{chrom}\t{point}\t{point}"
    )


@settings(max_examples=120)
@given(world=worlds(), seed=st.integers(0, 99))
def test_labels_are_those_of_the_naive_version(tmp_path_factory, world, seed) -> None:
    shuffle = random.Random(seed)
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracks, "_BLOCK", shuffle.choice([16, 80, 1 << 20]))
        report = build_matrix(write_world(folder, world, shuffle), folder / "m.h5", assembly="made-up")
        again = tmp_path_factory.mktemp("again")
        build_matrix(write_world(again, world, shuffle), again / "m.h5", assembly="made-up")
    assert (folder / "m.h5").read_bytes() == (again / "m.h5").read_bytes(), "the order of rows and lines is nothing"
    regions, codes = naive(*world)
    file, events = open_events(folder / "m.h5")
    with file:
        names = [events.chrom_names[c] for c in events.region_chrom[:]]
        assert list(zip(names, events.region_start[:].tolist(), strict=True)) == regions
        assert {(events.tfs[t], CELLS[c]) for t, c in np.argwhere(events.profiled)} == set(codes)
        for (tf, cell), expected in codes.items():
            t, c = events.tfs.index(tf), CELLS.index(cell)
            code = np.unpackbits(events.accessible[c], count=len(regions))
            for pairs, value in ((events.ambiguous, 2), (events.bound, 4)):
                region, cells = pairs.of(t)
                code[region[cells == c]] = value
            assert code.tolist() == [2 if value == 3 else value for value in expected], (tf, cell)
    every = [value for expected in codes.values() for value in expected]
    assert report.codes == {value: every.count(value) for value in (1, 2, 3, 4)}
    assert sum(track.n for track in report.tracks) == sum(len(p) for kind in world[1:] for p in kind.values())


def test_a_case_worked_by_hand(lab, tmp_path: Path) -> None:
    report = build_matrix(lab(ALL), tmp_path / "m.h5", assembly="hg38")
    # 1000-1300 and 1200-1400 become 1000-1400, hence 1100-1300; the peak's centre is 1195, the site's 1295.
    # 5000-5100 becomes 4950-5150, with a peak alone.
    assert (report.n_regions, report.n_merged, report.codes) == (2, 1, {1: 0, 2: 1, 3: 0, 4: 1})
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        assert matrix.regions.start.tolist() == [1100, 4950]
        assert matrix.labels().ravel().tolist() == [1, -1]
        assert matrix.labels(kind="less_sparse").ravel().tolist() == [1, 0]
        assert matrix.attrs["bound_rule"] == "peaks and sites"
        assert matrix.attrs["assembly"] == "hg38"


def test_without_sites_a_peak_in_an_open_region_is_bound_and_the_file_says_so(lab, tmp_path: Path) -> None:
    report = build_matrix(lab(), tmp_path / "m.h5")
    assert report.codes == {1: 0, 2: 0, 3: 0, 4: 2}
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        assert matrix.attrs["bound_rule"] == "peaks alone"
    rows = ALL + "peaks\tp.bed\tJUND\tHepG2\npeaks\tp.bed\tSP1\tK562\n"
    assert build_matrix(lab(rows), tmp_path / "m.h5").bound_rule == ("peaks and sites; peaks alone: JUND in HepG2; SP1")


def test_a_peak_in_a_region_closed_in_that_cell_type_is_nothing(lab, tmp_path: Path) -> None:
    sheet = lab(ACCESSIBLE + "accessible\tb.bed\t\tHepG2\npeaks\tp.bed\tJUND\tHepG2\n")
    report = build_matrix(sheet, tmp_path / "m.h5")
    assert report.codes == {1: 0, 2: 0, 3: 0, 4: 1}
    (track,) = report.tracks
    assert (track.n, track.in_region, track.in_open_region, track.unmatched) == (2, 2, 1, 0)


def test_replicates_are_joined(lab, tmp_path: Path) -> None:
    sheet = lab(ACCESSIBLE + "peaks\tp.bed\tJUND\tK562\npeaks\tq.bed\tJUND\tK562\n", p="chr1\t1190\t1191\n")
    (tmp_path / "q.bed").write_text("chr1\t5050\t5051\nchr1\t9000\t9001\n")
    report = build_matrix(sheet, tmp_path / "m.h5")
    assert report.codes[4] == 2
    assert [track.unmatched for track in report.tracks] == [0, 0.5]


def test_overlapping_duplicate_and_outlying_regions_are_counted(lab, tmp_path: Path) -> None:
    a = "chr1\t1000\t1010\nchr1\t1000\t1010\nchr1\t1020\t1030\nchr1\t50\t60\nchr1\t9990\t10000\n"
    (tmp_path / "sizes").write_text("chr1\t10000\n")
    report = build_matrix(
        lab(ACCESSIBLE + "peaks\tp.bed\tJUND\tK562\n", a=a), tmp_path / "m.h5", genome=tmp_path / "sizes"
    )
    assert (report.n_regions, report.n_intervals, report.n_merged) == (2, 5, 1)
    assert (report.n_beyond, report.n_overlapping) == (2, 2)


def test_the_command_reports_what_it_built(lab, tmp_path: Path, capsys, monkeypatch) -> None:
    arguments = ["data", "build", str(lab(ALL)), "-o", str(tmp_path / "m.h5"), "--report", str(tmp_path / "r.tsv")]
    monkeypatch.setattr("sys.argv", ["tfb", *arguments])
    with pytest.raises(SystemExit) as done:
        cli.main()
    out = capsys.readouterr().out
    assert done.value.code == 0
    for line in (
        "1 TFs x 2 regions x 2 cell types",
        "3 intervals, 1 merged",
        "bound rule: peaks and sites",
        "code 2       1 (open + peak)",
        "code 4       1 (bound)",
    ):
        assert line in out
    header, *rows = (line.split("\t") for line in (tmp_path / "r.tsv").read_text().splitlines())
    assert header[:8] == ["kind", "tf", "cell_type", "path", "n", "in_region", "in_open_region", "unmatched"]
    assert header[8:] == ["summits", "off_genome"]
    assert [(row[0], *row[4:]) for row in rows] == [
        ("peaks", "2", "2", "2", "0.0000", "0", "0"),
        ("sites", "1", "1", "1", "0.0000", "0", "0"),
    ]


def test_the_command_names_the_fault_in_one_line(lab, tmp_path: Path, capsys, monkeypatch) -> None:
    sheet = lab(ALL + "peaks\ts.bed\tJunD\tHepG2\n")
    monkeypatch.setattr("sys.argv", ["tfb", "data", "build", str(sheet), "-o", str(tmp_path / "m.h5")])
    with pytest.raises(SystemExit) as done:
        cli.main()
    assert done.value.code == 1
    assert capsys.readouterr().err == (
        f"error: {sheet}, line 6: tf 'JunD' is spelt 'JUND' in line 4; use one spelling\n"
    )
