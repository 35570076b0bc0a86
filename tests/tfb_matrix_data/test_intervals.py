"""Intervals: every kind of BED gives the same windows, and every bad line is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from Bio import bgzf
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.errors import InputError, UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import (
    Intervals,
    check_contigs,
    iter_intervals,
    read_intervals,
)
from tfb_matrix_data.placing import place_windows
from tfb_matrix_data.sequence import decode

NARROWPEAK = "chr1\t10\t50\tpeak1\t900\t+\t7.5\t12.1\t9.9\t{summit}\n"
ROWS = [("chr2", 30, 60), ("chr1", 5, 5), ("chr2", 1, 9), ("chr1", 10, 50)]
BED3 = "".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in ROWS)


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def rows_of(intervals: Intervals) -> list[tuple[str, int, int]]:
    columns = (intervals.chrom.tolist(), intervals.start.tolist(), intervals.end.tolist())
    return list(zip(*columns, strict=True))


@pytest.fixture(scope="module")
def genome(tmp_path_factory, write_fasta) -> Genome:
    """chr1 has 60 bp (the letters say where), chr2 70 bp, MT 20 bp."""
    contigs = {"chr1": "ACGT" * 15, "chr2": "AACCGGTT" * 8 + "ACGTAC", "chrM": "A" * 20}
    return Genome(write_fasta(tmp_path_factory.mktemp("genome") / "genome.fa", contigs))


# What is read


def test_rows_keep_the_order_of_the_file(tmp_path):
    intervals = read_intervals(write(tmp_path / "a.bed", BED3))
    assert rows_of(intervals) == ROWS
    assert intervals.line.tolist() == [1, 2, 3, 4]
    assert intervals.name == ["."] * 4 and intervals.strand == ["."] * 4
    assert intervals.summit.tolist() == [-1] * 4
    assert intervals.start.dtype == intervals.end.dtype == np.int64


@pytest.mark.parametrize("n_columns", range(3, 13))
def test_bed3_to_bed12(tmp_path, n_columns):
    columns = ["chr1", "10", "50", "peak1", "900", "-", "12", "48", "255,0,0", "2", "5,6", "0,34"]
    intervals = read_intervals(write(tmp_path / "a.bed", "\t".join(columns[:n_columns]) + "\n"))
    assert rows_of(intervals) == [("chr1", 10, 50)]
    assert intervals.name == ["peak1" if n_columns >= 4 else "."]
    assert intervals.strand == ["-" if n_columns >= 6 else "."]
    # BED12's column 10 counts blocks, and a colour is no q-value.
    assert intervals.summit.tolist() == [-1] and intervals.best_anchor() == "centre"


def test_narrowpeak_has_summits(tmp_path):
    text = NARROWPEAK.format(summit=3) + NARROWPEAK.format(summit=39)
    intervals = read_intervals(write(tmp_path / "a.narrowPeak", text))
    assert intervals.summit.tolist() == [3, 39]
    assert intervals.anchor("summit").tolist() == [13, 49]
    assert intervals.anchor("centre").tolist() == [30, 30]
    assert intervals.strand == ["+", "+"]


def test_ten_columns_that_are_not_narrowpeak_still_have_centres(tmp_path):
    intervals = read_intervals(write(tmp_path / "a.bed", NARROWPEAK.format(summit="gene7")))
    assert intervals.anchor().tolist() == [30]
    with pytest.raises(InputError, match=r"a\.bed, line 1: no summit"):
        intervals.anchor("summit")


@pytest.mark.parametrize("compress", [gzip.compress, None], ids=["gz", "bgz"])
def test_compressed_files_are_the_same(tmp_path, compress):
    path = tmp_path / "a.bed.gz"
    if compress:
        path.write_bytes(compress(BED3.encode()))
    else:
        with bgzf.open(path, "wt") as stream:
            stream.write(BED3)
    assert rows_of(read_intervals(path)) == ROWS


def test_lines_that_are_no_intervals_are_skipped(tmp_path):
    text = "#chrom start end\nbrowser position chr1:1-9\ntrack name=x\n\n   \nchr1\t5\t5\ntrack\nchr1\t1\t2\n\n"
    intervals = read_intervals(write(tmp_path / "a.bed", text))
    assert rows_of(intervals) == [("chr1", 5, 5), ("chr1", 1, 2)]
    assert intervals.line.tolist() == [6, 8]


def test_contigs_named_like_track_lines_are_kept(tmp_path):
    intervals = read_intervals(write(tmp_path / "a.bed", "track1\t5\t6\nbrowser.2\t1\t2\n"))
    assert intervals.chrom.tolist() == ["track1", "browser.2"]


@pytest.mark.parametrize(
    "text", [BED3.replace("\t", " "), BED3.replace("\t", "   "), BED3.replace("\n", "\r\n"), BED3.rstrip("\n")]
)
def test_spaces_and_line_ends_do_not_matter(tmp_path, text):
    assert rows_of(read_intervals(write(tmp_path / "a.bed", text))) == ROWS


def test_a_name_may_have_spaces_where_tabs_separate(tmp_path):
    assert read_intervals(write(tmp_path / "a.bed", "chr1\t1\t2\tmy peak\n")).name == ["my peak"]


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["chr1", "2", "chrUn_x"]), st.integers(0, 10**9), st.integers(0, 10**6)),
        min_size=1,
        max_size=20,
    ),
    chunk_size=st.integers(1, 25),
)
def test_chunks_are_the_whole(tmp_path_factory, rows, chunk_size):
    text = "".join(f"{chrom}\t{start}\t{start + n}\tname{i}\n" for i, (chrom, start, n) in enumerate(rows))
    path = write(tmp_path_factory.mktemp("chunks") / "a.bed", text)
    whole, chunks = read_intervals(path), list(iter_intervals(path, chunk_size))
    assert rows_of(whole) == [(chrom, start, start + n) for chrom, start, n in rows]
    assert [len(chunk) for chunk in chunks[:-1]] == [chunk_size] * (len(chunks) - 1)
    assert [row for chunk in chunks for row in rows_of(chunk)] == rows_of(whole)
    assert [name for chunk in chunks for name in chunk.name] == whole.name
    assert np.concatenate([chunk.line for chunk in chunks]).tolist() == list(range(1, len(rows) + 1))


def test_slices_are_intervals(tmp_path):
    part = read_intervals(write(tmp_path / "a.bed", BED3))[1:3]
    assert rows_of(part) == ROWS[1:3] and len(part) == 2 and part.line.tolist() == [2, 3]


# Windows


def test_the_window_is_half_open_around_the_centre(tmp_path, genome):
    # Centre of 10-31 is 41 // 2 = 20: a window of 8 is [16, 24), its index 4 the base at 20.
    windows = place_windows(read_intervals(write(tmp_path / "a.bed", "chr2\t10\t31\n")), genome, 8)[0]
    assert decode(windows.codes[0]) == ("AACCGGTT" * 8)[16:24] == "AACCGGTT"
    assert windows.n_unknown.tolist() == [0] and windows.edge_padded.tolist() == [False]


def test_the_summit_moves_the_window(tmp_path, genome):
    peaks = read_intervals(write(tmp_path / "a.narrowPeak", NARROWPEAK.format(summit=7)))
    assert decode(place_windows(peaks, genome, 6, "summit")[0].codes[0]) == ("ACGT" * 15)[14:20] == "GTACGT"
    assert decode(place_windows(peaks, genome, 6, "centre")[0].codes[0]) == ("ACGT" * 15)[27:33] == "TACGTA"


def test_windows_beyond_the_contig_are_padded(tmp_path, genome):
    text = "chr1\t0\t4\nchr1\t58\t60\nchr1\t60\t60\n"
    windows = place_windows(read_intervals(write(tmp_path / "a.bed", text)), genome, 10)[0]
    # Centres 2, 59 and 60: [-3, 7), [54, 64) and [55, 65) of a contig of 60 bp.
    assert [decode(codes) for codes in windows.codes] == ["NNNACGTACG", "GTACGTNNNN", "TACGTNNNNN"]
    assert windows.n_unknown.tolist() == [3, 4, 5] and windows.edge_padded.tolist() == [True] * 3


def test_other_contig_names_give_the_same_windows(tmp_path, genome):
    with_chr = read_intervals(write(tmp_path / "a.bed", "chr1\t10\t20\nchr2\t10\t20\nchrM\t2\t9\n"))
    without = read_intervals(write(tmp_path / "b.bed", "1\t10\t20\n2\t10\t20\nMT\t2\t9\n"))
    expected = place_windows(with_chr, genome, 12)[0].codes
    np.testing.assert_array_equal(place_windows(without, genome, 12)[0].codes, expected)


# What is wrong


@pytest.mark.parametrize(
    ("summit", "message"),
    [(-1, "no summit"), (40, "summit offset 40 of an interval of 40 bp"), (9999, "summit offset 9999")],
)
def test_summits_must_be_inside(tmp_path, summit, message):
    text = NARROWPEAK.format(summit=0) + "#\n" + NARROWPEAK.format(summit=summit)
    intervals = read_intervals(write(tmp_path / "a.bed", text))
    with pytest.raises(InputError, match=rf"a\.bed, line 3: {message}.*column 10, or use the centre"):
        intervals.anchor("summit")


def test_bed_without_summits_says_so(tmp_path):
    with pytest.raises(InputError, match=r"a\.bed, line 1: no summit"):
        read_intervals(write(tmp_path / "a.bed", BED3)).anchor("summit")


def test_anchors_are_listed(tmp_path):
    with pytest.raises(UnknownNameError, match=r"unknown anchor .middle.\. Valid: centre, summit"):
        read_intervals(write(tmp_path / "a.bed", BED3)).anchor("middle")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1", r"1 column\(s\), expected at least chrom, start and end"),
        ("chr1\t5", r"2 column\(s\)"),
        ("chr1 5", r"2 column\(s\)"),
        ("chr1,5,9", r"1 column\(s\)"),
        ("chrom\tstart\tend", "start 'start', end 'end': expected whole numbers"),
        ("chr1\t5.0\t9", "start '5.0', end '9': expected whole numbers"),
        ("chr1\t5\t", "start '5', end '': expected whole numbers"),
        ("chr1\t9\t5", "start 9, end 5: expected 0 <= start <= end"),
        ("chr1\t-1\t5", "start -1, end 5: expected 0 <= start"),
        ("chr1\t5\t99999999999999999999", "start 5, end 99999999999999999999: expected"),
    ],
)
def test_bad_lines_are_named(tmp_path, line, message):
    path = write(tmp_path / "a.bed", f"#header\nchr1\t1\t2\n{line}\nchr1\t3\t4\n")
    with pytest.raises(InputError, match=rf"a\.bed, line 3: {message}") as caught:
        read_intervals(path)
    assert caught.value.line == 3


def test_a_bad_line_in_a_later_chunk_is_named(tmp_path):
    path = write(tmp_path / "a.bed", "chr1\t1\t2\n" * 10 + "chr1\t1\n")
    with pytest.raises(InputError, match="line 11"):
        list(iter_intervals(path, 3))


@pytest.mark.parametrize("text", ["#a\n#b\n", "track name=x\n\n", "\n\n"])
def test_a_file_without_intervals_is_an_error(tmp_path, text):
    with pytest.raises(InputError, match=r"a\.bed: has no interval"):
        read_intervals(write(tmp_path / "a.bed", text))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"chr1\t1\t2\nchr1\0\t1\t2\n", r", line 2: is a binary file"),
        (bytes(range(128, 256)), r", line 1: is not text"),
        (gzip.compress(b"chr1\t1\t2\n" * 9000)[:-20], r"gzip data are damaged or cut off after line \d+"),
        (gzip.compress(b""), "is empty"),
    ],
    ids=["empty", "nul", "binary", "truncated", "empty gzip"],
)
def test_files_that_are_no_bed(tmp_path, content, message):
    with pytest.raises(InputError, match=rf"a\.bed.*{message}"):
        read_intervals(write(tmp_path / "a.bed", content))


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(InputError, match=r"no\.bed: no such file"):
        read_intervals(tmp_path / "no.bed")
    with pytest.raises(InputError, match="is a folder"):
        read_intervals(tmp_path)


def test_an_unknown_contig_is_named_with_the_known_ones(tmp_path, genome):
    intervals = read_intervals(write(tmp_path / "a.bed", "chr1\t1\t2\nscaffold_9\t1\t2\nscaffold_9\t4\t5\n"))
    with pytest.raises(InputError, match=r"a\.bed, line 2: unknown contig .*'scaffold_9'.*Valid: chr1, chr2, chrM"):
        check_contigs(intervals, genome)


def test_an_interval_beyond_its_contig_is_named(tmp_path, genome):
    intervals = read_intervals(write(tmp_path / "a.bed", "chr1\t1\t60\n1\t50\t61\nchr1\t90\t95\n"))
    with pytest.raises(InputError, match=r"a\.bed, line 2: 1:50-61 ends beyond the contig \(60 bp in genome\.fa\)"):
        check_contigs(intervals, genome)
    with pytest.raises(InputError, match="line 3: chr1:90-95"):
        check_contigs(intervals[2:], genome)
    check_contigs(intervals[:1], genome)


@pytest.mark.parametrize("chunk_size", [7, 1 << 62])
def test_a_pipe_gives_every_interval(pipe, chunk_size):
    rows = [("chr1", i, i + 5) for i in range(30_000)]
    path = pipe("".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in rows).encode())
    assert [row for part in iter_intervals(path, chunk_size) for row in rows_of(part)] == rows


@pytest.mark.parametrize(
    ("more", "offset"),
    [("7", 7), ("7.0", 7), ("7\t", 7), ("7\t0.5\t1.2\t9\t52\t4.5\t8\t11\t49\t3.5\t6", 7), ("-1", -1), (".", -1)],
    ids=["narrowPeak", "7.0", "tab at the end", "20 columns", "none", "dot"],
)
def test_column_ten_is_the_summit_in_ten_columns_or_more(tmp_path, more, offset):
    text = NARROWPEAK.format(summit=0) + NARROWPEAK.format(summit=more)
    intervals = read_intervals(write(tmp_path / "a.bed", text))
    assert intervals.summit.tolist() == [0, offset] and intervals.best_anchor() == "summit"


@pytest.mark.parametrize(
    ("line", "anchor"),
    [
        ("chr1\t10\t50\ta\t0\t.", "centre"),
        (NARROWPEAK.format(summit=-1).strip(), "centre"),
        ("chr1\t10\t50\ta\t0\t+\t10\t50\t0\t2\t5,6,\t0,34,", "centre"),
        ("chr1\t10\t50\ta\t0\t+\t10\t50\t255,0,0\t7", "centre"),
        ("chr1\t10\t50\ta\t0\t+\t3.5\t2\t0\t", "centre"),
        ("chr1\t10\t50\ta\t0\tchr1\t20\t60\tb\t7", "centre"),
        ("chr1\t10\t50\ta\t0\t+\t3\t2\t0\t7", "summit"),
    ],
    ids=["BED6", "no summits", "BED12", "colour", "broadPeak and a tab", "BED5 twice", "whole numbers"],
)
def test_the_best_anchor(tmp_path, line, anchor):
    assert read_intervals(write(tmp_path / "a.bed", f"{line}\n{line}\n")).best_anchor() == anchor


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["chr1\t10\t50\ta\t0\t+\t12\t48\t0\t7"], "line 1: columns 7 to 10 may be narrowPeak's, .*anchor summit or"),
        ([NARROWPEAK.format(summit="7.5").strip()], "line 1: columns 7 to 10 may be"),
        (
            [NARROWPEAK.format(summit=7).strip(), "chr1\t10\t50"],
            "line 2: is not narrowPeak, but line 1 is; say whether",
        ),
        (
            ["chr1\t10\t50", NARROWPEAK.format(summit=7).strip()],
            "line 2: is narrowPeak, but line 1 is not; say whether",
        ),
    ],
    ids=["BED9 and more", "half", "narrowPeak first", "narrowPeak later"],
)
def test_what_may_be_a_summit_or_not_is_asked(tmp_path, lines, message):
    intervals = read_intervals(write(tmp_path / "a.bed", "\n".join(lines)))
    with pytest.raises(InputError, match=rf"a\.bed, {message}"):
        intervals.best_anchor()
    assert intervals.anchor("centre")[0] == 30
