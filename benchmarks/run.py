"""Run every benchmark on this machine and write docs/benchmarks.md; peers.py and gpu.py are run by themselves.

    python benchmarks/run.py --matrix matrix.h5 --genome hg38.fa.gz --upstream folder

Each benchmark is a script of its own that prints one line per measurement; run it alone for one figure. Nothing else
should run meanwhile. All of them take some 25 minutes on two cores. Where a script fails the others are
run all the same; the report then says which, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
REPORT = HERE.parent / "docs" / "benchmarks.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrix", required=True, help="binding matrix made by `tfb data import`")
    parser.add_argument("--genome", required=True, help="FASTA that covers the matrix's regions")
    parser.add_argument("--upstream", help="folder of published matrices; without it, importing is not measured")
    arguments = parser.parse_args()
    lines, failed = _measured(
        ("matrix.py", ["--matrix", arguments.matrix]),
        ("similarity.py", ["--matrix", arguments.matrix]),
        *([("importing.py", ["--upstream", arguments.upstream])] if arguments.upstream else []),
        ("build.py", []),
        ("encoding.py", ["--matrix", arguments.matrix, "--genome", arguments.genome]),
        ("inference.py", []),
        ("group.py", []),
        ("training.py", []),
        ("variants.py", ["--genome", arguments.genome]),
        ("effect_shift.py", ["--matrix", arguments.matrix, "--genome", arguments.genome]),
        ("scoring.py", ["--genome", arguments.genome]),
        ("million.py", ["--genome", arguments.genome]),
        ("finetuning.py", ["--matrix", arguments.matrix, "--genome", arguments.genome]),
        ("predict.py", ["--matrix", arguments.matrix, "--genome", arguments.genome]),
    )
    print("\n".join(lines))
    # Sections behind the table stay: what benchmarks/gpu.py measured elsewhere.
    _, heading, sections = (REPORT.read_text() if REPORT.is_file() else "").partition("\n## ")
    REPORT.write_text(_report(lines, failed) + heading + sections)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; what was measured is in {REPORT}")


def _measured(*scripts: tuple[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Run scripts with their arguments; return the lines that they print, and which of them failed."""
    lines, failed = [], []
    for script, needs in scripts:
        print(f"{script} ...", file=sys.stderr)
        done = subprocess.run([sys.executable, str(HERE / script), *needs], stdout=subprocess.PIPE, text=True)
        lines += done.stdout.splitlines()  # of one that fails, what it had measured before
        if done.returncode:
            failed.append(script)
            print(f"{script} failed (exit code {done.returncode})", file=sys.stderr)
    return lines, failed


def _report(lines: list[str], failed: list[str]) -> str:
    import torch

    cpu = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    missing = f" Missing or not complete, for they failed: {', '.join(failed)}." if failed else ""
    return (
        "# Benchmarks\n\n"
        f"Printed by `python benchmarks/run.py` on {datetime.date.today().isoformat()}: {cpu}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, torch {torch.__version__}. Written anew at every run.{missing}\n\n"
        "| benchmark | measured | how |\n|---|---|---|\n" + "\n".join(lines) + "\n"
    )


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    main()
