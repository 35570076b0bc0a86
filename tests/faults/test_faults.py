"""`make faults`: commands that are killed at any moment end in the same result when they are given again.

How many kills and with which seed come from TFB_FAULTS_KILLS and TFB_FAULTS_SEED.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.commands import COMMANDS, Command, Inputs

_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_LONGEST = 1800
"""Seconds of a command on a machine with much else to do: no run comes near it that does not hang."""
_DONE = {0, 3}
"""Exit codes of what is finished: 3 is that of an entry that its controls refuse."""
_ENDED = {signal.SIGTERM: {143, -signal.SIGTERM}, signal.SIGINT: {130, -signal.SIGINT}}
"""Exit codes after signals; the negative ones of a process that had not come to its first line of ours."""

_NOT_OURS = "Failed to import the site module"
"""What Python says of Ctrl-C before it has come to a line of ours."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, dense) -> Inputs:
    return Inputs(tmp_path_factory.mktemp("inputs"), dense)


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Let commands hear SIGINT though these tests run in a shell's background, where it is ignored and inherited so."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _start(command: Command, out: Path) -> subprocess.Popen:
    code = "import sys; from kipoi_tfb.cli import main; sys.exit(main())"
    environment = {**os.environ, "TFB_DATA": str(out.parent / "cache"), "SOURCE_DATE_EPOCH": "0"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *command.arguments(out)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=environment,
        text=True,
    )


def _whole(command: Command, out: Path) -> float:
    """Run a command to its end, after whatever was killed before; return how long it took."""
    started = time.monotonic()
    process = _start(command, out)
    _, err = process.communicate(timeout=_LONGEST)
    assert process.returncode in _DONE, err
    return time.monotonic() - started


def _debris(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if ".part" in path.name]


@pytest.mark.parametrize("name", COMMANDS)
def test_kills(name, inputs, tmp_path):
    command = inputs.commands()[name]
    rng = random.Random(f"{os.environ.get('TFB_FAULTS_SEED', 1)} {name}")
    kills = int(os.environ.get("TFB_FAULTS_KILLS", 102)) // len(COMMANDS)
    shutil.copytree(inputs.base.folder, tmp_path / inputs.base.folder.name)  # a fine-tuned entry looks for it above
    (tmp_path / "whole").mkdir()
    _whole(command, tmp_path / "whole")  # with what it reads into caches
    (tmp_path / "again").mkdir()
    seconds = _whole(command, tmp_path / "again")
    expected = command.results(tmp_path / "again")
    said: Counter[str] = Counter()
    out = tmp_path / "out"
    for number in range(kills):
        out.mkdir(exist_ok=True)
        how = _SIGNALS[number % len(_SIGNALS)]
        process = _start(command, out)
        time.sleep(rng.uniform(0, 1.05 * seconds))
        process.send_signal(how)
        _, err = process.communicate(timeout=_LONGEST)
        said[f"{how.name} {process.returncode}"] += 1
        early = _NOT_OURS in err
        assert "Traceback" not in err or process.returncode == -how or early, f"kill {number} by {how.name}: {err}"
        done = process.returncode in _DONE
        if not done and how in _ENDED and not early:
            assert process.returncode in _ENDED[how], f"kill {number} by {how.name}: {process.returncode} {err}"
        if number % 2 or done:  # else killed again where it goes on
            if not done:
                _whole(command, out)
            assert command.results(out) == expected, f"kill {number} by {how.name}"
            assert not _debris(tmp_path), f"kill {number} by {how.name}"
            out.rename(tmp_path / f"done-{number}")
    print(f"{name}: {kills} kills over {seconds:.1f} s, {dict(sorted(said.items()))}")
