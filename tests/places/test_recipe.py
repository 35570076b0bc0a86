"""Image, conda recipe and workflow say what the package says: checked without the tools that build them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import kipoi_tfb
from tests.scripts import script

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RECIPE = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
CONDA_NAMES = {"lazy-loader": "lazy_loader", "matplotlib": "matplotlib-base", "torch": "pytorch"}


def conda(requirement: str) -> str:
    """Return how conda says a requirement of pyproject.toml."""
    name, how = re.fullmatch(r"([\w.-]+)(.*)", requirement).groups()
    return f"{CONDA_NAMES.get(name, name).lower()} {how}"


def test_the_recipe_needs_what_the_package_needs():
    needs = PROJECT["project"]
    python = f"python {needs['requires-python']}"
    assert RECIPE["requirements"]["run"] == [python, *(conda(line) for line in needs["dependencies"])]
    builders = [conda(line) for line in PROJECT["build-system"]["requires"]]
    assert RECIPE["requirements"]["host"] == [python, "pip", *builders]


def test_the_recipe_says_version_licence_and_command():
    assert RECIPE["context"]["version"] == kipoi_tfb.__version__
    assert RECIPE["about"]["license"] == PROJECT["project"]["license"]
    (command,) = PROJECT["project"]["scripts"].items()
    assert RECIPE["build"]["python"]["entry_points"] == [" = ".join(command)]


def test_the_image():
    steps = list(script("image_steps").instructions(DOCKERFILE))
    said = {name: [rest for key, rest in steps if key == name] for name, _ in steps}
    assert [line.split()[0] for line in said["FROM"]] == ["python:${PYTHON}-slim"] * 2
    assert said["ARG"][0].split("=")[1] in (name.split(" :: ")[-1] for name in PROJECT["project"]["classifiers"])
    assert said["ARG"][1:] == ["TORCH_BUILD=cpu", "TORCH_INDEX="], "CPU by default, and no index is named"
    assert "://" not in DOCKERFILE
    # Not root, and by number, from the last stage's first step with the package on.
    (user,) = said["USER"]
    assert int(user) > 0 and f"--uid {user} " in DOCKERFILE
    assert said["ENTRYPOINT"] == ['["tfb"]']


def test_what_is_copied_into_the_image_is_there_and_small():
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", ".tools", "runs", "dist"} <= set(ignored)
    for name, rest in script("image_steps").instructions(DOCKERFILE):
        if name == "COPY" and "--from" not in rest:
            assert all((ROOT / source).exists() for source in rest.split()[:-1])


def test_lines_that_go_on_are_one_instruction():
    text = "# a comment\nFROM a AS b\nRUN one \\\n    # within\n    && two\n\nUSER 1\n"
    assert list(script("image_steps").instructions(text)) == [
        ("FROM", "a AS b"),
        ("RUN", "one  && two"),
        ("USER", "1"),
    ]


@pytest.mark.parametrize(
    ("asked", "cuda", "said"),
    [
        ("cpu", None, None),
        ("cuda", "13.0", None),
        ("cpu", "13.0", "pip gave a cuda build of torch, and TORCH_BUILD is cpu; give --build-arg TORCH_INDEX=ADDRESS"),
        ("cuda", None, "pip gave a cpu build of torch, and TORCH_BUILD is cuda"),
        ("gpu", None, "TORCH_BUILD is 'gpu'; expected cpu or cuda"),
    ],
)
def test_a_torch_of_another_build_is_refused(asked, cuda, said):
    fault = script("check_torch").fault(asked, cuda)
    assert fault is said is None or fault.startswith(said)
