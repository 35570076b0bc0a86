"""Blocks of lines as arrays: equal to splitting each line, whatever the block's shape."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data import blocks
from tfb_matrix_data.blocks import CutOff, group_lines, iter_blocks, iter_lines
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.records import parse_records
from tfb_matrix_data.variant_lines import VariantLines
from tfb_matrix_data.variants import iter_chunks

field = st.text(st.sampled_from("ACGT.<>é*"), max_size=4)
record = st.tuples(
    st.sampled_from(["1", "chr1", "chrX_long"]),
    st.integers(0, 10**18 - 1).map(str),
    field,
    field,
    st.lists(field, min_size=1, max_size=3).map(",".join),
    st.lists(st.sampled_from([".", "a,b=1;c", "GT", "0/1,2\r"]), min_size=3, max_size=6).map("\t".join),
).map("\t".join)
no_record = st.sampled_from(["x", "chr1\t5\t.\tA\tC\t.\t.", "chr1\t-5\t.\tA\tC\t.\t.\t.", "chr1\t\t.\tA\tC\t.\t.\t."])
too_large = "chr1\t1000000000000000000\t.\tA\tC\t.\t.\t."


@given(
    lines=st.lists(record, max_size=8),
    fault=no_record | st.none(),
    behind=st.lists(record, max_size=2),
    end=st.booleans(),
)
def test_records_are_the_split_lines(lines, fault, behind, end):
    every = [*lines, *([] if fault is None else [fault, *behind])]
    text = "".join(f"{line}\n" for line in every).encode()
    text = text if end or not every[-1:] or not every[-1] else text[:-1]
    if not text:
        return
    found = parse_records(text)
    expected = [line.split("\t") for line in lines]
    assert len(found) == len(lines)
    assert found.columns() == tuple([fields[i] for fields in expected] for i in (0, 2, 3, 4))
    assert found.pos.tolist() == [int(fields[1]) for fields in expected]
    assert found.n_alleles.tolist() == [1 + fields[4].count(",") for fields in expected]
    assert [line.decode().removesuffix("\n") for line in found.lines()] == lines
    assert (found.fault is None) == (fault is None)
    if fault is not None:
        assert found.fault.decode().removesuffix("\n") == fault
    for at in range(len(lines) + 1):
        parts = [found.part(0, at), found.part(at, len(lines))]
        assert [line for part in parts for line in part.lines()] == found.lines()
        assert [chrom for part in parts for chrom in part.columns()[0]] == found.columns()[0]


def test_a_position_that_no_number_holds_is_a_fault():
    assert parse_records(f"{too_large}\n".encode()).fault == f"{too_large}\n".encode()


def test_bytes_that_are_no_text_stay_in_their_column():
    (chrom,), (name,), (ref,), (alt,) = parse_records(b"chr1\t5\t\xc3\tA\t\xff,C\t.\t.\t.\n").columns()
    assert (chrom, name, ref, alt) == ("chr1", "�", "A", "�,C")


@given(
    lines=st.lists(
        record | st.sampled_from(["", "\r", " ", "\t\t", "#", "#chr1\t7\t.\tA\tC\t.\t.\t.", "##x"]), max_size=12
    ),
    size=st.integers(1, 200),
)
def test_blank_lines_and_comments_are_no_records(lines, size):
    text = "".join(f"{line}\n" for line in lines).encode()
    kept = [line for line in lines if line.strip() and not line.startswith("#")]
    assert [line.decode().removesuffix("\n") for line in parse_records(text).lines()] == kept
    blocks_of = iter_blocks(io.BufferedReader(io.BytesIO(text)), size=size)
    chunks = iter_chunks(VariantLines("test", [], blocks_of))
    if kept:
        assert sum(len(chunk.n_alleles) for chunk in chunks) == len(kept)


@pytest.mark.parametrize("size", [1, 60, 1 << 20])
def test_a_fault_is_named_by_its_line(size):
    lines = ["chr1\t5\t.\tA\tC\t.\t.\t.", "", "#chr1\t6\t.\tA\tC\t.\t.\t.", "chr1\t7\t.\tA\tC\t.\t.\t.", "#", "chr1\t8"]
    blocks_of = iter_blocks(io.BufferedReader(io.BytesIO("\n".join([*lines, "", lines[0]]).encode())), size=size)
    with pytest.raises(InputError, match=r"^test, line 15: 2 columns"):
        list(iter_chunks(VariantLines("test", [], blocks_of, line=10)))


# Blocks

LINES = [f"chr1\t{pos}\t.\tA\tC,G\t.\t.\t{'x' * (pos % 7)}\n".encode() for pos in range(1, 60)]


@pytest.mark.parametrize("size", [1, 20, 100, 1 << 20])
@pytest.mark.parametrize("last", [b"", b"chr1\t99\t.\tA\tC\t.\t.\t."])
def test_blocks_do_not_change_chunks(monkeypatch, size, last):
    monkeypatch.setattr(blocks, "_BLOCK", size)
    text = b"".join(LINES) + last
    assert list(iter_lines(iter_blocks(io.BufferedReader(io.BytesIO(text))))) == [*LINES, *([last] if last else [])]
    source = VariantLines("test", [], iter_blocks(io.BufferedReader(io.BytesIO(text))))
    chunks = list(iter_chunks(source, chunk_size=10, max_bytes=150))
    # By hand: a chunk ends with the record that brings it to 10 alleles or 150 bytes.
    expected, sizes, n_bytes = [], 0, 0
    for line in LINES:
        sizes, n_bytes = sizes + 1, n_bytes + len(line)
        if 2 * sizes >= 10 or n_bytes >= 150:
            expected.append(sizes)
            sizes = n_bytes = 0
    expected += [sizes + bool(last)] if sizes or last else []
    assert [len(chunk.n_alleles) for chunk in chunks] == expected
    assert b"".join(chunk.text for chunk in chunks) == text
    assert [line for chunk in chunks for line in chunk.lines] == [*LINES, *([last] if last else [])]


class _CutOffAfter(io.RawIOBase):
    """A stream whose end is missing."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        n = self.data.readinto(buffer)
        if not n:
            raise EOFError("bgzip's end marker is missing")
        return n


def test_a_lost_end_drops_half_a_line_only():
    stream = iter_blocks(io.BufferedReader(_CutOffAfter(b"one\ntw")))
    assert next(stream) == b"one\n"
    with pytest.raises(CutOff, match="end marker"):
        next(stream)


def test_lines_before_an_error_are_handed_on():
    def lines():
        yield from (b"one\n", b"two\n")
        raise InputError("a.tsv", "is wrong", 3)

    grouped = group_lines(lines())
    assert next(grouped) == b"one\ntwo\n"
    with pytest.raises(InputError, match="is wrong"):
        next(grouped)
    assert list(group_lines(iter([]))) == []
