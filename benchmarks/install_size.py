"""What a plain install takes on disk, and who asks for it: `python benchmarks/install_size.py`.

Makes a clean environment, installs the checkout there under constraints.txt, as the README says, and prints a table for
docs/what-is-kept.md. pip needs a network; which build of torch it takes is what its settings give. `--of PYTHON`
measures an environment that is there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHOWN = 20
ASK = """
import json, re, sys
from importlib.metadata import distributions
from pathlib import Path
def plain(name): return re.sub(r"[-_.]+", "-", name).lower()
found = {}
for one in distributions(path=[sys.argv[1]]):
    listed = [Path(one.locate_file(file)) for file in one.files or []]
    sources = [path for path in listed if path.suffix == ".py"]  # what was compiled since is not listed
    used = [made for path in sources for made in path.parent.glob(f"__pycache__/{path.stem}.*.pyc")]
    files = [path for path in dict.fromkeys([*listed, *used]) if path.is_file()]
    asks = [plain(re.match(r"[\\w.-]+", line)[0]) for line in one.requires or [] if "extra ==" not in line]
    sizes = [path.stat().st_blocks * 512 for path in files]
    compiled = sum(size for path, size in zip(files, sizes) if "__pycache__" in path.parts)
    name = plain(one.metadata["Name"])
    found[name] = {"version": one.version, "size": sum(sizes), "compiled": compiled, "asks": asks}
print(json.dumps(found))
"""


def main() -> None:
    """Install, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of", type=Path, help="Python of an environment that is there")
    parser.add_argument("--compile", action="store_true", help="let pip compile all Python files, as it does unasked")
    arguments = parser.parse_args()
    if arguments.of:
        print(report(measured(arguments.of), disk_usage(arguments.of)))
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin" / "python"
        more = [] if arguments.compile else ["--no-compile"]
        install = [python, "-m", "pip", "install", "-qq", *more, "-c", "constraints.txt", "."]
        subprocess.run(install, cwd=ROOT, check=True)
        if not arguments.compile:  # Python does, what is used
            print(f"{disk_usage(python) / 1e6:,.0f} MB as installed; after `tfb demo`:\n")
            used = [python.with_name("tfb"), "demo", "-o", f"{folder}/demo"]
            env = {**os.environ, "TFB_DATA": f"{folder}/data"}
            env.pop("PYTHONDONTWRITEBYTECODE", None)  # else nothing that is used would be compiled
            subprocess.run(used, check=True, env=env, capture_output=True)
            for name in ("demo", "data"):
                shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
        print(report(measured(python), disk_usage(python)))


def measured(python: Path) -> dict[str, dict]:
    """Return version, bytes on disk and requirements of every distribution of an environment."""
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    folder = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip()
    done = subprocess.run([sys.executable, "-c", ASK, folder], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def disk_usage(python: Path) -> int:
    """Return the bytes that the environment takes, as `du` counts them."""
    du = subprocess.run(["du", "-sk", python.parents[1]], check=True, capture_output=True, text=True)
    return int(du.stdout.split()[0]) * 1024


def report(found: dict[str, dict], total: int) -> str:
    """Return the table: the largest distributions, who asks for each, and how much of it is compiled Python."""
    lines = [
        f"{total / 1e6:,.0f} MB in all, as `du` counts; {len(found)} distributions; "
        f"{sum(one['compiled'] for one in found.values()) / 1e6:,.0f} MB of it are compiled Python files.",
        "",
        "| distribution | MB | asked for by |",
        "|---|---|---|",
    ]
    largest = sorted(found, key=lambda name: -found[name]["size"])
    for name in largest[:SHOWN]:
        asking = sorted(other for other, one in found.items() if name in one["asks"])
        first = "kipoi-tfb" in asking
        others = [other for other in asking if other != "kipoi-tfb"]
        said = ", ".join([*(["kipoi-tfb"] if first else []), *others]) or "(itself)"
        lines.append(f"| {name} {found[name]['version']} | {found[name]['size'] / 1e6:,.0f} | {said} |")
    rest = sum(found[name]["size"] for name in largest[SHOWN:])
    lines.append(f"| {len(largest[SHOWN:])} others | {rest / 1e6:,.0f} | |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
