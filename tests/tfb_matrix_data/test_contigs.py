"""Names of contigs: one rule for what is the same, and an exact name before any rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.contigs import assembly_of, find_contig, parse_region, plain_name, plain_names, spellings
from tfb_matrix_data.errors import InputError

NAMES = st.sampled_from(
    ["1", "chr1", "22", "chr22", "X", "chrX", "M", "MT", "chrM", "chrMT", "NC_000001.11", "NC_000001.10",
     "NC_000023.11", "NC_012920.1", "NC_000001.9", "chr", "chrUn_1", "HLA-A*01:01", "xchr1", "chrchr1"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("same", "plain"),
    [
        (["chr1", "1", "NC_000001.11", "NC_000001.10"], "1"),
        (["chr22", "22", "NC_000022.11", "NC_000022.10"], "22"),
        (["chr14", "14", "NC_000014.9", "NC_000014.8"], "14"),
        (["chrX", "X", "NC_000023.11", "NC_000023.10"], "X"),
        (["chrY", "Y", "NC_000024.10", "NC_000024.9"], "Y"),
        (["chrM", "MT", "M", "chrMT", "NC_012920.1"], "MT"),
        (["NC_000001.9"], "NC_000001.9"),
        (["NC_000067.7"], "NC_000067.7"),
        (["chr"], "chr"),
        (["xchr1"], "xchr1"),
    ],
)
def test_names_of_one_contig(same: list[str], plain: str) -> None:
    assert {plain_name(name) for name in same} == {plain}
    assert plain_names(np.array(same)).tolist() == [plain] * len(same)


def test_no_name_is_no_array_of_another_kind() -> None:
    assert plain_names(np.array([], "U5")).tolist() == []


@given(NAMES)
def test_another_spelling_is_of_the_same_contig(name: str) -> None:
    assert name not in spellings(name)
    assert {plain_name(other) for other in spellings(name)} <= {plain_name(name)}


@given(NAMES, st.lists(NAMES, unique=True))
def test_an_exact_name_wins(name: str, contigs: list[str]) -> None:
    found = find_contig(name, contigs)
    if name in contigs:
        assert found == name
    elif found is not None:
        assert found in contigs and plain_name(found) == plain_name(name)


def test_accessions_of_two_assemblies_are_never_the_same_contig() -> None:
    assert find_contig("NC_000001.10", ["NC_000001.11"]) is None
    assert find_contig("NC_000001.11", ["NC_000001.10"]) is None
    assert find_contig("chr1", ["NC_000001.10"]) == "NC_000001.10"
    assert find_contig("NC_000001.10", ["NC_000001.11", "1"]) == "1"
    assert [assembly_of(name) for name in ("NC_000001.11", "NC_000001.10", "chr1")] == ["GRCh38", "GRCh37", ""]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("chr1", ("chr1", None, None)),
        (" chr1:5 ", ("chr1", 5, 5)),
        ("chr1:1,000-2,000", ("chr1", 1000, 2000)),
        ("HLA-A*01:01:01:01", ("HLA-A*01:01:01:01", None, None)),
        ("HLA-A*01:01:01:01:5-7", ("HLA-A*01:01:01:01", 5, 7)),
        ("chrHLA-A*01:01:01:01", ("chrHLA-A*01:01:01:01", None, None)),
        ("HLA-A*01:01:01", ("HLA-A*01:01", 1, 1)),
        ("odd name:3", ("odd name:3", None, None)),
    ],
)
def test_a_name_is_looked_up_before_it_is_parsed(text: str, found: tuple) -> None:
    assert parse_region(text, "here", {"chr1", "HLA-A*01:01:01:01", "odd name:3"}) == found


def test_without_contigs_a_region_is_what_it_looks_like() -> None:
    assert parse_region("HLA-A*01:01:01:01", "here") == ("HLA-A*01:01:01", 1, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "is not CHROM"), ("a b", "is not CHROM"), ("chr1:9-3", "is empty: positions count"), ("chr1:0", "is empty")],
)
def test_what_is_no_region(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_region(text, "here")
