"""A plugin of pytest: pages in a real browser.

Needs playwright and axe-playwright-python (``pip install 'kipoi-tfb[browser]'``) and a Chromium: one on the path, or
that of the variable CHROMIUM.

PYTEST_DONT_REWRITE: pytest imports it to look for doctests before it is a plugin, and would warn that it cannot.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator

import pytest

from kipoi_tfb.report.contents import Leaflet, Report, Sheet
from kipoi_tfb.report.page import write_page
from tests.report.pages import VIEWS


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: kipoi-tfb[browser]")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no Chromium on the path, and no variable CHROMIUM")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, tmp_path) -> Iterator[Callable]:
    """Open a report; at the end nothing but the file was asked for, and nothing was said on the console."""
    requests: list[str] = []
    said: list[str] = []
    pages = []

    def opened(report: Report | Sheet | Leaflet, view: str = "wide", where: str = ""):
        write_page(report, tmp_path / "report.html")
        width, scheme = VIEWS[view]
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        pages.append(page)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((tmp_path / "report.html").as_uri() + where)
        if not isinstance(report, Leaflet):
            # Not by wait_for_function: it polls by eval, which the page's policy refuses.
            page.locator("#count:not(:empty)").wait_for()
        return page

    yield opened
    for page in pages:
        page.close()
    asked = {re.sub("#.*", "", url) for url in requests if not url.startswith("data:")}
    assert asked <= {(tmp_path / "report.html").as_uri()}
    assert said == []
