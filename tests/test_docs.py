"""The site of the docs: every command and public name is in it, no link is dead, nothing comes from elsewhere."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from inspect import ismodule
from pathlib import Path

import pytest

from tests.scripts import script

pytest.importorskip(
    "mkdocstrings", reason="the extra docs is not installed: pip install -e '.[docs]' -c constraints.txt"
)

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pages():
    """The module that makes pages."""
    return script("docs_pages")


def test_every_command_and_option(pages):
    text = pages.commands_page()
    for title in ("tfb predict", "tfb score", "tfb report", "tfb cache clear", "tfb zoo show", "tfb data import"):
        assert f"\n## {title}\n" in text
    score = text.split("\n## tfb score\n")[1].split("\n## ")[0]
    assert "Score the effect of every ALT allele" in score and "tfb score variants.vcf.gz --genome hg38.fa" in score
    assert "| `-o, --output` | OUT.vcf.gz" in score and "| `--top` |" in score and "| `3` |" in score
    assert "must be given" in score and "Example:" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_every_public_name_once(pages):
    text = pages.names_page()
    for room in pages.ROOMS:
        face = importlib.import_module(room)
        for name in face.__all__:
            if ismodule(getattr(face, name)):
                continue
            assert f".{name}\n" in text or f"`{name}`" in text, f"{room}.{name}"
    titles = re.findall(r"^### (.+)$", text, re.M)
    assert len(titles) == len(set(titles)) > 60 and "kipoi_tfb.score_variants" in titles


def test_every_room_has_its_names(pages):
    rooms = {f"kipoi_tfb.{path.parent.name}" for path in (ROOT / "kipoi_tfb").glob("*/__init__.pyi")}
    assert rooms == {room for room in pages.ROOMS if room.startswith("kipoi_tfb.")}


def test_links_of_what_lies_outside(pages):
    readme = pages.site_text("README.md")
    assert "](scoring-variants.md)" in readme and "](contributing.md)" in readme and "](docs/" not in readme
    assert "](example.md)" in readme and "](figures/mafk-variant.svg)" in readme
    assert pages.site_text("LICENSE").startswith("MIT License")


def test_the_site(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "TFB_NOTEBOOKS": "no"}  # test_notebooks.py runs them
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    site = tmp_path / "site"
    assert "effects.parquet" in (site / "notebooks" / "analyst.html").read_text()
    # Search from a disk needs the index as a script.
    assert (site / "search" / "search_index.js").stat().st_size > 100_000
    for page in site.rglob("*.html"):
        fetched = re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"(https?://[^\"]+)", page.read_text())
        assert fetched == [], page
    names = (site / "reference" / "names.html").read_text()
    assert "Score the effect" in names or "score_variants" in names
    assert "float32 (windows, TFs)" in names, "shapes of the docstrings are shown"
