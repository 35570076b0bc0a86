"""A report with igv.js in a browser: size, seconds until it can be used, and to sort, search and filter 10,000 rows.

Limits: 6 MB, 2 s and 0.3 s. Needs playwright and a Chromium, as the tests marked `browser`.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from kipoi_tfb.report.igv import Slice, read_igv
from kipoi_tfb.report.page import write_page

# Another distribution has a package `tests`, which hides this checkout's.
_spec = importlib.util.spec_from_file_location("pages", Path(__file__).parents[1] / "tests" / "report" / "pages.py")
assert _spec is not None and _spec.loader is not None
pages = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(pages)

N_DETAILS, N_ROWS = 200, 10_000

# A step ends when the browser has laid the page out and painted it.
_TIMED = """async step => {
  const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  await painted();
  const started = performance.now();
  step.value == null ? document.querySelector(step.on).click() : (() => {
    const field = document.querySelector(step.on);
    field.value = step.value;
    field.dispatchEvent(new Event("input", {bubbles: true}));
  })();
  document.body.offsetHeight;
  await painted();
  return (performance.now() - started) / 1000;
}"""


def main() -> None:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    info = [
        {"GENE": f"GENE{number % 700}", "CLNSIG": ("", "Uncertain_significance")[number % 2]}
        for number in range(N_ROWS)
    ]
    rows = [pages.scored_row(number, f"rs{number}", info[number]) for number in range(1, N_ROWS)]
    rows.append(pages.unscored_row(N_ROWS, info[0]))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "report.html"
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for n_rows in (N_DETAILS, N_ROWS):
            report = pages.report_of(rows[:n_rows], N_DETAILS, ("GENE", "CLNSIG"))
            slices = {number: Slice("chr1", 1 << 28, 1, "ACGT" * 100) for number in report.details}
            size = write_page(dataclasses.replace(report, igv=read_igv(), slices=slices), file)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            started = time.perf_counter()
            page.goto(file.as_uri())
            page.wait_for_selector("#one article")
            usable = time.perf_counter() - started
            how = f"until usable; {N_DETAILS} details, {size / 1e6:.2f} MB"
            print(f"| report of {n_rows:,} rows | {usable:.2f} s | {how} |")
        _steps(page)
        browser.close()


def _steps(page: Page) -> None:
    heads = page.locator("th[data-column]").evaluate_all("heads => heads.map(head => head.dataset.column)")
    first, again = [], []
    for name in heads:
        for times in (first, again):
            times.append(page.evaluate(_TIMED, {"on": f"th[data-column='{name}'] button", "value": None}))
    print(f"| sort {N_ROWS:,} rows | {max(first):.3f} s | slowest of {len(heads)} columns, median "
          f"{statistics.median(first):.3f} s; the other way round {max(again):.3f} s |")  # fmt: skip
    words = ["g", "gene12", "gata1 binding gained", "chr7:", "nothing like it", ""]
    times = [page.evaluate(_TIMED, {"on": "#search", "value": word}) for word in words]
    print(f"| search {N_ROWS:,} rows | {max(times):.3f} s | slowest of {len(words)}, the first is {times[0]:.3f} s |")
    n = page.locator("#chips button").count()
    times = [page.evaluate(_TIMED, {"on": f"#chips button:nth-of-type({i + 1})", "value": None}) for i in range(n)]
    print(f"| filter {N_ROWS:,} rows | {max(times):.3f} s | slowest of {n} |")


if __name__ == "__main__":
    main()
