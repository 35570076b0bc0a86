"""Alleles where the genome has N or another IUPAC letter: unknown is not wrong, and VCF 4.3's rule for the letters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive_alleles import FIRST, variants
from tfb_matrix_data.alleles import AssemblyCheck, allele_windows, normal_texts
from tfb_matrix_data.errors import AssemblyError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode

BASES = {
    "R": "AG",
    "Y": "CT",
    "K": "GT",
    "M": "AC",
    "S": "CG",
    "W": "AT",
    "B": "CGT",
    "D": "AGT",
    "H": "ACT",
    "V": "ACG",
}
CONTIGS = {"chr1": "TTGACCTAGCRCGATTGACNNGTCATGCAA", "chr2": "ACGTT" + "".join(BASES) + "ACGTT", "chr3": "n" * 60}


@pytest.fixture(scope="module", params=["g.fa", "g.fa.gz"])
def genome(request, tmp_path_factory, write_fasta) -> Genome:
    return Genome(write_fasta(tmp_path_factory.mktemp("genome") / request.param, CONTIGS))


@pytest.mark.parametrize("number", range(len(BASES)))
def test_ref_is_the_first_base_of_the_letter(genome: Genome, number: int) -> None:
    letter, pos = list(BASES)[number], 6 + number
    for base in "ACGT":
        alt = next(other for other in "ACGT" if other not in (base, FIRST[letter]))
        windows = allele_windows(variants(("chr2", pos, base, alt)), genome, 4)
        expected = "ref_unknown" if base in BASES[letter] else "ref_mismatch"
        assert windows.status == ["ok" if base == FIRST[letter] else expected]
        if base == FIRST[letter]:
            assert (decode(windows.ref[0])[2], decode(windows.alt[0])[2]) == (base, alt)


@pytest.mark.parametrize(
    ("row", "status", "flags", "ref", "alt"),
    [
        # ...CTAGC R CGATT...: R at position 11
        (("chr1", 11, "A", "G"), "ok", ".", "TAGCACGA", "TAGCGCGA"),
        (("chr1", 11, "a", "g"), "ok", ".", "TAGCACGA", "TAGCGCGA"),
        (("chr1", 10, "C", "G"), "ok", "n_in_window=1", "CTAGCNCG", "CTAGGNCG"),  # the letter is beside it
        (("chr1", 10, "CA", "GT"), "ok", ".", "CTAGCACG", "CTAGGTCG"),
        (("chr1", 9, "GCA", "G"), "ok", ".", "CTAGCACG", "CTAGCGAT"),
        (("chr1", 10, "CAC", "C"), "ok", "not_left_normalised", "CTAGCACG", "CTAGCGAT"),
        (("chr1", 11, "A", "ATT"), "ok", "n_in_window=1", "AGCNCGAT", "AGCNTTCG"),
        (("chr1", 11, "C", "G"), "ref_mismatch", "n_in_window=0", "NNNNNNNN", "NNNNNNNN"),
        (("chr1", 10, "GA", "TT"), "ref_mismatch", ".", "NNNNNNNN", "NNNNNNNN"),
        (("chr1", 11, "G", "A"), "ref_unknown", ".", "NNNNNNNN", "NNNNNNNN"),
        (("chr1", 11, "R", "G"), "unsupported", "iupac_allele", "NNNNNNNN", "NNNNNNNN"),
        # ...GATTGAC NN GTCAT...: N at 20 and 21
        (("chr1", 20, "A", "G"), "ref_unknown", "n_in_window=2", "NNNNNNNN", "NNNNNNNN"),
        (("chr1", 19, "CA", "C"), "ref_unknown", "n_in_window=2", "NNNNNNNN", "NNNNNNNN"),
        (("chr1", 19, "GA", "C"), "ref_mismatch", "n_in_window=2", "NNNNNNNN", "NNNNNNNN"),
        (("chr1", 20, "N", "G"), "unsupported", "iupac_allele", "NNNNNNNN", "NNNNNNNN"),
    ],
)
def test_what_becomes_of_alleles_on_unknown_bases(genome: Genome, row, status, flags, ref, alt) -> None:
    windows = allele_windows(variants(row), genome, 8)
    assert windows.status == [status]
    assert (decode(windows.ref[0]), decode(windows.alt[0])) == (ref, alt)
    if status == "ok":
        assert windows.flags == [flags]


def test_normal_forms_have_the_base_of_the_letter(genome: Genome) -> None:
    rows = variants(("chr1", 10, "CAC", "C"), ("chr1", 11, "AC", "GC"), ("chr1", 11, "A", "G"))
    windows = allele_windows(rows, genome, 8)
    assert normal_texts(rows, windows, genome) == ["chr1:9:GCA>G", "chr1:11:A>G", "chr1:11:A>G"]
    assert "N" not in "".join(normal_texts(rows, windows, genome))


@pytest.mark.parametrize(
    ("pos", "ref", "alt", "status"),
    [
        (11, "G", "A", "ref_unknown"),
        (20, "A", "G", "ref_unknown"),
        (11, "C", "A", "swapped"),
        (12, "A", "C", "swapped"),
    ],
)
def test_an_allele_is_not_swapped_for_what_the_genome_does_not_say(genome: Genome, pos, ref, alt, status) -> None:
    assert allele_windows(variants(("chr1", pos, ref, alt)), genome, 8, allele_swap=True).status == [status]


def test_a_masked_genome_is_no_other_assembly(genome: Genome) -> None:
    rows = [("chr3", pos, "ACGT"[pos % 4], "ACGT"[(pos + 1) % 4]) for pos in range(1, 51)]
    assert allele_windows(variants(*rows), genome, 8, AssemblyCheck()).status == ["ref_unknown"] * 50
    with pytest.raises(AssemblyError, match=r"REF differs from g\.fa"):
        allele_windows(variants(*rows, *WRONG), genome, 8, AssemblyCheck())


WRONG = [("chr1", pos, "A" if CONTIGS["chr1"][pos - 1] != "A" else "C", "G") for pos in range(1, 10)]


@settings(max_examples=30)
@given(st.text("ACGTRYKMSWBDHVN", min_size=40, max_size=40), st.integers(10, 28), st.integers(1, 3), st.data())
def test_windows_are_those_of_a_genome_with_the_bases_written(
    tmp_path_factory, write_fasta, text, start, n, data
) -> None:
    reduced = "".join(FIRST.get(letter, letter) for letter in text[start : start + n])
    alt = data.draw(st.text("ACGT", min_size=n, max_size=n).filter(lambda alt: differs(alt, reduced)))
    folder = tmp_path_factory.mktemp("genomes")
    written = text[:start] + reduced + text[start + n :]
    genomes = [Genome(write_fasta(folder / name, {"c": bases})) for name, bases in (("a", text), ("b", written))]
    row = variants(("c", start + 1, reduced, alt))
    found, expected = (allele_windows(row, genome, 16) for genome in genomes)
    assert found.status == (["unsupported"] if "N" in reduced else ["ok"])
    assert (found.status, found.flags) == (expected.status, expected.flags)
    np.testing.assert_array_equal(found.ref, expected.ref)
    np.testing.assert_array_equal(found.alt, expected.alt)


def differs(alt: str, ref: str) -> bool:
    """Return whether nothing is trimmed: what is shared is not the allele's own, and stays as the genome has it."""
    return alt[0] != ref[0] and alt[-1] != ref[-1]
