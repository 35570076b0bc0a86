"""Motifs in use around an allele: of a network that reads one word, the places of that word, with the right alleles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kipoi_tfb.motifs.profiles import Motif
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.report.details import details_of
from kipoi_tfb.report.record import Row
from kipoi_tfb.report.used import marks_of, used_in_view, used_motifs
from kipoi_tfb.variants.view import view_variant
from tests.interpretation.planted import MOTIF, planted_entry
from tests.motifs.made_up import consensus
from tfb_matrix_data.alleles import allele_windows
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import encode
from tfb_matrix_data.variants import Variants

OWN = Motif("Planted", "MA_PLANTED", "JUND", np.eye(4)[encode(MOTIF)].T * 50)
OTHER = consensus("CATTCCTGA", "TEAD4")
AT = 500
"""Index of the first base of the word."""
CONTIG = "".join(np.random.default_rng(3).choice(list("ACGT"), 1000))
CONTIG = CONTIG[:AT] + MOTIF + CONTIG[AT + len(MOTIF) :]


@pytest.fixture(scope="module")
def predictor(tmp_path_factory) -> Predictor:
    return Predictor([planted_entry(tmp_path_factory.mktemp("planted") / "entry", bias=-7)])


@pytest.fixture(scope="module")
def genome(tmp_path_factory) -> Genome:
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">chr1\n{CONTIG}\n")
    return Genome(path)


def _used(predictor, genome, index: int, ref: str, alt: str, motifs=(OWN, OTHER)):
    assert CONTIG[index : index + len(ref)] == ref
    variants = Variants(["chr1"], np.array([index + 1]), ["."], [ref], [alt], np.zeros(1, bool), Path())
    (used,) = used_motifs(predictor, allele_windows(variants, genome, 200), 0, [0], motifs)
    return used


def _other(base: str) -> str:
    return "ACGT"["ACGT".index(base) - 1]


def test_a_site_beside_the_variant_is_in_use_with_either_allele(predictor, genome):
    at = AT + 30
    (one,) = _used(predictor, genome, at, CONTIG[at], _other(CONTIG[at]))
    assert one.motif is OWN and (one.start, one.end) == (AT + 1, AT + 13) and not one.reverse
    assert one.ref == pytest.approx(one.alt, abs=0.1) and one.ref > 10  # a base of the word gives 4/3 or so


@pytest.mark.parametrize(("ref", "alt"), [("", "ACGTA"), ("?" * 6, "")])
def test_positions_behind_an_indel_are_those_of_the_genome(predictor, genome, ref, alt):
    at = AT - 20
    ref = CONTIG[at : at + 1 + len(ref)]
    (one,) = _used(predictor, genome, at, ref, CONTIG[at] + alt)
    assert (one.start, one.end) == (AT + 1, AT + 13) and one.ref is not None and one.alt is not None


def test_a_site_that_the_variant_takes_is_in_use_with_ref_alone(predictor, genome):
    at = AT + 6
    used = _used(predictor, genome, at, CONTIG[at : at + 4], CONTIG[at])
    (one,) = (each for each in used if each.motif is OWN)
    assert one.start == AT + 1 and one.ref > 10 and one.alt is None and not one.on_alt


def test_no_motif_no_use(predictor, genome):
    at = AT + 30
    far = consensus("ACGTACGTACGTACGTACG", "FAR")
    assert _used(predictor, genome, at, CONTIG[at], _other(CONTIG[at]), [far]) == []


def test_details_say_it_of_the_tfs_whose_logos_are_drawn(predictor, genome):
    at = AT + 6
    row = Row(1, "chr1", at + 1, ".", CONTIG[at : at + 4], CONTIG[at], "ok", ".", ".", {})
    (silent,) = details_of([row], genome, predictor)
    assert all(line.used_sentence == "" and not line.used for line in silent.tfs) and silent.leads == ["JUND"]
    (detail,) = details_of([row], genome, predictor, [OWN])
    (line,) = detail.tfs
    assert [(one.motif_name, one.start, one.alt) for one in line.used] == [("Planted", AT + 1, None)]
    words = f"In use for JUND: Planted (MA_PLANTED) at 501 to 513, + strand, with REF alone ({line.used[0].ref:+.1f})."
    assert line.used_sentence == words


def test_marks_lie_below_the_letters_of_the_motif(predictor, genome):
    at = AT + 30
    view = view_variant(predictor, f"chr1:{at + 1}:{CONTIG[at]}>{_other(CONTIG[at])}", genome)
    used = used_in_view(predictor, view, genome, [OWN])
    ((mark,),) = marks_of(view, used, predictor.window_length)
    assert mark.label == "Planted, either allele" and mark.width == 13
    assert mark.start == -5  # 25 bases are shown on either side; the word begins 30 before the variant
