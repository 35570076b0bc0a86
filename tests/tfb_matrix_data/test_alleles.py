"""Alleles: windows equal those of a naive string version, and each allele that has none says why."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import naive_alleles as naive
from tests.naive_alleles import variants
from tfb_matrix_data.alleles import STATUSES, AlleleWindows, AssemblyCheck, allele_windows, normal_texts
from tfb_matrix_data.errors import AssemblyError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode
from tfb_matrix_data.variants import NO_ALT

CONTIGS = {
    "chr1": "".join(np.random.default_rng(7).choice(list("ACGT"), 90)),
    "chr2": "acgtNNacgtRtACGTTGCAacgtNACGTGGCCTTAAAC",
    "chrM": "AC",
}


@pytest.fixture(scope="module")
def genome(tmp_path_factory, write_fasta) -> Genome:
    return Genome(write_fasta(tmp_path_factory.mktemp("genome") / "genome.fa", CONTIGS))


def one(genome: Genome, row: tuple, length: int = 20) -> tuple[str, str, str, str]:
    """Return (status, flags, REF window, ALT window) of one allele."""
    windows = allele_windows(variants(row), genome, length)
    return windows.status[0], windows.flags[0], decode(windows.ref[0]), decode(windows.alt[0])


# Windows

kinds = {
    "SNV": (1, 1),
    "MNV": (3, 3),
    "insertion": (1, 5),
    "deletion": (5, 1),
    "delins": (4, 2),
    "long insertion": (1, 10),
    "long deletion": (10, 1),
    "any": (None, None),
}


@st.composite
def alleles(draw: st.DrawFn, kind: str) -> tuple[str, int, str, str]:
    """Draw (chrom, 1-based pos, ref, alt) with the REF of the genome, near the ends as often as not."""
    n_ref, n_alt = kinds[kind]
    chrom = draw(st.sampled_from(["chr1", "chr2"]))
    contig = CONTIGS[chrom]
    n_ref = n_ref or draw(st.integers(1, 10))
    n_alt = n_alt or draw(st.integers(1, 10))
    last = len(contig) - n_ref
    start = draw(st.one_of(st.integers(0, last), st.integers(0, min(12, last)), st.integers(max(0, last - 12), last)))
    ref = contig[start : start + n_ref]
    cases = st.sampled_from([str.upper, str.lower, str])
    alt = draw(st.text("ACGTacgt", min_size=n_alt, max_size=n_alt))
    return chrom, start + 1, draw(cases)(ref), alt


@pytest.mark.parametrize("kind", kinds)
@pytest.mark.parametrize("length", [20, 64])
@given(data=st.data())
def test_windows_equal_the_naive_ones(genome, kind, length, data):
    rows = data.draw(st.lists(alleles(kind), min_size=1, max_size=6))
    windows = allele_windows(variants(*rows), genome, length)
    texts = normal_texts(variants(*rows), windows, genome)
    assert windows.ref.shape == windows.alt.shape == (len(rows), length)
    assert windows.ref.dtype == windows.alt.dtype == np.uint8
    for i, (chrom, pos, ref, alt) in enumerate(rows):
        if set(ref.upper()) - set("ACGT"):
            assert windows.status[i] == "unsupported" and windows.flags[i] == "iupac_allele"
            continue
        expected_ref, expected_alt = naive.windows(CONTIGS[chrom], pos, ref, alt, length)
        assert windows.status[i] == "ok"
        assert decode(windows.ref[i]) == expected_ref
        assert decode(windows.alt[i]) == expected_alt
        half = length // 2
        start, own_ref, own_alt = naive.change(CONTIGS[chrom], pos, ref, alt)
        assert (windows.start[i], windows.n_ref[i], windows.n_alt[i]) == (start, len(own_ref), len(own_alt))
        assert expected_ref[half : half + len(own_ref)] == own_ref
        assert expected_alt[half : half + len(own_alt)] == own_alt
        normal = naive.normal_form(CONTIGS[chrom], pos, ref, alt)
        assert texts[i] == "{}:{}:{}>{}".format(chrom, *normal)
        deviates = normal != (pos, ref.upper(), alt.upper())
        assert ("not_left_normalised" in windows.flags[i]) == deviates == (i in windows.normal)


def test_windows_worked_by_hand(genome):
    # chr2, 0-based:  12 ACGTTGCAacgt 23, 24 N, 25 ACGTGG; window of 8 around the T at 15 (VCF position 16): [11, 19).
    assert one(genome, ("chr2", 16, "T", "G"), 8) == ("ok", ".", "TACGTTGC", "TACGGTGC")
    # A deletion of TTG is one of GTT, a base further left: it moves GCAa in from the right. The left flank never moves.
    left_aligned = ("ok", "n_in_window=1", "NTACGTTG", "NTACGCAA")
    assert one(genome, ("chr2", 14, "CGTT", "C"), 8) == left_aligned
    assert one(genome, ("chr2", 15, "GTTG", "G"), 8) == ("ok", "not_left_normalised;n_in_window=1", *left_aligned[2:])
    # An insertion pushes CA out; the base behind it is at index 4 of REF, the first that is inserted at that of ALT.
    assert one(genome, ("chr2", 16, "T", "TAA"), 8) == ("ok", ".", "ACGTTGCA", "ACGTAATG")
    assert one(genome, ("chr2", 16, "TT", "CAG"), 8) == ("ok", ".", "TACGTTGC", "TACGCAGG")


def test_order_does_not_depend_on_allele_lengths(genome):
    rows = [
        ("chr1", pos, CONTIGS["chr1"][pos - 1 : pos - 1 + n], "ACGT"[: 5 - n]) for pos in (30, 40) for n in (3, 1, 2)
    ]
    together = allele_windows(variants(*rows), genome, 20)
    for i, row in enumerate(rows):
        assert one(genome, row) == (
            together.status[i],
            together.flags[i],
            *map(decode, (together.ref[i], together.alt[i])),
        )


def test_contig_names_are_reconciled(genome):
    row = ("chr1", 40, CONTIGS["chr1"][39], "A" if CONTIGS["chr1"][39] != "A" else "C")
    assert one(genome, ("1", *row[1:])) == one(genome, row)
    assert one(genome, ("MT", 1, "A", "T"), 4) == ("ok", "n_in_window=2;edge_padded", "NNAC", "NNTC")


# Flags


def test_flags_count_unknown_bases_and_edges(genome):
    # chr2 starts with acgtNNacgtR: a window of 20 around index 9 covers [-1, 19): one base of padding, N, N and R.
    assert one(genome, ("chr2", 10, "t", "C"))[:2] == ("ok", "n_in_window=4;edge_padded")
    # The 22 bases that a deletion of two needs end at index 43, beyond the 39 of chr2.
    size = len(CONTIGS["chr2"])
    assert one(genome, ("chr2", size - 9, CONTIGS["chr2"][size - 10 :][:1], "A"))[1] == "n_in_window=1"
    status, flags, ref, alt = one(genome, ("chr2", size - 9, CONTIGS["chr2"][size - 10 :][:2], "A"))
    assert (status, flags) == ("ok", "n_in_window=2;edge_padded") and "N" in ref and alt.endswith("N")


def test_duplicates_are_scored_and_flagged(genome):
    row = ("chr1", 50, CONTIGS["chr1"][49], "ACGT".replace(CONTIGS["chr1"][49], "")[:2])
    windows = allele_windows(variants(row, row, duplicate=(1,)), genome, 20)
    assert windows.status == ["ok", "ok"] and windows.flags == [".", "duplicate"]
    np.testing.assert_array_equal(windows.alt[0], windows.alt[1])


def test_flags_add_up(genome):
    windows = allele_windows(variants(("chr2", 10, "T", "C"), duplicate=(0,)), genome, 20)
    assert windows.flags == ["duplicate;n_in_window=4;edge_padded"]


@pytest.mark.parametrize(
    ("ref", "alt", "flag"),
    [
        ("A", "C", "."),
        ("CA", "C", "."),  # a deletion of the first copy, as far left as can be
        ("C", "CA", "."),
        ("CA", "CAA", "not_left_normalised"),  # an insertion at the end of the run: C>CA is the same
        ("AA", "A", "not_left_normalised"),
        ("CA", "CG", "not_left_normalised"),  # A>G, one further on
        ("CA", "GT", "."),
        ("cA", "Ca", "."),  # no change at all
        ("ca", "CG", "not_left_normalised"),
    ],
)
def test_records_that_have_a_shorter_form_are_flagged(write_fasta, tmp_path, ref, alt, flag):
    genome = Genome(write_fasta(tmp_path / "g.fa", {"chr1": "GTGTGTGTGTCAAAAGTGTGTGTGT"}))
    pos = 11 if ref[0] in "cC" else 12
    windows = allele_windows(variants(("chr1", pos, ref, alt)), genome, 8)
    assert (windows.status, windows.flags) == (["ok"], [flag])


# Swapped alleles


@pytest.mark.parametrize("kind", kinds)
@given(data=st.data())
def test_swapped_windows_are_the_exchanged_ones(genome, kind, data):
    chrom, pos, ref, alt = data.draw(alleles(kind))
    straight = allele_windows(variants((chrom, pos, ref, alt)), genome, 20)
    turned = allele_windows(variants((chrom, pos, alt, ref)), genome, 20, allele_swap=True)
    untouched = allele_windows(variants((chrom, pos, alt, ref)), genome, 20)
    if turned.status[0] == "swapped":
        assert straight.status[0] == "ok" and untouched.status[0] == "ref_mismatch"
        np.testing.assert_array_equal(turned.ref, straight.alt)
        np.testing.assert_array_equal(turned.alt, straight.ref)
        assert (untouched.ref == 4).all()
    else:
        # The genome has this REF too, it has neither, or the alleles reach beyond its end or are no bases.
        assert turned.status == untouched.status
        if straight.status[0] == "ok":
            assert untouched.status[0] == "ok" or untouched.flags[0] in ("outside_contig", "iupac_allele")


# Statuses

N1 = CONTIGS["chr1"][44]
OTHER = "A" if N1 != "A" else "C"


@pytest.mark.parametrize(
    ("row", "status", "flags"),
    [
        (("chr1", 45, OTHER, "G"), "ref_mismatch", "."),
        (("chr2", 5, "A", "G"), "ref_unknown", "n_in_window=9;edge_padded"),  # the genome has N there
        *((("chr1", 45, N1, alt), "symbolic", ".") for alt in ("<DEL>", "<DUP:TANDEM>", "*", "<*>", "<NON_REF>")),
        *((("chr1", 45, N1, alt), "symbolic", ".") for alt in ("A[chr2:5[", "]chr2:5]A", "A.", ".A")),
        (("chrX", 45, "A", "<DEL>"), "symbolic", "."),
        (("chr1", 45, N1, "A" * 11), "too_long", "."),
        (("chr1", 45, CONTIGS["chr1"][44:55], "A"), "too_long", "."),
        (("chr1", 45, N1, NO_ALT), "unsupported", "no_alt"),
        (("chr1", 45, N1, "R"), "unsupported", "iupac_allele"),
        (("chr1", 45, "N", "A"), "unsupported", "iupac_allele"),
        (("chr1", 45, ".", "A"), "unsupported", "iupac_allele"),
        (("chrX", 45, "A", "G"), "unsupported", "unknown_contig"),
        (("chr1", 0, "A", "G"), "unsupported", "outside_contig"),
        (("chr1", -5, "A", "G"), "unsupported", "outside_contig"),
        (("chr1", 91, "A", "G"), "unsupported", "outside_contig"),
        (("chr1", 5_000_000_000, "A", "G"), "unsupported", "outside_contig"),
        (("chr1", 90, CONTIGS["chr1"][89] + "A", "G"), "unsupported", "outside_contig"),
    ],
)
def test_alleles_that_are_not_scored_say_why(genome, row, status, flags):
    good = ("chr1", 45, N1, OTHER)
    windows = allele_windows(variants(good, row, good), genome, 20)
    assert status in STATUSES
    assert windows.status == ["ok", status, "ok"]
    assert windows.flags == [".", flags, "."]
    assert (windows.ref[1] == 4).all() and (windows.alt[1] == 4).all()
    assert windows.scored.tolist() == [0, 2]
    assert decode(windows.alt[2]) == naive.windows(CONTIGS["chr1"], 45, N1, OTHER, 20)[1]


def test_alleles_of_half_a_window_are_the_longest(genome):
    for row in (("chr1", 45, N1, "A" * 10), ("chr1", 45, CONTIGS["chr1"][44:54], "A")):
        assert one(genome, row)[0] == "ok"


def test_nothing_scored_is_an_empty_list(genome):
    windows = allele_windows(variants(("chrX", 1, "A", "C")), genome, 20)
    assert windows.scored.tolist() == [] and windows.scored.dtype == np.int64


# Another assembly


def snvs(n_wrong: int, n_right: int) -> list[tuple]:
    """Return SNVs on chr1, the wrong ones first."""
    rows = []
    for i in range(n_wrong + n_right):
        base = CONTIGS["chr1"][i % 90]
        rows.append(("chr1", i % 90 + 1, "ACGT"[("ACGT".index(base) + (i < n_wrong)) % 4], "ACGT"))
    return rows


def run(genome: Genome, *chunks: list[tuple]) -> list[AlleleWindows]:
    check = AssemblyCheck()
    return [allele_windows(variants(*chunk), genome, 20, check) for chunk in chunks]


@pytest.mark.parametrize(
    ("n_wrong", "n_right", "message"),
    [
        (3, 0, r"3 of the first 3 alleles \(100%\)"),
        (24, 16, r"24 of the first 40 alleles \(60%\)"),
        (11, 9, r"11 of the first 20 alleles \(55%\)"),
    ],
)
def test_a_genome_of_another_assembly_stops_the_run(genome, n_wrong, n_right, message):
    with pytest.raises(
        AssemblyError, match=rf"test\.vcf: REF differs from genome\.fa for {message}; .*another assembly"
    ):
        run(genome, snvs(n_wrong, n_right))


@pytest.mark.parametrize(("n_wrong", "n_right"), [(1, 2), (2, 0), (18, 1), (20, 20), (10, 10), (0, 40)])
def test_some_wrong_records_are_a_status_each(genome, n_wrong, n_right):
    (windows,) = run(genome, snvs(n_wrong, n_right))
    assert windows.status == ["ref_mismatch"] * n_wrong + ["ok"] * n_right


def test_counts_accumulate_over_chunks(genome):
    run(genome, snvs(1, 0), snvs(1, 0))
    with pytest.raises(AssemblyError, match=r"3 of the first 3"):
        run(genome, *[snvs(1, 0)] * 3)
    with pytest.raises(AssemblyError, match=r"13 of the first 25"):
        run(genome, snvs(8, 8), snvs(5, 4))


def test_what_cannot_be_compared_does_not_count(genome):
    # REF on unknown bases of the genome, or an allele that is not looked up, says nothing about the assembly.
    (windows,) = run(genome, [("chr2", 5, "A", "G")] * 5 + [("chrX", 1, "A", "G"), ("chr1", 45, OTHER, "<DEL>")] * 5)
    assert set(windows.status) == {"ref_unknown", "unsupported", "symbolic"}
    run(genome, snvs(9, 11) + [("chr2", 5, "A", "G")] * 5)  # 9 of 20, not 14


def test_the_first_thousand_decide(genome):
    check = AssemblyCheck()
    allele_windows(variants(*snvs(0, 1000)), genome, 20, check)
    for _ in range(3):
        allele_windows(variants(*snvs(1000, 0)), genome, 20, check)
    assert (check.compared, check.mismatched) == (1000, 0)
