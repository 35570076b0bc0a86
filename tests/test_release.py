"""The rehearsal of a release finds what is wrong; the oldest versions are those that pyproject.toml says."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import setuptools

import kipoi_tfb
from tests.scripts import script

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def release():
    """The module of the rehearsal."""
    return script("release")


@pytest.fixture
def checkout(tmp_path):
    """What a release looks at, of this checkout."""
    for name in (
        "pyproject.toml",
        "CITATION.cff",
        "CHANGELOG.md",
        "kipoi_tfb/__init__.py",
        "changes/README.md",
        "conda/recipe.yaml",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_version_is_said_alike(release, checkout):
    assert release.version_of(ROOT) == kipoi_tfb.__version__ and PROJECT["dynamic"] == ["readme", "version"]
    assert release.version_faults(ROOT) == []
    path = checkout / "CITATION.cff"
    path.write_text(path.read_text().replace(f"version: {kipoi_tfb.__version__}\n", "version: 0.0.9\n"))
    path = checkout / "CHANGELOG.md"
    path.write_text(path.read_text().replace(f"## {kipoi_tfb.__version__} - ", "## 0.0.8 - "))
    ours = f"kipoi_tfb.__version__ {kipoi_tfb.__version__}"
    assert release.version_faults(checkout) == [
        f"CITATION.cff says version 0.0.9, {ours}",
        f"the newest version of CHANGELOG.md is 0.0.8, {ours}",
    ]


def test_what_a_rehearsal_leaves_open(release, checkout):
    path = checkout / "CHANGELOG.md"
    path.write_text(f"# Changelog\n\n## {kipoi_tfb.__version__} - unreleased\n")
    (checkout / "changes" / "+a.added.md").write_text("A change.\n")
    text = (checkout / "pyproject.toml").read_text()
    (checkout / "pyproject.toml").write_text(re.sub(r"^Repository = .*\n", "", text, flags=re.M))
    date, fragments, address = release.open_ends(checkout)
    assert "no date" in date and "1 fragments" in fragments and "has no Repository" in address
    path.write_text(f"# Changelog\n\n## {kipoi_tfb.__version__} - 2030-01-02\n")
    (checkout / "changes" / "+a.added.md").unlink()
    text = text.replace("[project.urls]\n", '[project.urls]\nRepository = "here"\n')
    (checkout / "pyproject.toml").write_text(text)
    assert release.open_ends(checkout) == []


def test_the_address_is_one(release, checkout):
    assert release.address_faults(ROOT) == []
    path = checkout / "CITATION.cff"
    path.write_text(path.read_text() + 'repository-code: "https://elsewhere.example"\n')
    (fault,) = release.address_faults(checkout)
    assert "repository-code of CITATION.cff is https://elsewhere.example" in fault


def test_what_is_not_committed(release, tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert release.tree_faults(tmp_path) == []
    (tmp_path / "left.txt").touch()
    assert release.tree_faults(tmp_path) == ["not committed: ?? left.txt"]


def wheel_of(release, root: Path, *, leave: str = "", more: str = "", readme: str = "") -> Path:
    """Return a wheel made of the files of a checkout, without one and with one more."""
    path = root / "made.whl"
    info = "kipoi_tfb-9.9.9.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for folder, package in release.FOLDERS.items():
            for name in release.files_under(root / folder):
                if name != leave:
                    archive.writestr(f"{package.replace('.', '/')}/{name}", "")
        if more:
            archive.writestr(more, "")
        head = "Metadata-Version: 2.4\nName: kipoi-tfb\nLicense-Expression: MIT\n"
        archive.writestr(f"{info}/METADATA", f"{head}\n{readme}")
        archive.writestr(f"{info}/licenses/LICENSE", "")
    return path


def test_the_content_of_a_wheel(release, tmp_path):
    for folder in release.FOLDERS:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    project = tmp_path / "pyproject.toml"
    project.write_text("[project.urls]\n")
    (tmp_path / "model_zoo" / "models.tsv").touch()
    assert release.wheel_faults(wheel_of(release, tmp_path), tmp_path, "9.9.9") == []
    wheel = wheel_of(release, tmp_path, leave="models.tsv", more="tests/test_a.py")
    assert release.wheel_faults(wheel, tmp_path, "9.9.9") == [
        "kipoi_tfb/model_zoo/models.tsv is not in the wheel",
        "the wheel has tests/test_a.py",
    ]
    assert "is not of version 9.9.8" in release.wheel_faults(wheel, tmp_path, "9.9.8")[-1]
    wheel = wheel_of(release, tmp_path, readme="[a](https://a.example) [b](docs/b.md)")
    assert release.wheel_faults(wheel, tmp_path, "9.9.9") == []
    project.write_text("[project.urls]\nRepository = 'https://a.example'\n")
    (fault,) = release.wheel_faults(wheel, tmp_path, "9.9.9")
    assert fault == "the description has links that an index of packages cannot follow, such as docs/b.md"


def test_links_of_the_readme_lead_to_the_repository(monkeypatch):
    given = {}
    monkeypatch.setattr(setuptools, "setup", lambda **fields: given.update(fields))
    monkeypatch.chdir(ROOT)
    own = runpy.run_path("setup.py")
    readme = (ROOT / "README.md").read_text()
    assert given["long_description"] == own["long_description"](
        readme, PROJECT["urls"].get("Repository"), own["found"][1]
    )
    assert {"kipoi_tfb.model_zoo", "kipoi_tfb.dataloaders", "tfb_matrix_data"} <= {*given["packages"]}
    text = "[a](b.md#c) ![d [e]](f.svg) [g](https://h.example/i) [j](#k) | [l](m.md), [n](o.md) |"
    assert own["long_description"](text, "https://p.example/q/", "1.2") == (
        "[a](https://p.example/q/blob/v1.2/b.md#c) ![d [e]](https://p.example/q/raw/v1.2/f.svg) "
        "[g](https://h.example/i) [j](#k) | [l](https://p.example/q/blob/v1.2/m.md), "
        "[n](https://p.example/q/blob/v1.2/o.md) |"
    )
    assert own["long_description"](text, None, "1.2") == text


def test_the_notes_are_fragments_and_what_was_written_by_hand(release, checkout, monkeypatch):
    version = kipoi_tfb.__version__
    (checkout / "CHANGELOG.md").write_text(
        f"# Changelog\n\n<!-- towncrier release notes start -->\n\n## {version} - unreleased\n\n### Added\n\n"
        "- By hand.\n"
        "\n## 0.0.1 - 2020-01-01\n\n- Old.\n"
    )
    assert release.notes(checkout, version) == f"## {version} - unreleased\n\n### Added\n\n- By hand.\n"
    (checkout / "changes" / "+a.fixed.md").write_text("A change.\n")
    said = release.notes(checkout, version)
    assert "- A change." in said and said.endswith("- By hand.\n") and "Old" not in said


def test_the_oldest_versions_are_the_lowest_admitted():
    pinned = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "constraints-oldest.txt").read_text(), re.M))
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dask"]]
    lowest = dict(match.groups() for line in asked if (match := re.fullmatch(r"([\w.-]+)>=([\w.]+)", line)))
    assert {name: pinned.get(name) for name in lowest if name != "torch"} == {
        name: version for name, version in lowest.items() if name != "torch"
    }


def test_the_pythons_are_those_of_the_classifiers():
    elsewhere = script("elsewhere")
    said = [line.split(" :: ")[-1] for line in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", line)]
    assert said == list(elsewhere.PYTHONS)
    assert all((ROOT / path).exists() for path in elsewhere.CORE)


def test_a_python_that_is_not_there(monkeypatch, tmp_path, capsys):
    elsewhere = script("elsewhere")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    wrong = tmp_path / "versions" / "3.98.1" / "bin" / "python"
    wrong.parent.mkdir(parents=True)
    wrong.symlink_to(sys.executable)
    assert elsewhere.python_of("3.98") is None and elsewhere.python_of("3.99") is None
    monkeypatch.setattr(sys, "argv", ["elsewhere.py", "pythons", "3.99"])
    with pytest.raises(SystemExit) as ended:
        elsewhere.main()
    assert ended.value.code and capsys.readouterr().out.endswith("3.99: not to be had\n")


@pytest.mark.parametrize(("well", "code"), [(True, False), (False, True)])
def test_what_came_of_each_is_said(monkeypatch, capsys, well, code):
    elsewhere = script("elsewhere")
    here = ".".join(map(str, sys.version_info[:2]))
    monkeypatch.setattr(elsewhere, "python_of", {here: sys.executable}.get)
    monkeypatch.setattr(elsewhere, "core_tests", lambda python, constraints: well)
    monkeypatch.setattr(sys, "argv", ["elsewhere.py", "pythons", here, "3.99"])
    with pytest.raises(SystemExit) as ended:
        elsewhere.main()
    assert ended.value.code is code
    assert capsys.readouterr().out.endswith(f"{here}: {'passed' if well else 'FAILED'}\n3.99: not to be had\n")
