"""Tracks and tables say what the matrix says, where the matrix knows where."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pyBigWig
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kipoi_tfb.output.labels import _merge, export_labels, export_track, read_regions_column, write_sample
from tests import tiny
from tfb_matrix_data.errors import AssemblyError, ConfigError, InputError, UnknownNameError
from tfb_matrix_data.layout import write_events
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sampling import sample_tf
from tfb_matrix_data.sizes import read_sizes
from tfb_matrix_data.splits import split_by_chromosome

SIZES = {"chr1": 30_000, "chr2": 10, "chr16": 30_000, "chrX": 30_000}


@pytest.fixture
def crowded(dense, tmp_path: Path) -> BindingMatrix:
    """`dense` with regions that overlap, touch and lie apart, not in the order of the genome."""
    start = np.array([900, 0, 5000, 500, 150, 5200, 700, 350, 5401, 100, 1200, 20, 100, 9000], np.uint32)
    write_events(dense.events(region_start=start), tmp_path / "crowded.h5")
    return BindingMatrix(tmp_path / "crowded.h5")


def _expected(dense, matrix: BindingMatrix, tf: str, label: str, **options) -> tuple[list[tuple], int]:
    """(chrom, start, end, region) of what is to be exported, sorted; and how many have no place."""
    value = {"bound": 1, "unbound": 0, "unresolved": -1}[label]
    column = dense.labels([tf], None, options.get("kind", "sparse"), options.get("cell_types"))[:, 0]
    regions, rows, lost = matrix.regions, [], 0
    for i in np.flatnonzero(column == value).tolist():
        if regions.start[i] < 0:
            lost += 1
        else:
            start = int(regions.start[i])
            rows.append((regions.chrom_names[regions.chrom[i]], start, start + 200, i))
    return sorted(rows), lost


def _covered(rows: list[tuple]) -> dict[str, set[int]]:
    covered: dict[str, set[int]] = {}
    for chrom, start, end, *_ in rows:
        covered.setdefault(chrom, set()).update(range(start, end))
    return covered


OPTIONS = [
    {"label": "bound"},
    {"label": "unbound"},
    {"label": "unresolved"},
    {"label": "unbound", "kind": "less_sparse"},
    {"label": "bound", "cell_types": ["B cell"]},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_bed_has_every_region_once_and_sorted(dense, crowded: BindingMatrix, tmp_path: Path, options: dict) -> None:
    done = export_track(crowded, "CTCF", tmp_path / "o.bed", **options)
    rows, lost = _expected(dense, crowded, "CTCF", **options)
    lines = (tmp_path / "o.bed").read_text().splitlines()
    assert lines == [f"{c}\t{s}\t{e}\tCTCF:{i}\t1000\t." for c, s, e, i in rows]
    assert done == (len(rows), lost, len(rows)) and lost > 0


@pytest.mark.parametrize("suffix", [".bedGraph", ".bw", ".bigWig"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_tracks_cover_what_the_regions_cover(
    dense, crowded: BindingMatrix, tmp_path: Path, options: dict, suffix: str
) -> None:
    path = tmp_path / f"o{suffix}"
    done = export_track(crowded, "CTCF", path, sizes=SIZES, **options)
    rows, lost = _expected(dense, crowded, "CTCF", **options)
    intervals = _read_track(path)
    assert {value for *_, value in intervals} <= {1.0}
    assert _covered(intervals) == _covered(rows)
    assert intervals == sorted(intervals)
    for (chrom, _, end, _), (after, start, _, _) in itertools.pairwise(intervals):
        assert chrom != after or end < start, "intervals that overlap or touch"
    assert done == (len(rows), lost, len(intervals))


def _read_track(path: Path) -> list[tuple]:
    if path.suffix == ".bedGraph":
        lines = [line.split("\t") for line in path.read_text().splitlines()]
        return [(chrom, int(start), int(end), float(value)) for chrom, start, end, value in lines]
    with pyBigWig.open(str(path)) as track:
        assert track.chroms() == SIZES
        return [(name, *row) for name in sorted(SIZES) for row in track.intervals(name) or ()]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60)), max_size=20), st.integers(1, 9))
def test_merging_is_the_union(regions: list[tuple[int, int]], length: int) -> None:
    regions.sort()
    chrom, start = (np.array([region[i] for region in regions], np.int64) for i in (0, 1))
    merged = list(zip(*(a.tolist() for a in _merge(chrom, start, length)), strict=True))
    bases = {(c, base) for c, s in regions for base in range(s, s + length)}
    assert [(c, base) for c, s, e in merged for base in range(s, e)] == sorted(bases)
    assert all(a[0] < b[0] or a[2] < b[1] for a, b in itertools.pairwise(merged))


@pytest.mark.parametrize("suffix", [".bed", ".bedGraph", ".bw"])
def test_nothing_to_export_is_an_empty_track(crowded: BindingMatrix, tmp_path: Path, suffix: str) -> None:
    done = export_track(crowded, "CTCF", tmp_path / f"o{suffix}", sizes=SIZES, cell_types=[])
    assert done == (0, 0, 0)
    if suffix == ".bw":
        assert _read_track(tmp_path / "o.bw") == []
    else:
        assert (tmp_path / f"o{suffix}").read_text() == ""


def test_what_cannot_be_exported_is_said(crowded: BindingMatrix, tmp_path: Path) -> None:
    for name, options, error, message in (
        ("o.xyz", {}, InputError, r"o\.xyz: cannot tell the format from the ending '\.xyz'; use one of \.bed, "),
        ("o.bw", {}, ConfigError, "a bigWig needs the lengths of the chromosomes: give --genome FASTA or --sizes FILE"),
        ("o.bed", {"label": "bond"}, UnknownNameError, "unknown label 'bond'. Did you mean bound"),
        ("o.bed", {"cell_types": ["HeLa"]}, UnknownNameError, "unknown cell type 'HeLa'"),
        ("o.bw", {"sizes": {"chr1": 30_000}}, AssemblyError, "chr16 has regions but no length"),
        (
            "o.bed",
            {"sizes": {**SIZES, "chr16": 400}},
            AssemblyError,
            r"a region ends at chr16:[\d,]+, beyond its 400 bp",
        ),
    ):
        with pytest.raises(error, match=message):
            export_track(crowded, "CTCF", tmp_path / name, **options)
        assert not (tmp_path / name).exists()


# Lengths of chromosomes


def test_sizes_from_chrom_sizes_and_fai(tmp_path: Path) -> None:
    (tmp_path / "sizes").write_text("# hg38\nchr1\t248956422\nchrX 156040895\n\n")
    assert read_sizes(tmp_path / "sizes").lengths == {"chr1": 248956422, "chrX": 156040895}
    (tmp_path / "g.fai").write_text("chr1\t248956422\t6\t50\t51\n")
    assert read_sizes(tmp_path / "g.fai").lengths == {"chr1": 248956422}


@pytest.mark.parametrize("line", ["chr1", "chr1\tlong", "chr1\t-5", "chr1\t0"])
def test_sizes_that_are_none_are_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "sizes").write_text(f"chr2\t7\n{line}\n")
    with pytest.raises(InputError, match=r"sizes, line 2: .* is not a chromosome and its length"):
        read_sizes(tmp_path / "sizes")
    (tmp_path / "sizes").write_text("chr2\t7\nchr2\t8\n")
    with pytest.raises(InputError, match="sizes, line 2: chr2 has another length"):
        read_sizes(tmp_path / "sizes")


# Tables


@pytest.mark.parametrize("chunk", [1, 7, 1 << 17])
def test_a_table_has_the_labels_of_every_resolved_region(
    dense, dense_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr("kipoi_tfb.output.labels._CHUNK", chunk)
    tfs = ["SP1", "ATF4"]
    with BindingMatrix(dense_path) as matrix:
        done = export_labels(matrix, tfs, tmp_path / "o.parquet", "less_sparse", ["K562", "HeLa-S3"])
        regions = matrix.regions
    table = pq.read_table(tmp_path / "o.parquet").to_pydict()
    labels = dense.labels(tfs, None, "less_sparse", ["K562", "HeLa-S3"])
    index = np.flatnonzero((labels >= 0).any(1))
    assert list(table) == ["region", "chrom", "start", "end", *tfs]
    assert table["region"] == index.tolist()
    assert np.array_equal(np.array([table[tf] for tf in tfs]).T, labels[index])
    assert table["start"] == regions.start[index].tolist() and table["end"] == regions.end[index].tolist()
    names = ["" if i % 3 else ["chr1", "chr16", "chrX"][i // 3 % 3] for i in index.tolist()]
    assert table["chrom"] == names
    assert done == (len(index), names.count(""), len(index))


def test_a_tf_twice_is_refused(dense_path: Path, tmp_path: Path) -> None:
    with BindingMatrix(dense_path) as matrix, pytest.raises(ConfigError, match="SP1 named twice"):
        export_labels(matrix, ["SP1", "ATF4", "SP1"], tmp_path / "o.parquet")


def test_a_sample_comes_back_from_its_table(world: tiny.World, tmp_path: Path) -> None:
    matrix = world.matrix
    drawn = sample_tf(matrix, world.genome, "JUND", split_by_chromosome(matrix.regions))
    n_rows = write_sample(matrix, drawn, tmp_path / "s.tsv")
    header, *lines = [line.split("\t") for line in (tmp_path / "s.tsv").read_text().splitlines()]
    assert header == ["region", "chrom", "start", "end", "split", "label", "gc"]
    expected = [i for part in drawn.parts.values() for i in part.regions.tolist()]
    assert n_rows == len(lines) == len(expected)
    assert read_regions_column(tmp_path / "s.tsv").tolist() == expected
    for row in lines:
        region = int(row[0])
        assert row[1] == matrix.regions.chrom_names[matrix.regions.chrom[region]]
        assert int(row[2]) == matrix.regions.start[region] and int(row[3]) == int(row[2]) + 200
        assert row[4] == {"chr21": "validation", "chr22": "test"}.get(row[1], "train")
        assert int(row[5]) == {tiny.BOUND: 1, tiny.OPEN: 0}[world.codes[region, 1]]
        assert float(row[6]) == drawn.gc[region]


def test_comments_are_no_regions(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("# mine\nchrom\tregion\nchr1\t5\n#chr1\t6\n\nchr1\t7\n")
    assert read_regions_column(tmp_path / "t.tsv").tolist() == [5, 7]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chrom\tstart\nchr1\t5\n", "line 1: has no column 'region'"),
        ("chrom\tregion\nchr1\tfive\n", "line 2: column 'region' of .* is not the index of a region"),
        ("chrom\tregion\nchr1\t5\nchr1\n", "line 3: column 'region'"),
    ],
)
def test_a_table_without_regions_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_regions_column(tmp_path / "t.tsv")
