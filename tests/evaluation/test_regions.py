"""Regions and labels from a matrix or from anyone's files, and what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.evaluation.regions import from_matrix, from_regions, from_sequences, from_two_files
from tests import tiny
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError
from tfb_matrix_data.genome import Genome, region_windows
from tfb_matrix_data.sequence import decode, encode

CONTIG = "ACGTTGCAAC" * 10 + "N" * 60 + "GATTACAGAT" * 10
BED = "chr1\t10\t20\nchr1\t30\t40\nchr1\t120\t140\n2\t0\t10\n"


@pytest.fixture
def genome(tmp_path, write_fasta):
    return Genome(write_fasta(tmp_path / "g.fa", {"chr1": CONTIG, "chr2": "ACGT" * 10}))


@pytest.fixture
def put(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


# A matrix


def test_matrix(world):
    data = from_matrix(world.matrix, world.genome, ["chr22", "chr16"])
    index = world.matrix.regions.on(["chr16", "chr22"])
    assert (data.codes == region_windows(world.matrix, world.genome, index)).all()
    assert (data.labels == world.matrix.labels(regions=index)).all()
    assert data.tfs == tuple(tiny.MOTIFS) and data.chromosomes == ("chr16", "chr22") and data.streams == (0, 1, 2)
    assert data.keys[0] == ("16", tiny.EVERY, tiny.EVERY + 200) and data.kept.tolist() == list(range(len(index)))


def test_windows_of_a_matrix_with_an_n_are_left_out(world):
    data = from_matrix(world.matrix, world.genome, ["chr21"])
    assert len(data.keys) == tiny.CONTIGS["chr21"] == len(data) + 1
    assert tiny.N_AT["chr21"] not in data.kept and not (data.codes == 4).any()


def test_windows_of_another_length_have_the_same_centre(world):
    short, long = (from_matrix(world.matrix, world.genome, ["chr22"], length=n) for n in (100, 200))
    assert (short.codes == long.codes[:, 50:150]).all()


def test_only_some_tfs(world):
    data = from_matrix(world.matrix, world.genome, ["chr22"])
    some = data.only(["SP1", "CTCF"])
    assert some.tfs == ("SP1", "CTCF") and some.streams == (2, 0) and (some.labels == data.labels[:, [2, 0]]).all()
    with pytest.raises(UnknownNameError, match=r"unknown TF .in matrix.h5, chr22. 'SP2'. Did you mean SP1"):
        data.only(["SP2"])


# BED and labels


def test_regions_with_labels(genome, put):
    data = from_regions(put("r.bed", BED), put("l.tsv", "A\tB\n1\t0\n0\t\n1\t1\n-1\t1\n"), genome, 20)
    # The third lies in unknown sequence; the second reaches to the edge of none.
    assert data.tfs == ("A", "B") and data.kept.tolist() == [0, 1, 3] and data.chromosomes == ("2", "chr1")
    assert data.labels.tolist() == [[1, 0], [0, -1], [-1, 1]]
    assert decode(data.codes[0]) == CONTIG[5:25] and decode(data.codes[2]) == "N" * 5 + "ACGTACGTACGTACG"


def test_labels_are_joined_on_coordinates(genome, put):
    labels = "chrom\tstart\tend\tA\nchr2\t0\t10\t1\nchr1\t30\t40\t0\nchr1\t10\t20\t1\nchr1\t120\t140\t0\n"
    data = from_regions(put("r.bed", BED), put("l.tsv", labels), genome, 20)
    assert data.labels[:, 0].tolist() == [1, 0, 1]


def test_only_some_chromosomes(genome, put):
    bed, labels = put("r.bed", BED), put("l.tsv", "chrom\tstart\tend\tA\nchr2\t0\t10\t1\n")
    data = from_regions(bed, labels, genome, 20, chromosomes=["chr2"])  # labels of the others are not missed
    assert data.kept.tolist() == [3] and data.chromosomes == ("2",)
    with pytest.raises(InputError, match=r"r.bed: has no region on chr7"):
        from_regions(bed, labels, genome, 20, chromosomes=["chr7"])


def test_regions_that_are_not_on_the_genome_are_left_out_and_said_as_by_predict(genome, put, caplog):
    bed = "chr1\t10\t20\nchr9\t1\t5\nchr2\t900\t950\nchr2\t25\t45\n"
    data = from_regions(put("r.bed", bed), put("l.tsv", "A\n1\n0\n1\n0\n"), genome, 20)
    assert data.kept.tolist() == [0, 3] and data.labels[:, 0].tolist() == [1, 0]
    assert decode(data.codes[1]) == "CGTACGTACGTACGT" + "N" * 5
    for said in (
        "r.bed: 1 regions, the first in line 2, are on contigs that the genome lacks, and are left out",
        "r.bed: 1 regions, the first in line 3, have their window beyond the end of their contig, and are left out",
        "r.bed: 1 regions, the first in line 4, end beyond their contig; is this the right assembly?",
    ):
        assert said in caplog.text
    two = from_two_files(put("p.bed", bed), put("n.bed", BED[11:]), "JUND", 20, genome)
    assert two.labels[:, 0].tolist() == [1, 1, 0, 0]
    with pytest.raises(InputError, match=r"r.bed: nothing is on a contig of g.fa, which has chr1, chr2; found chr9"):
        from_regions(put("r.bed", "chr9\t1\t5\n"), put("l.tsv", "A\n1\n"), genome, 20)


def test_wholly_unknown_windows_are_said(genome, put, caplog):
    bed, labels = put("r.bed", BED), put("l.tsv", "A\n1\n0\n1\n0\n")
    with caplog.at_level("WARNING", "kipoi_tfb"):
        from_regions(bed, labels, genome, 20)
    assert "1 windows of r.bed have no known base and are left out" in caplog.text
    with pytest.raises(ConfigError, match=r"r.bed: no window has a known base; is this the right genome"):
        from_regions(put("r.bed", "chr1\t120\t140\n"), put("l.tsv", "A\n1\n"), genome, 20)


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        ("A\n1\n0\n1\n", r"l.tsv: has 3 rows for 4 regions"),
        ("A\n1\n0\n1\n0\n0\n", r"l.tsv: has 5 rows for 4 regions"),
        ("A\n1\n0\n2\n0\n", r"l.tsv, line 4: column 'A' has the value 2; a label is 1 .bound., 0 .unbound., or -1"),
        ("A\n1\n0.5\n1\n0\n", r"l.tsv, line 3: column 'A' has the value 0.5"),
        ("A\n1\nyes\n1\n0\n", r"l.tsv, line 3: column 'A' has the value 'yes'"),
        ("chrom\tstart\tend\nchr1\t10\t20\n", "has no column of labels; expected one per TF, named by it"),
        ("chrom\tstart\tend\tA\nchr1\t10\t20\t1\n", "has no row for 3 of 4 regions, the first is chr1:30-40"),
    ],
)
def test_labels_that_do_not_fit(genome, put, labels, complaint):
    with pytest.raises(InputError, match=complaint):
        from_regions(put("r.bed", BED), put("l.tsv", labels), genome, 20)


# FASTA and labels


def test_sequences_with_labels(put):
    fasta = put("s.fa", ">a\nACGTACGT\n>b\nGG\n>c\nNNNNNN\n")
    for labels in ("A\n1\n0\n1\n", "name\tA\nc\t1\nb\t0\na\t1\n"):
        data = from_sequences(fasta, put("l.tsv", labels), 4)
        assert [decode(window) for window in data.codes] == ["GTAC", "NGGN"] and data.labels[:, 0].tolist() == [1, 0]
        assert data.keys == [("a",), ("b",), ("c",)] and data.chromosomes == ()


# Bound against unbound


def test_two_bed_files(genome, put):
    data = from_two_files(put("p.bed", "chr1\t10\t20\n"), put("n.bed", BED[11:]), "JUND", 20, genome)
    assert data.tfs == ("JUND",) and data.labels[:, 0].tolist() == [1, 0, 0] and data.source == "p.bed against n.bed"
    assert data.kept.tolist() == [0, 1, 3]


def test_two_fasta_files(put):
    data = from_two_files(put("p.fa", ">a\nACGT\n"), put("n.fa", ">a\nGGGG\n>b\nTTTT\n"), "JUND", 4)
    assert data.labels[:, 0].tolist() == [1, 0, 0] and (data.codes[2] == encode("TTTT")).all()


@pytest.mark.parametrize("kind", ["bed", "fasta"])
def test_bound_and_unbound_from_pipes(genome, pipe, put, kind):
    bound, unbound = {"bed": ("chr1\t10\t20\n", BED[11:]), "fasta": (">a\nACGT\n", ">a\nGGGG\n>b\nTTTT\n")}[kind]
    files = from_two_files(put("p", bound), put("n", unbound), "JUND", 4, genome)
    pipes = from_two_files(pipe(bound.encode()), pipe(unbound.encode()), "JUND", 4, genome)
    assert pipes.labels.tolist() == files.labels.tolist() and (pipes.codes == files.codes).all()


def test_a_region_in_both_files(genome, put):
    with pytest.raises(InputError, match=r"n.bed: 1 region.s. are in .*p.bed too, such as chr1:30-40; is it bound"):
        from_two_files(put("p.bed", "1\t30\t40\n"), put("n.bed", BED), "JUND", 20, genome)


def test_files_of_two_kinds_or_without_genome(genome, put):
    bed, fasta = put("p.bed", BED), put("n.fa", ">a\nACGT\n")
    with pytest.raises(InputError, match=r"n.fa: is FASTA, .*p.bed is BED; give two of a kind"):
        from_two_files(bed, fasta, "JUND", 20, genome)
    with pytest.raises(ConfigError, match=r"p.bed is BED: give the --genome that its regions are on"):
        from_two_files(bed, bed, "JUND", 20)


def test_streams_of_own_files_go_by_name(put):
    fasta = put("s.fa", ">a\nACGT\n>b\nGGGG\n")
    one, two = (from_sequences(fasta, put("l.tsv", text), 4) for text in ("B\n1\n0\n", "A\tB\n1\t1\n0\t0\n"))
    assert one.streams[0] == two.streams[1] != two.streams[0] and np.array(two.streams).min() >= 0
