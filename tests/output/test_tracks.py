"""Tracks read by blocks: the same intervals by Arrow and by line, and every fault by its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from Bio import bgzf

from tfb_matrix_data import tracks
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.tracks import Sizes, iter_track, read_sizes

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
    assert [row[3] for row in read(tmp_path / "a.bed", summits=True)] == ([14, 35] if lines is NARROW else [13, 15, 15])


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
        read(path, sizes=Sizes({"chr1": 100}, "my.sizes"))


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
