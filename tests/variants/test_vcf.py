"""The VCF of effects: the one that came in, plus declared fields."""

from __future__ import annotations

import gzip
import io

import cyvcf2
import numpy as np
import pysam
import pytest
from Bio import bgzf

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.columns import DEFAULT_SCORES, LINE
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from kipoi_tfb.variants.vcf import bgzip
from tests.entries import TFS, base
from tests.variants.scored_vcf import HEAD, LINES, body, line, other, write
from tests.zoo.test_null import copied, put_null
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import BGZIP_END

pytest_plugins = ("tests.entries", "tests.variants.scored_vcf")


def test_all_but_info_stays_to_the_byte(scored):
    rows, before = body(scored[0].read_text()), body("".join(LINES))
    assert len(rows) == len(before)
    for row, old in zip(rows, before, strict=True):
        assert row[:7] == old[:7] and row[8:] == old[8:]
        kept = "" if old[7] == "." else old[7].rstrip(";") + ";"
        assert row[7].startswith(f"{kept}TFB_STATUS=")


def test_the_header_keeps_its_lines_and_declares_ours(scored, entry):
    text = scored[0].read_text()
    header = [row for row in text.splitlines() if row.startswith("#")]
    old = HEAD.splitlines()
    assert [row for row in header if row in old] == old and header[-1] == old[-1]
    declared = [row for row in header if row.startswith("##INFO=<ID=TFB_")]
    assert len(declared) == 3 + len(LINE) - 1 + len(TFS) * len(DEFAULT_SCORES)
    (effect,) = [row for row in declared if "ID=TFB_JUND_effect," in row]
    assert "Number=A,Type=Float" in effect and "positive: ALT strengthens binding" in effect
    assert f"model {entry.card.name}, weights sha256 {entry.card.weights.sha256}" in effect


def test_values_are_those_of_the_table_one_per_alt(scored):
    path, table = scored
    start = 0
    for record in cyvcf2.VCF(str(path)):
        n = max(1, len(record.ALT))
        rows = slice(start, start + n)
        start += n
        assert record.INFO["TFB_STATUS"].split(",") == table["status"][rows]
        for tf in TFS:
            for score in DEFAULT_SCORES:
                wanted = table[f"{tf}_{score}"][rows]
                found = record.INFO.get(f"TFB_{tf}_{score}")
                if all(value is None for value in wanted):
                    assert found is None
                    continue
                found = found if isinstance(found, tuple) else (found,)
                np.testing.assert_allclose(np.array(found, float), np.array(wanted, float), rtol=1e-5, equal_nan=True)
    assert start == len(table["pos"]) == 7


def test_the_tfs_gained_and_lost_are_fields(scored):
    path, table = scored
    said = {
        field: [row for row in path.read_text().splitlines() if row.startswith(f"##INFO=<ID={field},")]
        for field in ("TFB_TOP_GAINED", "TFB_TOP_LOST")
    }
    assert all(len(rows) == 1 and "Number=A,Type=String" in rows[0] for rows in said.values())
    assert "strengthens most" in said["TFB_TOP_GAINED"][0] and "weakens most" in said["TFB_TOP_LOST"][0]
    start = 0
    for record in cyvcf2.VCF(str(path)):
        n = max(1, len(record.ALT))
        rows = slice(start, start + n)
        start += n
        for field, column in (("TFB_TOP_GAINED", "top_gained"), ("TFB_TOP_LOST", "top_lost")):
            if not {"ok"} & set(table["status"][rows]):
                assert record.INFO.get(field) is None
                continue
            assert record.INFO[field].split(",") == [text.replace(";", "|") for text in table[column][rows]]
    assert any(":" in text for text in table["top_gained"]) and any(":" in text for text in table["top_lost"])


def test_the_line_of_an_allele_is_fields(scored):
    path, table = scored
    (header,) = [row for row in path.read_text().splitlines() if row.startswith("##INFO=<ID=TFB_N_LOST,")]
    assert "Number=A,Type=Integer" in header and "TFs that ALT loses" in header
    assert '##INFO=<ID=TFB_LARGEST_IMPACT,Number=A,Type=Float,Description="impact of largest' in path.read_text()
    start = 0
    for record in cyvcf2.VCF(str(path)):
        n = max(1, len(record.ALT))
        rows = slice(start, start + n)
        start += n
        if "ok" not in table["status"][rows]:
            assert not any(record.INFO.get(f"TFB_{name.upper()}") for name in LINE)
            continue
        for name in ("sum_difference", "largest_impact", "n_gained", "n_lost"):
            found = np.array(record.INFO[f"TFB_{name.upper()}"], float)
            wanted = np.array(table[name][rows], float)
            np.testing.assert_allclose(np.atleast_1d(found), wanted, rtol=1e-5, atol=1e-6, equal_nan=True)
        assert record.INFO["TFB_LARGEST_IMPACT_TF"].split(",") == table["largest_impact_tf"][rows]


def test_no_tfs_gained_and_lost(tmp_path, predictor, genome):
    vcf = write(tmp_path / "in.vcf", HEAD + LINES[0])
    for name in ("out.vcf", "out.tsv"):
        score_variants(predictor, vcf, genome, tmp_path / name, ScoringOptions(top=0))
        assert "top" not in (tmp_path / name).read_text().lower()


def test_a_score_that_one_allele_lacks_is_a_dot(tmp_path, entry, genome):
    own = copied(entry, tmp_path / "own")
    put_null(own)
    two = base(600) + base(601)
    lines = [line(600, f"{other(base(600))}{other(base(601))}A,{two[0]}", ref=two), LINES[0]]
    lines.append(line(620, "".join(map(other, base(620) + base(621))), ref=base(620) + base(621)))
    vcf = write(tmp_path / "in.vcf", HEAD + "".join(lines))
    options = ScoringOptions(scores=("effect", "percentile"), shifts=(10, 10), top=0)
    score_variants(Predictor([own], ["JUND"]), vcf, genome, tmp_path / "out.vcf", options)
    text = (tmp_path / "out.vcf").read_text()
    assert "windows shifted by up to 10 bp in steps of 10" in text and "nan" not in text
    first, second, third = (dict(record.INFO) for record in cyvcf2.VCF(str(tmp_path / "out.vcf")))
    assert first["TFB_JUND_percentile"][0] is None and 0 <= first["TFB_JUND_percentile"][1] <= 100
    assert 0 <= second["TFB_JUND_percentile"] <= 100
    assert 0 <= third["TFB_JUND_percentile"] <= 100  # two bases replaced by two
    for info in (first, second, third):
        effects, largest = (np.atleast_1d(info[f"TFB_JUND_{name}"]) for name in ("effect", "max_effect"))
        assert (np.abs(largest) >= np.abs(effects)).all()


def test_flags_are_written_as_info_allows(scored):
    rows = body(scored[0].read_text())
    assert "TFB_STATUS=unsupported;TFB_FLAGS=no_alt" in rows[3][7]
    assert "TFB_STATUS=ref_mismatch;TFB_FLAGS=." in rows[4][7]
    assert rows[2][7] == "DP=3;TFB_STATUS=symbolic;TFB_FLAGS=."


def test_bgzip_has_an_index_and_the_same_text(tmp_path, scored, predictor, genome):
    vcf = write(tmp_path / "in.vcf", HEAD + "".join(LINES))
    summary = score_variants(predictor, vcf, genome, tmp_path / "out.vcf.gz")
    assert gzip.decompress((tmp_path / "out.vcf.gz").read_bytes()).decode() == scored[0].read_text()
    assert (tmp_path / "out.vcf.gz").read_bytes().endswith(BGZIP_END) and summary.problems == []
    found = list(pysam.TabixFile(str(tmp_path / "out.vcf.gz")).fetch("chr1", 509, 520))
    assert [row.split("\t")[1] for row in found] == ["510", "520"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.vcf", "out.vcf.gz", "out.vcf.gz.tbi"]


def test_bgz_is_another_ending_of_the_same(tmp_path, predictor, genome):
    vcf = write(tmp_path / "in.vcf", HEAD + "".join(LINES))
    for name in ("out.vcf.gz", "out.vcf.bgz"):
        assert score_variants(predictor, vcf, genome, tmp_path / name).problems == []
    assert (tmp_path / "out.vcf.bgz").read_bytes() == (tmp_path / "out.vcf.gz").read_bytes()
    assert [row.split("\t")[1] for row in pysam.TabixFile(str(tmp_path / "out.vcf.bgz")).fetch("chr1", 509, 510)] == [
        "510"
    ]


def test_unsorted_input_is_delivered_without_an_index(tmp_path, predictor, genome):
    vcf = write(tmp_path / "in.vcf", HEAD + LINES[1] + LINES[0])
    (tmp_path / "out.vcf.gz.tbi").write_text("of an older file")
    summary = score_variants(predictor, vcf, genome, tmp_path / "out.vcf.gz")
    (problem,) = summary.problems
    assert "not sorted (chr1:500 stands after chr1:510); sort it: bcftools sort" in problem
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.vcf", "out.vcf.gz"]
    assert len(body(gzip.decompress((tmp_path / "out.vcf.gz").read_bytes()).decode())) == 2
    assert not score_variants(predictor, vcf, genome, tmp_path / "out.vcf.gz", ScoringOptions(index=False)).problems


@pytest.mark.parametrize("ending", ["\r\n", ""])
def test_line_ends_stay(tmp_path, predictor, genome, ending):
    short = f"chr1\t500\t.\t{base(500)}\t{other(base(500))}\t.\t.\t."
    text = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + short + ending
    score_variants(predictor, write(tmp_path / "in.vcf", text), genome, tmp_path / "out.vcf")
    last = (tmp_path / "out.vcf").read_bytes().split(b"\n")[-2:]
    assert last[1] == b"" and last[0].endswith(b"\r") == (ending == "\r\n")


def test_a_scored_vcf_is_not_scored_over(tmp_path, scored, predictor, genome):
    with pytest.raises(ConfigError, match=r"has been scored before: its header has TFB_STATUS.*bcftools annotate -x"):
        score_variants(predictor, scored[0], genome, tmp_path / "out.vcf")
    assert list(tmp_path.iterdir()) == []


def test_names_that_info_does_not_allow(tmp_path, entry, other_entry, genome):
    both = Predictor([entry, other_entry])
    vcf = write(tmp_path / "in.vcf", HEAD + LINES[0])
    score_variants(both, vcf, genome, tmp_path / "out.vcf", ScoringOptions(scores=("effect",)))
    (record,) = cyvcf2.VCF(str(tmp_path / "out.vcf"))
    names = {name for name, _ in record.INFO} - {f"TFB_{name.upper()}" for name in ("status", "flags", "normal", *LINE)}
    expected = ("ATF4", "CTCF", f"{entry.card.name}_JUND", f"{other_entry.card.name}_JUND", "SP1")
    assert names == {f"TFB_{name}_effect" for name in expected}


@pytest.mark.parametrize("n", [0, 1, (1 << 16) - 1, 1 << 16, 300_001])
def test_bgzip_of_a_long_text_has_blocks_of_the_usual_size(n):
    text = (b"0/1\t0/0\t" * (n // 8 + 1))[:n]
    stream = io.BytesIO()
    writer = bgzf.BgzfWriter(fileobj=stream, mode="wb")
    if n:
        writer.write(text)  # in one piece, which takes quadratic time
        writer.flush()
    assert bgzip(text) == stream.getvalue()
    assert gzip.decompress(bgzip(text) + BGZIP_END) == text
