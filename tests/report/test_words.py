"""Whole sentences: what the model predicts of a group, of an allele that changes nothing, and what cannot be said."""

import numpy as np
import pytest

from kipoi_tfb.report.words import group_sentence, group_title, limits_of, whole_sentence
from kipoi_tfb.variants.reasons import Group, Reason

NEVER = ("pathogenic", "benign", "damaging", "significant", "causes", "no effect", "confidence")


@pytest.mark.parametrize(
    ("verb", "site", "p", "title", "sentence"),
    [
        (
            "lost", "POU2F2", (0.93, 0.02), "POU2F2 site lost",
            "With ALT the model no longer predicts binding of POU2F2 (P 0.93 to 0.02). Its own motif lies on the "
            "variant, and changes with it.",
        ),
        (
            "gained", "", (0.001, 0.8), "POU2F2 binding gained",
            "With ALT the model predicts binding of POU2F2 (P <0.01 to 0.80), not predicted with REF. No known motif "
            "of its own on the variant explains it; it may come by way of what binds beside it.",
        ),
        (
            "weakened", "POU2F2", (0.999, 0.7), "POU2F2 site weakened",
            "Binding of POU2F2 (P >0.99 to 0.70) stays predicted, with less probability with ALT. Its own motif lies "
            "on the variant, and changes with it.",
        ),
        (
            "more likely", "POU2F2", (0.2, 0.4), "POU2F2 site more likely",
            "Not predicted with either allele, and more likely with ALT: POU2F2 (P 0.20 to 0.40). Its own motif lies "
            "on the variant, and changes with it.",
        ),
    ],
)  # fmt: skip
def test_one_tf(verb, site, p, title, sentence):
    group, (ref, alt) = Group([0], verb, site), np.array([p]).T[:, :, None][:, 0]
    assert group_title(group, ["POU2F2"]) == title
    assert group_sentence(group, ["POU2F2"], ref, alt) == sentence


def test_several_tfs_of_one_site_are_told_apart_by_what_becomes_of_them():
    names = ["MAFG", "NFE2", "MAFK", "FOSL1"]
    ref, alt = np.array([0.94, 0.6, 0.97, 0.3]), np.array([0.3, 0.04, 0.64, 0.1])
    said = group_sentence(Group([0, 1, 2, 3], "weakened", "bZIP"), names, ref, alt)
    assert said == (
        "With ALT the model no longer predicts binding of MAFG (P 0.94 to 0.30) and NFE2 (P 0.60 to 0.04). "
        "Binding of MAFK (P 0.97 to 0.64) stays predicted, with less probability with ALT. "
        "Also less likely with ALT: FOSL1 (P 0.30 to 0.10). "
        "They share a bZIP site at the variant; which is meant depends on which of them the cell makes."
    )
    assert all(name in said for name in names)
    assert group_title(Group([0, 1], "lost", ""), names[:2]) == "binding lost"


def test_every_tf_of_a_group_is_in_exactly_one_part():
    random = np.random.default_rng(5)
    for _ in range(200):
        ref, alt = random.random((2, 4))
        up = random.random() < 0.5
        ref, alt = (np.minimum(ref, alt), np.maximum(ref, alt)) if up else (np.maximum(ref, alt), np.minimum(ref, alt))
        said = group_sentence(Group([0, 1, 2, 3], "gained" if up else "lost", "X"), ["AA", "BB", "CC", "DD"], ref, alt)
        assert [said.count(f"{name} (P ") for name in ("AA", "BB", "CC", "DD")] == [1, 1, 1, 1]


def test_what_changes_nothing_is_not_called_harmless():
    nothing = whole_sentence(Reason([], [], {}), [], 163)
    assert nothing.startswith("No TF of the 163 is predicted to bind with either allele.")
    bound = whole_sentence(Reason([], [0], {}), ["GATA1"], 163)
    assert bound.startswith(
        "No change of binding is predicted; with either allele the model predicts binding of GATA1."
    )
    for said in (nothing, bound):
        assert said.endswith("That is no evidence that the variant is harmless.")
    assert whole_sentence(Reason([Group([0], "lost", "")], [], {}), [], 163) == ""


def test_no_word_is_used_that_would_mislead():
    said = " ".join(
        group_sentence(Group([0, 1], verb, site), ["A", "B"], np.array(ref), np.array(alt))
        for verb, ref, alt in [
            ("lost", (0.9, 0.9), (0.1, 0.2)),
            ("gained", (0.1, 0.2), (0.9, 0.9)),
            ("less likely", (0.4, 0.3), (0.1, 0.1)),
            ("strengthened", (0.6, 0.7), (0.8, 0.9)),
        ]
        for site in ("", "X")
    )
    said += whole_sentence(Reason([], [], {}), [], 5) + " ".join(
        limits_of("edge_padded;n_in_window=3", 200, [("A", 0.5)])
    )
    assert not [word for word in NEVER if word in said.lower()]


def test_limits():
    assert limits_of(".", 200, [("A", 0.9)]) == []
    assert limits_of("duplicate;n_in_window=18;edge_padded", 200, [("A", 0.62), ("B", 0.9)]) == [
        "18 of the 200 bases around it are unknown (N) in this genome: the model saw the rest.",
        "The contig ends within the window: the model saw the rest.",
        "The model tells regions bound by A (AUPRC 0.62) badly from unbound ones.",
    ]
