"""Variants from anywhere: every source ends up as the same lines, and what is wrong with one is said."""

from __future__ import annotations

import gzip
import io
import sys
from contextlib import nullcontext
from pathlib import Path

import pysam
import pytest
from Bio import bgzf

from tfb_matrix_data import blocks
from tfb_matrix_data.errors import CutOffError, InputError
from tfb_matrix_data.variant_lines import open_variants
from tfb_matrix_data.variants import NoVariantError, iter_chunks

HEADER = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##contig=<ID=chr2>\n"
HEADER += '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
HEADER += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\n"
# A quality that a parser would write another way, and a field that no header line declares.
RECORDS = [
    "chr1\t10\trs1\tA\tC,G\t29.50\tPASS\tXX=1\tGT\t0/1\t./.\n",
    "chr1\t500\t.\tACGT\tA\t.\t.\t.\tGT\t0/0\t1/1\n",
    "chr2\t7\t.\tG\tT\t.\t.\t.\tGT\t0/0\t1/1\n",
]
TEXT = HEADER + "".join(RECORDS)


def lines(source: object, region: str | None = None) -> list[str]:
    return [line.decode() for line in open_variants(source, region).lines]


def items(source: object, region: str | None = None) -> list[tuple]:
    chunks = [chunk.variants for chunk in iter_chunks(open_variants(source, region))]
    return [item for v in chunks for item in zip(v.chrom, v.pos.tolist(), v.id, v.ref, v.alt, strict=True)]


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def indexed(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("indexed") / "a.vcf"
    return Path(pysam.tabix_index(str(write(path, TEXT)), preset="vcf"))


# VCF


def test_lines_are_those_of_the_file(tmp_path, indexed):
    assert lines(write(tmp_path / "a.vcf", TEXT)) == RECORDS
    assert lines(indexed) == RECORDS
    assert b"".join(open_variants(indexed).header).decode() == HEADER


def test_vcf_is_known_by_its_content(tmp_path):
    assert lines(write(tmp_path / "a.txt", TEXT)) == RECORDS


def test_bcf_is_read_as_text(tmp_path):
    text = write(tmp_path / "a.vcf", TEXT.replace("XX=1", "."))
    with (
        pysam.VariantFile(str(text)) as source,
        pysam.VariantFile(str(tmp_path / "a.bcf"), "wb", header=source.header) as sink,
    ):
        for record in source:
            sink.write(record)
    found = lines(tmp_path / "a.bcf")
    assert [line.split("\t")[:5] for line in found] == [line.split("\t")[:5] for line in RECORDS]
    assert all(line.count("\t") == 10 for line in found)


@pytest.mark.parametrize("wrap", [lambda text: text, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("text", [TEXT, "chr1\t10\tA\tC,G\n"], ids=["vcf", "table"])
def test_stdin(monkeypatch, wrap, text):
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(wrap(text.encode()))))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert items("-")[:2] == [
        ("chr1", 10, "rs1" if text is TEXT else ".", "A", "C"),
        ("chr1", 10, "rs1" if text is TEXT else ".", "A", "G"),
    ]


# Regions


@pytest.mark.parametrize(
    ("region", "found"),
    [
        ("chr1", [0, 1]),
        ("1", [0, 1]),
        ("chr1:10-10", [0]),
        ("chr1:10", [0]),
        ("chr1:1-1,000", [0, 1]),
        ("chr1:503-600", [1]),  # the last base of its REF
        ("2:7-7", [2]),
    ],
)
def test_a_region_is_read_through_the_index(indexed, region, found):
    assert lines(indexed, region) == [RECORDS[i] for i in found]


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("chr1:504-600", "has no record in chr1:504-600$"),
        ("chr9", r"has no record in chr9 \(chr9 is not among its contigs: chr1, chr2\)"),
        ("chr1:9-5", "is empty: positions count from 1"),
        ("chr1:0-5", "is empty: positions count from 1"),
        ("chr1:a-b", "has no record"),
        ("chr 1", "is not CHROM, CHROM:START or CHROM:START-END"),
    ],
)
def test_regions_without_records(indexed, region, message):
    with pytest.raises(InputError, match=message):
        items(indexed, region)


@pytest.mark.parametrize("csi", [True, False])
def test_a_contig_may_have_the_name_of_a_region(tmp_path, csi):
    names = ("chr1", "chr1:100-200", "HLA-B*07:02")
    head = "".join(f"##contig=<ID={name}>\n" for name in names) + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    records = [f"{name}\t150\t{name}\tA\tC\t.\t.\t.\n" for name in names]
    path = write(tmp_path / "in.vcf", f"##fileformat=VCFv4.2\n{head}{''.join(records)}")
    indexed = pysam.tabix_index(str(path), preset="vcf", csi=csi, force=True)
    for name, record in zip(names, records, strict=True):
        assert lines(indexed, name) == lines(indexed, f"{name}:150") == lines(indexed, f"{name}:100-150") == [record]
        with pytest.raises(NoVariantError, match="has no record in"):
            items(indexed, f"{name}:151-160")


def test_a_declared_contig_without_records_is_no_error_of_the_region(tmp_path):
    text = write(tmp_path / "a.vcf", TEXT.replace("##contig=<ID=chr2>", "##contig=<ID=chr2>\n##contig=<ID=chr3>"))
    path = Path(pysam.tabix_index(str(text), preset="vcf"))
    assert lines(path, "chr3") == lines(path, "3") == []
    with pytest.raises(NoVariantError, match=r"has no record in chr3$"):
        items(path, "chr3")


def test_a_region_needs_an_index(tmp_path):
    path = write(tmp_path / "a.vcf", TEXT)
    with pytest.raises(InputError, match=r"a\.vcf: --region needs an index .*tabix -p vcf"):
        open_variants(path, "chr1")
    for source in ("-", ["chr1:5:A>C"]):
        with pytest.raises(InputError, match="--region needs an indexed file"):
            open_variants(source, "chr1")


# Tables and strings


@pytest.mark.parametrize(
    "text",
    [
        "chr1\t10\tA\tC,G\nchr1\t500\tACGT\tA\n",
        "chrom\tpos\tref\talt\nchr1\t10\tA\tC,G\nchr1\t500\tACGT\tA\n",
        "score\tALT\tREF\tPosition\t#chrom\n1\tC,G\tA\t10\tchr1\n\n2\tA\tACGT\t500\tchr1\n",
        "chr1\t10\tA\tC,G\r\nchr1\t500\tACGT\tA\r\n",
    ],
    ids=["four columns", "names", "names in any order", "crlf"],
)
def test_tables(tmp_path, text):
    found = items(write(tmp_path / "a.tsv", text))
    assert found == [("chr1", 10, ".", "A", "C"), ("chr1", 10, ".", "A", "G"), ("chr1", 500, ".", "ACGT", "A")]


def test_a_list_of_variants(tmp_path):
    path = write(tmp_path / "a.txt", "chr1:10:A>C,G\r\n\nchr1:500:ACGT>A")
    found = items(path)
    assert found == [("chr1", 10, ".", "A", "C"), ("chr1", 10, ".", "A", "G"), ("chr1", 500, ".", "ACGT", "A")]
    for second in ("chr1:11", "chr1\t11\tA\tC", "chr1:11:A>C\tx"):
        with pytest.raises(InputError, match=r"a\.txt, line 2: 'chr1.*' is no variant like chr19:11089231:C>T"):
            items(write(path, f"chr1:10:A>C\n{second}\n"))


@pytest.mark.parametrize(
    "text",
    [
        "#chr1\t9\tA\tG\nchr1\t10\tA\tC\n#chr1\t11\tA\tG\n# note\nchr1\t12\tA\tT\n",
        "# note\n#CHROM\tPOS\tREF\tALT\nchr1\t10\tA\tC\n#chr1\t11\tA\tG\nchr1\t12\tA\tT\n",
        "#Chr\tPosition\tAlt\tRef\nchr1\t10\tC\tA\n\nchr1\t12\tT\tA\n",
        "# mine\nchr1:10:A>C\n#chr1:11:A>G\nchr1:12:A>T\n",
        "chr1:10:A>C\r\n#chr1:11:A>G\r\nchr1:12:A>T\r\n",
    ],
    ids=["four columns", "names after a note", "names in a comment", "list", "list, crlf"],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "byte order mark"])
def test_rows_that_are_commented_out_are_none(tmp_path, text, mark):
    path = tmp_path / "a.txt"
    path.write_bytes((mark + text).encode())
    assert items(path) == [("chr1", 10, ".", "A", "C"), ("chr1", 12, ".", "A", "T")]


def test_a_misspelt_variant_is_no_file_and_is_told_how(tmp_path):
    with pytest.raises(InputError, match="chr1-10-A-: no such file, and no variant like chr19:11089231:C>T"):
        open_variants("chr1-10-A-")
    with pytest.raises(InputError, match="/dev/zero: is a device; expected a file or a pipe"):
        open_variants("/dev/zero")


def test_a_table_may_have_names_of_variants(tmp_path):
    path = write(tmp_path / "a.tsv", "chrom\tpos\trsid\tref\talt\n1\t10\trs5\tA\tC\n")
    assert items(path) == [("1", 10, "rs5", "A", "C")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\nworld\n", "line 1: is neither VCF nor a tab-separated table of variants .found 'hello'.; expected a"),
        ("chr1\t10\trs1\tA\tC\n", "line 1: is neither VCF nor .*expected a line of the names"),
        ("chrom\tpos\tref\nchr1\t5\tA\n", "line 1: is neither VCF"),
        ("chr1\t10\tA\tC\nchr1\tten\tA\tC\n", "line 2: position 'ten' is not a number"),
        ("chr1\t10\tA\tC\nchr1\t-5\tA\tC\n", "line 2: position '-5' is not a number; positions count from 1"),
        ("chr1 10 A C\n", "line 1: has spaces between its columns, where tabs are expected"),
        ("#chr1\t10\tA\tC\n", "has no variant"),
        ("chr1\t10\tA\tC\nchr1\t11\tA\n", "line 2: has 3 columns, the first line has more"),
        ("chr1\t10\tA\tC\nchr1\t11\tA\t\n", "line 2: an empty field"),
        ("chrom\tpos\tref\talt\n", "has no variant"),
    ],
)
def test_tables_that_are_wrong(tmp_path, text, message):
    with pytest.raises(InputError, match=rf"a\.tsv.*{message}"):
        items(write(tmp_path / "a.tsv", text))


def test_strings():
    found = items(["chr19:11089231:C>T", "HLA-A*01:01:1,000:A>AT"])
    assert found == [("chr19", 11089231, ".", "C", "T"), ("HLA-A*01:01", 1000, ".", "A", "AT")]
    with pytest.raises(InputError, match=r"'chr1:5' is neither a file nor a variant like chr19:11089231:C>T"):
        items(["chr1:5"])


# What is lost


def test_what_comes_before_a_lost_end_is_handed_on(tmp_path):
    path = tmp_path / "a.vcf.gz"
    with bgzf.open(path, "wb") as stream:
        stream.write(HEADER.encode())
        for pos in range(1, 2001):
            stream.write(f"chr1\t{pos}\t.\tA\tC\t.\t.\t.\tGT\t0/0\t0/0\n".encode())
            if pos % 500 == 0:
                stream.flush()
    whole = path.read_bytes()
    for cut in (len(whole) - 28, len(whole) - 29, int(len(whole) * 0.6)):
        path.write_bytes(whole[:cut])
        found: list[int] = []
        with pytest.raises(CutOffError, match=r"a\.vcf\.gz: is damaged or cut off after record \d+") as caught:
            for chunk in iter_chunks(open_variants(path), 100):
                found += chunk.variants.pos.tolist()
        assert found == list(range(1, len(found) + 1)) and 500 <= len(found) <= 2000
        assert f"after record {len(found)} (" in str(caught.value)
        assert len(found) == 2000 or cut < len(whole) - 28


@pytest.mark.parametrize("text", [TEXT, "chr1\t10\tA\tC\nchr1\t500\tA\tC\n"], ids=["vcf", "table"])
def test_a_pipe_that_ends_between_two_bgzip_blocks_is_cut_off(monkeypatch, tmp_path, text):
    with bgzf.open(tmp_path / "a.gz", "wb") as stream:
        stream.write(text.encode())
    whole = (tmp_path / "a.gz").read_bytes()
    for data, is_cut in ((whole, False), (whole[:-28], True)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
        found: list[int] = []
        with pytest.raises(CutOffError, match="bgzip's end marker is missing") if is_cut else nullcontext():
            for chunk in iter_chunks(open_variants("-")):
                found += chunk.variants.pos.tolist()
        assert found[-1] == (7 if text is TEXT else 500)  # whether cut off or not: all that was there


def test_a_record_of_very_many_samples_is_a_chunk_of_its_own(tmp_path):
    wide = "chr1\t{}\t.\tA\tC\t.\t.\t.\tGT" + "\t0/0" * 3_000_000 + "\n"
    path = tmp_path / "a.vcf"
    with open(path, "w") as stream:
        stream.write(HEADER)
        for pos in range(1, 4):
            stream.write(wide.format(pos))
    sizes = [len(chunk.lines) for chunk in iter_chunks(open_variants(path), 8192)]
    assert sizes == [2, 1]  # 12 MB a line


# Pipes


@pytest.mark.parametrize("wrap", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("first", [1, 3, 40])
def test_a_pipe_gives_every_record(pipe, wrap, first):
    records = [f"chr1\t{i}\t.\tA\tC\t.\t.\t.\tGT\t0/0\t0/1\n" for i in range(1, 20_000)]
    assert lines(pipe(wrap((HEADER + "".join(records)).encode()), first)) == records


def test_bcf_is_not_read_from_a_pipe(tmp_path, pipe):
    text = write(tmp_path / "a.vcf", TEXT.replace("XX=1", "."))
    with (
        pysam.VariantFile(str(text)) as source,
        pysam.VariantFile(str(tmp_path / "a.bcf"), "wb", header=source.header) as sink,
    ):
        for record in source:
            sink.write(record)
    with pytest.raises(InputError, match="is BCF, which is read from files only; pipe VCF: bcftools view -Ov IN"):
        open_variants(pipe((tmp_path / "a.bcf").read_bytes()))


# Long lines


def test_a_line_without_end_is_not_read_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "_LONGEST", 2_000_000)
    said = r"is damaged or cut off {} \(a line of more than 2,000,000 bytes; is this text\?\)"
    path = write(tmp_path / "a.vcf", TEXT + RECORDS[0].replace("XX=1", "X" * 4_000_000))
    with pytest.raises(CutOffError, match=said.format("after record 3")):
        items(path)
    with pytest.raises(InputError, match=said.format("in its header")):
        items(write(path, "##fileformat=VCFv4.2\n##x=" + "x" * 4_000_000))
    with pytest.raises(InputError, match=said.format("in its first line")):
        items(write(path, "x" * 4_000_000))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TEXT.replace("\n", "\r").encode(), r"line 1: its lines end in CR alone; expected LF: tr "),
        (TEXT.encode("utf-16"), "line 1: is UTF-16 text; save it as UTF-8"),
    ],
    ids=["CR", "UTF-16"],
)
@pytest.mark.parametrize("name", ["in.vcf", "in.tsv"])
def test_text_of_other_systems_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        lines(tmp_path / name)
