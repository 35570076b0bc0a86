"""Ctrl-C and SIGTERM at any moment of a command: exit code, no traceback; also where Python would lose them."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# Each is run as the script `tfb` would be, and sends itself what Ctrl-C sends.
BEFORE = "import os, signal, sys; sys.argv = ['tfb', 'zoo', 'ls']; hit = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
IMPORTED = "import kipoi_tfb; hit(); import kipoi_tfb.cli"
PARSED = (
    "import kipoi_tfb.cli, typer.main; real = typer.main.get_command\n"
    "def get(app): hit(); return real(app)\n"
    "typer.main.get_command = get; kipoi_tfb.cli.main()"
)
AT_WORK = (
    "import kipoi_tfb.cli, kipoi_tfb.zoo.find as find\n"
    "def entries(*_, **__): hit(); raise AssertionError('it went on')\n"
    "find.group_names = entries; kipoi_tfb.cli.main()"
)
FINALISER = """
import time, kipoi_tfb.cli, kipoi_tfb.zoo.find as find

class Leaving:
    def __del__(self):
        hit()
        str(self)  # any bytecode: here Python looks for signals

def entries(*_, **__):
    Leaving()
    time.sleep(60)
    raise AssertionError("it went on")

find.group_names = entries
kipoi_tfb.cli.main()
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    # Where the tests run in the background, a shell has let them ignore Ctrl-C, and they would hand that on.
    heeded = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    command = [sys.executable, "-c", heeded + BEFORE + code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", [IMPORTED, PARSED, AT_WORK, FINALISER])
def test_ctrl_c_ends_a_command_without_a_traceback(code):
    ended = run(code)
    assert ended.returncode == 130
    assert ended.stderr.strip() in {"", "Aborted."}


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_an_end_that_is_asked_for_in_a_finaliser_is_not_lost(name):
    heeded = f"signal.signal(signal.{name}, signal.SIG_DFL); hit = lambda: os.kill(os.getpid(), signal.{name})\n"
    ended = run(heeded + FINALISER)
    assert (ended.returncode, ended.stderr) == (128 + getattr(signal, name), "")


def test_as_a_library_ctrl_c_is_an_exception():
    ended = run("sys.argv = ['script.py']; import kipoi_tfb\ntry: hit()\nexcept KeyboardInterrupt: print('caught')")
    assert (ended.returncode, ended.stdout) == (0, "caught\n")


def test_a_signal_that_is_ignored_stays_so():
    ended = run(
        "signal.signal(signal.SIGINT, signal.SIG_IGN); import kipoi_tfb.cli; hit(); kipoi_tfb.cli.main(); hit()"
    )
    assert ended.returncode == 0 and "multi163" in ended.stdout


def test_what_else_is_raised_in_a_finaliser_is_said_as_ever():
    leaving = "class Leaving:\n    def __del__(self): 1 / 0\nLeaving()"
    ended = run(f"from kipoi_tfb.cli.interrupts import raise_interrupts; raise_interrupts()\n{leaving}")
    assert "ZeroDivisionError" in ended.stderr
