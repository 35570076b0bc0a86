"""Files of effects: the VCF is the one that came in plus declared fields; a tidy table says the same as a wide one."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator

import cyvcf2
import h5py
import numpy as np
import pyarrow.parquet
import pysam
import pytest

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.columns import CONTEXT_SCORES, LINE, PERCENTILES, SCORES
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from kipoi_tfb.variants.tables import effect_format
from kipoi_tfb.zoo.null import NULL_FILE
from tests.entries import TFS, lively_network
from tests.tiny import make_entry
from tests.variants.scored_vcf import HEAD, LINES, body, write
from tests.zoo.test_null import copied, put_null
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError
from tfb_matrix_data.files import sha256
from tfb_matrix_data.genome import Genome

pytest_plugins = ("tests.entries", "tests.variants.scored_vcf")


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
