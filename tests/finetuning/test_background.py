"""Where unbound regions are from: open regions that the genome has, or places of known sequence."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.finetuning import background
from kipoi_tfb.finetuning.background import away_from, named_as, open_places
from kipoi_tfb.finetuning.places import Places
from tests import tiny
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.genome import Genome


@pytest.fixture
def genome(tmp_path, write_fasta) -> Genome:
    return Genome(write_fasta(tmp_path / "g.fa", {"chr1": "ACGT" * 100, "2": "ACGT" * 100}))


def test_contigs_go_by_the_names_of_the_fasta(genome):
    assert named_as(np.array(["1", "chr2", "chr1"]), genome).tolist() == ["chr1", "2", "chr1"]
    assert len(named_as(np.zeros(0, str), genome)) == 0


def test_open_regions_of_a_bed(genome, tmp_path):
    (tmp_path / "open.bed").write_text("1\t10\t50\nchrUn\t3\t9\nchr2\t0\t400\n")
    found = open_places(tmp_path / "open.bed", genome)
    assert found.places.rows() == [("chr1", 10, 50), ("2", 0, 400)]
    assert found.unknown.tolist() == ["chrUn"] and found.what == "open regions of open.bed"


def test_open_regions_beyond_the_end_of_their_contig_are_left_out_and_counted(genome, tmp_path):
    (tmp_path / "open.bed").write_text("1\t10\t50\nchr1\t390\t401\nchr2\t900\t950\nchrUn\t3\t9\n")
    found = open_places(tmp_path / "open.bed", genome)
    assert found.places.rows() == [("chr1", 10, 50)] and found.n_beyond == 2 and found.unknown.tolist() == ["chrUn"]
    (tmp_path / "open.bed").write_text("chrUn\t3\t9\nchr1\t390\t401\n")
    with pytest.raises(
        InputError, match=r"open.bed: nothing is on a contig of g.fa, which has chr1, 2; found chr1, chrUn"
    ):
        open_places(tmp_path / "open.bed", genome)


def test_open_regions_of_a_matrix(world):
    found = open_places(world.matrix, world.genome)
    assert len(found.places) == sum(tiny.CONTIGS.values()) and not len(found.unknown)
    assert found.places.rows()[:2] == [("chr13", 250, 450), ("chr13", 500, 700)]
    assert found.what == "open regions of matrix.h5"


def test_a_matrix_on_a_genome_that_lacks_a_contig(world, tmp_path, write_fasta):
    one = {"22": "ACGT" * 20_000}
    found = open_places(world.matrix, Genome(write_fasta(tmp_path / "one.fa", one)))
    assert set(found.places.chrom.tolist()) == {"22"} and len(found.places) == tiny.CONTIGS["chr22"]
    assert set(found.unknown.tolist()) == set(tiny.CONTIGS) - {"chr22"}


@pytest.mark.parametrize(
    ("contigs", "message"),
    [
        ({"chr22": "ACGT" * 500}, r"matrix.h5: a region ends beyond its contig in g2.fa; is this the right assembly"),
        ({"chr7": "ACGT" * 500}, r"matrix.h5: no region is on a contig of g2.fa; is this the right assembly"),
    ],
)
def test_a_matrix_of_another_assembly(world, tmp_path, write_fasta, contigs, message):
    other = Genome(write_fasta(tmp_path / "g2.fa", contigs))
    with pytest.raises(InputError, match=message):
        open_places(world.matrix, other)


def test_places_away_from_peaks_are_where_the_genome_is_known(tmp_path, monkeypatch):
    """In a genome of which little is known, as one that is masked outside of open regions."""
    monkeypatch.setattr(background, "_PIECE", 1000)  # stretches go on from piece to piece
    rng = np.random.default_rng(0)
    bases = np.full(30_000, "N")
    for start, n in ((0, 200), (500, 199), (900, 450), (2990, 210), (29_700, 300)):
        bases[start : start + n] = rng.choice(list("ACGT"), n)
    (tmp_path / "n.fa").write_text(f">chr1\n{''.join(bases)}\n>chr2\n{'N' * 400}\n>chr3\nACGT\n")
    peaks = Places(np.array(["chr1"] * 500 + ["chr2", "chr3"]), np.zeros(502, np.int64), np.ones(502, np.int64))
    found = away_from(peaks, Genome(tmp_path / "n.fa"), 200, seed=0)
    assert set(found.chrom.tolist()) == {"chr1"} and len(found) == 10_000
    allowed = [0, *range(900, 1151), *range(2990, 3001), *range(29_700, 29_801)]
    assert set(found.start.tolist()) == set(allowed)
    assert np.unique(found.start, return_counts=True)[1].max() < 80  # each of 364 is as likely
