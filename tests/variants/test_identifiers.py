"""Identifiers: what stands in the file anywhere, once or several times; what is missing is said."""

from __future__ import annotations

from pathlib import Path

import pysam
import pytest

from kipoi_tfb.variants import identifiers
from kipoi_tfb.variants.identifiers import finder
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.variant_lines import open_variants
from tfb_matrix_data.variants import iter_chunks

DBSNP = """##fileformat=VCFv4.2
##contig=<ID=chr1>
##contig=<ID=chrX>
##contig=<ID=chrY>
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO
chr1	10	rs1	A	C	.	.	RS=1
chr1	11	rs12	A	C	.	.	RS=12;NOTE=rs2
chr1	20	rs2	AT	A,ATT	.	.	RS=2
chr1	30	rs3;rs4	G	T	.	.	.
chrX	40	rs5	G	T	.	.	.
chrY	41	rs5	G	T	.	.	.
"""


@pytest.fixture
def dbsnp(tmp_path) -> Path:
    path = tmp_path / "dbsnp.vcf"
    path.write_text(DBSNP)
    return path


def items(source: object, ids: Path | None) -> list[tuple]:
    chunks = [chunk.variants for chunk in iter_chunks(open_variants(source, find=finder(ids)))]
    return [item for v in chunks for item in zip(v.chrom, v.pos.tolist(), v.id, v.ref, v.alt, strict=True)]


WANTED = {
    "rs1": [("chr1", 10, "rs1", "A", "C")],
    "rs2": [("chr1", 20, "rs2", "AT", "A"), ("chr1", 20, "rs2", "AT", "ATT")],
    "rs4": [("chr1", 30, "rs4", "G", "T")],
    "rs5": [("chrX", 40, "rs5", "G", "T"), ("chrY", 41, "rs5", "G", "T")],
}


@pytest.mark.parametrize("kind", ["vcf", "vcf.gz", "bcf"])
def test_all_alleles_and_records_in_the_order_asked_for(dbsnp, kind):
    path = dbsnp
    if kind == "vcf.gz":
        path = Path(pysam.tabix_index(str(dbsnp), preset="vcf", keep_original=True))
    elif kind == "bcf":
        path = dbsnp.with_suffix(".bcf")
        text = DBSNP.replace("RS=1;", "").replace("RS=12;NOTE=rs2", ".").replace("RS=1", ".").replace("RS=2", ".")
        dbsnp.write_text(text)
        with pysam.VariantFile(str(dbsnp)) as read, pysam.VariantFile(str(path), "wb", header=read.header) as write:
            for record in read:
                write.write(record)
    names = ["rs5", "rs1", "rs2", "rs4"]
    assert items(names, path) == [item for name in names for item in WANTED[name]]
    assert items(["rs1", "chr1:5:A>C", "rs1"], path) == [*WANTED["rs1"], ("chr1", 5, ".", "A", "C"), *WANTED["rs1"]]


def test_lists_and_tables(tmp_path, dbsnp):
    (tmp_path / "list.txt").write_text("rs2\n# note\n\nchr1-5-A-C\nrs1\n")
    (tmp_path / "table.tsv").write_text("gene\trsid\nA\trs2\nB\tchr1-5-A-C\nC\trs1\n")
    wanted = [*WANTED["rs2"], ("chr1", 5, ".", "A", "C"), *WANTED["rs1"]]
    assert items(tmp_path / "list.txt", dbsnp) == items(tmp_path / "table.tsv", dbsnp) == wanted


def test_what_is_not_there_is_said(dbsnp):
    with pytest.raises(
        InputError, match=r"dbsnp\.vcf: has no record of rs6, rs7, 2 of the 3 identifiers asked for; .*merged"
    ):
        items(["rs6", "rs1", "rs7"], dbsnp)


def test_without_a_file_it_is_asked_for(tmp_path):
    with pytest.raises(InputError, match=r"the command line: rs1 is looked up in a VCF .*--ids dbsnp\.vcf\.gz"):
        items(["rs1"], None)
    (tmp_path / "list.txt").write_text("chr1:5:A>C\nrs1\n")
    with pytest.raises(InputError, match=r"list\.txt, line 2: rs1 is looked up in a VCF"):
        items(tmp_path / "list.txt", None)


def test_a_vcf_needs_no_identifiers(dbsnp):
    with pytest.raises(InputError, match=r"dbsnp\.vcf: is VCF, .*--ids is for lists of identifiers"):
        items(dbsnp, dbsnp)


def test_a_file_that_is_cut_off_may_lack_some(tmp_path, dbsnp):
    path = Path(pysam.tabix_index(str(dbsnp), preset="vcf", keep_original=True))
    path.write_bytes(path.read_bytes()[:-28])
    with pytest.raises(InputError, match=r"dbsnp\.vcf\.gz: is damaged or cut off .*identifiers may be missing"):
        items(["rs1"], path)
    with pytest.raises(InputError, match="no such file"):
        items(["rs1"], tmp_path / "no.vcf")


def test_the_file_is_read_once(dbsnp, monkeypatch):
    read: list[list[str]] = []
    scan = identifiers.find_ids

    def watched(blocks, wanted, advance):
        read.append(list(wanted))
        return scan(blocks, wanted, advance)

    monkeypatch.setattr(identifiers, "find_ids", watched)
    assert items(["rs1", "rs2"], dbsnp) == items(["rs1", "rs2"], dbsnp)
    assert items(["rs1", "rs4"], dbsnp) == [*WANTED["rs1"], *WANTED["rs4"]]
    assert read == [["rs1", "rs2"], ["rs4"]]
    dbsnp.write_text(DBSNP.replace("\t10\trs1\t", "\t12\trs1\t"))  # another file of this name
    assert items(["rs1"], dbsnp) == [("chr1", 12, "rs1", "A", "C")] and read[-1] == ["rs1"]


def test_what_is_kept_may_be_damaged(dbsnp, tfb_data):
    assert items(["rs1"], dbsnp) == WANTED["rs1"]
    (kept,) = (tfb_data / "identifiers").glob(f"dbsnp.vcf-*{identifiers.KnownIds(dbsnp)._path.stem[-24:]}.json")
    for text in ("", "[]", '{"rs1": 5}', '{"rs1": [["chr1", 10]]}'):
        kept.write_text(text)
        assert items(["rs1"], dbsnp) == WANTED["rs1"]
