"""Predictions as tracks: sorted, one value per base, and the same numbers as in the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet
import pyBigWig
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kipoi_tfb.output.tracks import highest, open_track
from kipoi_tfb.prediction import tracks as region_tracks
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.prediction.tables import predict_regions
from kipoi_tfb.prediction.tracks import predict_tracks, track_paths
from tests.entries import CONTIGS
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.sequence import encode

pytest_plugins = ("tests.entries",)

ROWS = [("chr2", 900, 950), ("1", 500, 701), ("chr1", 0, 10), ("chr1", 1000, 1001)]


@pytest.fixture(scope="module")
def jund(entry) -> Predictor:
    return Predictor([entry], tfs=["JUND"])


def write_bed(path: Path, rows: list[tuple]) -> Path:
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return path


def read_bedgraph(path: Path) -> list[tuple]:
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return [(chrom, int(start), int(end), float(value)) for chrom, start, end, value in rows]


def read_bigwig(path: Path) -> list[tuple]:
    with pyBigWig.open(str(path)) as file:
        return [(chrom, *interval) for chrom in file.chroms() for interval in file.intervals(chrom) or ()]


READERS = {".bedgraph": read_bedgraph, ".bw": read_bigwig, ".bigwig": read_bigwig}


def value_at(predictor: Predictor, chrom: str, centre: int) -> float:
    window = ("N" * 100 + CONTIGS[chrom] + "N" * 100)[centre : centre + 200]
    return float(predictor.probability(encode(window)[None])[0, 0])


# Where intervals overlap


@st.composite
def overlapping(draw: st.DrawFn) -> list[tuple[int, int, list[float]]]:
    ends = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted)
    values = st.lists(st.sampled_from([1.0, 2.0, 3.0, float("nan")]), min_size=2, max_size=2)
    return [(*draw(ends), draw(values)) for _ in range(draw(st.integers(1, 8)))]


@given(intervals=overlapping())
def test_the_highest_value_equals_the_naive_one(intervals):
    start, end, value = (list(column) for column in zip(*intervals, strict=True))
    found = highest(np.array(start), np.array(end), np.array(value, np.float32))
    naive = np.full((30, 2), np.nan, np.float32)
    covered = np.zeros(30, bool)
    for low, high, values in intervals:
        naive[low:high] = np.fmax(naive[low:high], np.array(values, np.float32))
        covered[low:high] = True
    spelt, spelt_covered = np.full((30, 2), np.nan, np.float32), np.zeros(30, bool)
    assert (found[0][1:] >= found[1][:-1]).all()
    for low, high, values in zip(*found, strict=True):
        assert low < high and not spelt_covered[low:high].any()
        spelt[low:high], spelt_covered[low:high] = values, True
    np.testing.assert_array_equal(spelt, naive)
    np.testing.assert_array_equal(spelt_covered, covered)


# Regions


@pytest.mark.parametrize("ending", READERS)
def test_a_track_is_sorted_and_holds_the_values_of_the_table(tmp_path, jund, genome, ending):
    bed = write_bed(tmp_path / "a.bed", ROWS)
    summary = predict_tracks(jund, bed, genome, tmp_path / f"out{ending}")
    predict_regions(jund, bed, genome, tmp_path / "out.parquet")
    values = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pydict()["JUND"]
    found = READERS[ending](tmp_path / f"out{ending}")
    # By contig, with the FASTA's name, then by start.
    assert [row[:3] for row in found] == [("chr1", 0, 10), ("chr1", 500, 701), ("chr1", 1000, 1001), ("chr2", 900, 950)]
    np.testing.assert_allclose([row[3] for row in found], [values[i] for i in (2, 1, 3, 0)], rtol=1e-5)
    assert (summary.rows, summary.edge_padded) == (4, 1)


def test_a_bigwig_knows_all_contigs(tmp_path, jund, genome):
    predict_tracks(jund, write_bed(tmp_path / "a.bed", ROWS[:1]), genome, tmp_path / "out.bw")
    with pyBigWig.open(str(tmp_path / "out.bw")) as file:
        assert file.chroms() == {"chr1": 3000, "chr2": 2000}


def test_overlapping_regions_have_the_highest_value(tmp_path, jund, genome):
    bed = write_bed(tmp_path / "a.bed", [("chr1", 600, 800), ("chr1", 500, 700), ("chr1", 500, 700)])
    predict_tracks(jund, bed, genome, tmp_path / "out.bedgraph")
    found = read_bedgraph(tmp_path / "out.bedgraph")
    left, right = value_at(jund, "chr1", 600), value_at(jund, "chr1", 700)
    assert [row[1:3] for row in found] == [(500, 600), (600, 700), (700, 800)]
    np.testing.assert_allclose([row[3] for row in found], [left, max(left, right), right], rtol=1e-5)
    assert left != pytest.approx(right, rel=1e-3)


def test_chunks_do_not_change_anything(tmp_path, jund, genome, monkeypatch):
    rng = np.random.default_rng(0)
    rows = [("chr1", start, start + int(rng.integers(1, 60))) for start in rng.integers(0, 2900, 60).tolist()]
    bed = write_bed(tmp_path / "a.bed", [*rows, ("chr2", 5, 9)])
    for tile in (None, 7):
        monkeypatch.setattr(region_tracks, "_CHUNK", 4096)
        predict_tracks(jund, bed, genome, tmp_path / "one.bedgraph", tile=tile)
        monkeypatch.setattr(region_tracks, "_CHUNK", 5)
        predict_tracks(jund, bed, genome, tmp_path / "many.bedgraph", tile=tile)
        assert (tmp_path / "one.bedgraph").read_bytes() == (tmp_path / "many.bedgraph").read_bytes()
        assert len(read_bedgraph(tmp_path / "one.bedgraph")) > 60


def test_unknown_windows_have_no_value(tmp_path, jund, genome):
    # chr2 has known bases at 0-1000 and from 1600 on.
    bed = write_bed(tmp_path / "a.bed", [("chr2", 1300, 1310), ("chr2", 0, 20)])
    summary = predict_tracks(jund, bed, genome, tmp_path / "out.bw")
    assert [row[:3] for row in read_bigwig(tmp_path / "out.bw")] == [("chr2", 0, 20)]
    assert (summary.rows, summary.unscored) == (2, 1)


# Tiles


def test_tiles_worked_by_hand(tmp_path, jund, genome):
    # 50 bp tiles: 1-60 is in [0, 50) and [50, 100), 90-101 in [50, 100) and [100, 150); the contig ends at 3000.
    bed = write_bed(tmp_path / "a.bed", [("chr1", 90, 101), ("1", 1, 60), ("chr1", 2990, 3000), ("chr1", 70, 70)])
    summary = predict_tracks(jund, bed, genome, tmp_path / "out.bedgraph", tile=50)
    found = read_bedgraph(tmp_path / "out.bedgraph")
    assert [row[1:3] for row in found] == [(0, 50), (50, 100), (100, 150), (2950, 3000)]
    expected = [value_at(jund, "chr1", centre) for centre in (25, 75, 125, 2975)]
    np.testing.assert_allclose([row[3] for row in found], expected, rtol=1e-5)
    assert summary.rows == 4


def test_the_last_tile_ends_with_the_contig(tmp_path, jund, genome):
    bed = write_bed(tmp_path / "a.bed", [("chr1", 2950, 3000)])
    predict_tracks(jund, bed, genome, tmp_path / "out.bw", tile=70)
    found = read_bigwig(tmp_path / "out.bw")
    assert [row[1:3] for row in found] == [(2940, 3000)]
    assert found[0][3] == pytest.approx(value_at(jund, "chr1", 2970), rel=1e-5)


@given(
    regions=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 40)), min_size=1, max_size=12),
    tile=st.integers(1, 30),
)
def test_tiles_are_those_that_regions_overlap(genome, regions, tile):
    start = np.array(sorted(start for start, _ in regions))
    end = start + np.array([length for _, length in regions])
    places = region_tracks._Places(["chr1"], np.zeros(len(start), np.int64), start, end, start)
    found = [at for part in region_tracks._tile_parts(places, tile, genome) for at in part.start.tolist()]
    touched = {base // tile * tile for low, high in zip(start, end, strict=True) for base in range(low, high)}
    assert found == sorted(touched)


# Several TFs


def test_a_file_for_each_tf(tmp_path, predictor, jund, genome):
    bed = write_bed(tmp_path / "a.bed", ROWS)
    predict_tracks(predictor, bed, genome, tmp_path / "out.{tf}.bedgraph")
    predict_tracks(jund, bed, genome, tmp_path / "one.bedgraph")
    names = sorted(path.name for path in tmp_path.glob("out.*"))
    assert names == ["out.ATF4.bedgraph", "out.CTCF.bedgraph", "out.JUND.bedgraph"]
    assert (tmp_path / "out.JUND.bedgraph").read_bytes() == (tmp_path / "one.bedgraph").read_bytes()


def test_several_tfs_need_a_file_each():
    with pytest.raises(ConfigError, match=r"these are 2: choose one with --tfs, or .* -o 'dir/out\.\{tf\}\.bw'"):
        track_paths("dir/out.bw", ["A", "B"])
    assert track_paths("out.bw", ["A"]) == [Path("out.bw")]
    assert track_paths("{tf}.bw", ["a/A", "b/A"]) == [Path("a_A.bw"), Path("b_A.bw")]
    with pytest.raises(ConfigError, match=r"several TFs would be written to a_A\.bw"):
        track_paths("{tf}.bw", ["a/A", "a_A"])


# What is wrong


def test_a_bad_region_leaves_nothing(tmp_path, jund, genome):
    bed = write_bed(tmp_path / "a.bed", [*ROWS, ("chr1", 2999, 3001)])
    with pytest.raises(InputError, match=r"a\.bed, line 5: chr1:2999-3001 ends beyond the contig \(3,000 bp"):
        predict_tracks(jund, bed, genome, tmp_path / "out.bw", strict=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bed"]


@pytest.mark.parametrize("tile", [None, 50])
def test_regions_end_with_their_contig_and_others_are_left_out(tmp_path, jund, genome, tile):
    off = [("scaffold", 5, 9), ("chr1", 2990, 3020), ("chr1", 3500, 3600), ("chr1", 3010, 3020)]
    on = [*ROWS, ("chr1", 2990, 3000)]
    summary = predict_tracks(
        jund, write_bed(tmp_path / "a.bed", [*off, *ROWS]), genome, tmp_path / "a.bedgraph", tile=tile
    )
    predict_tracks(jund, write_bed(tmp_path / "b.bed", on), genome, tmp_path / "b.bedgraph", tile=tile)
    found, expected = (read_bedgraph(tmp_path / f"{name}.bedgraph") for name in "ab")
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    assert summary.first_off == 1
    assert summary.flags["unknown_contig"] == 1 and summary.flags["outside_contig"] == 1
    assert summary.flags["ends_beyond_contig"] == 2


def test_regions_none_of_which_is_on_the_genome_make_no_track(tmp_path, jund, genome):
    with pytest.raises(InputError, match=r"a.bed: nothing is on a contig of .*; found scaffold"):
        predict_tracks(jund, write_bed(tmp_path / "a.bed", [("scaffold", 5, 9)]), genome, tmp_path / "out.bw")
    assert not (tmp_path / "out.bw").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_track_leaves_nothing(tmp_path, jund, genome, error, monkeypatch):
    bed = write_bed(tmp_path / "a.bed", ROWS)

    def stop(*_: object) -> None:
        raise error

    monkeypatch.setattr(Predictor, "probability", stop)
    with pytest.raises(error):
        predict_tracks(jund, bed, genome, tmp_path / "{tf}.bw")
    assert [path.name for path in tmp_path.iterdir()] == ["a.bed"]


def test_tiles_have_no_summits(tmp_path, jund, genome):
    bed = write_bed(tmp_path / "a.bed", ROWS)
    for options, message in (({"tile": 5, "anchor": "summit"}, "tiles have centres"), ({"tile": 0}, "at least 1 bp")):
        with pytest.raises(ConfigError, match=message):
            predict_tracks(jund, bed, genome, tmp_path / "out.bw", **options)


def test_an_empty_track_is_a_file(tmp_path):
    for name in ("out.bedgraph", "out.bw"):
        with open_track(tmp_path / name, {"chr1": 10}):
            pass
        assert READERS[Path(name).suffix](tmp_path / name) == []


# The command


def test_the_command_writes_tracks(tfb, tmp_path):
    write_bed(tmp_path / "in.bed", ROWS)
    rest = ("ENTRY", "--regions", "in.bed", "--genome", "GENOME", "-o")
    code, _, err = tfb("predict", *rest, "out.bw", "--tfs", "JUND", "--tile", "100")
    assert code == 0 and "6 rows x 1 TFs -> out.bw" in err
    assert len(read_bigwig(tmp_path / "out.bw")) == 6
    code, _, err = tfb("predict", *rest, "out.bw")
    assert code == 1 and "choose one with --tfs, or give a name with {tf}" in err
    code, _, err = tfb("predict", *rest, "out.tsv", "--tile", "100")
    assert code == 2 and "--tile is for tracks" in err
    code, _, err = tfb("predict", *rest, "out.wig")
    assert code == 1 and "use one of .tsv, .parquet, .h5, .bedgraph, .bw, .bigwig" in err
    code, _, err = tfb("predict", "ENTRY", "--sequences", "in.fa", "-o", "out.bw")
    assert code == 2 and "a track is of --regions" in err
