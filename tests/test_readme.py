"""What the README and the pages of the docs show is what the commands print, and what they link to is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kipoi_tfb.cli import app
from kipoi_tfb.zoo.find import entry_names

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_table_of_entries_is_that_of_the_zoo():
    printed = CliRunner().invoke(app, ["zoo", "ls", "--markdown"]).stdout.strip()
    assert "multi163" in printed
    assert printed in (ROOT / "docs" / "models.md").read_text(), "paste the output into docs/models.md"


def test_the_table_of_the_tfs_is_that_of_the_zoo():
    printed = CliRunner().invoke(app, ["zoo", "ls", "--group", "tf", "--markdown"]).stdout.strip()
    assert "tf/JUND" in printed
    assert printed in (ROOT / "docs" / "tf-models.md").read_text(), "paste the output into docs/tf-models.md"


def test_the_figures_of_the_readme_are_those_of_the_zoo():
    ends = r"(0\.\d{3} \[0\.\d{3}, 0\.\d{3}\])"
    for entry, has_interval in {
        "multi163": False,
        "multi163-ensemble": True,
    }.items():  # of the natural AUPRC, on its card
        shown = " ".join(CliRunner().invoke(app, ["zoo", "show", entry]).stdout.split())
        balanced, natural = re.search(rf"`{entry}`[^|]* \| {ends} \| {ends}", README).groups()
        assert f"AUPRC {balanced} at 1:1" in shown
        assert f"{natural if has_interval else natural.split()[0]} at natural prevalence (4.9% bound)" in shown
    in_cells, pooled = re.search(
        r"`multi163-cells` has (0\.\d{3}) where `multi163-ensemble` has (0\.\d{3})", " ".join(README.split())
    ).groups()
    page = (ROOT / "docs" / "cell-types.md").read_text()  # its table is printed by experiments/openness.py
    for score, said in {"own": in_cells, "pooled": pooled}.items():
        printed = re.search(rf"\| {score}, where open \| (0\.\d+) ", page)[1]
        assert f"{float(printed):.3f}" == said
    group = " ".join(CliRunner().invoke(app, ["zoo", "ls", "--group", "tf"]).stdout.split())
    said = re.search(
        r"reaches (0\.\d+) at 1:1 and (0\.\d+) at natural prevalence over (\d+) of them", " ".join(README.split())
    )
    *areas, tested = said.groups()
    assert all(f"mean AUPRC {value}" in group for value in areas) and f"over {tested} TFs" in group
    assert f"each of {sum(name.startswith('tf/') for name in entry_names())} TFs on the ensemble" in " ".join(
        README.split()
    )
    paper = " ".join(CliRunner().invoke(app, ["zoo", "show", "multi50"]).stdout.split())
    balanced, natural = re.search(
        r"`multi50`\) reaches (0\.\d+) and (0\.\d+) over its 45 TFs", " ".join(README.split())
    ).groups()
    assert f"45 TFs: AUPRC {balanced} at 1:1, {natural} at natural prevalence" in paper


def console() -> list[tuple[str, list[str]]]:
    """Return the commands of the README that show what they print, and that."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", README, re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def alike(shown: str, printed: str) -> bool:
    """Return whether lines are the same but for the last digits of numbers, which another processor may change."""
    number = re.compile(r"-?\d+\.\d+")
    same = number.sub("#", shown) == number.sub("#", printed)
    pairs = zip(number.findall(shown), number.findall(printed), strict=False)
    return same and all(abs(float(a) - float(b)) <= 0.01 for a, b in pairs)


@pytest.fixture(scope="module")
def printed(tmp_path_factory) -> tuple[Path, dict[str, subprocess.CompletedProcess]]:
    """Run the commands of the README, as they stand there, in a folder of their own; give it, and what they printed."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "dataloaders").symlink_to(ROOT / "dataloaders")
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = {**os.environ, "TFB_DATA": str(folder / "cache"), "PATH": path}
    done = {}
    for command, _ in console():
        done[command] = subprocess.run(
            shlex.split(command), cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False,
        )  # fmt: skip
    return folder, done


def test_the_commands_of_the_readme_print_what_it_shows(printed):
    folder, done = printed
    assert [command.split()[1] for command in done if command.startswith("tfb ")] == ["score", "plot", "predict"]
    for command, shown in console():
        assert done[command].returncode == 0, done[command].stdout
        lines = done[command].stdout.splitlines()
        for line in shown:
            assert any(alike(line, each) for each in lines), f"{command}\n{done[command].stdout}"
    assert len((folder / "peaks.tsv").read_text().splitlines()) == 520


def test_the_picture_is_what_its_command_draws(printed):
    texts = re.compile(r"<text[^>]*>([^<]+)</text>")  # another matplotlib may draw other paths
    kept = (ROOT / "docs" / "figures" / "mafk-variant.svg").read_text()
    assert texts.findall(kept) == texts.findall((printed[0] / "variant.svg").read_text()) != []
    assert "chr16:48993859" in kept and "<script" not in kept


@pytest.mark.parametrize("target", ["demo", "test", "docs"])
def test_the_commands_of_make_are_in_the_makefile(target):
    assert f"make {target}" in README
    assert f"\n{target}:" in (ROOT / "Makefile").read_text()


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 90 and len(README.split()) <= 700


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text()
    links = [part.split(")")[0].split("#")[0] for part in text.split("](")[1:]]
    ours = [link for link in links if link and not link.startswith(("http", "mailto:"))]
    assert [link for link in ours if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_has_a_way_on(page):
    assert "](" in page.read_text(), "a page without a link is a dead end"
