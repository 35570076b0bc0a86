"""Run the core tests under other Pythons, or the oldest libraries, each in a new environment that is removed after.

``python .ci/elsewhere.py pythons [3.11 3.12 3.13]`` (``make test-pythons``) takes the Pythons that are on this machine:
of PATH, of pyenv, of uv. Which were not to be had is said, and is no failure unless there was none at all.
``python .ci/elsewhere.py oldest`` (``make test-oldest``) takes this Python and constraints-oldest.txt.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
"""Those of the classifiers of pyproject.toml."""
CORE = (
    "tests/tfb_matrix_data/test_build.py",
    "tests/tfb_matrix_data/test_examples.py",
    "tests/tfb_matrix_data/test_fasta.py",
    "tests/tfb_matrix_data/test_genome.py",
    "tests/tfb_matrix_data/test_matrix.py",
    "tests/tfb_matrix_data/test_npz.py",
    "tests/tfb_matrix_data/test_similarity.py",
    "tests/tfb_matrix_data/test_variant_index.py",
    "tests/models/test_build.py",
    "tests/models/test_danq.py",
    "tests/models/test_motif_cnn.py",
    "tests/models/test_paper_cnn.py",
    "tests/motifs/test_profiles.py",
    "tests/motifs/test_scorer.py",
    "tests/motifs/test_tomtom.py",
    "tests/output/test_cluster.py",
    "tests/output/test_figures.py",
    "tests/output/test_logos.py",
    "tests/output/test_tables.py",
    "tests/prediction",
    "tests/variants/test_effects.py",
    "tests/variants/test_vcf.py",
    "tests/cli/test_commands.py",
    "tests/cli/test_options.py",
    "tests/evaluation/test_metrics.py",
    "tests/finetuning/test_head.py",
    "tests/interpretation/test_attributions.py",
    "tests/kipoi/test_dataloaders.py",
    "tests/training/test_trainer.py",
    "tests/zoo/test_card.py",
    "tests/zoo/test_find.py",
)
"""What a library can break: reading, windows, networks, training, Kipoi's classes, writing."""


def candidates(version: str) -> Iterator[str]:
    """Go through what might be the Python of a version on this machine."""
    if on_path := shutil.which(f"python{version}"):
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from (str(path) for path in sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True))
    if uv := shutil.which("uv"):
        done = subprocess.run([uv, "python", "find", version], capture_output=True, text=True, check=False)
        yield done.stdout.strip()


def python_of(version: str) -> str | None:
    """Return a Python of a version that runs and is that version; None where there is none."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    for path in candidates(version):
        try:
            done = subprocess.run([path, "-c", ask], capture_output=True, text=True, check=False)
        except OSError:
            continue
        if done.returncode == 0 and done.stdout.strip() == version:
            return path
    return None


def core_tests(python: str, constraints: str) -> bool:
    """Install the checkout under constraints into a new environment, run the core tests there; whether all is well."""
    with tempfile.TemporaryDirectory(prefix="tfb-elsewhere-") as folder:
        inside = f"{folder}/venv/bin/python"
        installed = ("-e", ".[dask,interpret,jaspar]", "pytest", "hypothesis")
        steps = (
            [python, "-m", "venv", f"{folder}/venv"],
            [inside, "-m", "pip", "install", "-qq", "-c", constraints, *installed],
            [inside, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", "--tb=short", *CORE],
        )
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        return all(subprocess.run(step, cwd=ROOT, env=environment, check=False).returncode == 0 for step in steps)


def main() -> None:
    """Run what is asked for, and say at the end what passed, what failed and what was not to be had."""
    match sys.argv[1:]:
        case ["oldest"]:
            asked = {"oldest": (sys.executable, "constraints-oldest.txt")}
        case ["pythons", *versions]:
            asked = {version: (python_of(version), "constraints.txt") for version in versions or PYTHONS}
        case _:
            sys.exit(__doc__)
    said = {}
    for name, (python, constraints) in asked.items():
        print(f"=== {name}: {python or 'not to be had on this machine'}", flush=True)
        said[name] = "not to be had" if python is None else "passed" if core_tests(python, constraints) else "FAILED"
    print("\n".join(f"{name}: {what}" for name, what in said.items()))
    sys.exit("FAILED" in said.values() or "passed" not in said.values())


if __name__ == "__main__":
    main()
