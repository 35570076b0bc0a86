"""What the commands share: a record's fields as options, and what options name."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from kipoi_tfb.cli.options import entry_titles, listed, n_strongest, takes


@dataclass(frozen=True)
class Order:
    """A record."""

    dish: Annotated[str, typer.Argument(help="What to eat.")]
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many.")] = 1
    spicy: Annotated[bool, typer.Option(help="Whether it is hot.")] = True


@pytest.fixture
def order():
    """Run a command that takes a record. (exit code, output, the records)."""
    taken: list[Order] = []
    app = typer.Typer()

    @app.command()
    @takes(Order)
    def order(options: Order) -> None:
        """Order a dish."""
        taken.append(options)

    def call(*arguments):
        done = CliRunner().invoke(app, arguments, env={"NO_COLOR": "1", "TERM": "dumb"})
        return done.exit_code, " ".join(done.output.split()), taken

    return call


def test_a_record_is_filled_from_the_command_line(order):
    assert order("soup") == (0, "", [Order("soup")])
    assert order("soup", "-n", "3", "--no-spicy")[2][1:] == [Order("soup", 3, False)]


def test_fields_are_options_with_their_help_and_limits(order):
    code, out, taken = order("--help")
    assert code == 0 and "Order a dish." in out and "What to eat." in out
    assert "--number" in out and "[default: 1]" in out and "--no-spicy" in out
    assert order("soup", "-n", "0")[0] == order()[0] == order("soup", "--options", "x")[0] == 2
    assert taken == []


def test_names_of_a_list():
    assert listed(" SP1,JUND,,SP1, ") == ["SP1", "JUND"] and listed("") is listed(" ,") is None


def test_what_is_drawn():
    assert [n_strongest(top, tfs) for top, tfs in ((None, ""), (None, "SP1"), (5, ""), (5, "SP1"))] == [3, None, 5, 5]


@pytest.mark.parametrize(
    ("names", "title"), [("a", "a"), ("aab", "a, b"), ("abc", "a, b, c"), ("abcd", "4 entries"), ("aabc", "a, b, c")]
)
def test_entries_of_a_title(names, title):
    sources = [SimpleNamespace(card=SimpleNamespace(name=name)) for name in names]
    assert entry_titles(SimpleNamespace(sources=sources)) == title
