"""Matrices from raw tracks: against a naive version, against the real matrix, and against spoilt input."""

from __future__ import annotations

import gzip
import logging
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kipoi_tfb import cli
from tfb_matrix_data import build, tracks
from tfb_matrix_data.build import build_matrix
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.layout import open_events
from tfb_matrix_data.matrix import BindingMatrix

CELLS = ["A549", "B cell"]
SIZE = 2000
HEADER = "kind\tpath\ttf\tcell_type\n"


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


# By hand


@pytest.fixture
def lab(tmp_path: Path) -> Callable[..., Path]:
    """Write a sheet and its tracks; arguments replace files or add rows."""

    def write(rows: str = "", **files: str) -> Path:
        contents = {
            "a": "chr1\t1000\t1300\nchr1\t5000\t5100\n",
            "b": "chr1\t1200\t1400\n",
            "p": "chr1\t1190\t1200\nchr1\t5050\t5051\n",
            "s": "chr1\t1290\t1301\n",
        } | files
        for name, text in contents.items():
            (tmp_path / f"{name}.bed").write_text(text)
        default = "accessible\ta.bed\t\tK562\naccessible\tb.bed\t\tHepG2\npeaks\tp.bed\tJUND\tK562\n"
        (tmp_path / "samples.tsv").write_text(HEADER + (rows or default))
        return tmp_path / "samples.tsv"

    return write


ACCESSIBLE = "accessible\ta.bed\t\tK562\n"
ALL = ACCESSIBLE + "accessible\tb.bed\t\tHepG2\npeaks\tp.bed\tJUND\tK562\nsites\ts.bed\tJUND\tK562\n"


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


# Spoilt input

SPOILT = {
    "empty": ({"p": ""}, r"p\.bed: is empty"),
    "no interval": ({"p": "# nothing\n"}, r"p\.bed: has no interval"),
    "no open region": ({"a": "track name=x\n"}, r"a\.bed: has no interval"),
    "open region of 0 bp": ({"a": "chr1\t5\t5\n"}, r"a\.bed: has an interval of 0 bp"),
    "not BED": ({"p": "chr1\t1\t2\nchr1\tx\t2\n"}, r"p\.bed, line 2: start 'x', end '2'"),
    "too few columns": ({"p": "#c\nchr1\t1\t2\nchr1\t1\n"}, r"p\.bed, line 3: 2 column"),
    "end before start": ({"p": "chr1\t1\t2\n\nchr1\t3\t2\n"}, r"p\.bed, line 3: start 3, end 2"),
    "summit outside": (
        {"p": "chr1\t1\t9\t.\t0\t.\t0\t0\t0\t8\n"},
        r"p\.bed, line 1: summit offset 8 of an interval of 8",
    ),
    "other names": ({"p": "2\t1\t2\n"}, r"p\.bed: lies on 2, where no accessible region is \(these are on chr1\)"),
    "no region left": ({"a": "chr1\t1\t9\n", "b": "chr1\t1\t9\n"}, "no region is left: all 1 reach beyond"),
    "too many contigs": ({"a": "".join(f"c{i}\t500\t600\n" for i in range(200))}, "its regions lie on 201 contigs"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_track_is_refused_by_name_and_nothing_is_written(lab, tmp_path: Path, case: str) -> None:
    files, message = SPOILT[case]
    with pytest.raises(InputError, match=message):
        build_matrix(lab(**files), tmp_path / "m.h5")
    assert not list(tmp_path.glob("*m*.h5"))


@pytest.mark.parametrize("kind", ["sizes", "fasta"])
@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"p": "chr1\t1190\t1191\nchr3\t1\t2\n"}, r"p\.bed, line 2: unknown contig 'chr3'.* assembly of genome"),
        (
            {"p": "chr1\t1190\t1191\nchr1\t6\t6001\n"},
            r"p\.bed, line 2: chr1:6-6001 ends beyond .* \(6,000 bp in genome",
        ),
        ({"b": "chr1\t1\t2\nchr2\t6\t8\n"}, r"b\.bed, line 2: chr2:6-8 ends beyond the contig \(7 bp"),
    ],
)
def test_tracks_of_another_assembly_are_refused_by_line(
    lab, write_fasta, tmp_path: Path, kind: str, files: dict, message: str
) -> None:
    genome = tmp_path / "genome"
    if kind == "fasta":
        genome = write_fasta(tmp_path / "genome.fa", {"chr1": "A" * 6000, "chr2": "ACGTACG"})
    else:
        genome.write_text("chr1\t6000\nchr2\t7\n")
    build_matrix(lab(), tmp_path / "m.h5", genome=genome)
    (tmp_path / "m.h5").unlink()
    with pytest.raises(InputError, match=message):
        build_matrix(lab(**files), tmp_path / "m.h5", genome=genome, strict=True)
    assert not (tmp_path / "m.h5").exists()


def test_intervals_that_are_not_on_the_genome_are_left_out_and_counted(lab, tmp_path: Path, caplog) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "genome").write_text("chr1\t6000\nchr2\t7\n")
    expected = build_matrix(lab(), tmp_path / "m.h5", genome=tmp_path / "genome")
    before = (tmp_path / "m.h5").read_bytes()
    off = "chr3\t1\t2\nchr1\t6\t6001\nchr2\t6\t8\n"
    files = {name: off + (tmp_path / f"{name}.bed").read_text() for name in ("p", "b")}
    report = build_matrix(lab(**files), tmp_path / "m.h5", genome=tmp_path / "genome")
    assert (tmp_path / "m.h5").read_bytes() == before and report.codes == expected.codes
    assert report.n_off == 3 and [track.n_off for track in report.tracks] == [3]
    for name in ("p", "b"):
        said = next(r.getMessage() for r in caplog.records[::-1] if r.getMessage().startswith(f"{name}.bed: "))
        assert said.endswith("; left out 1 on contigs that the genome lacks and 2 that end beyond their contig")


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("genome", ["chr1", "1", "NC_000001.11", ""])
@pytest.mark.parametrize(("opened", "peaks"), [("chr1", "1"), ("1", "chr1"), ("1", "1"), ("NC_000001.11", "chr1")])
def test_other_spellings_of_contigs_are_the_same_contigs(
    lab, tmp_path: Path, caplog, genome: str, opened: str, peaks: str, strict: bool
) -> None:
    caplog.set_level(logging.INFO)
    sizes = tmp_path / "sizes"
    sizes.write_text(f"{genome}\t10000\n")
    sheet = lab(ALL)
    build_matrix(sheet, tmp_path / "as-ever.h5")
    files = {"a": opened, "b": opened, "p": peaks, "s": "1"}
    for name, contig in files.items():
        (tmp_path / f"{name}.bed").write_text((tmp_path / f"{name}.bed").read_text().replace("chr1", contig))
    caplog.clear()
    report = build_matrix(sheet, tmp_path / "m.h5", sizes if genome else None, strict=strict)
    found, expected = (BindingMatrix(tmp_path / name) for name in ("m.h5", "as-ever.h5"))
    assert found.regions.chrom_names == [genome or opened] and report.n_off == 0
    np.testing.assert_array_equal(found.labels(found.tfs), expected.labels(expected.tfs))
    np.testing.assert_array_equal(found.regions.start[:], expected.regions.start[:])
    told = caplog.text.count(" contig names differ, reconciled: ")
    assert told == sum(contig != (genome or opened) for contig in files.values())


def test_two_spellings_in_one_track_are_one_contig(lab, tmp_path: Path) -> None:
    report = build_matrix(lab(a="chr1\t1000\t1300\n1\t1250\t1400\nchr1\t5000\t5100\n"), tmp_path / "m.h5")
    assert report.n_merged == 2 and BindingMatrix(tmp_path / "m.h5").regions.chrom_names == ["chr1"]


def test_a_track_none_of_which_is_on_the_genome_is_refused(lab, tmp_path: Path) -> None:
    (tmp_path / "genome").write_text("chr1\t6000\n")
    message = r"p\.bed: no interval is on the contigs of genome, which are chr1; found chr3, chr4; is this the right"
    with pytest.raises(InputError, match=message):
        build_matrix(lab(p="chr3\t1\t2\nchr4\t1\t2\n"), tmp_path / "m.h5", genome=tmp_path / "genome")


PEAK = "chr1\t1100\t1300\tp\t0\t.\t5.5\t-1\t2.25\t"
IDR = PEAK + "{}\t0.5\t1.2\t1090\t1310\t4.5\t100\t1095\t1305\t3.5\t104\n"


@pytest.mark.parametrize(
    ("peaks", "column", "said", "bound"),
    [
        (PEAK + "10\n", "", "summits of 1 peaks", [1, 0]),
        (PEAK + "10.0\n", "", "summits of 1 peaks", [1, 0]),
        (PEAK + "10\t\n", "", "summits of 1 peaks", [1, 0]),
        (IDR.format(10), "", "summits of 1 peaks", [1, 0]),
        (IDR.format(10), "summit", "summits of 1 peaks", [1, 0]),
        (PEAK + "-1\n" + PEAK + "10\n", "", "summits; centres of 1 without one of 2 peaks", [1, 1]),
        (IDR.format(10), "centre", "centres of 1 peaks", [0, 1]),
        (PEAK + "-1\n", "", "centres of 1 peaks", [0, 1]),
    ],
    ids=["narrowPeak", "10.0", "tab at the end", "20 columns", "said", "one without", "centre", "none"],
)
def test_the_anchor_of_every_track_is_said(
    lab, tmp_path: Path, caplog, peaks: str, column: str, said: str, bound: list[int]
) -> None:
    caplog.set_level(logging.INFO)
    # Regions 950-1150, where the summit 1110 is, and 1130-1330, where the centre 1200 is.
    lab(p=peaks, a="chr1\t1000\t1100\nchr1\t1210\t1250\n")
    rows = f"accessible\ta.bed\t\tK562\npeaks\tp.bed\tJUND\tK562\t{column}\n"
    (tmp_path / "samples.tsv").write_text(f"kind\tpath\ttf\tcell_type\tanchor\n{rows}")
    report = build_matrix(tmp_path / "samples.tsv", tmp_path / "m.h5")
    assert f"p.bed: {said}" in caplog.messages
    assert report.tracks[0].n_summits == said.startswith("summits")
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        assert matrix.labels(["JUND"])[:, 0].tolist() == bound


def test_an_output_without_a_folder_is_refused_before_the_work(lab, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; create it first"):
        build_matrix(lab(p="not BED"), tmp_path / "nowhere" / "m.h5")


def test_an_interrupted_build_leaves_the_older_file(lab, tmp_path: Path, monkeypatch) -> None:
    build_matrix(lab(), tmp_path / "m.h5")
    before = (tmp_path / "m.h5").read_bytes()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for module, name in ((build, "_match"), (build, "_event_list")):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(module, name, interrupt)
            build_matrix(lab(ALL), tmp_path / "m.h5")
    monkeypatch.setattr("tfb_matrix_data.layout._write_vector", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build_matrix(lab(ALL), tmp_path / "m.h5")
    assert (tmp_path / "m.h5").read_bytes() == before
    assert not list(tmp_path.glob("*.part*"))


# The command


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


# The real matrix


@pytest.mark.shared_data
@pytest.mark.parametrize("form", ["accessible", "clusters"])
def test_the_real_matrix_comes_back_from_its_tracks(real_matrix: Path, tmp_path: Path, form: str) -> None:
    file, events = open_events(real_matrix)
    with file, BindingMatrix(real_matrix) as matrix:
        tfs = ["ATF4", "CTCF", "JUND", "SP1", "SREBF2"]
        regions = matrix.regions
        rows = np.flatnonzero(regions.start >= 0)
        rows = rows[np.lexsort((regions.start[rows], regions.chrom[rows]))]
        # Each region gets its events at its first base that is in no other region; the few without one stay out.
        gap = np.diff(regions.chrom[rows].astype(int) << 40 | regions.start[rows])
        first, last = np.maximum(0, 200 - np.append(999, gap)), np.minimum(200, np.append(gap, 999))
        rows, point = rows[first < last], (regions.start[rows] + first)[first < last]
        chrom = np.array(regions.chrom_names)[regions.chrom[rows]]
        row_of = np.full(len(matrix), -1)
        row_of[rows] = np.arange(len(rows))
        profiled = matrix.profiled[[matrix.tfs.index(tf) for tf in tfs]] & events.accessible_known
        cells = np.flatnonzero(profiled.any(axis=0)).tolist()
        rng = np.random.default_rng(3)
        is_open = np.array([np.unpackbits(events.accessible[c], count=len(matrix))[rows] for c in cells]).astype(bool)
        sheet = _write_open(tmp_path, form, chrom, regions.start[rows], is_open, [matrix.cell_types[c] for c in cells])
        for tf, in_cells in zip(tfs, profiled, strict=True):
            t = matrix.tfs.index(tf)
            for c in np.flatnonzero(in_cells).tolist():
                bound, ambiguous = (row_of[r[k == c]] for r, k in (events.bound.of(t), events.ambiguous.of(t)))
                bound, ambiguous = bound[bound >= 0], rng.permutation(ambiguous[ambiguous >= 0])
                half = len(ambiguous) // 2
                closed = np.flatnonzero(~is_open[cells.index(c)])[:50]
                for kind, part in (("peaks", ambiguous[:half]), ("sites", ambiguous[half:])):
                    at = rng.permutation(np.concatenate([bound, part, closed]))
                    _write_bed(tmp_path / f"{kind}.{tf}.{c}.bed", chrom[at], point[at] - 4, point[at] + 5)
                    sheet += f"{kind}\t{kind}.{tf}.{c}.bed\t{tf}\t{matrix.cell_types[c]}\n"
        (tmp_path / "samples.tsv").write_text(sheet)
        build_matrix(tmp_path / "samples.tsv", tmp_path / "m.h5", assembly="hg38")
        with BindingMatrix(tmp_path / "m.h5") as built:
            names = np.array(built.regions.chrom_names)[built.regions.chrom]
            place = dict(
                zip(zip(names.tolist(), built.regions.start.tolist(), strict=True), range(len(built)), strict=True)
            )
            new = np.array(
                [place.get(key, -1) for key in zip(chrom.tolist(), regions.start[rows].tolist(), strict=True)]
            )
            assert (new >= 0).sum() == len(built) == is_open.any(axis=0).sum() > 50_000
            for kind in ("sparse", "less_sparse"):
                for cell in (None, "K562", "GM12878"):
                    only = {"kind": kind, "cell_types": [matrix.cell_types[c] for c in cells] if not cell else [cell]}
                    expected = matrix.labels(tfs, rows, **only)
                    assert (expected == 1).any()
                    assert (expected[new < 0] == -1).all()
                    assert np.array_equal(built.labels(tfs, new[new >= 0], **only), expected[new >= 0])


def _write_open(
    folder: Path, form: str, chrom: np.ndarray, start: np.ndarray, is_open: np.ndarray, cells: list[str]
) -> str:
    """Write the open regions in one of the two forms, the clusters with their true ends or nearly; return the sheet."""
    if form == "accessible":
        for number, bits in enumerate(is_open):
            at = np.flatnonzero(bits)
            _write_bed(folder / f"open{number}.bed", chrom[at], start[at] + 99, start[at] + 101)
        rows = [f"accessible\topen{number}.bed\t\t{cell}\n" for number, cell in enumerate(cells)]
        return HEADER + "".join(rows)
    (folder / "sources.tsv").write_text("".join(f"{3 * i}\t{cell}\n" for i, cell in enumerate(cells)))
    ids = np.array([str(3 * i) for i in range(len(cells))])
    with open(folder / "clusters.bed", "w") as out:
        for row in np.flatnonzero(is_open.any(axis=0)).tolist():
            mine = ",".join(ids[is_open[:, row]].tolist())
            out.write(f"585\t{chrom[row]}\t{start[row]}\t{start[row] + 200}\t.\t9\t1\t{mine},\t1,\n")
    return HEADER + "clusters\tclusters.bed\t\t\nsources\tsources.tsv\t\t\n"


def _write_bed(path: Path, chrom: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
    options = pyarrow.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    pyarrow.csv.write_csv(pa.table({"chrom": chrom, "start": start, "end": end}), path, options)
