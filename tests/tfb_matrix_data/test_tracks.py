"""Tracks read by blocks: the same intervals by Arrow and by line, and every fault by its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from Bio import bgzf

from tfb_matrix_data import tracks
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.sizes import Sizes, read_sizes
from tfb_matrix_data.tracks import TrackCount, iter_track

NARROW = ["chr1\t10\t20\tn\t0\t.\t1\t2\t3\t4", "chr2\t30\t41\tn\t0\t.\t1\t2\t3\t-1"]
REMAP = ["chr1\t10\t20\tn\t0\t.\t13\t14\t0,0,0", "chr1\t10\t20\tn\t0\t.\t10\t20\t0", "chr1\t10\t20\tn\t0\t.\t20\t21\t0"]


def read(path: Path, **options: object) -> list[tuple[str, int, int, int]]:
    rows = []
    for part in iter_track(path, **options):
        names = [part.names[i] for i in part.chrom]
        rows += zip(names, part.start.tolist(), part.end.tolist(), part.point.tolist(), strict=True)
    return rows


@pytest.fixture(params=["arrow", "lines"])
def how(request, monkeypatch: pytest.MonkeyPatch) -> str:
    """Read by Arrow where it can, or line by line alone."""
    if request.param == "lines":
        monkeypatch.setattr(tracks, "read_columns", lambda *_: None)
    return request.param


@pytest.mark.parametrize("block", [1, 7, 30, 1 << 20])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, "bgzip"])
def test_any_form_gives_the_same_intervals(tmp_path: Path, monkeypatch, how: str, block: int, compress) -> None:
    monkeypatch.setattr(tracks, "_BLOCK", block)
    text = b"\n# c\r\ntrack name=x\nchr1\t10\t20\r\nchr2\t5\t6\n\nbrowser position\nchr1\t0\t3\n#chr1\t1\t2\nchr1 7 7"
    path = tmp_path / "a.bed"
    if compress == "bgzip":
        with bgzf.open(path, "wb") as out:
            out.write(text)
    else:
        path.write_bytes(compress(text))
    assert read(path) == [("chr1", 10, 20, 15), ("chr2", 5, 6, 5), ("chr1", 0, 3, 1), ("chr1", 7, 7, 7)]


@pytest.mark.parametrize("lines", [NARROW, REMAP])
@pytest.mark.parametrize("separator", ["\t", " "])
def test_summits_are_those_of_the_format_where_asked_for(
    tmp_path: Path, how: str, lines: list[str], separator: str
) -> None:
    (tmp_path / "a.bed").write_text("\n".join(lines).replace("\t", separator))
    centres = [(start + end) // 2 for _, start, end, _ in read(tmp_path / "a.bed")]
    assert [row[3] for row in read(tmp_path / "a.bed")] == centres
    assert [row[3] for row in read(tmp_path / "a.bed", anchor="auto")] == (
        [14, 35] if lines is NARROW else [13, 15, 15]
    )


GOOD = "".join(f"chr1\t{i}\t{i + 5}\n" for i in range(50))
FAULTS = {
    "word": ("chr1\tten\t20\n", "line 52: start 'ten'"),
    "hexadecimal": ("chr1\t0x10\t20\n", "line 52: start '0x10'"),
    "missing": ("chr1\t\t20\n", "line 52: start ''"),
    "negative": ("chr1\t-4\t20\n", "line 52: start -4"),
    "backwards": ("chr1\t40\t20\n", "line 52: start 40, end 20"),
    "two columns": ("chr1\t40\n", "line 52: 2 column"),
    "endless": ("chr1\t40\t4294967296\n", "line 52: end 4294967296 is beyond any contig"),
    "not text": ("chr\udcff\t40\t50\n", "line 52: is not text"),
    "binary": ("chr\0\t40\t50\n", "line 52: is a binary file"),
    "contig": ("chr5\t40\t50\n", "line 52: unknown contig 'chr5'.*assembly of my.sizes"),
    "end": ("chr1\t40\t101\n", r"line 52: chr1:40-101 ends beyond the contig \(100 bp in my.sizes\)"),
}


@pytest.mark.parametrize("block", [40, 1 << 20])
@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_named_by_its_line(tmp_path: Path, monkeypatch, how: str, block: int, case: str) -> None:
    monkeypatch.setattr(tracks, "_BLOCK", block)
    line, message = FAULTS[case]
    path = tmp_path / "a.bed"
    path.write_bytes(("#head\n" + GOOD + line + GOOD).encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=rf"a\.bed, {message}"):
        read(path, sizes=Sizes({"chr1": 100}, "my.sizes"), strict=True)


def test_a_gzip_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    text = "".join(f"chr1\t{i}\t{i + 9}\n" for i in rng.integers(0, 1 << 30, 20_000))
    data = gzip.compress(text.encode())
    (tmp_path / "a.bed.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"a\.bed\.gz: gzip data are damaged or cut off after line"):
        read(tmp_path / "a.bed.gz")


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty"), (b"\n#x\n", "has no interval"), (None, "no such")])
def test_a_track_of_nothing_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "a.bed").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.bed: {message}"):
        read(tmp_path / "a.bed")


def test_sizes_are_those_of_a_fasta_or_of_a_list(tmp_path: Path, write_fasta) -> None:
    expected = {"chr1": 7, "chr2": 3}
    fasta = write_fasta(tmp_path / "g.fa.gz", {"chr1": "ACGTACG", "chr2": "ACG"})
    assert read_sizes(fasta) == Sizes(expected, "g.fa.gz")
    (tmp_path / "sizes").write_text("#\nchr1\t7\t9\n\nchr2 3\n")
    assert read_sizes(tmp_path / "sizes").lengths == expected
    (tmp_path / "sizes").write_text("chr1\t7\nchr2\n")
    with pytest.raises(InputError, match=r"sizes, line 2: expected FASTA, or lines of contig name and length"):
        read_sizes(tmp_path / "sizes")


def test_a_pipe_gives_every_interval(pipe, how: str) -> None:
    text = "#head\n" + "".join(f"chr1\t{i}\t{i + 4}\n" for i in range(100_000))
    assert read(pipe(text.encode())) == [("chr1", i, i + 4, i + 2) for i in range(100_000)]


def test_sizes_come_from_a_pipe_but_no_fasta_does(pipe) -> None:
    assert read_sizes(pipe(b"chr1\t7\nchr2\t3\n")).lengths == {"chr1": 7, "chr2": 3}
    with pytest.raises(InputError, match="is a pipe or a device, and contigs of a FASTA are looked up in an index"):
        read_sizes(pipe(b">chr1\nACGT\n"))


@pytest.mark.parametrize("block", [40, 1 << 20])
@pytest.mark.parametrize(
    "more", ["7", "7.0", "7\t", "7\t0.5\t1\t9\t52"], ids=["narrowPeak", "7.0", "tab at the end", "more columns"]
)
def test_column_ten_is_the_summit_in_ten_columns_or_more(
    tmp_path: Path, monkeypatch, how, block: int, more: str
) -> None:
    monkeypatch.setattr(tracks, "_BLOCK", block)
    lines = [f"chr1\t{i}\t{i + 40}\tn\t0\t.\t1.5\t-1\t2\t{more if i % 3 else '-1'}\n" for i in range(60)]
    lines = [line if i % 3 else line.rstrip("\n") + "\t" * (more.count("\t")) + "\n" for i, line in enumerate(lines)]
    (tmp_path / "a.bed").write_text("".join(lines))
    for anchor in ("auto", "summit"):
        assert [row[3] for row in read(tmp_path / "a.bed", anchor=anchor)] == [
            i + (7 if i % 3 else 20) for i in range(60)
        ]
    assert [row[3] for row in read(tmp_path / "a.bed")] == [i + 20 for i in range(60)]


BED9 = "chr1\t10\t50\ta\t0\t+\t12\t48\t0\t7\n"
PEAK = "chr1\t10\t50\ta\t0\t+\t1.2\t3\t1\t7\n"


@pytest.mark.parametrize("block", [1, 1 << 20])
@pytest.mark.parametrize(
    ("text", "anchor", "message"),
    [
        (BED9, "auto", "line 1: columns 7 to 10 may be narrowPeak's, with the summit, or other ones; say whether"),
        (PEAK * 30 + "chr1\t10\t50\n", "auto", "line 31: is not narrowPeak, but line 1 is"),
        ("chr1\t10\t50\n" * 30 + PEAK, "auto", "line 31: is narrowPeak, but line 1 is not"),
        (PEAK + "chr1\t10\t50\n", "summit", "line 2: has no summit in column 10; take the anchor centre"),
        (
            PEAK + PEAK.replace("\t7\n", "\t40\n"),
            "auto",
            "line 2: summit offset 40 of an interval of 40 bp; if column 10",
        ),
    ],
)
def test_what_may_be_a_summit_or_not_is_asked(tmp_path, monkeypatch, how, block, text, anchor, message) -> None:
    monkeypatch.setattr(tracks, "_BLOCK", block)
    (tmp_path / "a.bed").write_text(text)
    with pytest.raises(InputError, match=rf"a\.bed, {message}"):
        read(tmp_path / "a.bed", anchor=anchor)
    assert read(tmp_path / "a.bed")[0][3] == 30


def test_the_anchor_that_is_said_holds(tmp_path, how) -> None:
    (tmp_path / "a.bed").write_text(BED9)
    assert [read(tmp_path / "a.bed", anchor=anchor)[0][3] for anchor in ("summit", "centre")] == [17, 30]


@pytest.mark.parametrize("block", [1, 1 << 20])
def test_intervals_off_the_genome_are_left_out_and_counted(tmp_path, monkeypatch, how, block) -> None:
    monkeypatch.setattr(tracks, "_BLOCK", block)
    (tmp_path / "a.bed").write_text("chr9\t1\t2\nchr2\t1\t3\nchr1\t90\t101\nchr1\t90\t100\nchr8\t1\t3\nchr9\t1\t2\n")
    sizes, count = Sizes({"chr1": 100, "chr2": 3}, "my.sizes"), TrackCount()
    for track in iter_track(tmp_path / "a.bed", sizes):
        count.add(track)
    assert read(tmp_path / "a.bed", sizes=sizes) == [("chr2", 1, 3, 2), ("chr1", 90, 100, 95)]
    assert (count.n, count.n_lacking, count.n_beyond, count.n_off) == (6, 3, 1, 4)


def test_a_track_of_another_genome_is_refused(tmp_path, how) -> None:
    (tmp_path / "a.bed").write_text("2\t1\t2\n3\t1\t3\n")
    with pytest.raises(
        InputError, match=r"a.bed: no interval is on the contigs of my.sizes, which are chr1; found 2, 3; is"
    ):
        read(tmp_path / "a.bed", sizes=Sizes({"chr1": 100}, "my.sizes"))
