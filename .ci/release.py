"""Rehearse a release: all that can be checked before something is uploaded; ``make release-check`` runs this.

``python .ci/release.py [--final]``, with the Python of an environment that has build, towncrier and twine. Nothing is
uploaded, and nothing in the checkout changes. With ``--final`` what a rehearsal may leave open is a fault too.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent))  # tests load this file by its path
from check_wheel import FOLDERS, files_under

ROOT = Path(__file__).parents[1]
RELATIVE = re.compile(r"\]\(((?![a-z]+:|#)[^)]+)\)")
"""Links of Markdown to files; setup.py makes them absolute where it knows the address."""
HEADING = re.compile(r"^## (\S+) - (\S+)$", re.M)


def version_of(root: Path) -> str:
    """Return the version, from the one place where it is written."""
    for node in ast.parse((root / "kipoi_tfb" / "__init__.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return str(ast.literal_eval(node.value))
    raise SystemExit("kipoi_tfb/__init__.py has no __version__")


def version_faults(root: Path) -> list[str]:
    """Return where another version is said than kipoi_tfb.__version__."""
    version = version_of(root)
    cited = yaml.safe_load((root / "CITATION.cff").read_text())["version"]
    found = [] if str(cited) == version else [f"CITATION.cff says version {cited}, kipoi_tfb.__version__ {version}"]
    recipe = yaml.safe_load((root / "conda" / "recipe.yaml").read_text())["context"]["version"]
    if recipe != version:
        found.append(f"conda/recipe.yaml says version {recipe}, kipoi_tfb.__version__ {version}")
    heading = HEADING.search((root / "CHANGELOG.md").read_text())
    if heading is None or heading[1] != version:
        newest = "nothing" if heading is None else heading[1]
        found.append(f"the newest version of CHANGELOG.md is {newest}, kipoi_tfb.__version__ {version}")
    return found


def open_ends(root: Path) -> list[str]:
    """Return what a rehearsal may leave open, but a release may not."""
    found = []
    if (heading := HEADING.search((root / "CHANGELOG.md").read_text())) and heading[2] == "unreleased":
        found.append(f"CHANGELOG.md has no date for {heading[1]} yet")
    if left := [path for path in (root / "changes").iterdir() if path.name != "README.md"]:
        found.append(f"{len(left)} fragments of changes/ are not in CHANGELOG.md yet: make changes-write")
    if "Repository" not in _project(root)["urls"]:
        found.append("[project.urls] of pyproject.toml has no Repository: nobody has said its address yet")
    return found


def address_faults(root: Path) -> list[str]:
    """Return whether CITATION.cff says another address than [project.urls], the one place where it is filled in."""
    ours = _project(root)["urls"].get("Repository")
    cited = yaml.safe_load((root / "CITATION.cff").read_text()).get("repository-code")
    if ours == cited:
        return []
    return [
        f"repository-code of CITATION.cff is {cited or 'missing'}, Repository of [project.urls] {ours or 'missing'}"
    ]


def tree_faults(root: Path) -> list[str]:
    """Return what is in the work tree but in no commit."""
    said = _run(["git", "status", "--porcelain"], root)
    return [f"not committed: {line.strip()}" for line in said.splitlines()]


def wheel_faults(wheel: Path, root: Path, version: str) -> list[str]:
    """Return what a wheel has too much or too little of, against the checkout that it was built from."""
    expected = set()
    for folder, package in FOLDERS.items():
        expected |= {f"{package.replace('.', '/')}/{name}" for name in files_under(root / folder)}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        info = f"kipoi_tfb-{version}.dist-info/"
        code = {name for name in names if not name.startswith(info)}
        found = [f"{name} is not in the wheel" for name in sorted(expected - code)]
        found += [f"the wheel has {name}" for name in sorted(code - expected)]
        if f"{info}METADATA" not in names:
            return [*found, f"the wheel is not of version {version}: it has no {info}METADATA"]
        metadata = HeaderParser().parsestr(archive.read(f"{info}METADATA").decode())
        links = RELATIVE.findall(metadata.get_payload())
        if links and "Repository" in _project(root)["urls"]:
            found.append(f"the description has links that an index of packages cannot follow, such as {links[0]}")
        if metadata["License-Expression"] != "MIT" or f"{info}licenses/LICENSE" not in names:
            found.append("the wheel does not bring its licence")
    return found


def notes(root: Path, version: str) -> str:
    """Return what the release says: the fragments, then what CHANGELOG.md has for the version already."""
    drawn = _run([sys.executable, "-m", "towncrier", "build", "--draft", "--version", version], root)
    text = (root / "CHANGELOG.md").read_text()
    written = re.search(rf"^## {re.escape(version)} - .*?(?=^## |\Z)", text, re.M | re.S)
    drawn = "" if "No significant changes" in drawn else drawn[max(0, drawn.find("## ")) :]
    return f"{drawn.strip()}\n\n{written[0].strip() if written else ''}".strip() + "\n"


def main() -> None:
    """Go through it all, print what is wrong, and exit with 1 where something is."""
    final = "--final" in sys.argv[1:]
    version = version_of(ROOT)
    faults = [*version_faults(ROOT), *address_faults(ROOT), *tree_faults(ROOT)]
    left = open_ends(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        print(f"kipoi-tfb {version}: building sdist and wheel", flush=True)
        _run([sys.executable, "-m", "build", "--outdir", folder, "."], ROOT)
        made = sorted(Path(folder).iterdir())
        for path in made:
            print(f"  {path.name}: {path.stat().st_size / 1e6:.1f} MB")
        _run([sys.executable, "-m", "twine", "check", "--strict", *map(str, made)], ROOT)
        (wheel,) = (path for path in made if path.suffix == ".whl")
        faults += wheel_faults(wheel, ROOT, version)
    print(f"\n{notes(ROOT, version)}")
    if final:
        faults += left
    elif left:
        print("Still to do before a release:\n" + "\n".join(f"- {end}" for end in left))
    if faults:
        sys.exit("Not fit for a release:\n" + "\n".join(f"- {fault}" for fault in faults))
    print(f"kipoi-tfb {version} {'can be released' if final else 'passes the rehearsal'}")


def _project(root: Path) -> dict[str, dict[str, str]]:
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
