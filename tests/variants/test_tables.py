"""Files of effects: the VCF is the one that came in plus declared fields; a tidy table says the same as a wide one."""

from __future__ import annotations

import gzip
import io
import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import cyvcf2
import h5py
import numpy as np
import pyarrow.parquet
import pysam
import pytest
from Bio import bgzf

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.columns import (
    CONTEXT_SCORES,
    DEFAULT_SCORES,
    LINE,
    PERCENTILES,
    SCORES,
    TOP,
    VARIANT_PERCENTILE,
)
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from kipoi_tfb.variants.tables import Veff2Table, effect_format
from kipoi_tfb.variants.vcf import bgzip
from kipoi_tfb.zoo.null import NULL_FILE
from tests.entries import TFS, base, lively_network
from tests.tiny import make_entry
from tests.zoo.test_null import copied, put_null
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError
from tfb_matrix_data.files import BGZIP_END, sha256
from tfb_matrix_data.genome import Genome

pytest_plugins = ("tests.entries",)

HEAD = """##fileformat=VCFv4.2
##contig=<ID=chr1>
##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2
"""


def other(letter: str) -> str:
    return letter.translate(str.maketrans("ACGT", "TGCA"))


def line(pos: int, alt: str, info: str = ".", ref: str = "") -> str:
    # A quality that a parser writes another way.
    return f"chr1\t{pos}\trs{pos}\t{ref or base(pos)}\t{alt}\t29.50\tq10;s50\t{info}\tGT:XX\t0/1:a\t./.:b\n"


LINES = [
    line(500, other(base(500))),
    line(510, f"{other(base(510))},<DEL>,{base(510)}C", "DP=7;YY"),
    line(520, "<DEL>", "DP=3;"),
    line(530, "."),
    line(540, "A" if base(540) != "A" else "C", "DP=1", ref=other(base(540)) if base(540) in "AT" else "A"),
]


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


@pytest.fixture(scope="module")
def scored(tmp_path_factory, predictor, genome) -> tuple[Path, dict]:
    """Return the annotated VCF of `LINES`, and the same as columns."""
    folder = tmp_path_factory.mktemp("scored")
    vcf = write(folder / "in.vcf", HEAD + "".join(LINES))
    score_variants(predictor, vcf, genome, folder / "out.vcf")
    score_variants(predictor, vcf, genome, folder / "out.parquet")
    return folder / "out.vcf", pyarrow.parquet.read_table(folder / "out.parquet").to_pydict()


def body(text: str) -> list[list[str]]:
    return [row.split("\t") for row in text.splitlines() if not row.startswith("#")]


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


# Tables


@pytest.mark.parametrize("ending", [".tsv", ".parquet", ".h5"])
def test_a_tidy_table_says_the_same(tmp_path, scored, predictor, genome, ending):
    vcf = write(tmp_path / "in.vcf", HEAD + "".join(LINES))
    score_variants(predictor, vcf, genome, tmp_path / f"out{ending}", ScoringOptions(tidy=True, piece_size=2))
    if ending != ".parquet":
        assert (tmp_path / f"out{ending}").stat().st_size
        return
    found = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pydict()
    table = scored[1]
    fixed = ["chrom", "pos", "id", "ref", "alt", "normal", "status", "flags"]
    assert list(found) == [*fixed, "tf", "p_ref", "p_alt", "effect", "impact"]
    assert found["tf"] == list(TFS) * 7
    for name in fixed:
        assert found[name] == [value for value in table[name] for _ in TFS]
    for tidy, wide in (("p_ref", "ref"), ("p_alt", "alt"), ("effect", "effect")):
        wanted = [table[f"{tf}_{wide}"][row] for row in range(7) for tf in TFS]
        np.testing.assert_allclose(np.array(found[tidy], float), np.array(wanted, float), atol=1e-5)


def test_only_the_scores_that_are_wanted(tmp_path, predictor, genome: Genome):
    vcf = write(tmp_path / "in.vcf", HEAD + LINES[0])
    score_variants(predictor, vcf, genome, tmp_path / "out.tsv", ScoringOptions(scores=("effect",)))
    columns = (tmp_path / "out.tsv").read_text().splitlines()[0].split("\t")
    assert columns[7 + len(LINE) :] == [f"{tf}_effect" for tf in TFS]
    with pytest.raises(ConfigError, match=r"scores are ref, alt, effect, impact, diff, .*joint_impact; found 'delta'"):
        score_variants(predictor, vcf, genome, tmp_path / "out.tsv", ScoringOptions(scores=("delta",)))
    with pytest.raises(ConfigError, match="a VCF has one line per record"):
        score_variants(predictor, vcf, genome, tmp_path / "out.vcf", ScoringOptions(tidy=True))


@pytest.mark.parametrize(
    ("options", "column", "words"),
    [
        ({}, "JUND_effect", "JUND: log-odds of binding with ALT minus with REF"),
        ({"tidy": True}, "effect", "positive: ALT strengthens binding, negative: ALT weakens it"),
        ({"columns": "kipoi-veff2"}, "tiny/JUND/logit", "tiny/JUND: log-odds of binding with ALT minus with REF"),
    ],
)
def test_columns_say_what_they_mean(tmp_path, predictor, entry, genome, options, column, words):
    vcf = write(tmp_path / "in.vcf", HEAD + "".join(LINES))
    options = ScoringOptions(
        scores=tuple(score for score in SCORES if score not in (*PERCENTILES, *CONTEXT_SCORES)),
        shifts=(20, 20),
        **options,
    )
    score_variants(predictor, vcf, genome, tmp_path / "out.parquet", options)
    score_variants(predictor, vcf, genome, tmp_path / "out.h5", options)
    schema = pyarrow.parquet.read_schema(tmp_path / "out.parquet")
    assert words in schema.field(column).metadata[b"description"].decode()
    assert all(field.metadata[b"description"] for field in schema)
    weights = entry.card.weights.sha256
    assert json.loads(schema.metadata[b"tfb_models"]) == [{"name": "tiny", "weights_sha256": weights}]
    assert "windows shifted by up to 20 bp" in schema.metadata[b"tfb_score"].decode()
    with h5py.File(tmp_path / "out.h5") as file:
        assert {name: file[name].attrs["description"] for name in schema.names} == {
            field.name: field.metadata[b"description"].decode() for field in schema
        }
        assert file.attrs["tfb_models"].encode() == schema.metadata[b"tfb_models"]


def test_the_null_that_percentiles_are_from_is_named(tmp_path, entry, genome):
    own = copied(entry, tmp_path / "own")
    put_null(own)
    vcf = write(tmp_path / "in.vcf", HEAD + LINES[0])
    for name in ("out.parquet", "out.vcf"):
        score_variants(Predictor([own]), vcf, genome, tmp_path / name, ScoringOptions(scores=("percentile",)))
    found = sha256(own.folder / NULL_FILE)
    (model,) = json.loads(pyarrow.parquet.read_schema(tmp_path / "out.parquet").metadata[b"tfb_models"])
    assert model["null_sha256"] == found
    assert f"percentiles from nulls of sha256 {found}" in (tmp_path / "out.vcf").read_text()


@pytest.fixture
def hostile_genome(tmp_path, genome) -> Iterator[Genome]:
    """The genome under a name that would end the quotes and the line of a header."""
    folder = tmp_path / "genome"
    folder.mkdir()
    # pytest-xdist cannot send what is logged of a name that is not UTF-8 from its worker, which ends then.
    logging.disable()
    yield Genome(shutil.copy(genome.path, folder / 'g"\n##INFO=<ID=X>\\\t\udcff.fa'))
    logging.disable(logging.NOTSET)


def test_the_name_of_a_genome_stays_in_its_quotes(tmp_path, predictor, hostile_genome):
    vcf = write(tmp_path / "in.vcf", HEAD + "".join(LINES))
    for name in ("out.vcf", "out.vcf.gz", "out.parquet", "out.h5", "out.tsv"):
        score_variants(predictor, vcf, hostile_genome, tmp_path / name)
    said = "genome g%22%0A##INFO=<ID=X>%5C%09%FF.fa"
    header = [line for line in (tmp_path / "out.vcf").read_text().splitlines() if line.startswith("##")]
    (ours,) = [line for line in header if line.startswith("##tfb_score=")]
    assert ours.startswith('##tfb_score="kipoi-tfb ') and ours.endswith(f'{said}"') and "ID=X" in ours
    assert not [line for line in header if line.startswith("##INFO=<ID=X")]
    assert len(list(cyvcf2.VCF(str(tmp_path / "out.vcf.gz")))) == len(LINES)
    with pysam.VariantFile(str(tmp_path / "out.vcf.gz")) as file:
        assert "X" not in file.header.info and len(list(file)) == len(LINES)
        assert [r.value for r in file.header.records if r.key == "tfb_score"] == [ours.partition("=")[2]]
    assert said in pyarrow.parquet.read_schema(tmp_path / "out.parquet").metadata[b"tfb_score"].decode()
    with h5py.File(tmp_path / "out.h5") as file:
        assert said in file.attrs["tfb_score"]


def test_two_entries_of_one_name_in_folders_with_a_tab(tmp_path, entry, genome):
    entries = [copied(entry, tmp_path / name) for name in ("a\tb", "a\nb", "=c")]
    predictor = Predictor(entries)
    assert len(set(predictor.columns)) == 3 * len(TFS) and all(name.isprintable() for name in predictor.columns)
    vcf = write(tmp_path / "in.vcf", HEAD + "".join(LINES))
    for columns in ("tfb", "kipoi-veff2"):
        score_variants(predictor, vcf, genome, tmp_path / f"{columns}.tsv", ScoringOptions(columns=columns))
        header, *rows = [line.split("\t") for line in (tmp_path / f"{columns}.tsv").read_text().splitlines()]
        assert {len(row) for row in rows} == {len(header)} and len(set(header)) == len(header)
        assert sum("a%09b/JUND" in name for name in header) == sum("a%0Ab/JUND" in name for name in header) > 0
    score_variants(predictor, vcf, genome, tmp_path / "out.vcf")
    (record, *_) = list(cyvcf2.VCF(str(tmp_path / "out.vcf")))
    assert sum(name.endswith("JUND_effect") for name, _ in record.INFO) == 3


def test_an_identifier_that_is_a_formula(tmp_path, predictor, genome):
    text = HEAD + LINES[0].replace("rs500", "=1+1") + LINES[1].replace("rs510", "-0.5")
    vcf = write(tmp_path / "in.vcf", text)
    for name in ("out.tsv", "out.vcf", "out.parquet"):
        score_variants(predictor, vcf, genome, tmp_path / name)
    found = [line.split("\t")[2] for line in (tmp_path / "out.tsv").read_text().splitlines()]
    assert found == ["id", "'=1+1", "-0.5", "-0.5", "-0.5"]
    assert pyarrow.parquet.read_table(tmp_path / "out.parquet")["id"].to_pylist()[:2] == ["=1+1", "-0.5"]
    assert [row[2] for row in body((tmp_path / "out.vcf").read_text())] == ["=1+1", "-0.5"]


def test_tfs_whose_columns_would_be_the_same(tmp_path, entry, genome):
    tfs = ("A", "A_max", "JUND")
    twin = make_entry(tmp_path / "twin", lively_network(0, 3), name="twin", tasks=tfs)
    vcf = write(tmp_path / "in.vcf", HEAD + "".join(LINES))
    with pytest.raises(ConfigError, match="two columns would be called A_max_effect; choose TFs with --tfs"):
        score_variants(Predictor([twin]), vcf, genome, tmp_path / "out.tsv")
    options = ScoringOptions(scores=("effect", "max_effect"), shifts=(20, 20))
    score_variants(Predictor([twin]), vcf, genome, tmp_path / "out.vcf", options)
    (record, *_) = list(cyvcf2.VCF(str(tmp_path / "out.vcf")))
    names = [name for name, _ in record.INFO if name.endswith("effect")]
    assert len(set(names)) == len(names) == 6


# kipoi-veff2's names


def test_the_columns_of_kipoi_veff2(tmp_path, scored, predictor, entry, genome):
    vcf = write(tmp_path / "in.vcf", HEAD + "".join(LINES))
    options = ScoringOptions(columns="kipoi-veff2", shifts=(20, 20), piece_size=2)
    score_variants(predictor, vcf, genome, tmp_path / "out.parquet", options)
    found = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pydict()
    functions = ("ref", "alt", "diff", "logit", "max_effect")
    assert list(found) == [
        *("#CHROM", "POS", "ID", "REF", "ALT"),
        *(f"{entry.card.name}/{tf}/{function}" for function in functions for tf in TFS),
        *("normal", "status", "flags", *(name for name in LINE if name != VARIANT_PERCENTILE)),
    ]
    table = scored[1]
    for theirs, ours in (("#CHROM", "chrom"), ("POS", "pos"), ("ID", "id"), ("REF", "ref"), ("ALT", "alt")):
        assert found[theirs] == table[ours]
    assert (found["status"], found["top_lost"]) == (table["status"], table["top_lost"])
    for tf in TFS:
        for theirs, ours in (("ref", "ref"), ("alt", "alt"), ("logit", "effect")):
            values = (np.array(x, float) for x in (found[f"tiny/{tf}/{theirs}"], table[f"{tf}_{ours}"]))
            np.testing.assert_allclose(*values, atol=1e-5)
        ref, alt, diff = (np.array(found[f"tiny/{tf}/{name}"], float) for name in functions[:3])
        np.testing.assert_allclose(diff, alt - ref, atol=1e-6)


def test_the_columns_of_kipoi_veff2_as_tsv_with_two_entries(tmp_path, entry, other_entry, genome):
    both = Predictor([entry, other_entry], ["tiny/JUND", "other/JUND", "SP1"])
    vcf = write(tmp_path / "in.vcf", HEAD + LINES[0])
    options = ScoringOptions(columns="kipoi-veff2", scores=("disagreement", "effect"), top=0)
    score_variants(both, vcf, genome, tmp_path / "out.tsv", options)
    header, row = (text.split("\t") for text in (tmp_path / "out.tsv").read_text().splitlines())
    targets = ("tiny/JUND", "other/JUND", "other/SP1")
    scores = [f"{target}/{function}" for function in ("logit", "disagreement") for target in targets]
    names = [name for name in LINE if name not in (*TOP, VARIANT_PERCENTILE)]
    assert header == ["#CHROM", "POS", "ID", "REF", "ALT", *scores, "normal", "status", "flags", *names]
    assert row[:5] == ["chr1", "500", "rs500", base(500), other(base(500))] and row[-9] == "ok"


def test_entries_that_call_themselves_the_same_go_by_their_folders(tmp_path, entry):
    one, two = copied(entry, tmp_path / "one"), copied(entry, tmp_path / "two")
    table = Veff2Table([f"{one.name}/JUND", f"{two.name}/JUND"], [one, two])
    assert table.targets == [f"{tmp_path}/one/JUND", f"{tmp_path}/two/JUND"]


def test_other_names_are_for_wide_tables(tmp_path, predictor, genome):
    vcf = write(tmp_path / "in.vcf", HEAD + LINES[0])
    for name, tidy in (("out.vcf", False), ("out.vcf.gz", False), ("out.tsv", True)):
        with pytest.raises(ConfigError, match=r"names of columns \(kipoi-veff2\) are for wide tables"):
            options = ScoringOptions(columns="kipoi-veff2", tidy=tidy)
            score_variants(predictor, vcf, genome, tmp_path / name, options)
    with pytest.raises(UnknownNameError, match=r"unknown names of columns 'veff2'.*kipoi-veff2"):
        score_variants(predictor, vcf, genome, tmp_path / "out.tsv", ScoringOptions(columns="veff2"))


def test_the_ending_says_the_format():
    assert [effect_format(name) for name in ("a.VCF", "a.vcf.gz", "a.vcf.bgz", "a.b.tsv", "a.hdf5")] == [
        ".vcf", ".vcf.gz", ".vcf.gz", ".tsv", ".h5",
    ]  # fmt: skip
    for name in ("a.csv", "vcf", ".vcf", "a.gz"):
        with pytest.raises(InputError, match=r"use one of \.vcf, \.vcf\.gz, \.tsv"):
            effect_format(name)


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
