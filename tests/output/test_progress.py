"""Progress: a bar for a terminal, nothing where nobody looks."""

from __future__ import annotations

import io
import sys

import pytest

from kipoi_tfb.output.progress import no_bar, progress_bar, progress_each, progress_within


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


@pytest.mark.parametrize("shares", [[], [0.25, 0.25], [0.5, 0.5], [0.5, 0.75]])
def test_work_moves_a_bar_by_what_it_is_in_all(shares):
    moves: list[float] = []
    with progress_within(moves.append, 8) as share:
        for part in shares:
            share(part)
        assert moves == [min(8 * part, 8 - 8 * sum(shares[:i])) for i, part in enumerate(shares)]
    assert sum(moves) == 8 and len(moves) == len(shares) + 1


def test_work_that_fails_is_not_said_to_be_done():
    moves: list[float] = []
    with pytest.raises(ZeroDivisionError), progress_within(moves.append, 8) as share:
        share(0.25)
        raise ZeroDivisionError
    assert moves == [2]


def test_items_move_it_when_they_are_worked_through(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert list(progress_each("building", {"a": 1, "b": 2}.items())) == [("a", 1), ("b", 2)]
    assert "building" in sys.stderr.getvalue() and "100%" in sys.stderr.getvalue()
