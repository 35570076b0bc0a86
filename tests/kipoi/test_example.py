"""The embedded example is consistent: what `experiments/make_example.py` wrote is what is there."""

from __future__ import annotations

import re
import struct
from collections import Counter
from pathlib import Path

import pyfaidx
import pytest

from tfb_matrix_data.files import sha256
from tfb_matrix_data.intervals import read_intervals
from tfb_matrix_data.lines import read_lines
from tfb_matrix_data.variants import read_variants

EXAMPLE = Path(__file__).resolve().parents[2] / "dataloaders" / "example"
FASTA = EXAMPLE / "hg19.excerpt.fa.gz"
TEXT_FILES = ("regions.bed", "sequences.fa", "variants.vcf")


@pytest.fixture(scope="module")
def excerpt():
    with pyfaidx.Fasta(str(FASTA), as_raw=True, rebuild=False) as fasta:
        yield fasta


@pytest.fixture(scope="module")
def records():
    lines = (line.split("\t") for _, line in read_lines(EXAMPLE / "variants.vcf") if not line.startswith("#"))
    return [(*fields[:7], dict(item.split("=") for item in fields[7].split(";"))) for fields in lines]


def test_readme_has_the_checksum_of_every_file():
    text = (EXAMPLE / "README.md").read_text()
    recorded = {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", text, re.M)}
    assert set(recorded) == {*(f"{FASTA.name}{end}" for end in ("", ".fai", ".gzi")), *TEXT_FILES}
    assert recorded == {name: sha256(EXAMPLE / name) for name in recorded}
    assert "GPL-3.0" in text and "janggu 0.10.2" in text


def test_is_small():
    assert sum(path.stat().st_size for path in EXAMPLE.iterdir()) < 1_000_000


def test_contigs_have_their_hg19_lengths(excerpt):
    lengths = {"chr16": 90_354_753, "chr17": 81_195_210, "chr22": 51_304_566}
    assert {name: len(excerpt[name]) for name in excerpt.keys()} == lengths  # noqa: SIM118 (a Fasta yields records)
    header = [line for _, line in read_lines(EXAMPLE / "variants.vcf") if line.startswith("##contig")]
    assert header == [f"##contig=<ID={name},length={n},assembly=hg19>" for name, n in lengths.items()]
    # The last base of the last contig: the index reaches the end of the file.
    assert excerpt["chr22"][lengths["chr22"] - 1 : lengths["chr22"]] == "N"


def test_block_index_points_at_blocks():
    raw, packed = FASTA.read_bytes(), Path(f"{FASTA}.gzi").read_bytes()
    (count,) = struct.unpack_from("<Q", packed)
    assert len(packed) == 8 + 16 * count
    assert all(raw[at : at + 2] == b"\x1f\x8b" for at, _ in struct.iter_unpack("<QQ", packed[8:]))


def test_regions_are_known_and_labelled(excerpt):
    regions = read_intervals(EXAMPLE / "regions.bed")
    rows = list(zip(regions.chrom.tolist(), regions.start.tolist(), regions.end.tolist(), strict=True))
    assert rows == sorted(set(rows))
    assert set(regions.name) == {"MAFK", "OCT4"} and min(Counter(regions.name).values()) > 200
    for chrom, start, end in rows:
        assert re.fullmatch("[ACGTacgt]{200}", excerpt[chrom][start:end])


def test_nothing_else_is_known(excerpt):
    # An excerpt shifted by one base against the BED would be known here.
    regions = read_intervals(EXAMPLE / "regions.bed")
    ends = {(chrom, int(at)) for chrom, end in zip(regions.chrom, regions.end, strict=True) for at in (end, end - 201)}
    inside = {(c, at) for c, s, e in zip(regions.chrom, regions.start, regions.end, strict=True) for at in range(s, e)}
    outside = ends - inside
    assert len(outside) > 1000 and all(excerpt[chrom][at : at + 1] == "N" for chrom, at in outside)


def test_sequences_are_those_of_the_excerpt(excerpt):
    lines = [line for _, line in read_lines(EXAMPLE / "sequences.fa")]
    assert len(lines) == 60
    truth = {tuple(line.split("\t")[:4]) for _, line in read_lines(EXAMPLE / "regions.bed")}
    for header, sequence in zip(lines[::2], lines[1::2], strict=True):
        tf, chrom, start, end = header[1:].split("_")
        assert (chrom, start, end, tf) in truth
        assert sequence == excerpt[chrom][int(start) : int(end)]


def test_variants_fit_the_excerpt(excerpt, records):
    places = [(chrom, int(pos)) for chrom, pos, *_ in records]
    assert places == sorted(places) and 60 <= len(records) <= 120
    for chrom, pos, name, ref, alts, *_ in records:
        start = int(pos) - 1
        assert excerpt[chrom][start : start + len(ref)].upper() == ref, name
        for alt in alts.split(","):
            assert re.fullmatch("[ACGT]+", alt) and alt != ref, name
            assert ref[-1] != alt[-1], f"{name} is not left-aligned"
            assert len(ref) == len(alt) or ref[0] == alt[0], f"{name} has no anchor base"


def test_variants_are_read_by_the_project(records):
    variants = read_variants(EXAMPLE / "variants.vcf")
    assert len(variants) == sum(len(fields[4].split(",")) for fields in records)
    assert not variants.duplicate.any()


def test_variants_say_what_they_do(records):
    kinds = Counter(name.split("_")[2] for _, _, name, *_ in records)
    assert set(kinds) == {"snv", "multi", "mnv", "del", "ins", "control"}
    for *_, alts, _, _, info in records:
        score, left = float(info["MOTIF_SCORE"]), [float(x) for x in info["MOTIF_ALT"].split(",")]
        assert len(left) == len(alts.split(","))
        if info["CLASS"] == "control":
            assert left == [score]
        else:
            assert info["CLASS"] == "disrupts" and max(left) <= score - 2.99
