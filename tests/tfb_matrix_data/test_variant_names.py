"""Variants as people type them: each form is the record that it means, and what is ambiguous is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import naive_alleles as naive
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.variant_names import is_identifier, is_variant_string, named_record

#             0        1         2
#             123456789012345678901234
CONTIG = "GATTACAGGCATCATCATGGTTNA"
LONG = "".join(np.random.default_rng(5).choice(list("AC"), 60))


@pytest.fixture(scope="module")
def genome(tmp_path_factory, write_fasta) -> Genome:
    return Genome(write_fasta(tmp_path_factory.mktemp("genome") / "g.fa", {"chr1": CONTIG, "chr2": LONG}))


def read(text: str, genome: Genome | None = None) -> tuple[str, int, str, str, str]:
    assert is_variant_string(text)
    chrom, pos, name, ref, alt, *rest = named_record(text, "the list", genome, 7).decode().split("\t")
    assert rest == [".", ".", ".\n"]
    return chrom, int(pos), name, ref, alt


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("chr19:11089231:A>G", ("chr19", 11089231, "A", "G")),
        ("chr19:11,089,231:A>G,T", ("chr19", 11089231, "A", "G,T")),
        ("chr19:11089231:A:G", ("chr19", 11089231, "A", "G")),
        ("19:11089231:A:GTT", ("19", 11089231, "A", "GTT")),
        ("chr19-11089231-A-G", ("chr19", 11089231, "A", "G")),
        ("19-11089231-AT-A", ("19", 11089231, "AT", "A")),
        ("chr19_11089231_A_G_b38", ("chr19", 11089231, "A", "G")),
        ("chr19_11089231_A_G", ("chr19", 11089231, "A", "G")),
        ("19_11089231_a_g_b37", ("19", 11089231, "a", "g")),
        ("chr1_KI270706v1_random_17_A_G_b38", ("chr1_KI270706v1_random", 17, "A", "G")),
        ("HLA-A*01:01:01:01-17-A-G", ("HLA-A*01:01:01:01", 17, "A", "G")),
        ("NC_000019.10-17-A-G", ("NC_000019.10", 17, "A", "G")),
        ("chr1:17:A>*", ("chr1", 17, "A", "*")),
        ("chr1-17-A-*", ("chr1", 17, "A", "*")),
    ],
)
def test_forms_that_say_all(text, wanted):
    chrom, pos, name, ref, alt = read(text)
    assert (chrom, pos, ref, alt) == wanted and name == "."


@pytest.mark.parametrize(
    "text",
    [
        *("variants.vcf", "chr1", "chr1:5", "chr1:5-10", "chr1:5:A", "chr1-10-A", "chr1-10-A-", "chr1-ten-A-C"),
        *("rs123", "a_b_c_d", "my_10_x_y", "chr1:5:A>", "./x-1-A", "NC_000019.10", "g.5A>G", ""),
    ],
)
def test_what_is_no_variant(text):
    assert not is_variant_string(text)


def test_identifiers():
    assert is_identifier("rs429358")
    assert not any(map(is_identifier, ("rs", "rs1.vcf", "ss5", "RS5", "rs5 ", "rs-5")))


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ("5A>G", (5, "A", "G")),
        ("5del", (4, "TA", "T")),
        ("5delA", (4, "TA", "T")),
        ("3_4del", (2, "ATT", "A")),
        ("3_4delTT", (2, "ATT", "A")),
        ("1del", (1, "GA", "A")),
        ("1_2del", (1, "GAT", "T")),
        ("4_5insGG", (4, "T", "TGG")),
        ("5dup", (5, "A", "AA")),
        ("11_13dup", (13, "C", "CATC")),
        ("5delinsGG", (5, "A", "GG")),
        ("3_5delinsC", (3, "TTA", "C")),
        ("3_5delTTAinsC", (3, "TTA", "C")),
        ("24del", (23, "NA", "N")),
    ],
)
def test_hgvs_by_hand(genome, change, wanted):
    for name in (f"chr1:g.{change}", f"1:g.{change}"):
        chrom, pos, text, ref, alt = read(name, genome)
        assert (chrom, text) == ("chr1", name)  # the genome's contig; the name is kept as ID
        assert (pos, ref, alt) == wanted


@given(
    start=st.integers(1, 60),
    size=st.integers(1, 6),
    new=st.text("ACGT", min_size=1, max_size=5),
    kind=st.sampled_from(["del", "ins", "dup", "delins"]),
)
def test_hgvs_changes_the_contig_as_it_says(genome, start, size, new, kind):
    end = min(start + size - 1, 60)
    before, own, after = LONG[: start - 1], LONG[start - 1 : end], LONG[end:]
    if kind == "ins":
        end = start + 1
        if end > 60:
            return
        wanted = LONG[:start] + new + LONG[start:]
    elif kind == "del":
        wanted = before + after
        if not wanted:
            return
    elif kind == "dup":
        wanted = before + own + own + after
    else:
        wanted = before + new + after
    place = f"{start}_{end}" if end > start else f"{start}"
    _, pos, _, ref, alt = read(f"chr2:g.{place}{kind}{new if 'ins' in kind else ''}", genome)
    assert LONG[pos - 1 :].startswith(ref) and ref and alt
    assert LONG[: pos - 1] + alt + LONG[pos - 1 + len(ref) :] == wanted


def test_the_3_prime_rule_of_hgvs_and_the_left_of_vcf_are_one_change(genome):
    # CATCATCAT: any of the three CATs, or an ATC or TCA in between.
    spellings = [read(f"chr1:g.{start}_{start + 2}del", genome) for start in range(10, 17)]
    assert len({naive.normal_form(CONTIG, pos, ref, alt) for _, pos, _, ref, alt in spellings}) == 1


def test_a_wrong_base_is_left_to_the_comparison_with_the_genome(genome):
    assert read("chr1:g.5C>G", genome)[3] == "C"
    assert read("chr1:g.5delC", genome)[1:] == (4, "chr1:g.5delC", "TC", "T")
    assert read("chr1:g.5dupC", genome)[3:] == ("C", "CC")


def test_a_substitution_needs_no_genome():
    assert read("NC_000019.10:g.11089231A>G") == ("NC_000019.10", 11089231, "NC_000019.10:g.11089231A>G", "A", "G")
    assert read("NC_012920.1:m.8993T>G")[:2] == ("NC_012920.1", 8993)


def test_a_contig_that_the_genome_lacks_keeps_its_name(genome):
    assert read("NC_000067.7:g.5A>G", genome)[0] == "NC_000067.7"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NM_000527.5:c.-49C>T", r"c\. counts along a transcript; expected g\."),
        ("NR_1.1:n.5C>T", r"n\. counts along a transcript"),
        ("NP_000518.1:p.Cys52Ter", r"p\. is of a protein"),
        ("chr1:x.5A>G", r"x\. is no kind of coordinates"),
        *((f"chr1:g.{change}", "is no substitution of one base, .*give it as CHROM:POS:REF>ALT") for change in (
            "5=", "3_4inv", "10CAT[5]", "10_12[5]", "5AC>GT", "(3_5)_(7_9)del", "3_?del", "4_5ins10", "4_5insN", "5A>N",
            "-5A>G", "4_5ins7_9", "3_4con7_8", "5a>g",
        )),
        ("chr1:g.0A>G", "positions count from 1"),
        ("chr1:g.5_3del", "the first comes first"),
        ("chr1:g.4insA", r"between two neighbouring bases: 4_5ins"),
        ("chr1:g.4_6insA", r"between two neighbouring bases: 4_5ins"),
        ("chr1:g.3_4delT", "says 1 bases for a place of 2"),
        ("chr1:g.3_4A>G", "says 1 bases for a place of 2"),
        ("chr1:g.24_25del", r"ends beyond the contig \(24 bp in g\.fa\); is this its assembly"),
        ("chr1:g.1_200000del", r"is of 200,000 bases, and at most 100,000 are read"),
        ("chr1:g.1_24del", "deletes the whole contig"),
        ("chr7:g.3del", r"unknown contig \(in g\.fa\) 'chr7'"),
    ],
)  # fmt: skip
def test_what_is_refused_says_why(genome, text, why):
    assert is_variant_string(text)
    with pytest.raises(InputError, match=rf"the list, line 7: .*{why}") as caught:
        named_record(text, "the list", genome, 7)
    assert text in str(caught.value)


def test_bases_that_are_not_said_need_a_genome():
    with pytest.raises(InputError, match=r"the list: chr1:g\.5del: a genome is needed for the bases"):
        named_record("chr1:g.5del", "the list")
