"""Headers: other tools read what is written, whatever it came from, and BCF can be made of it."""

from __future__ import annotations

import gzip
from pathlib import Path

import cyvcf2
import pysam.bcftools
import pytest

from kipoi_tfb.variants.score import score_variants
from kipoi_tfb.variants.vcf_header import SeenContigs
from tests.entries import CONTIGS, base

pytest_plugins = ("tests.entries",)

NAMES = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
OTHER = {"A": "C", "C": "G", "G": "T", "T": "A"}
GENOMES = [f"##contig=<ID={name},length={len(sequence)}>" for name, sequence in CONTIGS.items()]


def added(genome, header: list[str], chrom: list[str]) -> list[str]:
    seen = SeenContigs(genome)
    seen.update(chrom)
    lines = [f"{line}\n".encode() for line in header]
    whole = seen.declared_in([*lines, NAMES])
    assert whole[: len(lines)] == lines and whole[-1] == NAMES
    return [line.decode().rstrip("\n") for line in whole[len(lines) : -1]]


@pytest.mark.parametrize(
    ("header", "chrom", "wanted"),
    [
        ([], [], ["##reference=genome.fa", *GENOMES]),
        ([], ["chr2"], ["##reference=genome.fa", *GENOMES]),
        ([], ["chr2", "chrQ"], ["##reference=genome.fa", *GENOMES, "##contig=<ID=chrQ>"]),
        ([], ["2", "1", "2"], ["##reference=genome.fa", "##contig=<ID=2,length=2000>", "##contig=<ID=1,length=3000>"]),
        (["##contig=<ID=chr1>"], ["chr1"], ["##reference=genome.fa"]),
        (["##reference=file:///a.fa", "##contig=<length=3,ID=chr1>"], ["chr1", "chr2"], [GENOMES[1]]),
        (["##reference=b37", *GENOMES], ["chr1"], []),
    ],
)
def test_what_a_header_lacks_is_added(genome, header, chrom, wanted):
    assert added(genome, header, chrom) == wanted


def inputs(tmp_path: Path) -> dict[str, object]:
    rows = [("chr1", pos, base(pos), OTHER[base(pos)]) for pos in (400, 500)]
    table, listed = tmp_path / "in.tsv", tmp_path / "in.txt"
    table.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    listed.write_text("".join("-".join(map(str, row)) + "\n" for row in rows))
    bare = tmp_path / "in.vcf"
    bare.write_text(
        "##fileformat=VCFv4.2\n" + NAMES.decode() + "".join(f"{c}\t{p}\t.\t{r}\t{a}\t.\t.\t.\n" for c, p, r, a in rows)
    )
    hgvs = [f"1:g.{pos}{ref}>{alt}" for _, pos, ref, alt in rows]
    return {"table": table, "list": listed, "bare VCF": bare, "HGVS": hgvs, "none": ["chr1:5:A><DEL>"]}


@pytest.mark.parametrize("source", ["table", "list", "bare VCF", "HGVS", "none"])
def test_other_tools_read_what_is_written(tmp_path, predictor, genome, source):
    output = tmp_path / "out.vcf.gz"
    score_variants(predictor, inputs(tmp_path)[source], genome, output)
    text = gzip.decompress(output.read_bytes()).decode()
    assert "##reference=genome.fa\n" in text and all(f"{line}\n" in text for line in GENOMES)
    read = [(record.CHROM, record.POS, record.INFO.get("TFB_NORMAL")) for record in cyvcf2.VCF(str(output))]
    if source != "none":
        wanted = [("chr1", pos, f"chr1:{pos}:{base(pos)}>{OTHER[base(pos)]}") for pos in (400, 500)]
        assert read == wanted
        assert [record.POS for record in cyvcf2.VCF(str(output))("chr1:450-550")] == [500]
    as_bcf = tmp_path / "out.bcf"
    with pysam.VariantFile(str(output)) as vcf:
        lengths = {name: contig.length for name, contig in vcf.header.contigs.items()}
        assert lengths == {name: len(sequence) for name, sequence in CONTIGS.items()}
        assert [record.pos for record in vcf] == [pos for _, pos, _ in read]
    as_bcf = tmp_path / "out.bcf"
    pysam.bcftools.view("-Ob", "-o", str(as_bcf), str(output), catch_stdout=False)
    again = [(record.CHROM, record.POS, record.INFO.get("TFB_NORMAL")) for record in cyvcf2.VCF(str(as_bcf))]
    assert again == read
