"""What is said of alleles: groups by site, direction and mode, and the words for them."""

import numpy as np
import pytest

from kipoi_tfb.models.logits import NOTABLE
from kipoi_tfb.variants.reasons import Reason, Reasons, notable
from tfb_matrix_data.alleles import AlleleWindows
from tfb_matrix_data.sequence import encode

HALF = 100
TFS = ["JUND", "FOSL2", "GATA1", "GATA2", "SOX6", "MINE", "CTCF"]
RANDOM = "".join(np.random.default_rng(8).choice(list("ACGT"), 200))


def windows_of(*pairs: tuple[str, str]) -> AlleleWindows:
    """Return windows of substitutions in sites: cores with REF and with ALT that differ in one base."""
    refs, alts = [], []
    for ref, alt in pairs:
        at = next((i for i, (a, b) in enumerate(zip(ref, alt, strict=True)) if a != b), 0)
        for core, codes in ((ref, refs), (alt, alts)):
            text = RANDOM[: HALF - at] + core + RANDOM[HALF - at + len(core) :]
            codes.append(encode(text))
    n, one = len(pairs), np.ones(len(pairs), np.int64)
    return AlleleWindows(["ok"] * n, ["."] * n, np.stack(refs), np.stack(alts), np.full(n, 5000), one, one, {})


AP1 = ("ATGACTCATT", "ATGACACATT")
GATA = ("CAGATAAGAA", "CAGCTAAGAA")


def said(pair: tuple[str, str], **scores: tuple[float, float, float]) -> tuple[Reasons, Reason, AlleleWindows]:
    """Return the reason of one allele: of each TF (P with REF, P with ALT, impact), others 0."""
    values = np.array([scores.get(tf, (0.01, 0.01, 0.0)) for tf in TFS], np.float32).T
    reasons, windows = Reasons(TFS), windows_of(pair)
    (reason,) = reasons(windows, *(row[None] for row in values))
    return reasons, reason, windows


@pytest.mark.parametrize(
    ("ref", "alt", "verb"),
    [
        (0.9, 0.1, "lost"),
        (0.9, 0.6, "weakened"),
        (0.4, 0.1, "less likely"),
    ],
)
def test_words_for_what_becomes_of_a_site(ref, alt, verb):
    reasons, reason, windows = said(AP1, JUND=(ref, alt, -2.0))
    assert reasons.text(reason) == f"JUND site {verb}: JUND"
    assert reasons.sites_text(reason, windows, 0).startswith("JUND:MA")
    up = {"lost": "gained", "weakened": "strengthened", "less likely": "more likely"}[verb]
    reasons, reason, _ = said((AP1[1], AP1[0]), JUND=(alt, ref, 2.0))
    assert reasons.text(reason) == f"JUND site {up}: JUND"


def test_a_group_is_lost_only_if_none_of_its_tfs_stays():
    _, reason, _ = said(AP1, JUND=(0.9, 0.2, -3.0), FOSL2=(0.95, 0.7, -2.0))
    assert [(group.verb, [TFS[i] for i in group.tfs]) for group in reason.groups] == [("weakened", ["JUND", "FOSL2"])]
    _, reason, _ = said(AP1, JUND=(0.9, 0.2, -3.0), FOSL2=(0.3, 0.1, -0.8))  # never was predicted
    assert [group.verb for group in reason.groups] == ["lost"]


def test_tfs_of_one_site_are_one_group_whose_name_they_share():
    reasons, reason, windows = said(GATA, GATA1=(0.9, 0.1, -3.0), GATA2=(0.8, 0.2, -2.0), SOX6=(0.9, 0.85, -0.1))
    assert reasons.text(reason) == "GATA site lost: GATA1, GATA2; bound beside it: SOX6"
    first, second = reasons.sites_text(reason, windows, 0).split(";")
    tf, matrix, position, strand, scores = first.split(":")
    assert (tf, matrix[:2]) == ("GATA1", "MA") and strand in "+-" and second.startswith("GATA2:MA")
    ref, alt = map(float, scores.split("/"))
    assert ref > 5 > alt and abs(int(position) - 5001) < 12
    reasons, reason, _ = said(AP1, JUND=(0.9, 0.1, -3.0), FOSL2=(0.8, 0.2, -2.0))
    assert reasons.text(reason) == "bZIP site lost: JUND, FOSL2"


def test_what_has_no_site_of_its_own_goes_with_the_site_if_it_goes_its_way():
    reasons, reason, _ = said(AP1, JUND=(0.9, 0.1, -3.0), CTCF=(0.7, 0.4, -0.9), MINE=(0.2, 0.7, 0.8))
    assert reasons.text(reason) == (
        "JUND site lost: JUND; with it: CTCF; binding gained, no own motif explains it: MINE"
    )


def test_a_motif_that_moves_the_other_way_explains_nothing():
    reasons, reason, _ = said((AP1[1], AP1[0]), JUND=(0.9, 0.1, -3.0))
    assert reasons.text(reason) == "binding lost, no own motif explains it: JUND"


def test_sites_that_do_not_share_a_mode_are_two_groups():
    core = "ATGACTCAGATAAG", "ATGACTCTGATAAG"
    reasons, reason, _ = said(core, JUND=(0.9, 0.1, -3.0), GATA1=(0.8, 0.1, -2.0))
    assert reasons.text(reason) == "JUND site lost: JUND; GATA1 site lost: GATA1"


def test_what_is_bound_with_either_allele():
    reasons, reason, _ = said(AP1, JUND=(0.9, 0.88, -0.1), GATA1=(0.95, 0.96, 0.1))
    assert reasons.text(reason) == "no change, bound with either allele: GATA1, JUND"
    assert reasons.sites_text(reason, windows_of(AP1), 0) == "."
    many = {tf: (0.6 + i / 100, 0.6, 0.0) for i, tf in enumerate(TFS)}
    reasons, reason, _ = said(AP1, **many)
    assert reasons.text(reason).endswith("CTCF, MINE, SOX6, GATA2, GATA1 and 2 more")


def test_cofactors_come_first_among_what_is_bound_beside():
    reasons, reason, _ = said(GATA, GATA1=(0.9, 0.1, -3.0), SOX6=(0.6, 0.6, 0.0), CTCF=(0.99, 0.99, 0.0))
    assert reasons.text(reason) == "GATA1 site lost: GATA1; bound beside it: SOX6, CTCF"


def test_nothing_is_said_where_nothing_is_bound_or_scored():
    reasons, reason, windows = said(AP1)
    assert (reasons.text(reason), reasons.sites_text(reason, windows, 0)) == (".", ".")
    nothing = np.full((1, len(TFS)), np.nan, np.float32)
    assert reasons(windows, nothing, nothing, nothing) == [reason]


def test_only_notable_impacts_of_bound_tfs_are_named():
    ref, alt = np.float32([[0.05, 0.5, 0.5]]), np.float32([[0.02, 0.2, 0.2]])
    impact = np.float32([[-3, -NOTABLE, -NOTABLE + 0.01]])
    assert notable(ref, alt, impact).tolist() == [[False, True, False]]


def test_columns():
    values = np.full((2, len(TFS)), 0.01, np.float32)
    ref, alt, impact = values.copy(), values.copy(), np.zeros_like(values)
    ref[1, 0], impact[1, 0] = 0.9, -2
    found = Reasons(TFS).columns_of(windows_of(GATA, AP1), ref, alt, impact)
    assert found["reason"].tolist() == [".", "JUND site lost: JUND"]
    assert found["sites"][0] == "." and found["sites"][1].startswith("JUND:MA")
