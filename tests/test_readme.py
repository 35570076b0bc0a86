"""What the README shows is what the commands print."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kipoi_tfb.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_table_of_entries_is_that_of_the_zoo():
    printed = CliRunner().invoke(app, ["zoo", "ls", "--markdown"]).stdout.strip()
    assert "multi163" in printed
    assert printed in README, "paste the output of `tfb zoo ls --markdown` into the README"


def test_the_table_of_the_tfs_is_that_of_the_zoo():
    printed = CliRunner().invoke(app, ["zoo", "ls", "--group", "tf", "--markdown"]).stdout.strip()
    assert "tf/JUND" in printed
    assert printed in (ROOT / "docs" / "tf-models.md").read_text(), "paste the output into docs/tf-models.md"


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_are_in_the_makefile(target):
    assert f"make {target}" in README
    assert f"\n{target}:" in (ROOT / "Makefile").read_text()


def test_links_lead_somewhere():
    links = [part.split(")")[0] for part in README.split("](")[1:]]
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []
