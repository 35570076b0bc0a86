"""Haplotypes against a plain oracle: all changes written into a string, from the last to the first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.genotypes import ABSENT, CARRIED, MISSING, UNPHASED, Genotype
from tfb_matrix_data.haplotypes import STATES, Context, HaplotypeAllele, context_of
from tfb_matrix_data.sequence import decode, encode

LENGTH = 20
CONTIG = "".join(np.random.default_rng(5).choice(list("ACGT"), 90))
CODES = encode(CONTIG)
FIRST = Genotype(CARRIED, frozenset({1}))


def allele(start: int, n_ref: int, alt: str, genotype: Genotype = FIRST, longer: int = 0) -> HaplotypeAllele:
    text = f"{start}:{CONTIG[start : start + n_ref]}>{alt}"
    return HaplotypeAllele(text, start, n_ref, start + n_ref + longer, encode(alt), genotype)


def of(own: HaplotypeAllele, *others: HaplotypeAllele) -> Context:
    around = sorted([own, *others], key=lambda one: (one.start, one.n_ref > 0))
    return context_of(own, CODES[own.start : own.start + own.n_ref], around, CODES, LENGTH)


def written(changes: list[HaplotypeAllele], own: HaplotypeAllele) -> str:
    """Return the window of an allele's place on the haplotype of all changes, N beyond the contig."""
    text, at = CONTIG, own.start
    for change in sorted(changes, key=lambda one: (one.start, one.n_ref > 0), reverse=True):
        text = text[: change.start] + decode(change.alt) + text[change.start + change.n_ref :]
        if (change.start, change.n_ref > 0) < (own.start, own.n_ref > 0):
            at += len(change.alt) - change.n_ref
    padded = "N" * LENGTH + text + "N" * LENGTH
    return padded[LENGTH + at - LENGTH // 2 :][:LENGTH]


@st.composite
def haplotypes(draw) -> list[HaplotypeAllele]:
    """Return changes that do not touch the same bases, in their order."""
    changes, at = [], draw(st.integers(0, 20))
    inserted = -1
    for _ in range(draw(st.integers(1, 12))):
        start = at + draw(st.integers(0, 12))
        n_ref = draw(st.integers(0, 4))
        alt = draw(st.text("ACGT", min_size=0 if n_ref else 1, max_size=6))
        if start + n_ref > len(CONTIG) or (not n_ref and start == inserted):
            break
        changes.append(allele(start, n_ref, alt))
        inserted = start if not n_ref else -1
        at = start + n_ref
    return changes


@given(haplotypes(), st.data())
def test_a_window_is_that_of_the_whole_haplotype(changes, data):
    if not changes:
        return
    own = data.draw(st.sampled_from(changes))
    others = [change for change in changes if change is not own]
    found = of(own, *others)
    named = [change for change in others if change.text in found.others]
    assert found.state == ("together" if named else "alone") and found.others == [change.text for change in named]
    if named:
        assert found.without is not None and found.within is not None
        assert decode(found.within) == written(changes, own)
        assert decode(found.without) == written(others, own)
    else:
        # Nothing else is in the window: it is that of the allele alone.
        assert written(changes, own) == written([own], own) and written(others, own) == written([], own)


def test_by_hand():
    own, before, after = allele(40, 1, "T"), allele(35, 0, "GGG"), allele(44, 2, "")
    found = of(own, before, after)
    assert found.others == [before.text, after.text] and found.state == "together"
    left = CONTIG[33:35] + "GGG" + CONTIG[35:40]
    right = CONTIG[41:44] + CONTIG[46:52]
    assert decode(found.within) == left + "T" + right and decode(found.without) == left + CONTIG[40] + right


def test_what_is_in_the_window():
    own = allele(40, 1, "T")
    edges = [allele(29, 1, "T"), allele(30, 1, "A"), allele(49, 1, "A"), allele(50, 1, "T")]
    assert of(own, *edges).others == [edges[1].text, edges[2].text]
    assert [of(own, edge).state for edge in edges] == ["alone", "together", "together", "alone"]
    # A deletion brings others in from beyond; two copies of a record are one change.
    assert of(own, *edges, allele(45, 2, ""), allele(45, 2, "")).others == [
        *(edge.text for edge in edges[1:2]),
        allele(45, 2, "").text,
        *(edge.text for edge in edges[2:]),
    ]


@pytest.mark.parametrize(
    ("others", "state", "names"),
    [
        ([allele(39, 3, "")], "overlap", 1),
        ([allele(40, 1, "G")], "overlap", 1),
        ([allele(36, 0, "A", longer=5)], "overlap", 1),  # in a repeat, it may stand at the allele
        ([allele(43, 2, "A"), allele(44, 2, "")], "overlap", 2),
        ([allele(45, 0, "A"), allele(45, 0, "C")], "overlap", 2),
        ([allele(36, 0, "A"), allele(36, 1, "C")], "together", 2),  # an insertion before a base that is another one
        ([replace(allele(44, 1, "A"), alt=None)], "neighbour_not_scored", 1),
        ([replace(allele(54, 1, "A"), alt=None)], "alone", 0),
        ([allele(44, 1, "A", Genotype(CARRIED, frozenset({2})))], "alone", 0),
        ([allele(44, 1, "A", Genotype(ABSENT))], "alone", 0),
        ([allele(44, 1, "A", Genotype(UNPHASED))], "partial", 0),
        ([allele(44, 1, "A", Genotype(MISSING)), allele(37, 1, "A")], "partial", 1),
        ([allele(44, 1, "A", Genotype(CARRIED, frozenset({1}), False, "7"))], "partial", 0),
        ([allele(44, 1, "A", Genotype(CARRIED, frozenset({1, 2}), True, "7"))], "together", 1),
        ([allele(54, 1, "A", Genotype(UNPHASED))], "alone", 0),
    ],
)
def test_what_is_said_and_not_guessed(others, state, names):
    found = of(allele(40, 1, "T"), *others)
    assert state in STATES and found.state == state and len(found.others) == names
    assert (found.within is None) == (found.without is None) == (state not in ("together", "partial") or not names)


def test_an_allele_on_both_haplotypes_of_which_one_has_another():
    both = Genotype(CARRIED, frozenset({1, 2}), True)
    own = allele(40, 1, "T", both)
    assert of(own, allele(44, 1, "A")).state == "differs"
    assert of(own, allele(44, 1, "A", both)).state == "together"
    assert of(own, allele(54, 1, "A")).state == "alone"


@pytest.mark.parametrize("state", [ABSENT, MISSING, UNPHASED])
def test_an_allele_without_a_haplotype(state):
    assert of(allele(40, 1, "T", Genotype(state)), allele(44, 1, "A")) == Context(state, [])


def test_an_allele_that_is_not_scored():
    assert of(replace(allele(40, 1, "T"), alt=None), allele(44, 1, "A")).state == "not_scored"
