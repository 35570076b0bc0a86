"""What VEP's `--custom` asks of a VCF: bgzip, sorted, an index, and fields that the header declares."""

from __future__ import annotations

import re
from pathlib import Path

import pysam
import pytest

from kipoi_tfb.cli import main

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "dataloaders" / "example"
PAGE = (ROOT / "docs" / "where-to-run.md").read_text()


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """The VCF of the page's command, on the example."""
    (command,) = re.findall(r"^tfb score variants\.vcf\.gz (.*) -o effects\.vcf\.gz$", PAGE, re.M)
    output = tmp_path_factory.mktemp("vep") / "effects.vcf.gz"
    options = command.replace("hg38.fa", str(EXAMPLE / "hg19.excerpt.fa.gz")).split()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        arguments = [str(EXAMPLE / "variants.vcf"), *options, "--tfs", "MAFK", "-o", str(output)]
        patch.setattr("sys.argv", ["tfb", "score", *arguments])
        main()
    assert not ended.value.code
    return output


def asked() -> list[str]:
    """Return the fields that the page has VEP take."""
    (fields,) = re.findall(r"fields=([\w%]+)", PAGE)
    return fields.split("%")


def test_tabix_finds_every_record(scored):
    with pysam.TabixFile(str(scored)) as tabix, pysam.VariantFile(str(EXAMPLE / "variants.vcf")) as source:
        for record in source:
            lines = [line.split("\t") for line in tabix.fetch(record.chrom, record.pos - 1, record.pos)]
            alleles = [(line[3], line[4]) for line in lines if int(line[1]) == record.pos]
            assert (record.ref, ",".join(record.alts)) in alleles
        assert tabix.contigs == ["chr16", "chr17", "chr22"]


def test_the_fields_of_the_page_are_declared_one_value_per_allele(scored):
    with pysam.VariantFile(str(scored)) as file:
        info = file.header.info
        assert {name: info[name].number for name in asked()} == dict.fromkeys(asked(), "A")
        for record in file:
            assert all(len(record.info[name]) == len(record.alts) for name in asked() if name in record.info)


def test_no_value_breaks_a_line(scored):
    with pysam.TabixFile(str(scored)) as tabix:
        for line in tabix.fetch():
            values = [part.partition("=")[2] for part in line.split("\t")[7].split(";")]
            assert all(re.fullmatch(r"[^\s;=]+", value) for value in values)
