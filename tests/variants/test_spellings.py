"""All spellings of one change have one score, to the byte: a share of what `benchmarks.spellings` compares."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.spellings import SPELLINGS, compare, draw, unlike_bcftools
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants import view
from tests import tiny
from tests.entries import CONTIGS
from tests.models.test_changes import SIZES
from tests.models.test_changes import lively as tiny_motif_network

pytest_plugins = ("tests.entries",)

N = 100


@pytest.fixture(scope="module")
def drawn(genome):
    return draw(genome, ["chr1"], N, 2)


def test_the_spellings_say_one_change_in_different_ways(drawn):
    contig = CONTIGS["chr1"]
    for spelt in drawn:
        haplotypes = {contig[: s.pos - 1] + s.alt + contig[s.pos - 1 + len(s.ref) :] for s in spelt}
        assert len(haplotypes) == 1 and haplotypes != {contig}
        assert all(contig[s.pos - 1 :].startswith(s.ref) and s.ref and s.alt for s in spelt)
    assert np.mean([len(set(spelt)) for spelt in drawn]) > len(SPELLINGS) - 0.5
    places = [len({s.pos for s in spelt}) for spelt in drawn]
    assert np.mean(places) > 2


def test_equal_changes_score_equally_to_the_byte(genome, predictor, drawn, tmp_path, capsys):
    assert compare(predictor, genome, drawn, tmp_path) == 0
    said = capsys.readouterr().out
    assert f"| statuses | ok {N * len(SPELLINGS)} |" in said and f"| 0 of {N} |" in said
    assert f"| in front | {N} changes | {N} not in their normal form |" in said
    assert unlike_bcftools(genome, drawn, tmp_path) == 0


def test_a_difference_would_be_found(genome, predictor, drawn, tmp_path, capsys):
    other = drawn[1][0]._replace(alt=drawn[1][0].alt + "GGTCCA")
    assert compare(predictor, genome, [drawn[0], [other, *drawn[1][1:]]], tmp_path) == 1
    assert "| 1 of 2 |" in capsys.readouterr().out


def test_a_network_that_runs_only_what_changes(genome, drawn, tmp_path):
    network = tiny_motif_network()
    card = {"architecture": "motif-cnn", "sizes": SIZES, "name": "motif"}
    assert compare(Predictor([tiny.make_entry(tmp_path / "own", network, **card)]), genome, drawn[:40], tmp_path) == 0


def test_pictures_too(genome, predictor, drawn):
    for spelt in drawn[2:7]:
        views = [view.view_variant(predictor, "{}:{}:{}>{}".format(*spelling), genome, flank=9) for spelling in spelt]
        for one in views[1:]:
            assert one.effect.tobytes() == views[0].effect.tobytes()
            for allele, first in zip(one.alleles, views[0].alleles, strict=True):
                assert allele.own == first.own and (allele.pos == first.pos).all()
                assert allele.mutations.alt.tobytes() == first.mutations.alt.tobytes()
