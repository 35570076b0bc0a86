"""The page of an entry: the verdict in words first, then what it was compared with, what it reads, and its card."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kipoi_tfb.interpretation.sources import Source
from kipoi_tfb.report.card_page import card_leaflet, learnt_picture
from kipoi_tfb.report.page import render_leaflet
from kipoi_tfb.zoo.find import find_entry
from tests.entries import write_files
from tests.interpretation.planted import planted_entry, windows_with_sites
from tests.report.pages import FACTS
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sequence import decode

pytest_plugins = ("tests.entries",)


def _brief(page: str) -> str:
    return re.search('<p class="brief">(.*?)</p>', page)[1]


def test_a_fine_tuned_entry_says_its_verdict_first():
    entry = find_entry("tf/JUND")
    leaflet = card_leaflet(entry, FACTS)
    assert leaflet.heading == "Is tf/JUND worth using?"
    words = entry.card.gate.words
    assert leaflet.brief == words[0].upper() + words[1:]
    compared, *_, card = leaflet.sections
    assert [row[0] for row in compared.rows] == [control.name for control in entry.card.gate.controls]
    assert {row[1] for row in compared.rows} <= {"better", "cannot be told apart", "worse"}
    labels = [row[0] for row in card.rows]
    assert "trained on" in labels and "licence" in labels and not {"jaspar", "folder"} & set(labels)
    page = render_leaflet(leaflet)
    assert _brief(page).startswith("Accepted") or _brief(page).startswith("Refused")


def test_a_base_says_what_it_is_and_which_tfs_it_knows():
    leaflet = card_leaflet(find_entry("multi163"), FACTS)
    assert leaflet.heading == "What is multi163?" and "which it never saw: AUPRC 0." in leaflet.brief
    known = next(section for section in leaflet.sections if section.title == "Which TFs does it know?")
    areas = [float(row[1]) for row in known.rows]
    assert len(areas) == 16 and areas == sorted(areas, reverse=True)
    assert min(int(row[2]) for row in known.rows) >= 40


def test_an_entry_that_was_not_tested(entry):
    leaflet = card_leaflet(entry, FACTS)
    assert "It has not been tested." in leaflet.brief
    assert leaflet.sections[0].text == ("Verdict: none: it is not fine-tuned.",)


def test_what_it_reads(tmp_path):
    codes, _, _ = windows_with_sites(3)
    none = np.random.default_rng(8).integers(0, 4, (4, 200)).astype(np.uint8)
    text = "".join(f">{name}\n{decode(row)}\n" for name, row in zip("abcdefg", [*none, *codes], strict=True))
    write_files(tmp_path, {"in.fa": text, "n.fa": ">a\n" + "N" * 200 + "\n"})
    planted = planted_entry(tmp_path / "planted")
    picture = learnt_picture(planted, Source(sequences=tmp_path / "in.fa"))
    assert picture.svg.count("log-odds 3.00") == 3  # of the sites: 13 of 13, and a bias of -10
    assert sorted(picture.alt[-7:].split(", ")) == ["e", "f", "g"]
    assert ">JUND by planted, deeplift: the 3 surest of the given regions<" in picture.svg
    page = render_leaflet(card_leaflet(planted, FACTS, picture))
    assert "What it reads" in page and page.count("<img") == 1
    with pytest.raises(ConfigError, match="no window has a known base"):
        learnt_picture(planted, Source(sequences=tmp_path / "n.fa"))


def test_the_command(tfb, tmp_path):
    write_files(tmp_path, {"in.bed": "chr1\t500\t700\n"})
    what = ("--regions", "in.bed", "--genome", "GENOME", "--tf", "CTCF")
    code, _, err = tfb("zoo", "show", "ENTRY", "--html", "card.html", *what)
    assert code == 0 and "-> card.html" in err, err
    page = (tmp_path / "card.html").read_text()
    assert "What is tiny?" in page and "What it reads" in page and str(tmp_path) not in page
    assert "zoo show tiny --html card.html --regions in.bed" in page
    bad = {
        "give it a name that ends in .html": (1, "ENTRY", "--html", "o.pdf"),
        "what it reads is shown in --regions of a --genome": (2, "ENTRY", "--html", "o.html", "--regions", "in.bed"),
        "are for the page: give --html": (2, "ENTRY", "--tf", "CTCF"),
        "Did you mean": (1, "ENTRY", "--html", "o.html", *what[:-1], "CTCFF"),
    }
    for message, (expected, *arguments) in bad.items():
        code, _, err = tfb("zoo", "show", *arguments)
        assert code == expected and message in " ".join(err.replace("│", " ").split()), err
    assert not list(tmp_path.glob("o.*"))
