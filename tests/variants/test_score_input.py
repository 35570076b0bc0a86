"""What `score_variants` makes of input that is not as it should be, and what it says of it."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet
import pytest

from kipoi_tfb.variants.score import ScoringOptions, score_variants
from tests.variants.runs_of_score import MIXED, base, other, run, values, write_vcf
from tfb_matrix_data.errors import AssemblyError, InputError

pytest_plugins = ("tests.entries",)


@pytest.mark.parametrize("ending", [".tsv", ".parquet", ".h5", ".vcf", ".vcf.gz"])
def test_a_genome_of_another_assembly_leaves_nothing(tmp_path, predictor, genome, ending):
    rows = [("chr1", pos, ".", base(pos), other(base(pos))) for pos in range(100, 140)]
    rows += [("chr1", pos, ".", other(base(pos)), base(pos)) for pos in range(200, 260)]
    vcf = write_vcf(tmp_path / "a.vcf", rows)
    with pytest.raises(
        AssemblyError, match=r"a\.vcf: REF differs from genome\.fa for 50 of the first 90 alleles \(56%\)"
    ):
        score_variants(predictor, vcf, genome, tmp_path / f"out{ending}", ScoringOptions(piece_size=10))
    assert [path.name for path in tmp_path.iterdir()] == ["a.vcf"]


def test_a_damaged_file_leaves_nothing(tmp_path, predictor, genome):
    path = write_vcf(tmp_path / "a.vcf", MIXED[:1])
    path.write_text(path.read_text() + "chr1\tx\n")
    with pytest.raises(InputError, match="line 5: 2 columns; ID, REF, ALT"):
        score_variants(predictor, path, genome, tmp_path / "out.tsv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.vcf"]


SWAP = [("chr1", pos, ".", other(base(pos)), base(pos)) for pos in (500, 510)]
SWAP += [("chr1", 520, ".", base(520), other(base(520)))]


def test_swapped_alleles_keep_the_files_sign(tmp_path, predictor, genome):
    rows = [*SWAP, ("chr1", 540, ".", *(["A", "C"] if base(540) in "GT" else ["G", "T"]))]
    plain, _ = run(predictor, genome, tmp_path, rows)
    assert plain["status"] == ["ref_mismatch", "ref_mismatch", "ok", "ref_mismatch"]
    table, summary = run(predictor, genome, tmp_path, rows, allele_swap=True)
    assert table["status"] == ["swapped", "swapped", "ok", "ref_mismatch"] and summary.status["swapped"] == 2
    back = [("chr1", pos, ".", base(pos), other(base(pos))) for pos in (500, 510)]
    forward, _ = run(predictor, genome, tmp_path, back)
    np.testing.assert_allclose(values(table, "effect")[:2], -values(forward, "effect"), atol=1e-5)
    np.testing.assert_allclose(values(table, "alt")[:2], values(forward, "ref"), atol=1e-6)
    assert np.isnan(values(table, "effect")[3]).all()


def test_a_swapped_vcf_is_no_other_assembly(tmp_path, predictor, genome):
    rows = [("chr1", pos, ".", other(base(pos)), base(pos)) for pos in range(200, 240)]
    with pytest.raises(AssemblyError):
        run(predictor, genome, tmp_path, rows)
    assert run(predictor, genome, tmp_path, rows, allele_swap=True)[1].status == {"swapped": 40}


def test_the_assembly_can_be_ignored(tmp_path, predictor, genome):
    rows = [("chr1", pos, ".", other(base(pos)), base(pos)) for pos in range(200, 240)]
    assert run(predictor, genome, tmp_path, rows, ignore_assembly=True)[1].status == {"ref_mismatch": 40}


def test_a_masked_genome_is_said_once_with_the_share(tmp_path, predictor, genome):
    rows = [("chr2", pos, ".", "A", "C") for pos in range(1010, 1013)]  # N begins at 1000
    rows += [("chr2", 900, ".", base(900, 1, "chr2"), other(base(900, 1, "chr2")))]
    table, summary = run(predictor, genome, tmp_path, rows)
    assert table["status"] == ["ref_unknown"] * 3 + ["ok"]
    (warning,) = (warning for warning in summary.warnings if "masked" in warning)
    assert "has no known base under REF of 3 of 4 alleles (75 %), which are not scored (ref_unknown)" in warning
    assert not run(predictor, genome, tmp_path, rows[3:])[1].warnings


def test_a_deletion_of_100_kb_costs_nothing(tmp_path, predictor, genome):
    rows = [("chr1", 500, ".", base(500) + "A" * 100_000, base(500)), *MIXED[:1]] * 30
    table, summary = run(predictor, genome, tmp_path, rows)
    assert summary.status == {"unsupported": 30, "ok": 60}  # it ends beyond the contig
    assert len(table["ref"][0]) == 100_001


def test_lower_case_is_read_and_iupac_is_said(tmp_path, predictor, genome):
    rows = [("chr1", 500, ".", base(500).lower(), f"{other(base(500)).lower()},R,N")]
    table, _ = run(predictor, genome, tmp_path, rows)
    assert table["status"] == ["ok", "unsupported", "unsupported"]
    assert table["flags"] == [".", "iupac_allele", "iupac_allele"]


def test_the_output_never_takes_the_place_of_the_input(tmp_path, predictor, genome):
    vcf = write_vcf(tmp_path / "a.vcf", MIXED[:1])
    before = vcf.read_bytes()
    for output in (vcf, tmp_path / "sub" / ".." / "a.vcf"):
        (tmp_path / "sub").mkdir(exist_ok=True)
        with pytest.raises(InputError, match=r"a\.vcf: is the input, which would be lost; choose another output"):
            score_variants(predictor, vcf, genome, output)
    assert vcf.read_bytes() == before and not list(tmp_path.glob("*.parts"))


@pytest.mark.parametrize("ending", [".tsv", ".parquet", ".h5", ".vcf", ".vcf.gz"])
def test_no_record_is_an_output_without_rows(tmp_path, predictor, genome, ending):
    vcf = write_vcf(tmp_path / "a.vcf", [])
    summary = score_variants(predictor, vcf, genome, tmp_path / f"out{ending}")
    assert (summary.alleles, summary.records, summary.problems) == (0, 0, [])
    assert summary.warnings == [f"{vcf}: has a header but no record"]
    whole = write_vcf(tmp_path / "b.vcf", MIXED[:1])
    score_variants(predictor, whole, genome, tmp_path / f"whole{ending}")
    assert columns_and_rows(tmp_path / f"out{ending}") == (columns_and_rows(tmp_path / f"whole{ending}")[0], 0)
    assert (tmp_path / "out.vcf.gz.tbi").exists() == (ending == ".vcf.gz")


def columns_and_rows(path: Path) -> tuple[list[str], int]:
    """Return the names of the columns (of a VCF: the header) and how many rows there are."""
    if path.suffix == ".parquet":
        table = pyarrow.parquet.read_table(path)
        return table.column_names, len(table)
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return list(file), len(file["pos"])
    lines = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = lines.decode().splitlines()
    n_header = max(1, sum(line.startswith("#") for line in text))
    return text[:n_header], len(text) - n_header


def test_an_unsorted_input_is_said_since_duplicates_may_be_far_apart(tmp_path, predictor, genome):
    snv = ("chr1", 500, ".", base(500), other(base(500)))
    far = [snv, ("chr1", 600, ".", base(600), other(base(600))), snv]
    table, summary = run(predictor, genome, tmp_path, far)
    assert table["flags"] == [".", ".", "."]
    (warning,) = summary.warnings
    assert "is not sorted (chr1:500 stands after chr1:600)" in warning and "duplicate" in warning
    assert run(predictor, genome, tmp_path, [*far[:1], *far[:1], far[1]], piece_size=1)[1].warnings == []


def test_a_duplicate_may_be_spelt_otherwise(tmp_path, predictor, genome):
    ref, alt = base(500), other(base(500))
    rows = [("chr1", 500, ".", ref, f"{alt},{alt.lower()}"), ("1", 500, ".", ref.lower(), alt)]
    assert run(predictor, genome, tmp_path, rows)[0]["flags"] == [".", "duplicate", "duplicate"]


def test_an_allele_that_is_not_there_is_no_alt(tmp_path, predictor, genome):
    table, _ = run(predictor, genome, tmp_path, [("chr1", 500, ".", base(500), f"{other(base(500))},")])
    assert table["status"] == ["ok", "unsupported"] and table["flags"] == [".", "no_alt"]


def test_variants_none_of_which_is_on_a_contig_are_a_problem(tmp_path, predictor, genome):
    rows = [("NC_9", 5, "a", "A", "C"), ("scaffold", 7, "b", "A", "<DEL>"), ("NC_9", 9, "c", "A", "G")]
    table, summary = run(predictor, genome, tmp_path, rows)
    assert table["id"] == ["a", "b", "c"] and summary.alleles == 3
    (problem,) = summary.problems
    assert "a.vcf: nothing is on a contig of genome.fa, which has chr1, chr2; found NC_9, scaffold; is this" in problem
    _, summary = run(predictor, genome, tmp_path, [*rows, ("1", 500, "d", "A", "<DEL>")])
    assert not summary.problems
