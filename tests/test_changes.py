"""Fragments of the changelog are well formed, and a release puts them into CHANGELOG.md above what stands there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TYPES = ("added", "changed", "fixed", "removed")
NAME = re.compile(rf"(\+[a-z0-9-]+|[1-9][0-9]*)\.({'|'.join(TYPES)})(\.[0-9]+)?\.md")


def faults(path: Path) -> list[str]:
    """Return what is wrong with a fragment, a sentence each."""
    if not NAME.fullmatch(path.name):
        return [f"changes/{path.name} is named neither +WORDS.TYPE.md nor ISSUE.TYPE.md (TYPE: {', '.join(TYPES)})"]
    text = path.read_text(encoding="utf-8")
    found = []
    if not text.strip() or re.search(r"\n\s*\n", text.strip()):
        found.append(f"changes/{path.name} is not one paragraph")
    if re.match(r"\s*([-*]|#+|\d+\.)\s", text):
        found.append(f"changes/{path.name} starts with a bullet or a title: towncrier makes the bullet")
    if long := [n for n, line in enumerate(text.splitlines(), 1) if len(line) > 120]:
        found.append(f"changes/{path.name}: line {long[0]} has more than 120 letters")
    return found


def test_fragments_are_well_formed():
    paths = sorted(path for path in (ROOT / "changes").iterdir() if path.name != "README.md")
    assert [fault for path in paths for fault in faults(path)] == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("bed.fixed.md", "A change.\n", "is named neither"),
        ("+bed.bugfix.md", "A change.\n", "is named neither"),
        ("+bed.fixed.txt", "A change.\n", "is named neither"),
        ("+bed.fixed.md", "\n", "is not one paragraph"),
        ("+bed.fixed.md", "A change.\n\nAnother.\n", "is not one paragraph"),
        ("+bed.fixed.md", "- A change.\n", "starts with a bullet"),
        ("+bed.fixed.md", "### Fixed\n", "starts with a bullet"),
        ("12.fixed.md", f"A change.\n{'x' * 121}\n", "line 2 has more than 120 letters"),
    ],
)
def test_what_is_not(tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text)
    (fault,) = faults(path)
    assert said in fault and name in fault


def test_the_types_are_those_of_towncrier():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]
    assert tuple(kind["directory"] for kind in settings["type"]) == TYPES


def test_a_release_keeps_what_was_written_by_hand(tmp_path):
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "changes").mkdir()
    shutil.copy(ROOT / "changes" / "README.md", tmp_path / "changes")
    (tmp_path / "changes" / "12.fixed.md").write_text("A BED without a summit\nis refused by name.\n")
    (tmp_path / "changes" / "+new.added.md").write_text("A new thing.\n")
    before = (tmp_path / "CHANGELOG.md").read_text()
    command = [sys.executable, "-m", "towncrier", "build", "--yes", "--version", "9.9.9", "--date", "2030-01-02"]
    done = subprocess.run([*command, "--dir", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    head, marker, rest = (tmp_path / "CHANGELOG.md").read_text().partition("## 9.9.9 - 2030-01-02\n")
    assert marker and rest.replace("\n", " ").startswith(
        " ### Added  - A new thing.  ### Fixed  - A BED without a summit   is refused by name. (issue 12) "
    )
    old_head, _, old_rest = before.partition("## ")
    assert head == old_head and rest.endswith(f"## {old_rest}")
    assert sorted(path.name for path in (tmp_path / "changes").iterdir()) == ["README.md"]
