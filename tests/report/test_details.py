"""Details of alleles on a made-up genome with a site in it, by the zoo's own model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kipoi_tfb.models.logits import impact
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.report.details import details_of
from kipoi_tfb.report.record import Detail, Row
from kipoi_tfb.variants import view
from kipoi_tfb.zoo.find import find_entry
from tfb_matrix_data.alleles import allele_windows
from tfb_matrix_data.errors import AssemblyError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import encode
from tfb_matrix_data.variants import Variants

SITE = "ATGACTCATC"  # of AP-1
AT = 994
CONTIG = "".join(np.random.default_rng(1).choice(list("ACGT"), 2000))
CONTIG = CONTIG[:AT] + SITE + CONTIG[AT + len(SITE) : 1500] + "N" * 40 + CONTIG[1540:]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor([find_entry("multi163")])


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Genome:
    path = tmp_path_factory.mktemp("details") / "made_up.fa"
    path.write_text(f">chrM1\n{CONTIG}\n")
    return Genome(path)


def row(offset: int, ref: str, alt: str, **more: str) -> Row:
    """Return the row of an allele at an offset into the site."""
    return Row(7, "chrM1", AT + offset + 1, ".", ref, alt, "ok", ".", ".", {}, **more)


@pytest.fixture(scope="module")
def lost(genome: Genome, predictor: Predictor) -> Detail:
    """Return the detail of the site's A, which becomes a G."""
    (detail,) = details_of([row(3, "A", "G")], genome, predictor)
    return detail


def test_a_lost_site(lost: Detail, genome: Genome, predictor: Predictor):
    group = lost.groups[0]
    assert group.title == "bZIP site lost" and group.crosses and not group.rises and group.own_site
    assert {"JUND", "FOSL1", "FOSL2"} <= set(group.tfs) and lost.leads[0] == group.tfs[0]
    assert group.start is not None and group.end is not None and group.start <= lost.pos <= group.end
    assert group.sentence.startswith("With ALT the model no longer predicts binding of ") and lost.sentence == ""
    alt = CONTIG[: AT + 3] + "G" + CONTIG[AT + 4 :]
    logits = [predictor.logits(encode(text[AT + 3 - 100 : AT + 3 + 100])[None])[0] for text in (CONTIG, alt)]
    sizes = impact(*map(torch.from_numpy, logits)).numpy()
    assert lost.n_tfs == len(sizes) == 163
    for line in lost.tfs:
        column = predictor.columns.index(line.tf)
        assert line.impact == pytest.approx(sizes[column], abs=1e-4)
        assert line.p_ref == pytest.approx(1 / (1 + np.exp(-logits[0][column])), abs=1e-4)
        assert (line.group is not None) == any(line.tf in group.tfs for group in lost.groups)
        assert (line.contributions is not None) == (line.tf in lost.leads)
        assert line.impact_percentile is not None and line.auprc is not None
    grouped = [line for line in lost.tfs if line.group == 0]
    assert [line.tf for line in grouped] == list(group.tfs)
    assert all(line.impact_percentile < 5 for line in grouped[:3])


def test_bases_and_motif_lie_where_the_genome_has_them(lost: Detail):
    assert lost.pos == AT + 4 and lost.ref.own == (25, 26)
    assert lost.ref.bases == CONTIG[AT + 3 - 25 : AT + 3 + 26] and lost.alt.bases[25] == "G"
    line = lost.tfs[0]
    assert line.contributions is not None and len(line.contributions.ref) == len(lost.ref.bases) == 51
    assert np.argmax(line.contributions.ref) in range(22, 32)  # within the site
    site = line.site
    assert site is not None and site.first is not None and site.covers and site.allele == "ref"
    assert lost.pos - 25 + site.first == site.start
    assert site.score_ref is not None and site.score_alt is not None and site.score_ref > max(5, site.score_alt)
    letters = np.array(site.letters)
    assert letters.shape == (site.end - site.start + 1, 4)
    np.testing.assert_allclose(letters.sum(1), 1, atol=0.01)
    there = [dict(zip("ACGT", column, strict=True))[base] for column, base in
             zip(letters.tolist(), lost.ref.bases[site.first :], strict=False)]  # fmt: skip
    assert np.mean(there) > 0.5  # the motif is drawn the right way round


def test_the_strip_is_what_moved_windows_give(lost: Detail, predictor: Predictor):
    assert lost.offsets[0] == -100 and lost.offsets[20] == 0 and len(lost.offsets) == 41
    assert 1 <= len(lost.tracks) <= 3
    track = lost.tracks[0]
    column = predictor.columns.index(track.tf)
    for i in (0, 7, 40):
        start = AT + 3 + lost.offsets[i] - 100
        logit = predictor.logits(encode(CONTIG[start : start + 200])[None])[0, column]
        assert track.ref[i] == pytest.approx(1 / (1 + np.exp(-logit)), abs=2e-3)
    assert max(track.ref) > 0.8 > 0.5 > max(track.alt[15:25]) and not lost.unknown


def test_unknown_bases_are_stretches(genome: Genome, predictor: Predictor):
    at = 1450
    base = CONTIG[at - 1]
    other = replace(row(0, base, "A" if base != "A" else "C"), pos=at, flags="n_in_window=40")
    (detail,) = details_of([other], genome, predictor)
    assert list(detail.unknown) == [(1500 + 1 - at, 1540 - at)]
    assert detail.cannot == ["40 of the 200 bases around it are unknown (N) in this genome: the model saw the rest."]


@pytest.mark.parametrize(("ref", "alt"), [("GACTCA", "G"), ("G", "GTT"), ("GAC", "TTT")])
def test_indels(genome: Genome, predictor: Predictor, ref: str, alt: str):
    assert CONTIG[AT + 2 : AT + 2 + len(ref)] == ref
    allele = row(2, ref, alt)
    (detail,) = details_of([allele], genome, predictor)
    variants = Variants(["chrM1"], np.array([allele.pos]), ["."], [ref], [alt], np.zeros(1, bool), Path("x"))
    windows = allele_windows(variants, genome, 200)
    assert detail.pos == windows.start[0] + 1
    n_ref, n_alt = int(windows.n_ref[0]), int(windows.n_alt[0])
    assert (detail.ref.own, detail.alt.own) == ((25, 25 + n_ref), (25, 25 + n_alt))
    assert len(detail.ref.bases) == 50 + n_ref and len(detail.alt.bases) == 50 + n_alt
    assert {"JUND", "FOSL1"} & set(detail.groups[0].tfs) and not detail.groups[0].rises


def test_an_allele_that_changes_nothing(genome: Genome, predictor: Predictor):
    at = 300
    base = CONTIG[at - 1]
    (detail,) = details_of([replace(row(0, base, "A" if base != "A" else "C"), pos=at)], genome, predictor)
    assert not detail.groups and detail.sentence.endswith("That is no evidence that the variant is harmless.")
    assert len(detail.tfs) == 4 and all(line.group is None and line.site is None for line in detail.tfs)


def test_nothing_is_mutated_for_a_logo_that_nobody_sees(genome: Genome, predictor: Predictor, monkeypatch):
    at, mutated = 300, []
    base = CONTIG[at - 1]
    original = view.mutate_window
    monkeypatch.setattr(view, "mutate_window", lambda *given: mutated.append(given) or original(*given))
    silent = replace(row(0, base, "A" if base != "A" else "C"), pos=at)
    without, with_lead = details_of([silent, row(3, "A", "G")], genome, predictor)
    assert not without.leads and len(mutated) == 2  # REF and ALT of the one with a lead
    assert len(without.ref.bases) == 51 and without.ref.bases == CONTIG[at - 1 - 25 : at + 25]
    assert with_lead.leads


def test_another_genome_is_refused(genome: Genome, predictor: Predictor):
    with pytest.raises(AssemblyError, match=r"made_up.fa: chrM1:998:C>G was scored, but cannot be .*ref_mismatch"):
        list(details_of([row(3, "C", "G")], genome, predictor))
    assert list(details_of([], genome, predictor)) == []
