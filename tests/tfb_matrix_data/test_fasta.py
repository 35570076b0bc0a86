"""Sequences: any FASTA gives windows at the centres of its sequences, and what is not DNA is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from Bio import bgzf
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.fasta import iter_sequences, read_sequences, sequence_windows
from tfb_matrix_data.sequence import decode, encode

FASTA = ">a first one\nACGT\nacgt\n\n>b\nNNRYU\n>\nT\n"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def windows_of(tmp_path: Path, sequence: str, length: int) -> tuple[str, int, bool]:
    """Return (window, unknown bases, padded) of one sequence."""
    windows = sequence_windows(read_sequences(write(tmp_path / "one.fa", f">x\n{sequence}\n")), length)
    assert windows.codes.shape == (1, length) and windows.codes.dtype == np.uint8
    return decode(windows.codes[0]), int(windows.n_unknown[0]), bool(windows.edge_padded[0])


# What is read


@pytest.mark.parametrize("kind", ["plain", "gzip", "bgzip", "crlf", "no last newline", "blank first line"])
def test_sequences_are_read(tmp_path, kind):
    path = tmp_path / "a.fa"
    if kind == "bgzip":
        with bgzf.open(path, "wt") as stream:
            stream.write(FASTA)
    else:
        other = {
            "gzip": gzip.compress(FASTA.encode()),
            "crlf": FASTA.replace("\n", "\r\n"),
            "no last newline": FASTA.rstrip("\n"),
            "blank first line": "\n" + FASTA,
        }
        write(path, other.get(kind, FASTA))
    sequences = read_sequences(path)
    assert sequences.name == ["a", "b", "."]
    assert [decode(codes) for codes in sequences.codes] == ["ACGTACGT", "NNNNT", "T"]
    assert sequences.length.tolist() == [8, 5, 1] and len(sequences) == 3


def test_slices_are_sequences(tmp_path):
    part = read_sequences(write(tmp_path / "a.fa", FASTA))[1:]
    assert part.name == ["b", "."] and part.length.tolist() == [5, 1]


dna = st.text("ACGTacgtNnRYSWKMBDHVU", min_size=1, max_size=30)


@given(sequences=st.lists(dna, min_size=1, max_size=12), chunk_size=st.integers(1, 15), width=st.integers(1, 31))
def test_chunks_are_the_whole(tmp_path_factory, sequences, chunk_size, width):
    text = ""
    for i, sequence in enumerate(sequences):
        text += f">s{i}\n" + "".join(f"{sequence[at : at + width]}\n" for at in range(0, len(sequence), width))
    path = write(tmp_path_factory.mktemp("chunks") / "a.fa", text)
    chunks = list(iter_sequences(path, chunk_size))
    assert [len(chunk) for chunk in chunks[:-1]] == [chunk_size] * (len(chunks) - 1)
    assert [name for chunk in chunks for name in chunk.name] == [f"s{i}" for i in range(len(sequences))]
    found = [codes.tolist() for chunk in chunks for codes in chunk.codes]
    assert found == [encode(sequence).tolist() for sequence in sequences]
    assert [codes.tolist() for codes in read_sequences(path).codes] == found


# Windows


@pytest.mark.parametrize(
    ("sequence", "length", "expected"),
    [
        ("ACGTAC", 6, ("ACGTAC", 0, False)),
        ("AACGTT", 4, ("ACGT", 0, False)),  # centre 3: [1, 5)
        ("AACGTTC", 4, ("ACGT", 0, False)),  # centre 7 // 2 = 3 again
        ("GGAACGTTCC", 2, ("CG", 0, False)),
        ("ACG", 8, ("NNNACGNN", 5, True)),  # centre 1 goes to index 4
        ("ACGT", 8, ("NNACGTNN", 4, True)),
        ("A", 4, ("NNAN", 3, True)),
        ("acgRn", 4, ("ACGN", 1, False)),  # centre 2: [0, 4)
        ("NNNN", 4, ("NNNN", 4, False)),
    ],
)
def test_windows_worked_by_hand(tmp_path, sequence, length, expected):
    assert windows_of(tmp_path, sequence, length) == expected


@given(sequence=st.text("ACGTN", min_size=1, max_size=40), half=st.integers(1, 25))
def test_windows_equal_the_naive_ones(tmp_path_factory, sequence, half):
    pad = "N" * half
    centre = len(sequence) // 2
    expected = (pad + sequence + pad)[centre : centre + 2 * half]
    found = windows_of(tmp_path_factory.mktemp("naive"), sequence, 2 * half)
    assert found == (expected, expected.count("N"), len(sequence) < 2 * half)


def test_windows_keep_the_order_whatever_the_lengths(tmp_path):
    windows = sequence_windows(read_sequences(write(tmp_path / "a.fa", ">a\nA\n>b\nCCCCCC\n>c\nGGGG\n")), 4)
    assert [decode(codes) for codes in windows.codes] == ["NNAN", "CCCC", "GGGG"]
    assert windows.edge_padded.tolist() == [True, False, False]


# What is wrong


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (">a\nACGT\n>b\nAC\nGXT\n", r", line 3: sequence 'b': character 'X' at position 4 is not a nucleotide"),
        (">a\nAC GT\n", r", line 1: sequence 'a': character ' ' at position 3"),
        (">p\nMKLVE*\n", r", line 1: sequence 'p': character 'L'"),
        (">ä\nACÄT\n", r", line 1: sequence 'ä': character '\?' at position 3"),
        (">a\nACGT\n>b\n\n>c\nA\n", r", line 3: sequence 'b' is empty"),
        (">a\nACGT\n>b\n", r", line 3: sequence 'b' is empty"),
        ("ACGT\n>a\nACGT\n", r", line 1: expected a FASTA header \('>name'\), found 'ACGT'"),
        ("\nchr1\t5\t9\n", r", line 2: expected a FASTA header \('>name'\), found 'chr1"),
        ("\n\n", ": holds no sequence"),
        (b"", ": is empty"),
        (b">a\nAC\0T\n", ", line 2: is a binary file"),
        (b"\x80\x81\xff" * 50, ", line 1: is not text"),
        (gzip.compress(b">a\n" + b"ACGT" * 9000)[:-15], r": gzip data are damaged or cut off"),
        (gzip.compress(b""), ": is empty"),
    ],
)
def test_files_that_are_not_sequences(tmp_path, content, message):
    with pytest.raises(InputError, match=rf"a\.fa{message}"):
        read_sequences(write(tmp_path / "a.fa", content))


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"no\.fa: no such file"):
        read_sequences(tmp_path / "no.fa")


def test_a_bad_sequence_in_a_later_chunk_is_named(tmp_path):
    path = write(tmp_path / "a.fa", "".join(f">s{i}\nACGT\n" for i in range(10)) + ">bad\nAC!\n")
    chunks = iter_sequences(path, 4)
    assert [len(next(chunks)) for _ in range(2)] == [4, 4]
    with pytest.raises(InputError, match=r"line 21: sequence 'bad': character '!' at position 3"):
        next(chunks)


def test_a_pipe_gives_every_sequence(pipe):
    text = "".join(f">s{i}\n{'ACGT' * (i % 50 + 1)}\n" for i in range(3000))
    sequences = read_sequences(pipe(text.encode()))
    assert sequences.name == [f"s{i}" for i in range(3000)]
    assert sequences.length.tolist() == [4 * (i % 50 + 1) for i in range(3000)]
