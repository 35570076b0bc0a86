"""The index of a FASTA: that of this very file, or a message that says which file to delete."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.fasta_index import Contig, IndexedFasta, file_identity
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode

CONTIGS = {"chr1": "ACGTN" * 30, "chr2": "GGCC" * 30, "chr3": "T" * 7}


@pytest.fixture(params=["g.fa", "g.fa.gz"])
def path(request, tmp_path: Path, write_fasta) -> Path:
    return write_fasta(tmp_path / request.param, CONTIGS)


def later(path: Path, seconds: int) -> None:
    """Set the time of a file to some seconds after now."""
    time = os.stat(path).st_mtime_ns + seconds * 10**9
    os.utime(path, ns=(time, time))


def test_the_end_of_a_contig_is_behind_its_last_base() -> None:
    assert [Contig(length, 6, 4, 5).end for length in (0, 1, 4, 5, 8, 9)] == [6, 7, 10, 12, 15, 17]
    assert Contig(0, 6, 0, 0).end == 6


@pytest.mark.parametrize("width", [7, 60])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n", "\n\n"])
def test_any_layout_is_its_own(tmp_path: Path, width: int, end: str, last: str) -> None:
    path, text = tmp_path / "g.fa", ""
    for name, bases in CONTIGS.items():
        text += f">{name} {'long ' * 200}\n" + "".join(f"{bases[i : i + width]}\n" for i in range(0, len(bases), width))
    path.write_text((text.removesuffix("\n") + last).replace("\n", end), newline="")
    genome = Genome(path)
    assert {name: decode(genome.codes(name)) for name in genome.lengths} == CONTIGS


OTHERS = {
    "shifted": lambda line: _moved(line, 2, 3),
    "longer": lambda line: _moved(line, 1, 1),
    "shorter": lambda line: _moved(line, 1, -2),
    "other-width": lambda line: _moved(_moved(line, 3, 5), 4, 5),
    "other-name": lambda line: line.replace("chr2", "chr4"),
    "part-of-the-name": lambda line: line.replace("chr2", "chr"),
}


def _moved(line: str, column: int, by: int) -> str:
    fields = line.split("\t")
    fields[column] = str(int(fields[column]) + by)
    return "\t".join(fields)


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_the_index_of_another_fasta_is_told(path: Path, change) -> None:
    Genome(path)
    index = Path(f"{path}.fai")
    index.write_text(
        "".join(line if line.startswith("chr3") else f"{change(line)}\n" for line in index.read_text().splitlines())
    )
    later(index, 5)
    with pytest.raises(
        InputError, match=rf"{path.name}\.fai: is not of this FASTA \(chr[124]?: .*; delete {path.name}\.fai"
    ):
        Genome(path)


def test_the_block_index_of_another_file_is_told(tmp_path: Path, write_fasta) -> None:
    path = write_fasta(tmp_path / "g.fa.gz", {"chr1": "ACGT" * 30_000, "chr2": "GGCC" * 30_000})
    Genome(path)
    later(Path(f"{path}.gzi"), 5)
    Path(f"{path}.gzi").write_bytes(struct.pack("<3Q", 1, 100, 65280))
    with pytest.raises(InputError, match=r"is not of this FASTA .*delete g\.fa\.gz\.fai and g\.fa\.gz\.gzi"):
        Genome(path)


@pytest.mark.parametrize(
    "text", ["chr1\t150\n", "chr1 150 6 60 61\n", "", "chr1\t1\t6\t0\t0\n", "chr1\t-1\t6\t60\t61\n"]
)
def test_an_index_that_is_none_is_told(path: Path, text: str) -> None:
    Genome(path)
    Path(f"{path}.fai").write_text(text)
    with pytest.raises(
        InputError, match=r"g\.fa(\.gz)?\.fai: cannot be read as the index of .*delete it|holds no sequence"
    ):
        Genome(path)


def test_an_index_older_than_its_fasta_is_made_again(path: Path) -> None:
    Genome(path)
    index = Path(f"{path}.fai")
    text = index.read_text()
    index.write_text("chr9\t4\t6\t4\t5\n")
    later(index, -3600)
    assert list(Genome(path).lengths) == list(CONTIGS)
    assert index.read_text() == text


def test_a_fasta_from_the_future_is_indexed_once(path: Path) -> None:
    later(path, 24 * 3600)
    Genome(path)
    before = os.stat(f"{path}.fai").st_ino
    Genome(path)
    assert os.stat(f"{path}.fai").st_ino == before


@pytest.mark.parametrize("name", ["g.fa", "g.fa.gz"])
@pytest.mark.parametrize("called", ["genome", "g.fa", "g.fa.gz", "g.BGZ", "g.fa.bz2", "g.zip"])
def test_what_is_compressed_is_told_by_the_content(tmp_path: Path, write_fasta, name: str, called: str) -> None:
    path = tmp_path / "called" / called
    path.parent.mkdir()
    write_fasta(tmp_path / name, CONTIGS).rename(path)
    for _ in range(2):
        genome = Genome(path)
        assert {name: decode(genome.codes(name)) for name in genome.lengths} == CONTIGS


def test_a_link_to_the_index_of_a_run_that_cannot_finish_is_not_left(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">a\nACGT\n>a\nACGT\n")
    for _ in range(2):
        with pytest.raises(InputError, match=r"g\.fa: cannot be indexed: Duplicate key"):
            Genome(tmp_path / "g.fa")
    assert os.listdir(tmp_path) == ["g.fa"]


def test_a_pipe_is_refused_by_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "g.fa")
    with pytest.raises(
        InputError, match=r"g\.fa: is a pipe or a device, and a genome is read at random; write it to a file first"
    ):
        Genome(tmp_path / "g.fa")


def test_an_identity_is_that_of_the_file_and_its_state(path: Path, tmp_path: Path) -> None:
    before = file_identity(path)
    (tmp_path / "link").symlink_to(path)
    assert file_identity(tmp_path / "link") == file_identity(path) == before
    later(path, 1)
    assert file_identity(path) != before


def test_an_index_that_another_machine_does_not_have_is_made_there(path: Path, tmp_path: Path) -> None:
    fasta = IndexedFasta(path, tmp_path / "cache")
    for index in tmp_path.glob("*i"):
        index.unlink()
    with fasta.open() as opened:
        assert opened.fetch("chr3", 1, 7) == CONTIGS["chr3"]
