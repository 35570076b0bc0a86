"""What the benchmarks of motifs count, on entries and motifs that are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.allele_signs import measured
from benchmarks.discovered import whose
from benchmarks.truth.tables import Bindings
from kipoi_tfb.motifs import Match, jaspar_motifs
from tests.interpretation.planted import planted_entry, windows_with_sites
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode


@pytest.mark.parametrize(
    ("tf", "other", "q", "expected"),
    [
        ("JUND", "JUND", 0.01, "its own"),
        ("JUND", "FOS", 0.01, "its binding mode's"),
        ("JUND", "CTCF", 0.01, "another"),
        ("JUND", "JUND", 0.06, "another"),
    ],
)
def test_whose_a_profile_is(tf, other, q, expected):
    ids = {motif.matrix_id for motif in jaspar_motifs([tf])[tf]}
    profile = next(m for m in jaspar_motifs([other])[other] if other == tf or m.matrix_id not in ids)
    assert whose(Match(profile, q, q), tf, ids) == expected


def test_signs_at_a_variant_that_breaks_a_site(tmp_path):
    codes, start, _ = windows_with_sites(1)
    sequence = decode(codes[0])
    flank = decode(np.random.default_rng(9).integers(0, 4, 300).astype(np.uint8))
    (tmp_path / "g.fa").write_text(f">chr1\n{flank}{sequence}{flank}\n")
    at = int(start[0]) + 6
    alleles = [("chr1", 301 + at, sequence[at], alt) for alt in "ACGT" if alt != sequence[at]]
    n = len(alleles)
    rows = Bindings(
        alleles, np.full(n, "JUND"), np.full(n, "cell"), np.ones(n, bool), -np.ones(n), np.zeros(n), np.zeros(n, int)
    )
    found, incomplete = measured(rows, planted_entry(tmp_path / "planted"), Genome(tmp_path / "g.fa"), "cpu")
    assert incomplete == 0 and set(found) == {"effect", "at the variant", "within 10 bp"}
    assert (found["effect"] <= -1.9).all() and (found["at the variant"] < 0).all()
    rows.alleles[0] = ("chr1", 301 + at, alleles[1][3], sequence[at])
    with pytest.raises(SystemExit, match=f"chr1:{301 + at} is not {alleles[1][3]} in this genome"):
        measured(rows, planted_entry(tmp_path / "again"), Genome(tmp_path / "g.fa"), "cpu")
