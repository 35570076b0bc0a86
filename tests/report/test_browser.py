"""Reports in a real browser (`tests.report.browsers`): what they load, show, sort, find, hand on and print, and whether
everyone can use them.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re

import pytest

from kipoi_tfb.report.contents import Column, Sheet
from kipoi_tfb.report.igv import Slice, read_igv
from kipoi_tfb.report.page import write_page
from tests.report.pages import (
    FACTS,
    HOSTILE,
    VIEWS,
    hostile_report,
    report_of,
    scored_row,
    small_report,
    unscored_row,
    violations,
)

pytest_plugins = ("tests.report.browsers",)
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _ids(page) -> list[str]:
    return page.locator("#rows tr td[data-label=ID]").all_inner_texts()


def test_it_opens_with_the_largest_impact(open_page):
    page = open_page(small_report())
    assert page.locator("#count").inner_text() == "7 of 7 alleles"
    sizes = [float(text.split()[0].replace("−", "-")) for text in page.locator("#rows b").all_inner_texts()
             if re.match("[+−0]", text)]  # fmt: skip
    assert len(sizes) == 6 and sorted(map(abs, sizes), reverse=True) == list(map(abs, sizes))
    assert page.locator("#one h3").inner_text().startswith("chr7:6,000 A>G")


@pytest.mark.parametrize("view", VIEWS)
def test_it_fits_the_screen(open_page, view):
    page = open_page(small_report(), view, "#v1")
    assert page.evaluate("document.documentElement.scrollWidth") == VIEWS[view][0]
    assert page.locator("#one figure svg").count() == 2


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("report", [small_report, hostile_report])
def test_axe_finds_nothing(open_page, view, report):
    assert violations(open_page(report(), view, "#v3")) == []


def test_sorting_by_heads(open_page):
    page = open_page(small_report())
    head = page.locator("th[data-column=info-1]")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert page.locator("#rows td[data-label=AF]").all_inner_texts() == [f"{n / 8:g}" for n in range(1, 8)]
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert page.locator("#rows td[data-label=AF]").first.inner_text() == "0.875"
    assert page.evaluate("document.activeElement.closest('th').dataset.column") == "info-1"
    page.locator("th[data-column=variant] button").click()
    assert _ids(page) == ["–", "rs1", "rs2", "rs3", "rs4", "rs5", "rs6"]  # chr1, chr2, ... as people count


def test_searching_and_chips(open_page):
    page = open_page(small_report())
    chips = dict(
        re.fullmatch(r"(.*) \((\d+)\)", text).groups() for text in page.locator("#chips button").all_inner_texts()
    )
    assert list(chips.values()) == ["7", "2", "2", "2", "1"]
    page.locator("#search").fill("gene2 NO change")
    assert _ids(page) == ["rs2"] and page.locator("#count").inner_text() == "1 of 7 alleles"
    page.locator("#search").fill("chr2:1000:A>G")
    assert _ids(page) == ["rs1"]
    page.locator("#search").fill("nowhere")
    assert "No variant matches" in page.locator("#rows").inner_text()
    page.locator("#search").fill("")
    page.get_by_role("button", name="Not scored").click()
    assert _ids(page) == ["–"] and "Not scored: ALT is symbolic" in page.locator("#rows").inner_text()


def test_csv_of_the_rows_shown(open_page):
    page = open_page(hostile_report())
    with page.expect_download() as download:
        page.locator("#csv").click()
    text = download.value.path().read_bytes().decode("utf-8-sig")
    head, first, second = csv.reader(io.StringIO(text, newline=""))
    assert head[0] == "chrom" and head[8] == HOSTILE
    assert first[0] == HOSTILE and float(first[head.index("p_ref")]) == 0.9
    assert second[2] == "'=1+1"


def test_links_open_details(open_page):
    page = open_page(small_report(), where="#v3")
    assert page.locator("#one h3").inner_text().startswith("chr4:3,000")
    assert page.evaluate("document.activeElement.id") == "heading-open"
    page.get_by_role("link", name="Next →").click()
    page.locator("#one h3:not(:has-text('chr4:3,000'))").wait_for()
    page.get_by_role("link", name="← Previous").click()
    page.locator("#one h3:has-text('chr4:3,000')").wait_for()
    assert page.locator("#rows tr[aria-current=true] td[data-label=ID]").inner_text() == "rs3"
    page.goto(page.url.replace("#v3", "#v99"))
    page.locator("#one", has_text="Allele 99 is not in this report").wait_for()


def test_an_allele_without_a_detail_says_so(open_page):
    page = open_page(small_report(), where="#v4")
    assert "This report has no more of this allele" in page.locator("#one").inner_text()
    page.goto(page.url.replace("#v4", "#v7"))
    page.locator("#one", has_text="not the same as no effect").wait_for()


def test_details_are_printed(open_page):
    page = open_page(small_report())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#printed article").count() == 3
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.locator("#with-details").uncheck()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#printed article").count() == 0
    assert page.pdf().startswith(b"%PDF")


def test_names_are_shown_and_do_nothing(open_page):
    page = open_page(hostile_report(), where="#v3")
    assert page.locator("img").count() == 0 and page.locator("body > script").count() == 2
    assert HOSTILE.split("\n")[0] in page.locator("#one").inner_text()
    assert HOSTILE.split("\n")[0] in page.locator("#rows").inner_text()


def test_ten_thousand_rows(open_page):
    page = open_page(report_of([*(scored_row(n, f"rs{n}") for n in range(1, 10_000)), unscored_row(10_000)]))
    assert page.locator("#count").inner_text() == "10,000 of 10,000 alleles, the first 100 drawn"
    assert page.locator("#rows tr").count() == 100
    page.locator("#more-rows").click()
    assert page.locator("#rows tr").count() == 200
    assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 101
    page.locator("#search").fill("rs9999")
    assert _ids(page) == ["rs9999"]


@pytest.mark.parametrize("view", VIEWS)
def test_igv_shows_the_locus_and_asks_for_nothing(open_page, view):
    slices = {number: Slice(f"chr{number + 1}", 50_000, 1000 * number - 200, "ACGT" * 100) for number in (1, 2, 3)}
    page = open_page(dataclasses.replace(small_report(), igv=read_igv(), slices=slices), view, "#v3")
    assert page.evaluate("window.igv === undefined")
    page.get_by_role("button", name="Open in the genome browser").click()
    names = page.locator(".igv .igv-track-label")
    names.nth(4).wait_for()
    page.wait_for_timeout(500)
    assert names.all_inner_texts() == ["Variant", "Sites", "In use for JUND", "JUND, P with REF", "JUND, P with ALT"]
    assert names.first.evaluate("label => getComputedStyle(label).color") == "rgb(0, 0, 0)"
    drawn = """() => [...document.querySelector('.igv').shadowRoot.querySelectorAll('canvas')]
      .filter(each => each.width && each.height)
      .filter(each => each.getContext('2d').getImageData(0, 0, each.width, each.height).data.some(Boolean)).length"""
    assert page.evaluate(drawn) >= 6  # the ruler and the sequence, and each track
    assert violations(page) == []


def test_a_page_of_one_table(open_page):
    columns = [Column("TF", "factor"), Column("AUPRC", "area", 2)]
    rows = [[f"TF{n}", n / 250 if n else None] for n in range(250)]
    page = open_page(Sheet(FACTS, "evaluation report", "How good?", "So good.", columns, [*rows, [HOSTILE, 0.999]]))
    assert page.locator("#count").inner_text() == "251 of 251 rows, the first 100 drawn"
    head = page.locator("th[data-column='1']")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert page.locator("#rows th").nth(1).inner_text() == "TF249"
    page.locator("#more-rows").click()
    page.locator("#more-rows").click()
    assert page.locator("#rows th").last.inner_text() == "TF0" and page.locator("#rows tr").count() == 251
    page.locator("#search").fill("tf12")
    assert page.locator("#rows tr").count() == 11 and page.locator("img").count() == 0
    with page.expect_download() as download:
        page.locator("#csv").click()
    assert download.value.path().read_text("utf-8-sig").splitlines()[:2] == ["TF,AUPRC", "TF129,0.516"]
    assert violations(page) == []


def test_rows_are_there_without_a_script(chromium, tmp_path):
    write_page(small_report(), tmp_path / "report.html")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert page.locator("#rows tr").count() == 7 and page.locator("#search").is_hidden()
    assert "Without JavaScript" in page.locator("noscript").inner_text()
    context.close()
