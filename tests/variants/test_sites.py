"""Where known motifs match the alleles of a variant."""

from __future__ import annotations

import numpy as np

from kipoi_tfb.motifs.profiles import Motif
from kipoi_tfb.variants.sites import best_site
from tests.motifs.test_profiles import consensus
from tfb_matrix_data.sequence import decode, encode


def sequence(*sites: tuple[int, str]) -> np.ndarray:
    letters = list("T" * 30)
    for at, site in sites:
        letters[at : at + len(site)] = site
    return encode("".join(letters))


ACGG = consensus("ACGG", sites=200)


def test_the_match_and_its_strand_by_hand():
    codes = [sequence((13, "ACGT")), sequence((13, "ACGG"))]
    site = best_site([ACGG], codes, [(16, 17)] * 2)
    assert site is not None
    assert (site.allele, site.start, site.reverse, site.covers) == (1, 13, False, True)
    high = 4 * np.log((200 + 0.25) / 201 / 0.25)
    low = 3 / 4 * high + np.log(0.25 / 201 / 0.25)  # three letters match and one does not
    np.testing.assert_allclose(site.scores, (low, high), rtol=1e-5)
    assert decode(site.pwm.argmax(0).astype(np.uint8)) == "ACGG"
    site = best_site([ACGG], [sequence((13, "CCGT")), codes[0]], [(16, 17)] * 2)
    assert site is not None and (site.allele, site.start, site.reverse) == (0, 13, True)
    assert decode(site.pwm.argmax(0).astype(np.uint8)) == "CCGT"


def test_a_match_that_covers_the_variant_goes_before_a_better_one():
    perfect = sequence((3, "ACGG"), (13, "ACGG"))
    worse = sequence((3, "ACGG"), (13, "ACG"))
    rich = Motif("rich", "M2", "T", np.full((4, 4), 1.0) + 20 * (ACGG.pfm > 0))  # one mismatch stays positive
    site = best_site([rich], [worse, sequence((3, "ACGG"))], [(16, 17)] * 2)
    assert site is not None and site.covers and site.start == 13 and site.scores[0] > 0 > site.scores[1]
    site = best_site([ACGG], [sequence((3, "ACGG"))] * 2, [(20, 21)] * 2)  # nothing there
    assert site is not None and not site.covers and site.start == 3 and site.allele == 0
    site = best_site([consensus("CA"), ACGG], [perfect] * 2, [(16, 17)] * 2)
    assert site is not None and site.motif is ACGG


def test_motifs_that_do_not_fit():
    codes, own = [sequence()] * 2, [(16, 17)] * 2
    assert best_site([consensus("A" * 31)], codes, own) is None
    assert best_site([], codes, own) is None
    at_the_edge = best_site([consensus("T" * 20)], codes, [(0, 1)] * 2)
    assert at_the_edge is not None and at_the_edge.start == 0
