"""Progress: a bar for a terminal, nothing where nobody looks."""

from __future__ import annotations

import io
import sys

import pytest

from kipoi_tfb.output.progress import no_bar, progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_said_when_piped(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress_bar("scoring", lambda: pytest.fail("asked how much there is")) as advance:
        advance()
        advance(5, "chr1")
    assert sys.stderr.getvalue() == ""


def test_no_bar_takes_what_a_bar_takes(capsys):
    with no_bar() as advance:
        advance()
        advance(5, text="chr1")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("total", [4, lambda: 4])
def test_a_terminal_sees_how_far_it_is(monkeypatch, total):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_bar("scoring", total) as advance:
        advance(3, "chr1")
    said = sys.stderr.getvalue()
    assert "scoring" in said and "75%" in said and "chr1" in said


def test_a_total_that_nobody_knows(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("reading", None) as advance:
        advance(3)
    assert "reading" in sys.stderr.getvalue() and "100%" not in sys.stderr.getvalue()
