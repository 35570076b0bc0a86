"""The page of a report as a file: what is in it, and that nothing of the input is more than text."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from kipoi_tfb.report.page import check_page, render, write_page
from kipoi_tfb.report.record import Group
from tests.report.pages import HOSTILE, hostile_report, report_of, scored_row, small_report
from tfb_matrix_data.errors import ConfigError, InputError


class _Tags(HTMLParser):
    """The elements of a page with their attributes, and the text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.held, self._in = "", {}, ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._in = tag

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        if self._in in ("script", "style"):
            self.held.setdefault(self._in, []).append(data)
        else:
            self.text += data


def data_of(page: str) -> dict:
    kind, held = re.search(r'<script type="([^"]+)" id="data">(.*?)</script>', page, re.DOTALL).groups()
    return json.loads(held if kind == "application/json" else gzip.decompress(base64.b64decode(held)))


def test_the_policy_allows_this_script_and_style_alone():
    page = _Tags(render(small_report()))
    (policy,) = (attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for name, text in (("script-src", page.held["script"][-1]), ("style-src", page.held["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"


def test_nothing_refers_to_anywhere():
    page = _Tags(render(small_report()))
    for _, attrs in page.tags:
        assert "src" not in attrs and "style" not in attrs and not [name for name in attrs if name.startswith("on")]
        assert (attrs.get("href") or "#").startswith(("#", "data:,"))
    assert "url(" not in page.held["style"][0] and "@import" not in page.held["style"][0]


def test_what_stands_in_the_head():
    text = re.sub(r"\s+", " ", _Tags(render(small_report())).text)
    assert (
        "Of 7 alleles, 4 change the predicted binding of at least one of 3 TFs, 2 change none, and 1 could not be"
        in text
    )
    assert "symbolic" in text and "ALT has no sequence (<DEL>)" in text
    for said in ("never trained on chr22", "ab" * 32, "cd" * 32, "ef" * 32, "tfb report made-up.vcf", "AUPRC 0.906"):
        assert said in text
    assert "tiny of 2026-11-25, 3 TFs, 200 bp" in text and "Card of tiny" in text
    assert "Compared with 100 random variants." in text


def test_rows_can_be_read_without_a_script():
    text = _Tags(render(small_report())).text
    for number in range(1, 7):
        assert f"chr{number + 1}:{number},000 A>G" in text and f"GENE{number}" in text
    assert "Not scored: ALT is symbolic" in text and "bZIP site lost: JUND, MAFK" in text and "JUND 0.90 → 0.10" in text


def test_a_title_that_names_its_one_tf_says_it_once():
    groups = [Group("PBX2 binding weakened", False, False, ["PBX2"]), Group("binding lost", False, True, ["MAX"])]
    page = render(report_of([dataclasses.replace(scored_row(3), groups=groups)], 0))
    assert "PBX2 binding weakened; binding lost: MAX" in _Tags(page).text


def test_names_are_text_everywhere():
    page = render(hostile_report())
    tags = _Tags(page)
    assert not [tag for tag, _ in tags.tags if tag == "img"] and page.count("</script>") == 2
    assert HOSTILE in tags.text and "\u2028" not in tags.held["script"][0]
    (row, _), detail = data_of(page)["rows"], data_of(page)["details"]["3"]
    assert row["chrom"] == row["id"] == row["info"][HOSTILE] == detail["sentence"] == HOSTILE


def test_what_is_empty_is_left_out_and_what_changes_nothing_is_not():
    rows = data_of(render(small_report()))["rows"]
    assert [row.get("groups") == [] for row in rows] == [False, True, False, False, True, False, False]
    assert "groups" not in rows[6] and "largest_impact" not in rows[6]


def test_numbers_of_numpy_and_none():
    row = dataclasses.replace(scored_row(1), largest_impact=np.float32(1.23456789), p_ref=np.float64("nan"))
    (kept,) = data_of(render(report_of([row], 0)))["rows"]
    assert kept["largest_impact"] == 1.2346 and kept["p_ref"] is None


def test_many_rows_are_packed_and_the_first_of_them_written_out():
    rows = [scored_row(number) for number in range(1, 1501)]
    page = render(report_of(rows, 0))
    assert 'type="application/gzip+base64"' in page and len(data_of(page)["rows"]) == 1500
    assert page.count('role="rowheader"') == 100
    assert "These are the 100 rows of the largest impact, of 1,500" in page
    assert render(report_of(rows, 0)) == page


def test_a_page_of_nothing():
    page = render(report_of([], 0))
    assert "Of 0 alleles" in page and data_of(page)["rows"] == []


def test_a_page_is_written_whole(tmp_path):
    size = write_page(small_report(), tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size == size > 50_000


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [("report.pdf", ConfigError, "ends in .html"), ("no/report.html", InputError, "the folder .* does not exist")],
)
def test_where_a_page_cannot_be_written(tmp_path, path, error, said):
    with pytest.raises(error, match=said):
        check_page(tmp_path / path)
