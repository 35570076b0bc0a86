"""Hits are where the sites are that contributions were made for, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.interpretation.hits import HitOptions, find_hits, write_hits
from kipoi_tfb.motifs.meme import write_meme
from kipoi_tfb.motifs.profiles import Motif
from tests.entries import write_files
from tests.interpretation.planted import MOTIF, made_up_contributions, planted_entry, windows_with_sites
from tests.motifs.made_up import consensus
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.intervals import read_intervals
from tfb_matrix_data.sequence import decode, encode

pytest_plugins = ("tests.entries",)

OWN = Motif("Planted", "MA_PLANTED", "JUND", np.eye(4)[encode(MOTIF)].T * 50)
OTHER = consensus("CATTCCTGA", "TEAD4")


def test_hits_are_the_sites_that_contribute():
    codes, start, reverse = windows_with_sites(40)
    # Of every other window the site is there, and its contributions are elsewhere.
    used = np.arange(40) % 2 == 0
    held = made_up_contributions(codes, np.where(used, start, (start + 60) % 170))
    hits = find_hits(held, [OWN, OTHER])
    found = {(hit.chrom, hit.start, hit.strand) for hit in hits if hit.motif is OWN}
    expected = {
        ("chr1", 1000 * row + int(start[row]), "-" if reverse[row] else "+") for row in np.flatnonzero(used).tolist()
    }
    assert expected <= found and len(found) <= len(expected) + 2
    at_sites = [hit for hit in hits if (hit.chrom, hit.start, hit.strand) in expected]
    assert all(hit.end - hit.start == 13 and hit.p == 0.001 and hit.q <= 0.05 for hit in at_sites)
    # 50 sites and one pseudocount: nearly 2 bits in each of 13 columns, of a contribution of 1 each.
    assert all(10 < hit.contribution < 13.5 and 0.7 < hit.share < 1.1 for hit in at_sites)
    assert find_hits(held, [OWN, OTHER]) == hits


def test_of_overlapping_hits_the_one_with_more_contribution_stands():
    codes, start, _ = windows_with_sites(10)
    held = made_up_contributions(codes, start)
    part = consensus(MOTIF[2:10], "PART", 50)
    motifs = {hit.motif.tf for hit in find_hits(held, [part, OWN])}
    assert motifs == {"JUND"}
    assert {hit.motif.tf for hit in find_hits(held, [part])} == {"PART"}


def test_contributions_at_random_have_few_hits():
    codes, start, _ = windows_with_sites(100)
    held = made_up_contributions(codes, start)
    values = np.random.default_rng(2).normal(0, 1, held.hypothetical.shape).astype(np.float32)
    noise = held._replace(hypothetical=values)
    assert len(find_hits(noise, [OWN, OTHER], HitOptions(match=2.0))) <= 2


def test_unknown_bases_and_nothing_found():
    codes, start, _ = windows_with_sites(5)
    for row, at in zip(codes, start.tolist(), strict=True):
        row[at + 5] = 4
    assert find_hits(made_up_contributions(codes, start), [OWN]) == []
    far = Motif("far", "FAR", "T", np.eye(4)[encode("ACGT" * 6)].T * 50)
    assert find_hits(made_up_contributions(codes, start), [far]) == []


def test_a_bed_file(tmp_path):
    codes, start, _ = windows_with_sites(6)
    hits = find_hits(made_up_contributions(codes, start), [OWN])
    assert write_hits(hits, tmp_path / "h.bed") == len(hits) >= 6
    read = read_intervals(tmp_path / "h.bed")
    assert read.start.tolist() == [hit.start for hit in hits] and set(read.name) == {"JUND"}
    rows = [line.split("\t") for line in (tmp_path / "h.bed").read_text().splitlines()]
    assert rows[0][:7] == ["#chrom", "start", "end", "name", "score", "strand", "motif"]
    assert all(0 <= int(row[4]) <= 1000 and row[5] in "+-" and row[6] == "MA_PLANTED" for row in rows[1:])
    assert [int(row[1]) for row in rows[1:]] == sorted(int(row[1]) for row in rows[1:])


@pytest.mark.parametrize(
    ("motifs", "options", "message"),
    [
        ([], HitOptions(), "no motif to look for; name TFs"),
        ([consensus("ACGT" * 60)], HitOptions(), r"windows of 200 bp are shorter than motif .* \(240 bp\)"),
        ([OWN], HitOptions(q=0), "q 0, 999 shuffles: q is between 0 and 1"),
        ([OWN], HitOptions(shuffles=9), "of shuffles there are 99 or more"),
    ],
)
def test_bad_input(motifs, options, message):
    codes, start, _ = windows_with_sites(2)
    with pytest.raises(ConfigError, match=message):
        find_hits(made_up_contributions(codes, start), motifs, options)


def test_the_command_on_both_alleles(tfb, tmp_path):
    """Of a variant that breaks a site, the allele with the site has the hit."""
    codes, start, reverse = windows_with_sites(1)
    at = int(start[0]) + 6
    sequence = decode(codes[0])
    entry = planted_entry(tmp_path / "planted")
    alt = "A" if sequence[at] != "A" else "C"
    flank = decode(np.random.default_rng(9).integers(0, 4, 300).astype(np.uint8))
    write_files(
        tmp_path,
        {
            "g.fa": f">chr1\n{flank}{sequence}{flank}\n",
            "v.tsv": f"chrom\tpos\tref\talt\nchr1\t{301 + at}\t{sequence[at]}\t{alt}\n",
        },
    )
    write_meme([OWN], tmp_path / "own.meme")
    arguments = ("--variants", "v.tsv", "--genome", "g.fa", "--tfs", "JUND", "-o", "c.h5")
    code, _, err = tfb("explain", str(entry.folder), *arguments)
    assert code == 0, err
    code, _, err = tfb("motifs", "hits", "c.h5", "--motifs", "own.meme", "--match", "15", "-o", "h.bed")
    assert code == 0 and "1 hits of 1 motifs in 1 of 2 windows -> h.bed" in err, err
    (row,) = [line.split("\t") for line in (tmp_path / "h.bed").read_text().splitlines()[1:]]
    assert row[:3] == ["chr1", str(300 + int(start[0])), str(313 + int(start[0]))]
    assert row[5] == ("-" if reverse[0] else "+") and row[-1] == "ref"
    assert row[-2] == f"chr1:{301 + at}:{sequence[at]}>{alt}"


def test_what_the_command_refuses(tfb, tmp_path, entry):
    write_files(tmp_path, {"in.fa": ">a\n" + "ACGT" * 60 + "\n"})
    assert tfb("explain", "ENTRY", "--sequences", "in.fa", "--tfs", "JUND", "--shuffles", "1", "-o", "c.h5")[0] == 0
    bad = {
        "ends in .bed": ("c.h5", "-o", "h.tsv"),
        "holds contributions of other weights (tiny, ": ("c.h5", "--entry", "multi50", "-o", "h.bed"),
        "in.fa: is no HDF5 file of `tfb explain`": ("in.fa", "-o", "h.bed"),
        "nope.meme: ": ("c.h5", "--motifs", "nope.meme", "-o", "h.bed"),
        "Did you mean JUND": ("c.h5", "--motifs", "JUNDD", "-o", "h.bed"),
    }
    for message, arguments in bad.items():
        code, _, err = tfb("motifs", "hits", *arguments)
        assert code == 1 and message in err, err
    assert not list(tmp_path.glob("h.*"))
    with pytest.raises(InputError):
        read_intervals(tmp_path / "h.bed")
