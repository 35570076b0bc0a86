"""Sequence codes: the alphabet, the strands, the one-hot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tfb_matrix_data.errors import TfbError
from tfb_matrix_data.sequence import ALPHABET, UNKNOWN, decode, encode, gc_content, one_hot, reverse_complement

IUPAC = "RYKMSWBDHVN-"
DNA = st.text("ACGTN", max_size=60)
CODES = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=3, max_side=9), elements=st.integers(0, 4))


def test_each_letter_has_its_own_code() -> None:
    assert encode("ACGTN").tolist() == [0, 1, 2, 3, 4]
    assert (ALPHABET, UNKNOWN) == ("ACGTN", 4)
    assert encode("ACGT").dtype == np.uint8


def test_case_and_u_do_not_matter() -> None:
    assert encode("acgtUu").tolist() == [0, 1, 2, 3, 3, 3]


@pytest.mark.parametrize("letter", IUPAC + IUPAC.lower())
def test_ambiguous_letters_are_unknown(letter: str) -> None:
    assert encode(f"A{letter}T").tolist() == [0, UNKNOWN, 3]


def test_every_other_character_is_refused() -> None:
    good = set("ACGTU" + IUPAC) | set("acgtu" + IUPAC.lower())
    for number in range(256):
        if chr(number) in good:
            continue
        with pytest.raises(TfbError, match="at position 1 "):
            encode(bytes([number]))


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        ("ACXGT", "character 'X' at position 3 is not a nucleotide"),
        ("ACGT ", "character ' ' at position 5"),
        ("AC\nGT", r"character '\\n' at position 3"),
        ("ACGTN>", "character '>' at position 6"),
        ("*ACX", r"character '\*' at position 1"),
        ("AC\N{GREEK CAPITAL LETTER ALPHA}", "at position 3"),
    ],
)
def test_an_invalid_character_is_named_with_its_position(sequence: str, message: str) -> None:
    with pytest.raises(TfbError, match=message):
        encode(sequence)


def test_bytes_and_str_give_the_same_codes() -> None:
    assert np.array_equal(encode(b"ACGTNacgtn"), encode("ACGTNacgtn"))


def test_the_empty_sequence_has_no_codes() -> None:
    assert encode("").shape == (0,)
    assert decode(encode("")) == ""


@given(DNA)
def test_decode_undoes_encode(sequence: str) -> None:
    assert decode(encode(sequence)) == sequence
    assert decode(encode(sequence.lower())) == sequence


def test_reverse_complement_golden() -> None:
    assert decode(reverse_complement(encode("AACGTNC"))) == "GNACGTT"


@given(CODES)
def test_reverse_complement_twice_is_the_identity(codes: np.ndarray) -> None:
    once = reverse_complement(codes)
    assert once.shape == codes.shape
    assert once.dtype == np.uint8
    assert np.array_equal(reverse_complement(once), codes)


@given(CODES)
def test_reverse_complement_flips_both_axes_of_the_one_hot(codes: np.ndarray) -> None:
    assert np.array_equal(one_hot(reverse_complement(codes)), one_hot(codes)[..., ::-1, ::-1])


def test_one_hot_golden() -> None:
    expected = [
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 1],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
    ]
    assert one_hot(encode("ACGTNC")).tolist() == expected


@given(CODES, st.sampled_from([np.uint8, np.float16, np.float32, np.float64, np.bool_]))
def test_one_hot_has_one_per_known_base_and_none_for_n(codes: np.ndarray, dtype: type) -> None:
    hot = one_hot(codes, dtype)
    assert hot.shape == (*codes.shape[:-1], 4, codes.shape[-1])
    assert hot.dtype == dtype
    assert np.array_equal(hot.sum(-2), codes != UNKNOWN)
    for base in range(4):
        assert np.array_equal(hot[..., base, :] == 1, codes == base)


def test_one_hot_is_float32_unless_told() -> None:
    assert one_hot(encode("AC")).dtype == np.float32


@pytest.mark.parametrize(
    ("sequence", "share"),
    [("GGCC", 1), ("AATT", 0), ("ACGT", 0.5), ("GNNN", 1), ("GANN", 0.5), ("NNNN", 0), ("", 0), ("GCA", 2 / 3)],
)
def test_gc_content_counts_known_bases_only(sequence: str, share: float) -> None:
    assert gc_content(encode(sequence)) == pytest.approx(share)


def test_gc_content_works_along_the_last_axis_of_a_batch() -> None:
    batch = np.stack([np.stack([encode("GGAA"), encode("CCCC")]), np.stack([encode("NNNA"), encode("ACTG")])])
    assert gc_content(batch).tolist() == [[0.5, 1.0], [0.0, 0.5]]


def test_gc_content_of_long_sequences_does_not_overflow() -> None:
    assert gc_content(np.full(70_000, 1, np.uint8)) == 1.0
