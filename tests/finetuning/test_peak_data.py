"""Regions to fine-tune on, of peaks: by rules that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.finetuning.data import from_binding_matrix
from kipoi_tfb.finetuning.peak_data import from_peaks
from tests import tiny
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import encode


def lines_of(world, tf="SP1", value=1):
    """Return BED lines of the regions with a label, of all chromosomes."""
    matrix = world.matrix
    regions, labels = matrix.regions, matrix.labels([tf])[:, 0]
    chosen = np.flatnonzero(labels == value)
    names = np.array(regions.chrom_names)[regions.chrom[chosen]]
    return [f"{c}\t{s}\t{s + 200}" for c, s in zip(names.tolist(), regions.start[chosen].tolist(), strict=True)]


@pytest.fixture
def bed(tmp_path):
    def write(lines, name="peaks.bed"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def places(data):
    return {(c, s, e) for c, s, e in data.test.keys}


def test_bound_and_unbound_by_hand(bed, tmp_path):
    genome = big_genome(tmp_path)
    # Open: a region per 1,000 bp. Peaks: in the first two of every five, one of them at its edge; one off all of them.
    opened = [f"{c}\t{s}\t{s + 300}" for c in genome.lengths for s in range(1000, 99000, 1000)]
    peaks = [
        f"{c}\t{s + at}\t{s + at + 40}" for c in genome.lengths for s in range(1000, 99000, 5000) for at in (0, 1270)
    ]
    peaks += ["chr22\t99500\t99540"]
    data = from_peaks(bed(peaks), genome, "MYTF", bed(opened, "open.bed"))
    bound = {key for key, label in zip(data.test.keys, data.test.labels[:, 0], strict=True) if label == 1}
    unbound = places(data) - bound
    # Around the centres of the peaks: 1020, 2290, 6020 ...; of the open regions: 3150, 4150, 5150, 8150 ...
    assert {("22", 920, 1120), ("22", 2190, 2390), ("22", 5920, 6120)} <= bound and len(bound) == 40
    assert {("22", 3050, 3250), ("22", 4050, 4250), ("22", 5050, 5250), ("22", 8050, 8250)} <= unbound
    assert len(unbound) == 98 - 40 and not {s for _, s, _ in unbound} & {1050, 2050, 6050}
    assert data.card.test_chromosomes == ("chr22",) and data.card.validation_chromosomes == ("chr21",)
    assert data.card.train_chromosomes == ("chr1", "chr2")  # chr16 has no use
    assert data.counts["train"]["bound"] == 80


def big_genome(folder, chroms=("chr1", "chr2", "chr16", "chr21", "chr22"), length=100_000):
    rng = np.random.default_rng(0)
    path = folder / "big.fa"
    path.write_text("".join(f">{c}\n{''.join(rng.choice(list('ACGT'), length))}\n" for c in chroms))
    return Genome(path)


def test_windows_are_around_summits_where_there_are_any(bed, world):
    lines = [f"{line}\t.\t0\t.\t1\t1\t1\t{40 + i % 40}" for i, line in enumerate(lines_of(world))]
    data = from_peaks(bed(lines, "p.narrowPeak"), world.genome, "SP1", world.matrix)
    centred = from_peaks(bed(lines, "p.narrowPeak"), world.genome, "SP1", world.matrix, anchor="centre")
    bound = [key for key, label in zip(data.test.keys, data.test.labels[:, 0], strict=True) if label]
    starts = {int(line.split("\t")[1]) + int(line.split("\t")[-1]) - 100 for line in lines if line.startswith("chr22")}
    assert {start for _, start, _ in bound} == starts
    assert centred.test.labels.sum() >= len(bound) * 0.9 and places(centred) != places(data)


def test_the_matrix_as_peaks_is_the_matrix(bed, world):
    opened = bed([*lines_of(world), *lines_of(world, value=0)], "o.bed")
    data = from_peaks(bed(lines_of(world)), world.genome, "SP1", opened, assembly="hg0")
    expected = from_binding_matrix(world.matrix, world.genome, "SP1")
    found = dict(zip(data.test.keys, data.test.labels[:, 0].tolist(), strict=True))
    same = expected.test.labels[:, 0]
    keys = [expected.test.keys[at] for at in expected.test.kept]
    assert found == {key: label for key, label in zip(keys, same.tolist(), strict=True) if label >= 0}
    assert data.counts["train"]["bound"] == expected.counts["train"]["bound"]
    assert data.card.assembly == "hg0" and data.card.matrix_sha256 is None and data.card.open_sha256


def test_without_open_regions_places_away_from_peaks(bed, world):
    peaks = lines_of(world)
    data = from_peaks(bed(peaks), world.genome, "SP1")
    spans = [(line.split("\t")[0].removeprefix("chr"), int(line.split("\t")[1])) for line in peaks]
    unbound = [key for key, label in zip(data.test.keys, data.test.labels[:, 0], strict=True) if not label]
    assert unbound and data.counts["train"]["unbound"] > 0
    assert not any(c == chrom and start < s + 200 and s < end for c, s in spans for chrom, start, end in unbound)
    assert "places away from peaks" in data.card.source and data.card.open_sha256 is None


def test_same_seed_same_regions(bed, world):
    peaks = bed(lines_of(world))
    a, b, c = (from_peaks(peaks, world.genome, "SP1", world.matrix, seed=seed) for seed in (1, 1, 2))
    assert (a.training.train.region == b.training.train.region).all()
    assert set(a.training.train.region) != set(c.training.train.region)


# What is refused, or said


def refused(error, match, *arguments, **options):
    with pytest.raises(error, match=match):
        from_peaks(*arguments, **options)


def test_peaks_of_another_assembly(bed, world):
    elsewhere = bed([f"x{line}" for line in lines_of(world)])
    match = r"peaks.bed: nothing is on a contig of .*, which has chr13.*; found xchr13.*; is this the right assembly"
    refused(InputError, match, elsewhere, world.genome, "SP1", world.matrix)


def test_peaks_beyond_the_end_of_their_contig_are_left_out_and_said(bed, world, caplog):
    lines, size = lines_of(world), world.genome.lengths["chr22"]
    odd = [f"chr22\t{size + 5000}\t{size + 5200}", f"chr22\t{size - 300}\t{size + 40}", "chr99\t1\t9"]
    with caplog.at_level("INFO"):
        found = from_peaks(bed([*lines, *odd]), world.genome, "SP1", world.matrix)
    assert account(caplog)["- beyond the end of their contig"] == [1, 0]
    assert account(caplog)[f"- on contigs that {world.genome.path.name} lacks (chr99)"] == [1, 0]
    said = f"peaks.bed: 1 peaks end beyond their contig in {world.genome.path.name}, the first in line {len(lines) + 2}"
    assert said in caplog.text
    assert found.counts == from_peaks(bed(lines), world.genome, "SP1", world.matrix).counts


def test_peaks_that_are_open_by_chance(bed, tmp_path):
    """As of another assembly with contigs as long: a tenth of the genome is open, a tenth of the peaks is there."""
    genome = big_genome(tmp_path)
    opened = bed([f"{c}\t{s}\t{s + 200}" for c in genome.lengths for s in range(1000, 99000, 2000)], "open.bed")
    rng = np.random.default_rng(0)
    peaks = bed([f"{c}\t{s}\t{s + 200}" for c in genome.lengths for s in rng.integers(0, 99000, 400).tolist()])
    match = r"168 of 2,000 peaks lie in open regions of open.bed, where 196 would by chance; are they of another assem"
    refused(InputError, match, peaks, genome, "MYTF", opened)


def test_peaks_that_miss_the_open_regions(bed, world):
    moved = []
    for line in lines_of(world):
        chrom, start, _ = line.split("\t")
        moved.append(f"{chrom}\t{int(start) + 205}\t{int(start) + 245}")  # between two regions
    match = r"0 of \d+ peaks lie in open regions .*; are they of another assembly"
    refused(InputError, match, bed(moved), world.genome, "SP1", world.matrix)


def test_a_masked_genome(bed, tmp_path):
    path = tmp_path / "n.fa"
    path.write_text(f">chr1\n{'N' * 30000}\n")
    peaks = bed([f"chr1\t{s}\t{s + 200}" for s in range(1000, 20000, 500)])
    refused(InputError, "windows around peaks have unknown bases in n.fa; is it the right", peaks, Genome(path), "X")


def test_three_peaks_only(bed, world):
    match = r"peaks.bed: 3 bound regions to train with, at least 20 are needed; there are 3 to train, 0 to validate"
    refused(ConfigError, match, bed(lines_of(world)[:3]), world.genome, "SP1", world.matrix)


def test_peaks_all_of_the_test_chromosome(bed, world):
    peaks = [line for line in lines_of(world) if line.startswith("chr22")]
    match = rf"0 bound regions to train with.*{len(peaks)} to test \(chr22\).*give the peaks of the whole genome"
    refused(ConfigError, match, bed(peaks), world.genome, "SP1", world.matrix)


def test_no_peak_to_test_with(bed, world):
    peaks = [line for line in lines_of(world) if not line.startswith("chr22")]
    match = "0 bound regions to test with, at least 5 are needed"
    refused(ConfigError, match, bed(peaks), world.genome, "SP1", world.matrix)


def test_more_asked_for_than_there_are(bed, world):
    match = r"bound regions to train with, at least 5000 are needed"
    refused(ConfigError, match, bed(lines_of(world)), world.genome, "SP1", world.matrix, n_bound=5000)


def test_duplicate_and_overlapping_peaks_count_once(bed, world, caplog):
    peaks = lines_of(world)
    twice = [*peaks, *peaks[:10], *(f"{c}\t{int(s) + 20}\t{int(e) + 20}" for c, s, e in map(str.split, peaks[:5]))]
    once = from_peaks(bed(peaks), world.genome, "SP1", world.matrix)
    caplog.clear()
    with caplog.at_level("INFO", "kipoi_tfb"):
        again = from_peaks(bed(twice), world.genome, "SP1", world.matrix)
    assert account(caplog)["- given twice, or overlapping an earlier window"] == [15, 0]
    assert again.counts["train"]["bound"] == once.counts["train"]["bound"]


def test_two_spellings_of_a_chromosome_are_one(bed, world):
    peaks = lines_of(world)
    once = from_peaks(bed(peaks), world.genome, "SP1", world.matrix)
    plain = [line.removeprefix("chr") for line in peaks]
    for given in (plain, [*peaks, *plain]):
        data = from_peaks(bed(given), world.genome, "SP1", world.matrix)
        assert data.counts == once.counts and data.card.test_chromosomes == ("chr22",)


def account(caplog):
    """Return {what: [peaks, unbound]} of the table in the log, 0 where a cell is empty."""
    (table,) = [record.getMessage() for record in caplog.records if "there are" in record.getMessage()]
    _, header, *lines = table.splitlines()
    end = header.index("peaks") + len("peaks")
    cells = [(line[: end - 9].rstrip(), line[end - 9 : end], line[end:]) for line in lines]
    return {what: [int(n.replace(",", "").strip() or 0) for n in numbers] for what, *numbers in cells}


def test_every_peak_is_accounted_for(bed, tmp_path, caplog):
    genome = big_genome(tmp_path)
    text = genome.path.read_text().replace("\n", " ")
    at = text.index(">chr2 ") + len(">chr2 ") + 50_000
    genome.path.write_text((text[:at] + "N" * 500 + text[at + 500 :]).replace(" ", "\n"))
    genome = Genome(genome.path)
    peaks = [f"{c}\t{s}\t{s + 40}" for c in genome.lengths for s in range(1000, 99000, 5000)]  # 20 of each of 5
    peaks += ["chr2\t50100\t50140", "chr2\t50400\t50440", peaks[0], "chr1\t1030\t1070", "chr1\t3000\t3040"]
    peaks += ["chr7\t10\t50", "chrUn_x\t10\t50", "chrUn_x\t900\t950"]
    opened = [f"{c}\t{s - 30}\t{s + 270}" for c in genome.lengths for s in range(1000, 99000, 1000)]
    opened += ["chr2\t50290\t50500", "chr8\t10\t200"]
    with caplog.at_level("INFO", "kipoi_tfb"):
        data = from_peaks(bed(peaks), genome, "MYTF", bed(opened, "open.bed"))
    found = account(caplog)
    lacking = "- on contigs that big.fa lacks (chr7, chr8, chrUn_x)"
    assert found["there are"] == [108, 492] and found[lacking] == [3, 1]
    assert found["- outside of the open regions"] == [0, 0]
    assert found["- given twice, or overlapping an earlier window"] == [2, 0]
    assert found["- unknown bases (N) in the window"][0] == 2
    assert found["- on chr16, which has no use"][0] == 20
    left = [found.pop(f"left to {verb} with") for verb in ("train", "validate", "test")]
    assert [peaks for peaks, _ in left] == [41, 20, 20] and data.counts["train"]["bound"] == 41
    there, *gone = found.values()
    for column in (0, 1):  # nothing is lost between the rows
        assert there[column] - sum(row[column] for row in gone) == sum(row[column] for row in left)


def test_a_summit_outside_its_peak(bed, world):
    lines = [f"{line}\t.\t0\t.\t1\t1\t1\t{300 if i == 4 else 100}" for i, line in enumerate(lines_of(world))]
    match = r"p.narrowPeak, line 5: summit offset 300 of an interval of 200 bp; .* or use the centre as the anchor"
    refused(InputError, match, bed(lines, "p.narrowPeak"), world.genome, "SP1", world.matrix)


def test_peaks_from_a_pipe(pipe, world):
    path = pipe(b"chr1\t10\t20\n")
    refused(InputError, "is a pipe or a device, and the checksum of peaks is kept", path, world.genome, "SP1", None)


def gc_genome(folder):
    """Return a genome whose even kilobases are all C and G, its odd ones all A and T."""
    rng = np.random.default_rng(0)
    parts = ["".join(rng.choice(list(("CG", "AT")[i % 2]), 1000)) for i in range(60)]
    path = folder / "gc.fa"
    path.write_text("".join(f">{c}\n{''.join(parts)}\n" for c in ("chr1", "chr21", "chr22")))
    return Genome(path)


def test_no_unbound_region_of_a_gc_content(bed, tmp_path):
    genome = gc_genome(tmp_path)
    peaks = bed([f"{c}\t{s}\t{s + 200}" for c in genome.lengths for s in range(400, 60000, 2000)])
    opened = [f"{c}\t{s}\t{s + 200}" for c in genome.lengths for s in range(400, 60000, 1000)]
    match = (
        r"no unbound region to train with has the GC content of a bound one \(30 there are\); give more open regions"
    )
    refused(ConfigError, match, peaks, genome, "X", bed(opened, "open.bed"))


def test_too_few_unbound_regions_of_a_gc_content_are_said(bed, tmp_path, caplog):
    genome = gc_genome(tmp_path)
    peaks = bed([f"{c}\t{s}\t{s + 200}" for c in genome.lengths for s in range(400, 60000, 2000)])
    beside = [f"{c}\t{s}\t{s + 200}" for c in genome.lengths for s in range(100, 60000, 2000)]
    opened = [*peaks.read_text().splitlines(), *beside[10:]]  # ten of chr1 have none
    data = from_peaks(peaks, genome, "X", bed(opened, "open.bed"))
    assert data.counts["train"]["short"] == 10 and data.counts["train"]["unbound"] == 20
    assert "too few unbound regions of the same GC content to train with (0.9-1.0: 10)" in caplog.text


def test_sequence_is_that_of_the_genome(bed, world):
    data = from_peaks(bed(lines_of(world)), world.genome, "SP1", world.matrix)
    motif = encode(tiny.MOTIFS["SP1"])
    windows = data.training.train
    has = [(np.lib.stride_tricks.sliding_window_view(c, len(motif)) == motif).all(1).any() for c in windows.codes]
    assert (np.array(has) == (windows.labels[:, 0] == 1)).mean() > 0.95
