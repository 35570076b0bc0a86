"""Check an installed kipoi-tfb against the checkout it was built from; ``make wheel-test`` runs this.

Run it with the Python of an environment in which the wheel is installed, from a folder outside of the checkout:
``python check_wheel.py CHECKOUT``.
"""

import importlib
import os
import socket
import sys
import tempfile
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

FOLDERS = {
    "tfb_matrix_data": "tfb_matrix_data",
    "kipoi_tfb": "kipoi_tfb",
    "dataloaders": "kipoi_tfb.dataloaders",
    "model_zoo": "kipoi_tfb.model_zoo",
    "templates": "kipoi_tfb.templates",
}
DATALOADERS = [f"kipoi_tfb.dataloaders.{name}" for name in ("regions", "variants", "sequences")]


def files_under(folder: Path, skip: frozenset[str] = frozenset()) -> set[str]:
    """Relative paths of the files under `folder`, without hidden ones, caches and the top-level folders `skip`."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {
        path.as_posix()
        for path in paths
        if path.parts[0] not in skip and not any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    }


def problems(checkout: Path) -> list[str]:
    """Everything that is wrong with the installed package, one sentence each."""
    found = []
    for name in [*FOLDERS.values(), *DATALOADERS]:
        module = importlib.import_module(name)
        if Path(str(module.__file__)).resolve().is_relative_to(checkout):
            found.append(f"{name} is imported from the checkout, not from the installed wheel")
    for folder, package in FOLDERS.items():
        nested = frozenset(FOLDERS) if package == "kipoi_tfb" else frozenset()
        expected = files_under(checkout / folder)
        installed = files_under(Path(str(files(package))), skip=nested)
        found += [
            f"{folder}/{name} is not in the wheel: no package-data pattern in pyproject.toml matches it, "
            "or its folder lacks __init__.py"
            for name in sorted(expected - installed)
        ]
        found += [f"{package}: {name} is in the wheel but not in {folder}/" for name in sorted(installed - expected)]
    # Other distributions do install a top-level `tests`; only what this one records counts.
    recorded = distribution("kipoi-tfb").files or []
    top = {path.parts[0] for path in recorded if path.parts[0] != ".."}
    extra = sorted(name for name in top if name not in FOLDERS.values() and not name.endswith(".dist-info"))
    found += [f"the wheel puts {name} at the top of site-packages" for name in extra]
    return found


def example_problems() -> list[str]:
    """Return what is wrong with the matrix that the data package brings: it opens without a network."""
    os.environ["TFB_DATA"] = tempfile.mkdtemp()
    socket.socket.connect = no_network
    matrix, genome = importlib.import_module("tfb_matrix_data").example()
    with matrix:
        shape = genome.windows(["chr22"] * len(matrix), matrix.regions.start, 200).codes.shape
        labels = matrix.labels(["MAFK", "POU5F1"]).shape
    return [] if (shape, labels) == ((78, 200), (78, 2)) else [f"example() has windows {shape} and labels {labels}"]


def no_network(*_: object) -> None:
    """Stand in for a connection."""
    raise AssertionError("something was asked of a network")


def main() -> None:
    """Print what is wrong and exit with 1, or say that all is well."""
    checkout = Path(sys.argv[1]).resolve()
    if Path.cwd().is_relative_to(checkout):
        sys.exit("Run this from a folder outside of the checkout")
    found = [*problems(checkout), *example_problems()]
    if found:
        sys.exit("\n".join(found))
    print("imports, package data, the example and top-level names are as they should be")


if __name__ == "__main__":
    main()
