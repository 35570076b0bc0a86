"""Variants: every ALT of every record is one item, and no record is ever lost without a word."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from Bio import bgzf
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.variants import NO_ALT, Variants, iter_variants, read_variants

HEADER = """##fileformat=VCFv4.2
##contig=<ID=chr1,length=248956422>
##contig=<ID=chr2>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
"""


def vcf(*records: str) -> str:
    """Return a VCF of records ``"chrom pos id ref alt"``."""
    return HEADER + "".join("\t".join(record.split()) + "\t.\t.\t.\n" for record in records)


RECORDS = (
    "chr1 10 rs1 A C",
    "chr1 12 . A C,G,T",
    "chr2 5 rs2 ACG A",
    "chr2 5 rs3 A ATT,*",
    "chr1 3 . G .",
)
ITEMS = [
    ("chr1", 10, "rs1", "A", "C"),
    ("chr1", 12, ".", "A", "C"),
    ("chr1", 12, ".", "A", "G"),
    ("chr1", 12, ".", "A", "T"),
    ("chr2", 5, "rs2", "ACG", "A"),
    ("chr2", 5, "rs3", "A", "ATT"),
    ("chr2", 5, "rs3", "A", "*"),
    ("chr1", 3, ".", "G", NO_ALT),
]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def items_of(variants: Variants) -> list[tuple]:
    return list(zip(variants.chrom, variants.pos.tolist(), variants.id, variants.ref, variants.alt, strict=True))


def bgzip(path: Path, text: str) -> Path:
    with bgzf.open(path, "wt") as stream:
        stream.write(text)
    return path


# What is read


def test_every_alt_is_one_item_in_the_files_order(tmp_path):
    variants = read_variants(write(tmp_path / "a.vcf", vcf(*RECORDS)))
    assert items_of(variants) == ITEMS and len(variants) == 8
    assert variants.pos.dtype == np.int64
    assert not variants.duplicate.any()


@pytest.mark.parametrize("kind", ["bgzip", "gzip", "crlf", "no last newline"])
def test_other_wrappings_are_the_same(tmp_path, kind):
    text, path = vcf(*RECORDS), tmp_path / "a.vcf.gz"
    if kind == "bgzip":
        bgzip(path, text)
    elif kind == "gzip":
        write(path, gzip.compress(text.encode()))
    elif kind == "crlf":
        write(path, text.replace("\n", "\r\n"))
    else:
        write(path, text.rstrip("\n"))
    assert items_of(read_variants(path)) == ITEMS


def test_symbolic_alleles_come_as_they_are(tmp_path):
    alts = ["<DEL>", "*", "<*>", "A[chr2:3[", "]chr2:3]A", "A.", ".A"]
    variants = read_variants(write(tmp_path / "a.vcf", vcf(f"chr1 3 sv A {','.join(alts)}")))
    assert variants.alt == alts


def test_samples_and_undeclared_fields_do_not_matter(tmp_path):
    text = HEADER.replace("INFO", "INFO\tFORMAT\tS1") + "chrUn\t7\t.\tA\tC\t.\tFOO\tXX=1\tGT\t0/1\n"
    assert items_of(read_variants(write(tmp_path / "a.vcf", text))) == [("chrUn", 7, ".", "A", "C")]


@pytest.mark.parametrize("pos", [0, 1, 248956422, 5_000_000_000])
def test_positions_are_those_of_the_file(tmp_path, pos):
    # cyvcf2's own POS is 705,032,704 for the last one.
    assert read_variants(write(tmp_path / "a.vcf", vcf(f"chr1 {pos} . A C"))).pos.tolist() == [pos]


def test_duplicates_are_flagged_at_their_second_time(tmp_path):
    records = (
        "chr1 5 a A C,G",
        "chr1 5 b A C",  # duplicate, whatever its id
        "chr1 5 c AC C",  # another REF
        "chr1 5 d A T,G",  # the second ALT is one
        "chr1 6 e A C",
        "chr2 6 f A C",  # another contig
        "chr2 6 g A .",
        "chr2 6 h A .",
    )
    variants = read_variants(write(tmp_path / "a.vcf", vcf(*records)))
    flagged = [name for name, duplicate in zip(variants.id, variants.duplicate, strict=True) if duplicate]
    assert flagged == ["b", "d", "h"]
    assert variants.alt[variants.id.index("d") + 1] == "G" and variants.duplicate[variants.id.index("d") + 1]


def test_take_keeps_rows_together(tmp_path):
    variants = read_variants(write(tmp_path / "a.vcf", vcf(*RECORDS)))
    assert items_of(variants.take(np.array([6, 0]))) == [ITEMS[6], ITEMS[0]]


record = st.tuples(
    st.sampled_from(["chr1", "chr2"]),
    st.integers(1, 4),
    st.sampled_from(["A", "AC"]),
    st.lists(st.sampled_from(["C", "G", "<DEL>", "*"]), max_size=3, unique=True),
)


@given(records=st.lists(record, min_size=1, max_size=15), chunk_size=st.integers(1, 20))
def test_chunks_are_the_whole(tmp_path_factory, records, chunk_size):
    lines = [f"{chrom} {pos} . {ref} {','.join(alts) or '.'}" for chrom, pos, ref, alts in records]
    path = write(tmp_path_factory.mktemp("chunks") / "a.vcf", vcf(*lines))
    whole, chunks = read_variants(path), list(iter_variants(path, chunk_size))
    expected = [(chrom, pos, ".", ref, alt) for chrom, pos, ref, alts in records for alt in alts or [NO_ALT]]
    assert items_of(whole) == expected
    assert [item for chunk in chunks for item in items_of(chunk)] == expected
    assert np.concatenate([chunk.duplicate for chunk in chunks]).tolist() == whole.duplicate.tolist()
    assert all(len(chunk) >= chunk_size for chunk in chunks[:-1])


# What is wrong


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; expected VCF"),
        ("hello\nworld\n", "is not VCF .*expected VCF, VCF.gz or BCF"),
        ("chr1\t5\t9\n", "is not VCF"),
        (bytes(range(256)) * 20, "is not VCF"),
        ("##fileformat=VCFv4.2\nchr1\t5\t.\tA\tC\t.\t.\t.\n", "is not VCF"),
        (gzip.compress(b"hello\n"), "is not VCF"),
        (HEADER, "has a header but no record"),
    ],
    ids=["empty", "text", "bed", "binary", "half a header", "gzipped text", "header only"],
)
def test_files_that_are_no_vcf(tmp_path, content, message):
    with pytest.raises(InputError, match=rf"a\.vcf(, line 2)?: {message}"):
        read_variants(write(tmp_path / "a.vcf", content))


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(InputError, match=r"no\.vcf: no such file"):
        read_variants(tmp_path / "no.vcf")
    with pytest.raises(InputError, match="is a folder; expected VCF"):
        read_variants(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\tten\t.\tA\tC\t.\t.\t.", "POS is 'ten'; expected a whole number, counted from 1"),
        ("chr1\t-3\t.\tA\tC\t.\t.\t.", "POS is '-3'; expected a whole number, counted from 1"),
        ("chr1\t5", r"2 columns; ID, REF, ALT, QUAL, FILTER, INFO are missing \(a dot where there is nothing to say\)"),
        ("chr1\t5\t.\tA\tC", "5 columns; QUAL, FILTER, INFO are missing"),
        ("chr1\t5\t.\tA\tC\t.\t.", "7 columns; INFO is missing"),
        ("hello", "has 'hello' after record 2; expected tab-separated columns CHROM, POS, ID"),
        # Looking at these three through cyvcf2 ends the process with a segmentation fault.
        ("chr1 5 . A C . . .", r"has spaces between its columns, where tabs are expected: sed -E 's/ \+/\\t/g'"),
    ],
    ids=["position", "negative position", "two columns", "five columns", "seven columns", "word", "spaces"],
)
def test_bad_records_are_errors_not_crashes(tmp_path, line, message):
    path = write(tmp_path / "a.vcf", vcf("chr1 3 . A C", "chr1 4 . A C") + line + "\n" + vcf("chr1 9 . A C")[-20:])
    with pytest.raises(InputError, match=rf"a\.vcf, line {HEADER.count(chr(10)) + 3}: {message}"):
        read_variants(path)


def test_a_record_without_its_end_is_cut_off(tmp_path):
    path = write(tmp_path / "a.vcf", vcf("chr1 3 . A C") + "chr1\t5\t.\tA")
    with pytest.raises(InputError, match="is cut off after record 1: 4 columns; ALT, QUAL, FILTER, INFO are missing"):
        read_variants(path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_stands_between_records_is_none(tmp_path, end, mark):
    lines = [
        *vcf("chr1 3 . A C").splitlines(),
        "#chr1\t4\t.\tA\tC\t.\t.\t.",
        "",
        "# note",
        *vcf("chr1 5 . A G").splitlines()[-1:],
    ]
    path = write(tmp_path / "a.vcf", (mark + end.join([*lines, "", "", ""])).encode())
    assert items_of(read_variants(path)) == [("chr1", 3, ".", "A", "C"), ("chr1", 5, ".", "A", "G")]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("##fileformat=VCFv4.2\n\n#CHROM\tPOS\tID\tREF\tALT\n", "line 2: is a blank line in the header; remove it"),
        (
            "##fileformat=VCFv4.2\n#CHROM POS ID REF ALT QUAL\n",
            "line 2: has spaces between its columns, where tabs are",
        ),
        ("#CHROM  POS  ID  REF  ALT\n", "line 1: has spaces between its columns"),
        ("##fileformat=VCFv4.2\n#CHROM\tPOS\tREF\n", r"line 2: is not VCF \(found '#CHROM.*expected ## lines, then"),
        ("\n##fileformat=VCFv4.2\n", r"is not VCF \(its first line is blank\)"),
        ("##fileformat=VCFv4.2\n", "is not VCF .it ends before the line '#CHROM POS ID REF ALT ...'.; is it cut off"),
    ],
)
def test_a_header_that_is_wrong_is_named_by_its_line(tmp_path, header, message):
    with pytest.raises(InputError, match=message):
        read_variants(write(tmp_path / "a.vcf", header))


@pytest.fixture(scope="module")
def big_bgzip(tmp_path_factory) -> bytes:
    """Some blocks, each ending with a line as `bgzip` writes them, and the end marker."""
    path = tmp_path_factory.mktemp("big") / "a.vcf.gz"
    with bgzf.open(path, "wb") as stream:
        stream.write(HEADER.encode())
        for pos in range(1, 3001):
            stream.write(f"chr1\t{pos}\t.\tA\tC\t.\t.\t.\n".encode())
            if pos % 1000 == 0:
                stream.flush()
    return path.read_bytes()


def block_starts(data: bytes) -> list[int]:
    starts = [0]
    while starts[-1] < len(data):
        starts.append(starts[-1] + struct.unpack_from("<H", data, starts[-1] + 16)[0] + 1)
    return starts[:-1]


def test_a_bgzip_file_is_read_to_its_end(tmp_path, big_bgzip):
    assert read_variants(write(tmp_path / "a.vcf.gz", big_bgzip)).pos.tolist() == list(range(1, 3001))


def test_a_bgzip_file_cut_anywhere_is_an_error(tmp_path, big_bgzip):
    # Between two blocks htslib only warns, and two thirds of the records would be gone.
    starts = block_starts(big_bgzip)
    assert len(starts) >= 4
    cuts = [at + shift for at in starts[1:] for shift in (-1, 0, 5, 17)]
    for cut in {*cuts, 20, len(big_bgzip) - 1} - {len(big_bgzip)}:
        if cut < len(big_bgzip):
            with pytest.raises(InputError, match=r"is cut off \(bgzip's end marker is missing\)"):
                read_variants(write(tmp_path / "a.vcf.gz", big_bgzip[:cut]))


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_gzip_file_cut_anywhere_is_an_error(tmp_path, share):
    records = "".join(f"chr1\t{pos}\t.\tA\tC\t.\t.\t.\n" for pos in range(1, 20001))
    data = gzip.compress((HEADER + records).encode())
    with pytest.raises(InputError, match=r"is damaged or cut off after record \d+"):
        read_variants(write(tmp_path / "a.vcf.gz", data[: int(len(data) * share)]))
