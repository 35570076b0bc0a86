"""igv.js in a report: the release that the package says, with its licence, let through by the page's policy."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import hashlib
import re

import pytest

from kipoi_tfb.report.igv import SHA256, VERSION, Igv, read_igv, slice_of
from kipoi_tfb.report.page import render
from tests.entries import CONTIGS
from tests.report.pages import small_report
from tests.report.test_page import data_of

pytest_plugins = ("tests.entries",)

SOURCE = "!function(){window.igv={createBrowser:function(){}}}()"


def test_it_is_the_release_that_is_said_as_one_script_with_its_licence():
    igv = read_igv()
    assert hashlib.sha256(igv.source.encode()).hexdigest() == SHA256
    assert f'"{VERSION}"' in igv.source and igv.source.startswith("!function") and "createBrowser" in igv.source
    assert "</script" not in igv.source.lower() and "<!--" not in igv.source
    assert igv.licence.startswith("The MIT License") and "Broad Institute" in igv.licence
    assert "DOMPurify" in igv.source and "pako" in igv.source  # who else it is of, in comments that have to stay


def test_the_page_holds_it_and_allows_it():
    report = dataclasses.replace(small_report(), igv=Igv(SOURCE, "The licence <b>of it</b>"))
    page = render(report)
    digest = base64.b64encode(hashlib.sha256(SOURCE.encode()).digest()).decode()
    policy = re.search('Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
    assert f"'sha256-{digest}'" in policy and "connect-src data:" in policy
    held = re.search(r'id="igv-source">(.*?)</script>', page)[1]
    assert gzip.decompress(base64.b64decode(held)).decode() == SOURCE
    assert "The licence &lt;b&gt;of it&lt;/b&gt;" in page


def test_a_page_without_it_has_nothing_of_it():
    page = render(small_report())
    assert 'id="igv-source"' not in page and "unsafe-inline" not in page and data_of(page)["slices"] == {}


@pytest.mark.parametrize(("pos", "start", "end"), [(1000, 800, 1200), (50, 1, 250), (2990, 2790, 3000)])
def test_slices_end_with_the_contig(genome, pos, start, end):
    found = slice_of("1", pos, genome)
    assert (found.contig, found.size, found.start) == ("chr1", 3000, start)
    assert found.bases == CONTIGS["chr1"][start - 1 : end].upper()
