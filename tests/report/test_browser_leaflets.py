"""Pages of words and pictures in a real browser (`tests.report.browsers`): of motifs, and of entries."""

from __future__ import annotations

import pytest

from kipoi_tfb.interpretation.discovery import discover
from kipoi_tfb.interpretation.sources import Source
from kipoi_tfb.motifs.jaspar import vertebrate_motifs
from kipoi_tfb.report.card_page import card_leaflet, learnt_picture
from kipoi_tfb.report.contents import Leaflet
from kipoi_tfb.report.motif_page import patterns_leaflet
from kipoi_tfb.zoo.find import find_entry
from tests.entries import write_files
from tests.interpretation.planted import made_up_contributions, planted_entry, windows_with_sites
from tests.report.pages import FACTS, VIEWS, violations
from tfb_matrix_data.sequence import decode

pytest_plugins = ("tests.report.browsers",)
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _motif_page(folder) -> Leaflet:
    held = made_up_contributions(*windows_with_sites(150)[:2])
    return patterns_leaflet(discover(held, vertebrate_motifs()[:40]), "JUND", held.about, FACTS)


def _planted(folder) -> Leaflet:
    write_files(folder, {"in.fa": "".join(f">{decode(row)[:9]}\n{decode(row)}\n" for row in windows_with_sites(3)[0])})
    entry = planted_entry(folder / "planted")
    return card_leaflet(entry, FACTS, learnt_picture(entry, Source(sequences=folder / "in.fa")))


PAGES = {
    "motifs": _motif_page,
    "what an entry reads": _planted,
    "a fine-tuned entry": lambda folder: card_leaflet(find_entry("tf/JUND"), FACTS),
    "a base": lambda folder: card_leaflet(find_entry("multi163"), FACTS),
}


@pytest.fixture(scope="module", params=PAGES)
def leaflet(request, tmp_path_factory) -> Leaflet:
    return PAGES[request.param](tmp_path_factory.mktemp("page"))


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_and_it_fits_the_screen(open_page, leaflet, view):
    page = open_page(leaflet, view)
    assert page.locator("h1").inner_text() == leaflet.heading
    assert page.evaluate("document.documentElement.scrollWidth") == VIEWS[view][0]
    pictures = page.locator("img.drawn")
    assert pictures.evaluate_all("all => all.every(each => each.naturalWidth > 0 && each.alt)")
    assert violations(page) == []
