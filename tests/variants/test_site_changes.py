"""The best match of a TF's motifs among those that cover a change, against every placement looked at one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kipoi_tfb.motifs.jaspar import jaspar_motifs
from kipoi_tfb.motifs.profiles import log_odds
from kipoi_tfb.motifs.scan import MATCH
from kipoi_tfb.variants.site_changes import KnownMotifs, SiteChange
from tfb_matrix_data.alleles import AlleleWindows
from tfb_matrix_data.sequence import encode

LENGTH = 200
HALF = LENGTH // 2


def placed(ref: str, alt: str, flank: str, start: int = 1000) -> AlleleWindows:
    """Return the windows of one change in the middle of a flank."""
    left, right = flank[:HALF], flank[HALF:]
    codes = [encode((left + allele + right)[:LENGTH])[None] for allele in (ref, alt)]
    sizes = (np.array([start]), np.array([len(ref)]), np.array([len(alt)]))
    return AlleleWindows(["ok"], ["."], *codes, *sizes, {})


def by_hand(codes: np.ndarray, n_own: int, pwm: np.ndarray) -> float:
    """Return the best score of all placements that cover an own base, or the seam."""
    best = -np.inf
    width = pwm.shape[1]
    for start in range(LENGTH - width + 1):
        covers = start < HALF + n_own and start + width > HALF if n_own else start < HALF < start + width
        if covers:
            bases = codes[start : start + width]
            for matrix in (pwm, pwm[::-1, ::-1]):
                best = max(best, sum(matrix[base, i] for i, base in enumerate(bases)))
    return float(best)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1 << 30),
    ref=st.text("ACGT", max_size=6),
    alt=st.text("ACGT", max_size=6),
    tf=st.sampled_from(["JUND", "GATA1", "CTCF"]),
)
def test_the_best_of_all_placements_that_cover_the_change(seed, ref, alt, tf):
    flank = "".join(np.random.default_rng(seed).choice(list("ACGT"), LENGTH))
    windows = placed(ref, alt, flank)
    change = KnownMotifs([tf])(windows, np.array([[True]]))[0, 0]
    found = []
    for motif in jaspar_motifs([tf])[tf]:
        pwm = log_odds(motif.pfm)
        found.append((by_hand(windows.ref[0], len(ref), pwm), by_hand(windows.alt[0], len(alt), pwm)))
    best = max(found, key=max)
    assert (change.ref.score, change.alt.score) == pytest.approx(best, abs=1e-3)
    for codes, match in ((windows.ref[0], change.ref), (windows.alt[0], change.alt)):
        pwm = log_odds(change.motif.pfm)
        pwm = pwm[::-1, ::-1] if match.reverse else pwm
        there = codes[match.start : match.start + pwm.shape[1]]
        assert pwm[there, np.arange(len(there))].sum() == pytest.approx(match.score, abs=1e-3)


def test_a_base_behind_an_insertion_keeps_its_position():
    flank = "C" * LENGTH
    ref = placed("", "GG", flank[:HALF] + "TGACTCA" + flank)
    change = KnownMotifs(["JUND"])(ref, np.array([[True]]))[0, 0]
    inside = SiteChange(change.motif, change.ref, change.alt._replace(score=99.0, start=HALF + 1))
    behind = SiteChange(change.motif, change.ref, change.alt._replace(score=99.0, start=HALF + 2))
    assert (inside.position(ref, 0), behind.position(ref, 0)) == (1001, 1001)
    before = SiteChange(change.motif, change.ref, change.alt._replace(score=99.0, start=HALF - 4))
    assert before.position(ref, 0) == 997
    deletion = placed("GGG", "", flank)
    later = SiteChange(change.motif, change.ref, change.alt._replace(score=99.0, start=HALF + 2))
    assert later.position(deletion, 0) == 1001 + 3 + 2


def test_a_site_explains_an_effect_of_its_direction_only():
    windows = placed("T", "G", "C" * HALF + "GACTCA" + "C" * LENGTH)
    windows.ref[0, HALF - 0] = encode("T")[0]
    change = KnownMotifs(["JUND"])(windows, np.array([[True]]))[0, 0]
    assert change.ref.score > change.alt.score and change.ref.score >= MATCH
    assert change.explains(-1.0) and not change.explains(1.0)
    weak = SiteChange(change.motif, change.ref._replace(score=MATCH - 0.1), change.alt._replace(score=-3.0))
    assert not weak.explains(-1.0)


def test_a_tf_without_a_profile_and_one_that_is_not_wanted():
    windows = placed("A", "T", "ACGT" * 50)
    assert KnownMotifs(["MINE", "JUND"])(windows, np.array([[True, False]])) == {}
    assert set(KnownMotifs(["MINE", "entry/JUND"])(windows, np.array([[True, True]]))) == {(0, 1)}
