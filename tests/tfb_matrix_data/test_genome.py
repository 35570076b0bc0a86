"""The genome: what the FASTA says, at every coordinate, or an error that says why not."""

from __future__ import annotations

import gzip
import logging
import random
from pathlib import Path

import numpy as np
import pytest
from Bio import bgzf
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.errors import AssemblyError, InputError, TfbError, UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode

_RANDOM = random.Random(5)
CONTIGS = {
    "chr1": "".join(_RANDOM.choices("ACGTacgtN", k=1000)),
    "chr2": "".join(_RANDOM.choices("ACGTacgtNRYn", k=333)),
    "chrM": "ACGTR",
}


@pytest.fixture(scope="module", params=["g.fa", "g.fa.gz"])
def genome(request: pytest.FixtureRequest, tmp_path_factory, write_fasta) -> Genome:
    return Genome(write_fasta(tmp_path_factory.mktemp("genome") / request.param, CONTIGS))


def _naive(contig: str, start: int, length: int) -> str:
    """One window, base by base, as a string."""
    bases = (CONTIGS[contig][i] if 0 <= i < len(CONTIGS[contig]) else "N" for i in range(start, start + length))
    return "".join(base if base in "ACGT" else "N" for base in map(str.upper, bases))


def test_contigs_are_those_of_the_file_in_its_order(genome: Genome) -> None:
    assert list(genome.lengths.items()) == [("chr1", 1000), ("chr2", 333), ("chrM", 5)]
    assert repr(genome) == f"<Genome {genome.path.name}: 3 contigs, 1,338 bp>"


def test_codes_are_the_sequence_whatever_its_case_and_letters(genome: Genome) -> None:
    for name in CONTIGS:
        assert decode(genome.codes(name)) == _naive(name, 0, len(CONTIGS[name]))
    assert decode(genome.codes("chrM")) == "ACGTN"
    assert genome.codes("chr1").dtype == np.uint8


def test_codes_cannot_be_written_to(genome: Genome) -> None:
    with pytest.raises(ValueError, match="read-only"):
        genome.codes("chr1")[0] = 3


def test_a_window_over_both_ends_is_padded_with_n(genome: Genome) -> None:
    windows = genome.windows(["chrM", "chrM", "chrM", "chrM"], [-2, 0, 2, 4], 5)
    assert [decode(codes) for codes in windows.codes] == ["NNACG", "ACGTN", "GTNNN", "NNNNN"]
    assert windows.n_unknown.tolist() == [2, 1, 3, 5]
    assert windows.edge_padded.tolist() == [True, False, True, True]
    both = genome.windows(["chrM"], [-3], 12)
    assert decode(both.codes[0]) == "NNNACGTNNNNN"
    assert (both.n_unknown.tolist(), both.edge_padded.tolist()) == ([8], [True])


@given(st.integers(1, 400), st.data())
def test_windows_equal_naive_slicing(genome: Genome, length: int, data: st.DataObject) -> None:
    overlapping = st.sampled_from(list(CONTIGS)).flatmap(
        lambda name: st.tuples(st.just(name), st.integers(1 - length, len(CONTIGS[name]) - 1))
    )
    wanted = data.draw(st.lists(overlapping, max_size=12))
    windows = genome.windows([name for name, _ in wanted], [start for _, start in wanted], length)
    expected = [_naive(name, start, length) for name, start in wanted]
    assert windows.codes.shape == (len(wanted), length)
    assert windows.codes.dtype == np.uint8
    assert [decode(codes) for codes in windows.codes] == expected
    assert windows.n_unknown.tolist() == [bases.count("N") for bases in expected]
    ends = [start < 0 or start + length > len(CONTIGS[name]) for name, start in wanted]
    assert windows.edge_padded.tolist() == ends


def test_windows_do_not_share_memory_with_the_genome(genome: Genome) -> None:
    first = genome.windows(["chr1"], [0], 10)
    first.codes[:] = 0
    assert decode(genome.windows(["chr1"], [0], 10).codes[0]) == _naive("chr1", 0, 10)


@pytest.mark.parametrize("start", [-10, 5, 100])
def test_a_window_wholly_beyond_its_contig_is_an_assembly_error(genome: Genome, start: int) -> None:
    message = rf"window chrM:{start}-{start + 10} lies beyond the contig \(5 bp in g\.fa.*is this the right assembly\?"
    with pytest.raises(AssemblyError, match=message):
        genome.windows(["chr1", "chrM"], [0, start], 10)


@pytest.mark.parametrize(("contigs", "starts"), [(["chr1", "chr2"], [0, 1, 2]), (["chr1", "chr2", "chr1"], [0, 1])])
def test_contigs_and_starts_have_one_length(genome: Genome, contigs: list[str], starts: list[int]) -> None:
    with pytest.raises((TfbError, ValueError, IndexError)):
        genome.windows(contigs, starts, 10)


@pytest.mark.parametrize(
    ("here", "asked", "found", "told"),
    [
        (["chr1", "chrM"], ["1", "chr1", "MT", "M", "chrM"], ["chr1", "chr1", "chrM", "chrM", "chrM"], "1 is chr1"),
        (["1", "MT"], ["1", "chr1", "MT", "M", "chrM"], ["1", "1", "MT", "MT", "MT"], "chr1 is 1"),
    ],
)
def test_contig_names_are_reconciled_both_ways(write_fasta, tmp_path: Path, here, asked, found, told, caplog) -> None:
    caplog.set_level(logging.INFO, "tfb_matrix_data.genome")
    genome = Genome(write_fasta(tmp_path / "g.fa", dict.fromkeys(here, "ACGT")))
    assert [genome.contig(name) for name in asked] == found
    assert [decode(c) for c in genome.windows(asked, [0] * len(asked), 4).codes] == ["ACGT"] * len(asked)
    messages = [record.getMessage() for record in caplog.records if "names" in record.getMessage()]
    assert messages == [f"contig names differ, reconciled: {told}"]


def test_an_unknown_contig_lists_the_names(genome: Genome) -> None:
    for ask in (genome.codes, genome.contig, lambda name: genome.windows([name], [0], 4)):
        with pytest.raises(UnknownNameError, match=r"unknown contig \(in g\.fa.*'HLA'.*Valid: chr1, chr2, chrM"):
            ask("HLA")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; expected FASTA"),
        (b"chr1\t10\t20\n", "is not FASTA"),
        (b"\n>chr1\nACGT\n", "is not FASTA"),
        (b">chr1 made\rACGT\rACGT\r", r"line 1: its lines end in CR alone; expected LF"),
        (bytes(range(200, 256)), "is not FASTA"),
        (gzip.compress(b">chr1\nACGT\n"), r"compressed by gzip; recompress it: gunzip -c IN \| bgzip > OUT\.fa\.gz"),
        (b">a\nACGT\nACG\nACGT\n", "cannot be indexed"),
        (b">a\nACGT\n>a\nACGT\n", "cannot be indexed"),
    ],
    ids=["empty", "bed", "blank-line", "cr", "binary", "gzip", "ragged", "twice"],
)
def test_what_is_no_fasta_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "g.fa").write_bytes(content)
    with pytest.raises(InputError, match=message):
        Genome(tmp_path / "g.fa")


@pytest.mark.parametrize("text", ["chr1\t10\n", "", "\0\1\2"])
def test_bgzip_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    with bgzf.open(tmp_path / "g.fa.gz", "wt") as stream:
        stream.write(text)
    with pytest.raises(InputError, match=r"g\.fa\.gz: (holds no sequence|is not FASTA|cannot be indexed)"):
        Genome(tmp_path / "g.fa.gz")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.fa", tmp_path):
        with pytest.raises(InputError, match="no such FASTA file"):
            Genome(path)


def test_an_invalid_letter_names_file_and_contig(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">good\nACGT\n>bad\nAC!T\n")
    genome = Genome(tmp_path / "g.fa")
    assert decode(genome.codes("good")) == "ACGT"
    with pytest.raises(InputError, match=r"g\.fa: contig bad: character '!' at position 3"):
        genome.codes("bad")


def test_a_name_without_a_sequence(tmp_path):
    """An empty contig, as some assemblies have it, has no known base, and nothing is wrong with the others."""
    path = tmp_path / "g.fa"
    path.write_text(">chr1\n>chr2\n" + "ACGT" * 10 + "\n")
    genome = Genome(path)
    found = genome.windows(np.array(["chr1", "chr2"]), np.array([-5, 4]), 10)
    assert (found.codes[0] == 4).all() and found.n_unknown.tolist() == [10, 0]
