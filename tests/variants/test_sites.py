"""Where known motifs match the alleles of a variant."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.motifs.profiles import Motif
from kipoi_tfb.variants.sites import best_site, region_sites
from tests.motifs.made_up import consensus
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


# Of a region


def bumps(*places: tuple[int, int], n: int = 30) -> np.ndarray:
    values = np.zeros(n, np.float32)
    for first, last in places:
        values[first:last] = 0.5
    return values


def test_a_site_needs_the_motif_and_the_model():
    codes = sequence((3, "ACGG"), (20, "CCGT"))
    both = region_sites([ACGG], codes, bumps((3, 7), (20, 24)))
    assert [(site.start, site.end, site.reverse, site.support) for site in both] == [
        (3, 7, False, 2.0),
        (20, 24, True, 2.0),
    ]
    assert both[0].log_odds == pytest.approx(4 * np.log((200 + 0.25) / 201 / 0.25))
    assert [site.start for site in region_sites([ACGG], codes, bumps((20, 24)))] == [20]
    assert region_sites([ACGG], codes, bumps((10, 16))) == []
    assert region_sites([ACGG], codes, 0.49 * bumps((3, 7))) == []  # 0.98 log-odds together
    assert region_sites([ACGG, consensus("T" * 31)], sequence(), bumps((0, 30))) == []


def test_the_best_match_names_a_site_and_the_best_supported_is_first():
    codes = sequence((3, "ACGGA"), (20, "ACGG"))
    longer = consensus("ACGGA", sites=200)
    support = bumps((3, 8), (20, 24))
    support[20:24] += 0.2
    found = region_sites([ACGG, longer], codes, support)
    assert [(site.motif.name, site.start) for site in found] == [("ACGG", 20), ("ACGGA", 3)]
    many = sequence(*((at, "ACGG") for at in range(0, 28, 6)))
    assert len(region_sites([ACGG], many, bumps((0, 30)))) == 3
