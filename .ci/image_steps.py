"""Run every step of the Dockerfile, then of the conda recipe, where no image can be built: ``make image-steps``.

Each stage is an overlay of this machine, in a mount namespace of its own: commands run as they stand in the file, with
its folders, variables and users, and all that they write is gone at the end. The base image alone is not there: the
system below is this machine's, with this Python as its python3. Root is needed; pip needs a network.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import string
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PASSED_ON = ("PIP_", "SSL_", "REQUESTS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEVICES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9)}


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Go through the instructions of a Dockerfile: name, and the rest with its lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        name, _, rest = line.strip().partition(" ")
        yield name.upper(), rest.strip()


class Stage:
    """One stage: an overlay of this machine with the folder, the variables and the user that it has so far."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.root, self.folder, self.user = folder / "root", "/", "0"
        self.variables = {"PATH": f"{Path(sys.base_prefix) / 'bin'}:{_SYSTEM}", **variables}
        for name in ("root", "upper", "work"):
            (folder / name).mkdir(parents=True)
        parts = f"lowerdir=/,upperdir={folder / 'upper'},workdir={folder / 'work'}"
        _run(["mount", "-t", "overlay", "overlay", "-o", parts, str(self.root)])
        for device, (major, minor) in DEVICES.items():  # of its own: nothing of this machine's is mounted here
            os.mknod(self.root / "dev" / device, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
            (self.root / "dev" / device).chmod(0o666)
        (self.root / "dev" / "shm").mkdir(exist_ok=True)
        _run(["mount", "-t", "proc", "proc", str(self.root / "proc")])
        for above in Path(sys.base_prefix).parents:  # whoever the file names may read this Python
            (self.root / above.relative_to("/")).chmod(0o755)

    def run(self, command: str) -> None:
        """Run a shell command in the stage."""
        chroot = [
            shutil.which("chroot", path=_SYSTEM) or "chroot",
            f"--userspec={self.user}:{self.user}",
            str(self.root),
            "/bin/sh",
            "-c",
        ]
        known = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        _run([*chroot, f"cd {shlex.quote(self.folder)} && {command}"], {**known, "HOME": "/tmp", **self.variables})

    def inside(self, path: str) -> Path:
        """Return where a path of the stage lies on this machine."""
        return self.root / os.path.normpath(os.path.join(self.folder, path)).lstrip("/")

    def value(self, text: str) -> str:
        """Fill in variables as Dockerfile's own instructions do."""
        return string.Template(text).safe_substitute(self.variables)

    def copy(self, sources: list[str], target: str, other: Stage | None) -> None:
        """Copy from the checkout (what git knows of it), or from another stage."""
        known = [] if other else _run(["git", "-C", str(ROOT), "ls-files", "-z"], quiet=True).split("\0")[:-1]
        for source in sources:
            if other:
                shutil.copytree(other.inside(source), self.inside(target), symlinks=True)
            elif source == ".":
                for name in known:
                    self.inside(f"{target}/{name}").parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / name, self.inside(f"{target}/{name}"))
            else:
                shutil.copy(ROOT / source, self.inside(target))


def run_dockerfile(folder: Path) -> Stage:
    """Run all instructions; return the last stage."""
    stages: dict[str, Stage] = {}
    given: dict[str, str] = {}  # what ARG says before the first stage
    stage: Stage | None = None
    for name, rest in instructions((ROOT / "Dockerfile").read_text()):
        print(f"--- {name} {rest}", flush=True)
        if name == "FROM":
            stage = Stage(folder / str(len(stages)), given)
            stages[rest.split(" AS ")[-1]] = stage
        elif name == "ARG":
            key, _, value = rest.partition("=")
            (given if stage is None else stage.variables)[key] = value
        elif stage is None:
            sys.exit(f"{name} stands before the first FROM")
        elif name == "ENV":
            stage.variables |= {key: stage.value(value) for key, _, value in _pairs(rest)}
        elif name == "WORKDIR":
            stage.folder = rest
            stage.inside(".").mkdir(parents=True, exist_ok=True)
        elif name == "COPY":
            *sources, target = [part for part in rest.split() if not part.startswith("--from=")]
            other = re.search(r"--from=(\S+)", rest)
            stage.copy(sources, target, stages[other[1]] if other else None)
        elif name == "RUN":
            stage.run(rest)
        elif name == "USER":
            stage.user = rest
        elif name == "CMD":
            stage.run(f"tfb {shlex.join(yaml.safe_load(rest))} >/dev/null")
        elif (name, rest) != ("ENTRYPOINT", '["tfb"]'):
            sys.exit(f"{name} {rest}: {Path(__file__).name} does not know this instruction")
    if stage is None:
        sys.exit("Dockerfile has no stage")
    return stage


def run_recipe(stage: Stage) -> None:
    """Build and test as the conda recipe says, in the environment of the image, with pip's packages for conda's."""
    recipe = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text())
    stage.user, stage.folder = "0", "/recipe"
    stage.copy(["."], "/recipe", None)
    host = [line.replace(" ", "") for line in recipe["requirements"]["host"] if line.startswith("setuptools ")]
    steps = ["python -m pip uninstall --quiet --yes kipoi-tfb", f"python -m pip install --quiet {shlex.join(host)}"]
    steps += [recipe["build"]["script"], "python -m pip check", "cd / && rm -r /recipe"]
    for test in recipe["tests"]:
        imported = test.get("python", {}).get("imports", [])
        steps += [f"cd / && python -c 'import {name}'" for name in imported]
        steps += [f"cd / && {line}" for line in test.get("script", [])]
    for step in steps:
        print(f"--- recipe: {step}", flush=True)
        stage.run(step)
        stage.folder = "/recipe" if stage.inside("/recipe").exists() else "/"


def main() -> None:
    """Run it all in a mount namespace, and remove what it left when its mounts are gone with it."""
    if sys.argv[1:2] == ["inside"]:
        run_recipe(run_dockerfile(Path(sys.argv[2])))
        print("every step of Dockerfile and conda/recipe.yaml ran")
        return
    if os.geteuid():
        sys.exit("overlays need root")
    with tempfile.TemporaryDirectory(prefix="tfb-image-") as folder:
        command = ["unshare", "--mount", "--propagation", "private", sys.executable, __file__, "inside", folder]
        status = subprocess.run(command, check=False).returncode
    sys.exit(status)


def _pairs(text: str) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in shlex.split(text)]


def _run(command: list[str], environment: dict[str, str] | None = None, quiet: bool = False) -> str:
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE if quiet else None, text=True, check=False)
    if done.returncode:
        sys.exit(f"failed ({done.returncode}): {shlex.join(command)}")
    return done.stdout or ""


if __name__ == "__main__":
    main()
