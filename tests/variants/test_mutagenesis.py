"""Saturation mutagenesis: every substitution once, scored as `tfb score` scores it, or within one window."""

from __future__ import annotations

import re

import h5py
import numpy as np
import pyarrow.parquet
import pytest

from kipoi_tfb.variants.columns import DEFAULT_SCORES, REASON
from kipoi_tfb.variants.mutagenesis import (
    MAX_REGION,
    Mutations,
    Region,
    find_region,
    mutate_region,
    mutate_window,
    strongest,
    write_mutations,
)
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from tests.entries import CONTIGS, TFS, VCF, record
from tfb_matrix_data.errors import AssemblyError, ConfigError, InputError, UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode, encode

pytest_plugins = ("tests.entries",)


FIXED = [
    *("chrom", "pos", "id", "ref", "alt", "normal", "status", "flags"),
    *("sum_difference", "largest_impact", "largest_impact_tf", "n_gained", "n_lost", "top_gained", "top_lost"),
]


def read(path) -> dict:
    """Return the columns of a table; of the TFs gained and lost, which and in which order."""
    columns = pyarrow.parquet.read_table(path).to_pydict()
    for name in {"top_gained", "top_lost"} & set(columns):  # with three digits, which may be rounded either way
        columns[name] = [re.sub(":[^;]*", "", text) for text in columns[name]]
    return columns


def assert_same(found: dict, expected: dict) -> None:
    """Check that two tables have the same columns, numbers but for rounding."""
    assert list(found) == list(expected)
    for name, values in expected.items():
        if isinstance(values[0], float):
            np.testing.assert_allclose(found[name], values, atol=1e-5, err_msg=name)
        else:
            assert found[name] == values, name


# Regions


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("chr1:500-600", Region("chr1", 499, 600)),
        ("chr1:1,500-1,600", Region("chr1", 1499, 1600)),
        ("chr1:7", Region("chr1", 6, 7)),
        ("1:1-3000", Region("chr1", 0, 3000)),
        ("chr2", Region("chr2", 0, 2000)),
    ],
)
def test_a_region_is_1_based_with_both_ends(genome, text, region):
    assert find_region(text, genome) == region


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("chr9:1-5", UnknownNameError, "unknown contig .in genome.fa. 'chr9'"),
        ("chr1:2990-3001", AssemblyError, r"chr1:2990-3001 ends beyond the contig \(3,000 bp in genome.fa\)"),
        ("chr1:0-5", InputError, "region 'chr1:0-5' is empty: positions count from 1"),
        ("chr1:9-5", InputError, "region 'chr1:9-5' is empty: .*START comes first"),
        ("chr 1", InputError, "region 'chr 1' is not CHROM, CHROM:START or CHROM:START-END"),
    ],
)
def test_no_region(genome, text, error, message):
    with pytest.raises(error, match=message):
        find_region(text, genome)


# Scores


@pytest.mark.parametrize("region", [Region("chr1", 500, 503), Region("chr1", 0, 2), Region("chr2", 998, 1003)])
@pytest.mark.parametrize("tidy", [False, True])
def test_the_table_is_that_of_tfb_score(predictor, genome, tmp_path, region, tidy):
    """Of the same substitutions as VCF: names, order, statuses, flags (edge, unknown bases), values."""
    records = ""
    for at in range(region.start, region.end):
        ref = CONTIGS[region.chrom][at].upper()
        alts = ",".join(base for base in "ACGT" if base != ref)
        records += f"{region.chrom}\t{at + 1}\t.\t{ref}\t{alts}\t.\t.\t.\n" * (ref != "N")
    (tmp_path / "a.vcf").write_text(VCF + records)
    score_variants(predictor, tmp_path / "a.vcf", genome, tmp_path / "score.parquet", ScoringOptions(tidy=tidy))
    rows = write_mutations(mutate_region(predictor, genome, region), tmp_path / "mutate.parquet", tidy)
    expected, found = read(tmp_path / "score.parquet"), read(tmp_path / "mutate.parquet")
    expected = {name: values for name, values in expected.items() if name not in REASON}
    assert list(found) == list(expected) and rows == len(expected["pos"]) > 0
    assert_same(found, expected)


@pytest.mark.parametrize("tidy", [False, True])
def test_columns_say_what_they_mean_as_those_of_tfb_score(predictor, genome, tmp_path, tidy):
    (tmp_path / "a.vcf").write_text(VCF + record(500))
    mutations = mutate_region(predictor, genome, Region("chr1", 499, 500))
    for ending in (".parquet", ".h5"):
        score_variants(predictor, tmp_path / "a.vcf", genome, tmp_path / f"score{ending}", ScoringOptions(tidy=tidy))
        write_mutations(mutations, tmp_path / f"mutate{ending}", tidy)
    expected, found = (pyarrow.parquet.read_schema(tmp_path / f"{of}.parquet") for of in ("score", "mutate"))
    said = {field.name: field.metadata[b"description"].decode() for field in found}
    of_score = {field.name: field.metadata[b"description"].decode() for field in expected}
    assert said == {name: text for name, text in of_score.items() if name not in REASON}
    with h5py.File(tmp_path / "mutate.h5") as file:
        assert {name: file[name].attrs["description"] for name in file} == said


def test_within_one_window(predictor, genome):
    """Against strings: the window around the region's centre, letters replaced one by one."""
    region = Region("chr1", 500, 505)  # centre 502: window [402, 602)
    window = CONTIGS["chr1"][402:602]
    found = mutate_region(predictor, genome, region, "region")
    ref = predictor.logits(encode(window)[None])[0]
    for i in range(5):
        for base in range(4):
            text = window[: 98 + i] + "ACGT"[base] + window[99 + i :]
            logits = predictor.logits(encode(text)[None])[0]
            if text == window:
                assert np.isnan(found.effect[i, base]).all()
            else:
                np.testing.assert_allclose(found.effect[i, base], logits - ref, atol=1e-5)
    np.testing.assert_allclose(found.ref, np.repeat(ref[None], 5, 0))
    assert found.flags == ["."] * 5 and decode(found.codes) == CONTIGS["chr1"][500:505]


def test_one_window_says_what_is_unknown(predictor, genome):
    found = mutate_region(predictor, genome, Region("chr1", 0, 2), "region")
    assert found.flags == ["n_in_window=99;edge_padded"] * 2
    found = mutate_region(predictor, genome, Region("chr2", 998, 1003), "region")  # centre 1000: [900, 1100)
    assert found.flags == ["n_in_window=100"] * 2  # of the two known bases
    assert np.isnan(found.ref[2:]).all() and not np.isnan(found.ref[:2]).any()
    assert (found.contribution[2:] == 0).all() and found.contribution[:2].any()


def test_a_sequence_of_its_own(predictor, tmp_path):
    """A FASTA of one window is a genome of one contig: usual in silico mutagenesis."""
    text = CONTIGS["chr1"][400:600]
    (tmp_path / "own.fa").write_text(f">mine\n{text}\n")
    genome = Genome(tmp_path / "own.fa")
    found = mutate_region(predictor, genome, find_region("mine", genome), "region")
    expected = mutate_window(predictor, encode(text), 0, 200)
    assert len(found) == 200
    np.testing.assert_array_equal(found.effect, expected.effect)


def test_the_sign_by_hand():
    """An A whose substitutions lower the logit of X by 1, 2 and 3, and raise that of Y by as much; an N."""
    nan = np.nan
    alt = np.array([[[nan, nan], [-1, 1], [-2, 2], [-3, 3]], [[nan, nan]] * 4], np.float32)
    ref = np.array([[0, 0], [nan, nan]], np.float32)
    mutations = Mutations(encode("AN"), ["X", "Y"], ref, alt)
    assert mutations.contribution.tolist() == [[2, -2], [0, 0]]
    assert mutations.probability[0].tolist() == [0.5, 0.5]
    assert strongest(mutations.effect, 5) == [0, 1]  # equal: in their order
    only = mutations.of([1])
    assert only.tfs == ["Y"] and only.contribution.tolist() == [[-2], [0]]


def test_the_strongest():
    effects = np.array([[[0.5, -3, np.nan, 2]], [[1, 0, np.nan, 2.5]]], np.float32)
    assert strongest(effects, 2) == [1, 3]
    assert strongest(effects, 9) == [1, 3, 0, 2]


@pytest.mark.parametrize(
    ("region", "window", "error", "message"),
    [
        (Region("chr2", 1100, 1200), "variant", InputError, r"no known base in chr2:1101-1200, N only"),
        (Region("chr1", 0, 201), "region", ConfigError, "chr1:1-201 has 201 bases, which one window of 200 does not"),
        (Region("chr1", 0, 9), "centre", UnknownNameError, "unknown window 'centre'. Valid: variant, region"),
        (
            Region("chr1", 0, MAX_REGION + 1),
            "variant",
            ConfigError,
            "chr1:1-10001 has 10,001 bases, and at most 10,000 are mutated in one run; give it in parts",
        ),
    ],
)
def test_what_cannot_be_mutated(predictor, genome, region, window, error, message):
    with pytest.raises(error, match=message):
        mutate_region(predictor, genome, region, window)


def test_many_positions_are_scored_in_parts(predictor, genome, monkeypatch, tmp_path):
    region = Region("chr1", 500, 512)
    whole = {window: mutate_region(predictor, genome, region, window) for window in ("variant", "region")}
    write_mutations(whole["variant"], tmp_path / "a.parquet")
    monkeypatch.setattr("kipoi_tfb.variants.mutagenesis._CHUNK", 5)
    for window, expected in whole.items():
        found = mutate_region(predictor, genome, region, window)
        np.testing.assert_array_equal(found.alt, expected.alt)
        assert found.flags == expected.flags
    assert write_mutations(whole["variant"], tmp_path / "b.parquet") == 36
    a, b = (read(tmp_path / name) for name in ("a.parquet", "b.parquet"))
    assert list(a) == FIXED + [f"{tf}_{score}" for tf in TFS for score in DEFAULT_SCORES]
    assert_same(a, b)
    for tf in TFS:
        assert a[f"{tf}_effect"] == b[f"{tf}_effect"]
