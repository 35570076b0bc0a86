"""`tfb score`: what may be given, what is said at the end, and the exit code."""

from __future__ import annotations

import gzip

import pytest

from tests.entries import TFS, VCF, base, record, write_files

pytest_plugins = ("tests.entries",)

REST = ("--models", "ENTRY", "--genome", "GENOME", "-o")
RECORDS = "".join(record(pos) for pos in range(500, 2500))


def rows(path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("##")]


def test_variants_on_the_command_line(tfb, tmp_path):
    texts = [f"chr1:{pos}:{base(pos)}>{base(pos)}A" for pos in (500, 600)]
    code, _, err = tfb("score", *texts, *REST, "out.tsv")
    assert code == 0 and "2 alleles x 3 TFs -> out.tsv (2 records)" in err
    assert [row[:2] for row in rows(tmp_path / "out.tsv")[1:]] == [["chr1", "500"], ["chr1", "600"]]


@pytest.mark.parametrize("arguments", [("in.vcf", "chr1:5:A>C"), ("chr1:5:A>C", "chr1:5:AC")])
def test_files_and_variants_are_not_mixed(tfb, tmp_path, arguments):
    write_files(tmp_path, {"in.vcf": VCF + record(500)})
    code, _, err = tfb("score", *arguments, *REST, "out.tsv")
    assert code == 2 and "give one file, or" in err


def test_what_people_type_is_one_variant(tfb, tmp_path):
    ref, alt = base(500), "A" if base(500) != "A" else "C"
    write_files(tmp_path, {"ids.vcf": VCF + f"1\t500\trs5\t{ref}\t{alt},<DEL>\t.\t.\t.\n"})
    typed = [f"chr1:500:{ref}>{alt}", f"1:500:{ref}:{alt}", f"1-500-{ref}-{alt}", f"chr1_500_{ref}_{alt}_b38"]
    typed += [f"1:g.500{ref}>{alt}", f"chr1:g.500delins{alt}", "rs5"]
    code, _, err = tfb("score", *typed, *REST, "out.tsv", "--ids", "ids.vcf", "--scores", "effect")
    assert code == 0, err
    header, *found = rows(tmp_path / "out.tsv")
    normal, status, last = (header.index(name) for name in ("normal", "status", header[-1]))
    assert [row[normal] for row in found] == [f"chr1:500:{ref}>{alt}"] * 7 + ["."]
    assert [row[status] for row in found] == ["ok"] * 7 + ["symbolic"] and len({row[last] for row in found[:7]}) == 1
    assert [row[2] for row in found] == [*["."] * 4, *typed[4:], "rs5"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("rs5",), 1, "the command line: rs5 is looked up in a VCF of your own; name it: --ids dbsnp.vcf.gz"),
        (("rs5", "--ids", "none.vcf"), 1, "none.vcf: no such file"),
        (("rs6", "rs5", "--ids", "ids.vcf"), 1, "ids.vcf: has no record of rs6, 1 of the 2 identifiers asked for"),
        (("in.vcf", "--ids", "ids.vcf"), 1, "in.vcf: is VCF, which says where its variants are"),
        (("NM_000527.5:c.5A>G",), 1, "NM_000527.5:c.5A>G: c. counts along a transcript; expected g."),
        (("chr1:g.5inv",), 1, "chr1:g.5inv: is no substitution of one base"),
        (("chr1-5-A-C", "chr1-5-A"), 2, "found 'chr1-5-A'"),
        (("chr1-5-A",), 1, "chr1-5-A: no such file, and no variant like chr19:11089231:C>T, chr19:11089231:C:T"),
    ],
)
def test_variants_that_cannot_be_read_are_said(tfb, tmp_path, arguments, code, words):
    files = {"ids.vcf": VCF + f"1\t500\trs5\t{base(500)}\tT\t.\t.\t.\n", "in.vcf": VCF + record(500)}
    write_files(tmp_path, files)
    found, _, err = tfb("score", *arguments, *REST, "out.tsv")
    assert found == code and words in " ".join(err.split()).replace("│ ", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)


def test_a_variant_with_a_wrong_ref_is_an_error(tfb, tmp_path):
    wrong, alt = ("A", "C") if base(500) != "A" else ("C", "G")
    code, _, err = tfb("score", f"chr1:500:{wrong}>{alt}", *REST, "out.tsv")
    assert code == 1 and "error: 1 of the 1 alleles have a REF that is not what genome.fa has there" in err
    (header, row) = rows(tmp_path / "out.tsv")
    assert row[header.index("status")] == "ref_mismatch"
    good = f"chr1:600:{base(600)}>{base(600)}A"
    assert tfb("score", good, f"chr1:500:{wrong}>{alt}", *REST, "two.tsv")[0] == 1
    assert tfb("score", good, *REST, "good.tsv")[0] == 0
    # In a file some are to be expected, and each says so in its row.
    write_files(tmp_path, {"in.vcf": VCF + record(500, alt=alt, ref=wrong) + record(600)})
    assert tfb("score", "in.vcf", *REST, "file.tsv")[0] == 0


def test_options_reach_the_output(tfb, tmp_path):
    wrong = record(500, alt=base(500), ref="A" if base(500) != "A" else "C")
    write_files(tmp_path, {"in.vcf": VCF + wrong + record(600)})
    code, _, err = tfb("score", "in.vcf", *REST, "out.tsv", "--allele-swap", "--scores", "effect", "--tidy")
    assert code == 0 and "status  swapped" in err
    found = rows(tmp_path / "out.tsv")
    assert found[0] == ["chrom", "pos", "id", "ref", "alt", "normal", "status", "flags", "tf", "effect"]
    assert [row[6] for row in found[1:]] == ["swapped"] * 3 + ["ok"] * 3


def test_shifts_top_and_names_reach_the_output(tfb, tmp_path):
    write_files(tmp_path, {"in.vcf": VCF + record(500)})
    code, _, err = tfb("score", "in.vcf", *REST, "out.tsv", "--scores", "effect", "--shifts", "20,5", "--top", "1")
    assert code == 0, err
    header, row = rows(tmp_path / "out.tsv")
    assert header[13:17] == ["top_gained", "top_lost", "reason", "sites"]
    assert header[17:] == [*(f"{tf}_{s}" for tf in TFS for s in ("effect", "max_effect"))]
    assert ";" not in row[13] + row[14] and ":" in row[13] + row[14]
    assert err.count("variant_percentile is left out") == 1
    assert tfb("score", "in.vcf", *REST, "out.tsv", "--shifts", "40", "--columns", "kipoi-veff2", "--top", "0")[0] == 0
    header, _ = rows(tmp_path / "out.tsv")
    assert header[0] == "#CHROM" and header[-9:-7] == ["status", "flags"] and "tiny/JUND/logit" in header


@pytest.mark.parametrize(
    ("shifts", "code", "words"),
    [
        ("far", 2, "--shifts is BP or BP,STEP, such as 40 or 40,5; found 'far'"),
        ("1,2,3", 2, "found '1,2,3'"),
        ("-5", 2, "found '-5'"),
        ("5", 1, "error: shifts of up to 5 bp in steps of 10"),
        ("100", 1, "at most 99 (half a window)"),
    ],
)
def test_wrong_shifts(tfb, tmp_path, shifts, code, words):
    write_files(tmp_path, {"in.vcf": VCF + record(500)})
    found, _, err = tfb("score", "in.vcf", *REST, "out.tsv", f"--shifts={shifts}")
    assert found == code and words in " ".join(err.replace("│", " ").split())
    assert not (tmp_path / "out.tsv").exists()


def test_another_assembly_can_be_ignored(tfb, tmp_path):
    wrong = "".join(
        record(pos, "A" if base(pos) == "C" else "C", "G" if base(pos) != "G" else "T") for pos in range(500, 530)
    )
    write_files(tmp_path, {"in.vcf": VCF + wrong})
    code, _, err = tfb("score", "in.vcf", *REST, "out.tsv", "--ignore-assembly")
    assert code == 0 and "ref_mismatch" in err and "warning: no allele could be scored" in err


def test_a_lost_end_is_said_and_the_rest_delivered(tfb, tmp_path):
    write_files(tmp_path, {"in.vcf.gz": gzip.compress((VCF + RECORDS).encode())[:-200]})
    code, _, err = tfb("score", "in.vcf.gz", *REST, "out.vcf")
    n = len(rows(tmp_path / "out.vcf")) - 1
    assert code == 1 and 100 < n < 2000
    assert f"error: in.vcf.gz: is damaged or cut off after record {n} (" in err
    assert f"the {n} records before were scored and written" in err


def test_unsorted_is_said(tfb, tmp_path):
    write_files(tmp_path, {"in.vcf": VCF + record(600) + record(500)})
    code, _, err = tfb("score", "in.vcf", *REST, "out.vcf.gz")
    assert code == 1 and "error: out.vcf.gz: is written in the input's order, without an index" in err
    assert tfb("score", "in.vcf", *REST, "out.vcf.gz", "--no-index")[0] == 0


def test_an_ending_lists_the_valid_ones_before_anything_slow(tfb, tmp_path):
    code, _, err = tfb("score", "in.vcf", *REST, "out.csv")
    assert code == 1 and "use one of .vcf, .vcf.gz, .tsv, .parquet, .h5" in err


def test_no_record_is_a_warning_and_an_empty_table(tfb, tmp_path):
    write_files(tmp_path, {"in.vcf": VCF})
    code, _, err = tfb("score", "in.vcf", *REST, "out.tsv")
    assert code == 0 and "warning: in.vcf: has a header but no record" in err and "is this the VCF's genome" not in err
    assert len(rows(tmp_path / "out.tsv")) == 1
