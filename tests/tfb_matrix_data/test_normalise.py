"""Normal forms: those of a string version, base by base, and of bcftools norm; one for all spellings of a change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pysam.bcftools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import naive_alleles as naive
from tfb_matrix_data.alleles import allele_windows, normal_texts
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.variants import Variants

CONTIGS = {
    "chr1": "".join(np.random.default_rng(8).choice(list("ACGT"), 200)),
    # Repeats from the first base on, up to an unknown base, and behind one; longer than one look to the left.
    "chr2": "ACACACACACACG" + "CAG" * 60 + "T" * 90 + "NTTTTTTTTTG" + "ACGTTGCA" * 12 + "GGGGGGGG",
    "chr3": "A" * 4000 + "C" + "AT" * 700 + "GGC",
}


@pytest.fixture(scope="module")
def genome(tmp_path_factory, write_fasta) -> Genome:
    return Genome(write_fasta(tmp_path_factory.mktemp("genome") / "genome.fa", CONTIGS))


Row = tuple[str, int, str, str]


def normal(genome: Genome, rows: list[Row], allele_swap: bool = False) -> tuple[list[str], list[bytes], list[str]]:
    """Return the normal form, both windows as bytes and the flags of each allele."""
    chrom, pos, ref, alt = (list(column) for column in zip(*rows, strict=True))
    n = len(rows)
    variants = Variants(chrom, np.array(pos, np.int64), ["."] * n, ref, alt, np.zeros(n, bool), Path("test"))
    windows = allele_windows(variants, genome, 200, allele_swap=allele_swap)
    both = [one.tobytes() + other.tobytes() for one, other in zip(windows.ref, windows.alt, strict=True)]
    return normal_texts(variants, windows, genome), both, windows.flags


@st.composite
def changes(draw: st.DrawFn) -> Row:
    """Draw (contig, 0-based start, REF, ALT), one of them maybe empty; half of the indels repeat what is beside."""
    chrom = draw(st.sampled_from(["chr1", "chr2"]))
    contig = CONTIGS[chrom]
    start = draw(st.one_of(st.integers(0, len(contig)), st.integers(0, 14), st.integers(len(contig) - 14, len(contig))))
    ref = contig[start : start + draw(st.integers(0, 7))]
    alt = draw(st.one_of(st.text("ACGT", max_size=7), st.just(contig[start : start + draw(st.integers(0, 7))])))
    return chrom, start, ref, alt


def spelt(change: Row, before: int, behind: int) -> Row:
    """Return a change with bases of the genome in front and behind, at least as many as a record needs."""
    chrom, start, ref, alt = change
    contig = CONTIGS[chrom]
    if not (ref and alt) and before + behind == 0:
        before, behind = (1, 0) if start else (0, 1)
    before = min(before, start)
    end = start + len(ref)
    front, back = contig[start - before : start], contig[end : end + behind]
    return chrom, start - before + 1, front + ref + back, front + alt + back


@given(change=changes(), flanks=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=5, max_size=5))
def test_all_spellings_of_a_change_have_one_form_and_one_window(genome, change, flanks):
    rows = [spelt(change, *flank) for flank in flanks]
    rows = [row for row in rows if row[2] and row[3] and "N" not in row[2] + row[3]]
    if change[2] == change[3] or not rows:
        return
    texts, windows, flags = normal(genome, rows)
    pos, ref, alt = naive.normal_form(CONTIGS[change[0]], *rows[0][1:])
    assert set(texts) == {f"{change[0]}:{pos}:{ref}>{alt}"} and len(set(windows)) == 1
    for row, flag in zip(rows, flags, strict=True):
        assert ("not_left_normalised" in flag) == (row[1:] != (pos, ref, alt))


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        # At the start of the contig there is no base before: the one behind is written, as VCF has it.
        ([("chr2", 1, "ACA", "A"), ("chr2", 2, "CAC", "C"), ("chr2", 9, "ACA", "A")], "chr2:1:ACA>A"),
        ([("chr2", 1, "A", "ACA"), ("chr2", 12, "C", "CAC")], "chr2:1:A>ACA"),
        # Up to an unknown base, which is written before it.
        ([("chr2", 292, "TT", "T"), ("chr2", 286, "TTT", "TT")], "chr2:284:NT>N"),
        # Through the whole repeat, however long.
        ([("chr3", 4000, "A", "AA"), ("chr3", 3999, "AA", "AAA")], "chr3:1:A>AA"),
        ([("chr3", 5400, "ATG", "G"), ("chr3", 4201, "TAT", "T")], "chr3:4001:CAT>C"),
        ([("chr3", 5400, "AT", "ATATAT"), ("chr3", 4001, "CA", "CATATA")], "chr3:4001:C>CATAT"),
        # At the end of the contig.
        ([("chr2", len(CONTIGS["chr2"]) - 1, "GG", "G")], "chr2:{}:AG>A".format(len(CONTIGS["chr2"]) - 8)),
        ([("chr3", 5404, "C", "CT"), ("chr3", 5403, "GC", "GCT")], "chr3:5404:C>CT"),
    ],
)  # fmt: skip
def test_where_left_alignment_ends(genome, rows, wanted):
    texts, windows, _ = normal(genome, rows)
    assert set(texts) == {wanted} and len(set(windows)) == 1


def test_small_letters_and_other_names_of_the_contig_are_spellings_too(genome):
    ref = CONTIGS["chr1"][120:123]
    assert ref[0] != ref[2]  # or the deletion could stand further left
    rows = [("chr1", 121, ref, ref[0]), ("1", 121, ref.lower(), ref[0]), ("chr1", 121, ref, ref[0].lower())]
    texts, windows, flags = normal(genome, rows)
    assert set(texts) == {f"chr1:121:{ref}>{ref[0]}"} and len(set(windows)) == 1
    assert not any("not_left_normalised" in flag for flag in flags)


def test_alleles_that_are_not_scored_have_no_form(genome):
    rows = [("chr1", 51, "N", "A"), ("chr1", 51, "A", "<DEL>"), ("chr9", 51, "A", "C"), ("chr1", 51, "A" * 9, "C")]
    assert normal(genome, rows)[0] == ["."] * 4


def test_no_change_is_left_where_it_is(genome):
    (text,), _, (flag,) = normal(genome, [("chr2", 288, "TT", "TT")])
    assert text == "chr2:288:TT>TT" and "not_left_normalised" not in flag


def test_what_is_swapped_is_aligned_from_what_the_genome_has(genome):
    # The genome has ALT, the A before the C at 4001, and REF has one A more, anywhere in the run of them.
    swapped = [("chr3", 4000, "AA", "A"), ("chr3", 3998, "AAAA", "AAA")]
    texts, windows, flags = normal(genome, swapped, allele_swap=True)
    assert set(texts) == {"chr3:1:AA>A"} and len(set(windows)) == 1 and "not_left_normalised" in flags[0]
    _, (straight,), _ = normal(genome, [("chr3", 4000, "A", "AA")])
    assert windows[0] == straight[200:] + straight[:200]


def test_bcftools_norm_writes_the_same(genome, tmp_path):
    rng = np.random.default_rng(4)
    rows: list[Row] = []
    while len(rows) < 3000:
        chrom = ("chr1", "chr2", "chr3")[int(rng.integers(3))]
        contig = CONTIGS[chrom]
        start = int(rng.integers(len(contig)) if rng.random() < 0.7 else rng.integers(12))
        ref = contig[start : start + int(rng.integers(8))]
        alt = "".join(rng.choice(list("ACGT"), int(rng.integers(8)))) if rng.random() < 0.6 else contig[start:][:3]
        row = spelt((chrom, start, ref, alt), int(rng.integers(5)), int(rng.integers(5)))
        if row[2] and row[3] and row[2] != row[3] and "N" not in row[2] + row[3]:
            rows.append(row)
    vcf = tmp_path / "in.vcf"
    header = "".join(f"##contig=<ID={name},length={len(contig)}>\n" for name, contig in CONTIGS.items())
    names = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    lines = (f"{chrom}\t{pos}\t{i}\t{ref}\t{alt}\t.\t.\t.\n" for i, (chrom, pos, ref, alt) in enumerate(rows))
    vcf.write_text("##fileformat=VCFv4.2\n" + header + names + "".join(lines))
    theirs = {}
    for line in pysam.bcftools.norm("-f", str(genome.path), str(vcf)).splitlines():
        if not line.startswith("#"):
            chrom, pos, i, ref, alt = line.split("\t")[:5]
            theirs[int(i)] = f"{chrom}:{pos}:{ref}>{alt}"
    ours = normal(genome, rows)[0]
    differ = [(row, text, theirs[i]) for i, (row, text) in enumerate(zip(rows, ours, strict=True)) if text != theirs[i]]
    assert not differ and len(theirs) == len(rows)
    assert sum(text != f"{c}:{p}:{r}>{a}" for text, (c, p, r, a) in zip(ours, rows, strict=True)) > 1500
