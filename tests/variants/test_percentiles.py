"""Percentiles of alleles: of the class, the GC content and the TF, and of the allele as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.effects import EffectScorer
from kipoi_tfb.zoo.null import CLASSES, PERCENTS
from tests.entries import TFS, base
from tests.variants.test_effects import ALLELES, other, score, variants_of
from tests.zoo.test_null import copied, put_null
from tfb_matrix_data.alleles import allele_windows
from tfb_matrix_data.errors import EntryError
from tfb_matrix_data.sequence import gc_content

pytest_plugins = ("tests.entries",)


@pytest.fixture
def with_null(entry, tmp_path):
    """Return a predictor whose null is wide by 1 + t + k + b for TF t, class k and GC bin b."""
    own = copied(entry, tmp_path / "own")
    steps = 1 + np.add.outer(np.add.outer(np.arange(3), np.arange(len(CLASSES))), np.arange(2))
    quantiles = steps[..., None] * (np.array(PERCENTS) - 50) / 50
    arrays = {
        "effect": quantiles,
        "impact": 2 * quantiles,
        "activity": quantiles[:, 0],
        "largest": quantiles[0],
    }
    put_null(own, gc_edges=np.array([0.5]), **{name: array.astype(np.float16) for name, array in arrays.items()})
    return Predictor([own])


def test_percentiles_are_of_the_class_the_gc_and_the_tf(with_null, genome):
    found = score(with_null, genome, ("effect", "percentile")).values
    gc = gc_content(allele_windows(ALLELES, genome, 200).ref)
    ref = {"A": "T", "G": "C"}.get(base(500), base(500))
    alt = other(ref)
    for row, name in ((0, f"{ref}>{alt}"), (1, "deletion"), (2, "insertion")):
        steps = 1 + np.arange(3) + CLASSES.index(name) + (gc[row] >= 0.5)
        wanted = np.clip(50 + 50 * found["effect"][row] / steps, 0, 100)
        np.testing.assert_allclose(found["percentile"][row], wanted, atol=0.05)
    steps = 1 + np.arange(3) + CLASSES.index("MNV") + (gc[3] >= 0.5)
    wanted = np.clip(50 + 50 * found["effect"][3] / steps, 0, 100)
    np.testing.assert_allclose(found["percentile"][3], wanted, atol=0.05)
    assert np.isnan(found["percentile"][5]).all()  # symbolic: not scored


def test_percentiles_of_the_impact_and_of_activity(with_null, genome):
    scores = ("ref", "alt", "impact", "impact_percentile", "activity")
    found = score(with_null, genome, scores).values
    gc = gc_content(allele_windows(ALLELES, genome, 200).ref)
    better = np.maximum(found["ref"], found["alt"])
    for row, name in ((1, "deletion"), (2, "insertion"), (3, "MNV")):
        steps = 1 + np.arange(3) + CLASSES.index(name) + (gc[row] >= 0.5)
        wanted = np.clip(50 + 25 * found["impact"][row] / steps, 0, 100)  # the null's are twice as large
        np.testing.assert_allclose(found["impact_percentile"][row], wanted, atol=0.05)
        logits = np.log(better[row] / (1 - better[row]))
        steps = 1 + np.arange(3) + (gc[row] >= 0.5)
        np.testing.assert_allclose(found["activity"][row], np.clip(50 + 50 * logits / steps, 0, 100), atol=0.1)
    assert np.isnan(found["activity"][5]).all()


def test_the_percentile_of_an_allele_is_that_of_its_largest_impact(with_null, genome):
    scorer = EffectScorer(with_null, genome, ("impact",), line=True)
    assert scorer.notice == "" and "variant_percentile" in scorer.line
    line = scorer(ALLELES, allele_windows(ALLELES, genome, 200)).line
    gc = gc_content(allele_windows(ALLELES, genome, 200).ref)
    for row, name in ((1, "deletion"), (2, "insertion"), (3, "MNV")):
        steps = 1 + CLASSES.index(name) + (gc[row] >= 0.5)
        wanted = np.clip(50 + 50 * abs(line["largest_impact"][row]) / steps, 0, 100)
        assert line["variant_percentile"][row] == pytest.approx(wanted, abs=0.05)
    assert np.isnan(line["variant_percentile"][5])


def test_without_a_null_for_it_an_allele_has_no_percentile_and_that_is_said(
    with_null, entry, predictor, genome, tmp_path
):
    own, twin = with_null.sources[0], copied(entry, tmp_path / "twin")
    put_null(twin)
    for networks, why in (
        (predictor, "has no null to take percentiles from"),
        (Predictor([own], ["JUND", "CTCF"]), "it is for all TFs of one entry together"),
        (Predictor([own, twin]), "it is for all TFs of one entry together"),
        (Predictor([own, entry]), "has no null to take percentiles from"),
    ):
        scorer = EffectScorer(networks, genome, ("effect",), line=True)
        assert scorer.notice.startswith("column variant_percentile is left out: ") and why in scorer.notice
        assert "variant_percentile" not in scorer.line and scorer.percentiles is None
    assert EffectScorer(predictor, genome, ("effect",)).notice == ""


def test_percentiles_of_swapped_alleles_are_those_of_the_genomes_one(with_null, genome):
    forward = score(with_null, genome, ("effect", "percentile"), variants_of((500, base(500), other(base(500))))).values
    swapped = variants_of((500, other(base(500)), base(500)))
    back = score(with_null, genome, ("effect", "percentile"), swapped, allele_swap=True).values
    np.testing.assert_allclose(back["effect"], -forward["effect"], atol=1e-5)
    np.testing.assert_allclose(back["percentile"], 100 - forward["percentile"], atol=1e-3)


def test_percentiles_of_chosen_tfs_and_of_two_entries(with_null, entry, tmp_path, genome):
    every = score(with_null, genome, ("percentile",)).values["percentile"]
    own = with_null.sources[0]
    fewer = score(Predictor([own], ["JUND", "ATF4"]), genome, ("percentile",)).values["percentile"]
    np.testing.assert_allclose(fewer, every[:, [TFS.index("JUND"), TFS.index("ATF4")]], atol=1e-3)
    twin = copied(entry, tmp_path / "twin")
    put_null(twin)
    both = score(Predictor([own, twin]), genome, ("percentile",)).values["percentile"]
    np.testing.assert_allclose(both[:, :3], every, atol=1e-3)
    assert np.nanmax(np.abs(both[:, 3:] - every)) > 1


def test_a_percentile_needs_a_null(predictor, genome):
    with pytest.raises(EntryError, match=r"has no null to take percentiles from .*: tfb null .* --matrix MATRIX"):
        EffectScorer(predictor, genome, ("percentile",))


def test_a_null_made_for_other_weights_is_refused(with_null, genome):
    own = with_null.sources[0]
    other_card = own.card.model_copy(update={"weights": own.card.weights.model_copy(update={"sha256": "f" * 64})})
    with_null.sources = [replace(own, card=other_card)] * 3
    with pytest.raises(
        EntryError, match=r"was made for weights .*, .* has ffffffffffff\.\.\.; make it again: tfb null"
    ):
        EffectScorer(with_null, genome, ("percentile",))
