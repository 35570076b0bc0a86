"""Scores of alleles: shifts of the window, disagreement of the strands, percentiles, the TFs gained and lost."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from kipoi_tfb.models.logits import BOUND
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.columns import LINE
from kipoi_tfb.variants.effects import EffectScorer
from tests import naive_alleles as naive
from tests.entries import CONTIGS, TFS, base
from tfb_matrix_data.alleles import allele_windows
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import encode, reverse_complement
from tfb_matrix_data.variants import Variants

pytest_plugins = ("tests.entries",)

CHR1 = CONTIGS["chr1"]
SHIFTS = (60, 25)


def other(letter: str) -> str:
    return letter.translate(str.maketrans("ACGT", "TGCA"))


def variants_of(*alleles: tuple[int, str, str]) -> Variants:
    pos, ref, alt = zip(*alleles, strict=True)
    n = len(pos)
    return Variants(
        ["chr1"] * n, np.array(pos), ["."] * n, list(ref), list(alt), np.zeros(n, bool), Path("made by a test")
    )


ALLELES = variants_of(
    (500, base(500), other(base(500))),
    (800, CHR1[799:805], CHR1[799]),
    (900, base(900), base(900) + "GATTACA"),
    (950, CHR1[949:952], other(CHR1[949:952])),
    (30, base(30), other(base(30))),
    (700, base(700), "<DEL>"),
)
SCORED = np.arange(5)


def score(predictor: Predictor, genome: Genome, scores: tuple[str, ...], variants: Variants = ALLELES, **options):
    scorer = EffectScorer(predictor, genome, scores, **options)
    swap = options.get("allele_swap", False)
    return scorer(variants, allele_windows(variants, genome, predictor.window_length, allele_swap=swap))


def test_the_largest_effect_over_windows_cut_from_text(predictor, genome):
    found = score(predictor, genome, ("effect",), shifts=SHIFTS).values
    each = []
    for shift in (0, -25, 25, -50, 50):
        alleles = zip(ALLELES.pos[SCORED], ALLELES.ref, ALLELES.alt, strict=False)
        windows = [naive.windows(CHR1, *allele, 200, shift) for allele in alleles]
        ref, alt = (predictor.logits(np.stack([encode(pair[i]) for pair in windows])) for i in (0, 1))
        each.append(alt - ref)
    stacked = np.stack(each)
    wanted = np.take_along_axis(stacked, np.abs(stacked).argmax(0)[None], 0)[0]
    np.testing.assert_allclose(found["max_effect"][SCORED], wanted, atol=1e-5)
    np.testing.assert_allclose(found["effect"][SCORED], stacked[0], atol=1e-5)
    assert np.isnan(found["max_effect"][5]).all()
    assert len(set(np.abs(stacked).argmax(0).ravel().tolist())) > 2  # of several shifts, not of one


def test_the_centred_scores_do_not_depend_on_the_others(predictor, genome):
    plain = score(predictor, genome, ("ref", "alt", "effect")).values
    rich = score(predictor, genome, ("ref", "alt", "effect", "diff", "disagreement"), shifts=SHIFTS, line=True).values
    for name, values in plain.items():
        np.testing.assert_array_equal(values, rich[name])
    np.testing.assert_allclose(rich["diff"], rich["alt"] - rich["ref"], atol=1e-7)
    assert list(rich) == ["ref", "alt", "effect", "diff", "disagreement", "max_effect"]


class ReadsOnePlace:
    """Stands for a predictor that sees an A at index 140 of the window and nothing else."""

    window_length, columns, sources = 200, ["X"], [SimpleNamespace()]

    def allele_logits(
        self, ref: NDArray[np.uint8], alt: NDArray[np.uint8], strands: bool = False
    ) -> list[NDArray[np.float32]]:
        return [3 * (codes[:, 140:141] == 0).astype(np.float32) for codes in (ref, alt)]


@pytest.mark.parametrize("shifts", [(40, 10), (99, 20), (45, 1)])
def test_a_variant_off_centre_is_not_lost(genome, shifts):
    gained = variants_of(*((p, base(p), "A") for p in range(500, 600) if base(p) != "A"))
    lost = variants_of(*((p, "A", "C") for p in range(500, 600) if base(p) == "A"))
    for variants, effect in ((gained, 3), (lost, -3)):
        found = score(ReadsOnePlace(), genome, ("effect",), variants, shifts=shifts).values
        assert (found["effect"] == 0).all()
        assert (found["max_effect"] == effect).all()  # at a shift of -40 the variant is at index 140


def test_swapped_alleles_are_shifted_too(predictor, genome):
    swapped = variants_of((500, other(base(500)), base(500)))
    forward = score(predictor, genome, ("effect",), ALLELES, shifts=SHIFTS).values
    back = score(predictor, genome, ("effect",), swapped, shifts=SHIFTS, allele_swap=True).values
    np.testing.assert_allclose(back["max_effect"][0], -forward["max_effect"][0], atol=1e-6)


# Strands


def test_disagreement_is_between_the_effects_of_the_strands(predictor, genome):
    found = score(predictor, genome, ("effect", "disagreement")).values
    windows = allele_windows(ALLELES, genome, 200)
    (network,) = predictor._networks
    forward, reverse = [], []
    for codes, effects in ((lambda c: c, forward), (reverse_complement, reverse)):
        with torch.no_grad():
            hot = [
                torch.from_numpy(np.eye(5, dtype=np.float32)[codes(w[SCORED])][..., :4])
                for w in (windows.ref, windows.alt)
            ]
            ref, alt = (network(one.transpose(1, 2)) for one in hot)
        effects.append((alt - ref).numpy())
    np.testing.assert_allclose(found["disagreement"][SCORED], np.abs(forward[0] - reverse[0]), atol=1e-5)
    np.testing.assert_allclose(found["effect"][SCORED], (forward[0] + reverse[0]) / 2, atol=1e-5)
    assert found["disagreement"][SCORED].min() >= 0 and found["disagreement"][SCORED].max() > 0.01


def test_strand_logits_are_those_of_the_other_strand_the_other_way_round(predictor):
    codes = np.random.default_rng(1).integers(0, 4, (5, 200), np.uint8)
    strands = predictor.strand_logits(codes)
    assert strands.shape == (5, 2, 3)
    np.testing.assert_allclose(strands, predictor.strand_logits(reverse_complement(codes))[:, ::-1], atol=1e-5)
    np.testing.assert_array_equal((strands[:, 0] + strands[:, 1]) / 2, predictor.logits(codes))
    assert predictor.strand_logits(codes[:0]).shape == (0, 2, 3)


# What is gained and lost


def test_the_line_is_that_of_the_impacts(predictor, genome):
    effects = score(predictor, genome, ("impact", "ref", "alt"), line=True, top=1)
    better = np.fmax(effects.values["ref"], effects.values["alt"])
    assert list(effects.line) == [name for name in LINE if name != "variant_percentile"]
    for row in SCORED:
        values = dict(zip(TFS, np.where(better[row] >= BOUND, effects.values["impact"][row], 0), strict=True))
        for name, best in (("top_gained", max(values, key=values.get)), ("top_lost", min(values, key=values.get))):
            right = values[best] > 0 if name == "top_gained" else values[best] < 0
            assert effects.line[name][row] == (f"{best}:{values[best]:.3g}" if right else ".")
        assert np.abs(effects.line["largest_impact"][row]) == np.abs(effects.values["impact"][row]).max()
    assert (better[SCORED] < BOUND).any() and (effects.line["top_gained"][SCORED] != ".").any()
    assert effects.line["top_gained"][5] == effects.line["top_lost"][5] == effects.line["largest_impact_tf"][5] == "."
    assert np.isnan([effects.line[name][5] for name in ("sum_difference", "largest_impact", "n_gained")]).all()
    again = score(predictor, genome, ("ref",), line=True, top=1).line  # whether or not impacts are written
    for name, column in effects.line.items():
        np.testing.assert_array_equal(again[name], column)
    assert score(predictor, genome, ("ref",)).line == {}


def test_wrong_scores_are_named(predictor, genome):
    with pytest.raises(ConfigError, match="max_effect is over shifts of the window: say how far, with --shifts"):
        EffectScorer(predictor, genome, ("max_effect",))
    with pytest.raises(ConfigError, match=r"scores are ref, alt, effect, impact, diff, .*; found none"):
        EffectScorer(predictor, genome, ())
    assert EffectScorer(predictor, genome, ("max_effect",), (10, 10)).scores == ["max_effect"]
