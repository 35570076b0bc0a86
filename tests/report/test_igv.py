"""igv.js in a report: read with its licence, let through by the page's policy, and not there unless it is asked for."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import hashlib
import re

import pytest

from kipoi_tfb.report.igv import Igv, read_igv, slice_of
from kipoi_tfb.report.page import render
from tests.entries import CONTIGS
from tests.report.pages import small_report
from tests.report.test_page import data_of
from tfb_matrix_data.errors import InputError

pytest_plugins = ("tests.entries",)

SOURCE = "!function(){window.igv={createBrowser:function(){}}}()"


@pytest.fixture
def package(tmp_path):
    """What npm unpacks."""
    (tmp_path / "package" / "dist").mkdir(parents=True)
    (tmp_path / "package" / "LICENSE").write_text("The licence <b>of it</b>")
    (tmp_path / "package" / "dist" / "igv.min.js").write_text(SOURCE)
    return tmp_path / "package"


def test_it_is_read_with_its_licence(package):
    assert read_igv(package / "dist" / "igv.min.js") == Igv(SOURCE, "The licence <b>of it</b>")


@pytest.mark.parametrize(
    "source", ["", "import x from 'y'; createBrowser", "!function(){createBrowser('</script>')}()"]
)
def test_what_is_not_igv_is_refused(package, source):
    (package / "dist" / "igv.min.js").write_text(source)
    with pytest.raises(InputError, match=r"igv.min.js: is not igv.js as one script; expected dist/igv.min.js of"):
        read_igv(package / "dist" / "igv.min.js")


def test_what_lacks_its_licence_or_is_not_there_is_refused(package):
    with pytest.raises(InputError, match="no such file; expected"):
        read_igv(package / "igv.js")
    (package / "LICENSE").unlink()
    with pytest.raises(InputError, match="has no file LICENSE beside it or a folder above"):
        read_igv(package / "dist" / "igv.min.js")


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
