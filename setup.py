"""Find the packages, and make README's links absolute; all else about the distribution is in pyproject.toml.

``dataloaders``, ``model_zoo`` and ``templates`` are installed as sub-packages of ``kipoi_tfb`` (``package-dir`` in
pyproject.toml), which setuptools cannot discover by itself. README links to files beside it, which an index of packages
does not have: there they lead to the repository of ``[project.urls]``, at the tag of the version.
"""

import re
import tomllib
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
MAPPED = ("dataloaders", "model_zoo", "templates")
LINK = re.compile(r"(!?)\[((?:[^][]|\[[^]]*\])*)\]\((?![a-z]+:|#)([^)]+)\)")


def long_description(readme: str, repository: str | None, version: str) -> str:
    """Return README's text with its relative links made absolute, if the repository's address is known."""
    if not repository:
        return readme

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link[1] else "blob"
        return f"{link[1]}[{link[2]}]({repository.rstrip('/')}/{kind}/v{version}/{link[3]})"

    return LINK.sub(absolute, readme)


project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
found = re.search(r'^__version__ = "(.+)"$', (ROOT / "kipoi_tfb" / "__init__.py").read_text(encoding="utf-8"), re.M)
if found is None:
    raise SystemExit("kipoi_tfb/__init__.py has no __version__")
packages = find_packages(include=["tfb_matrix_data", "tfb_matrix_data.*", "kipoi_tfb", "kipoi_tfb.*"])
packages += [f"kipoi_tfb.{name}" for folder in MAPPED for name in find_packages(include=[folder, f"{folder}.*"])]

setup(
    packages=packages,
    long_description=long_description(
        (ROOT / "README.md").read_text(encoding="utf-8"), project["urls"].get("Repository"), found[1]
    ),
    long_description_content_type="text/markdown",
)
