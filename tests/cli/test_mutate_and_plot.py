"""`tfb mutate` and `tfb plot`: their outputs, and what is said of bad input before anything is written."""

from __future__ import annotations

import pytest

from tests.entries import CONTIGS, TFS, VCF, base

pytest_plugins = ("tests.entries",)

REST = ("--models", "ENTRY", "--genome", "GENOME", "-o")
ALT = "A" if base(500) != "A" else "C"
VARIANT = f"chr1:500:{base(500)}>{ALT}"


def test_mutate(tfb, tmp_path):
    code, _, err = tfb("mutate", "chr2:995-1004", *REST, "out.tsv", "--plot", "out.svg", "--top", "1")
    assert code == 0, err
    assert "chr2:995-1004: 18 rows, 3 TFs -> out.tsv; 4 unknown bases left out" in err
    lines = (tmp_path / "out.tsv").read_text().splitlines()
    assert len(lines) == 19 and lines[0].startswith(
        "chrom\tpos\tid\tref\talt\tnormal\tstatus\tflags\tsum_difference\tlargest_impact\tlargest_impact_tf\tn_gained\t"
        "n_lost\ttop_gained\ttop_lost\tATF4_ref\tATF4_alt\t"
    )
    (drawn,) = [tf for tf in TFS if f">{tf} " in (tmp_path / "out.svg").read_text()]
    assert f"out.svg: {drawn}\n" in err


def test_mutate_named_tfs_of_a_sequence(tfb, tmp_path):
    (tmp_path / "own.fa").write_text(f">mine\n{CONTIGS['chr1'][:12]}\n")
    arguments = ("--window", "region", "--tidy", "--tfs", "JUND,ATF4", "--plot", "out.png")
    code, _, err = tfb("mutate", "mine", "--models", "ENTRY", "--genome", "own.fa", "-o", "out.parquet", *arguments)
    assert code == 0, err
    assert "mine:1-12: 72 rows, 2 TFs -> out.parquet\nout.png: JUND, ATF4\n" in err
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


def test_plot(tfb, tmp_path):
    code, _, err = tfb("plot", VARIANT, *REST, "out.svg", "--table", "out.tsv", "--tfs", "JUND")
    assert code == 0, err
    assert "out.svg: JUND\nout.tsv: 102 rows\n" in err
    text = (tmp_path / "out.svg").read_text()
    assert f">{VARIANT.replace('>', '&gt;')}, tiny<" in text and "JUND   P(bound)" in text
    rows = [line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines()]
    of_the_variant = ["chrom", "pos", "tf", "p_ref", "p_alt", "effect", "impact"]
    assert rows[0][:10] == [*of_the_variant, "allele", "base", "contribution"]
    assert len(rows) == 103 and {row[2] for row in rows[1:]} == {"JUND"}


def test_plot_marks_motifs_in_use(tfb, tmp_path):
    code, _, err = tfb("plot", VARIANT, *REST, "out.svg", "--tfs", "JUND,CTCF", "--hits", "JUND,CTCF")
    assert code == 0, err
    for line, tf in zip(err.splitlines()[-2:], ("JUND", "CTCF"), strict=True):
        assert line == f"No motif that was looked for is in use for {tf}." or line.startswith(f"In use for {tf}: ")


BAD = {
    "motif": (("plot", VARIANT, *REST, "o.png", "--hits", "JUNDD"), "'JUNDD'. Did you mean JUND or JUN"),
    "n only": (("mutate", "chr2:1100-1200", *REST, "o.tsv"), "no known base in chr2:1100-1200, N only"),
    "too large": (("mutate", "chr1", *REST, "o.tsv", "--plot", "o.png"), "at most 500 bases, chr1:1-3000 has 3,000"),
    "contig": (("mutate", "chr8:1-5", *REST, "o.tsv"), "unknown contig (in genome.fa) 'chr8'"),
    "region": (("mutate", "chr1:5-1", *REST, "o.tsv"), "region 'chr1:5-1' is empty"),
    "beyond": (("mutate", "chr1:2999-3001", *REST, "o.tsv"), "ends beyond the contig (3,000 bp in genome.fa)"),
    "window": (("mutate", "chr1:5", *REST, "o.tsv", "--window", "all"), "unknown window 'all'. Valid: variant, region"),
    "tf": (("mutate", "chr1:5", *REST, "o.tsv", "--tfs", "JUNDD"), "unknown TF 'JUNDD'. Did you mean JUND?"),
    "table": (("mutate", "chr1:5", *REST, "o.vcf"), "cannot tell the format from the ending '.vcf'"),
    "picture": (("mutate", "chr1:5", *REST, "o.tsv", "--plot", "o.eps"), "cannot draw a figure of the ending '.eps'"),
    "folder": (("mutate", "chr1:5", *REST, "no/o.tsv"), "the folder no does not exist"),
    "plot picture": (("plot", VARIANT, *REST, "o.tsv"), "cannot draw a figure of the ending '.tsv'"),
    "plot table": (("plot", VARIANT, *REST, "o.png", "--table", "o.vcf"), "cannot tell the format from the ending"),
    "plot tf": (("plot", VARIANT, *REST, "o.png", "--tfs", "SP9"), "unknown TF 'SP9'"),
    "mismatch": (
        ("plot", f"chr1:500:{ALT}>{base(500)}", *REST, "o.png"),
        f"(ref_mismatch): REF is {ALT}, but genome.fa",
    ),
    "symbolic": (("plot", f"chr1:500:{base(500)}><DEL>", *REST, "o.png"), "is not scored (symbolic)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_said_and_nothing_written(tfb, tmp_path, case):
    arguments, message = BAD[case]
    code, out, err = tfb(*arguments)
    last = err.splitlines()[-1]
    assert code == 1 and out == "" and last.startswith("error: ") and message in last
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["in.vcf", "chr1:500", "chr1:500:A"])
def test_plot_takes_a_variant(tfb, text):
    code, _, err = tfb("plot", text, *REST, "o.png")
    assert code == 2 and "give a variant like chr19:11089231:C>T" in " ".join(err.split())


def test_plot_of_an_identifier(tfb, tmp_path):
    (tmp_path / "ids.vcf").write_text(VCF + f"1\t500\trs5\t{base(500)}\t{ALT}\t.\t.\t.\n1\t501\trs6\tA\tC,G\t.\t.\t.\n")
    code, _, err = tfb("plot", "rs5", *REST, "o.svg", "--ids", "ids.vcf", "--top", "1")
    assert code == 0, err
    assert f"chr1:500:{base(500)}&gt;{ALT}" in (tmp_path / "o.svg").read_text()
    code, _, err = tfb("plot", "rs6", *REST, "o.svg", "--ids", "ids.vcf")
    assert code == 1 and "rs6 has 2 ALT alleles; draw one of chr1:501:A>C, chr1:501:A>G" in err
    code, _, err = tfb("plot", "rs7", *REST, "o.svg", "--ids", "ids.vcf")
    assert code == 1 and "ids.vcf: has no record of rs7, 1 of the 1 identifiers asked for" in err
