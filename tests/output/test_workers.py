"""Workers that die, stop or hang, and schedulers that go: the run goes on, or ends with words and keeps its pieces."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from kipoi_tfb.output.cluster import piece_maker
from kipoi_tfb.output.pieces import Pieces
from kipoi_tfb.output.workers import Cluster
from tfb_matrix_data.errors import UnfinishedError

WORKERS = "kipoi_tfb.output.workers."

# A module of its own: workers must find it.
MAKERS = """
import os, signal, time

def write_number(share, number):
    return lambda path: path.write_text(str(number))

def stop_once_at(bad, flag, share, number):
    if number == bad and not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGSTOP)
    return lambda path: path.write_text(str(number))

def touch_and_hang_at(bad, flag, share, number):
    if number == bad:
        flag.touch()
        time.sleep(20)
    return lambda path: path.write_text(str(number))
"""

SCHEDULER = """
import sys, time
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50) as local:
        local.scale(1)
        print(local.scheduler_address, flush=True)
        time.sleep(600)
"""


@pytest.fixture(scope="module")
def makers(tmp_path_factory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("makers")
    (folder / "tfb_test_faulty.py").write_text(MAKERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", str(folder))  # of the scheduler below, too
        yield importlib.import_module("tfb_test_faulty")


@pytest.fixture
def scheduler(makers, tmp_path) -> Iterator[tuple[subprocess.Popen, Cluster]]:
    """A scheduler in a process of its own, with one worker."""
    script = tmp_path / "scheduler.py"
    script.write_text(SCHEDULER)
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        yield process, Cluster(scheduler=process.stdout.readline().strip(), threads=1)
        for each in [*psutil.Process(process.pid).children(recursive=True), process]:
            each.kill()


def make(output: Path, maker, cluster: Cluster, n: int = 8) -> list[str]:
    """Make n pieces and return their texts, in order."""
    with Pieces(output, {}) as pieces:
        with piece_maker(pieces, maker, cluster) as add:
            for number in range(n):
                add(f"{number}", f"chr1:{number}", 1, number)
        return [path.read_text() for path in pieces.paths]


def kill_new_workers(n: int, how: signal.Signals) -> threading.Thread:
    """Send a signal to the first workers of this process that start from now on, as soon as they are there."""
    before = set(psutil.Process().children())

    def watch() -> None:
        seen: set[psutil.Process] = set()
        while len(seen) < n:
            for child in set(psutil.Process().children()) - before - seen:
                if "spawn_main" in " ".join(child.cmdline()) and len(seen) < n:
                    child.send_signal(how)
                    seen.add(child)
            time.sleep(0.01)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def when(flag: Path, act: Callable[[], object]) -> threading.Thread:
    """Act when a file is there."""

    def wait() -> None:
        while not flag.exists():
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def test_workers_that_die_while_they_start_are_said(tmp_path, makers, caplog, capfd):
    thread = kill_new_workers(2, signal.SIGKILL)
    with pytest.raises(UnfinishedError) as caught:
        make(tmp_path / "out", makers.write_number, Cluster(workers=2, threads=1))
    thread.join()
    assert "out: is not written: the 2 workers of this machine died or hung while they started" in str(caught.value)
    assert "Try fewer --workers" in str(caught.value)
    assert "Traceback" not in caplog.text + capfd.readouterr().err
    assert logging.getLogger("distributed").level < logging.CRITICAL  # as it was


def test_one_worker_that_dies_while_it_starts_is_done_without(tmp_path, makers, capfd):
    thread = kill_new_workers(1, signal.SIGKILL)
    found = make(tmp_path / "out", makers.write_number, Cluster(workers=2, threads=1))
    thread.join()
    assert found == [str(number) for number in range(8)]
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_workers_that_stop_while_they_start_are_not_waited_for(tmp_path, makers, monkeypatch, capfd, caplog):
    monkeypatch.setattr(WORKERS + "_START", 6.0)
    monkeypatch.setattr(WORKERS + "_CLOSE", 1.0)
    before = set(psutil.Process().children())
    thread = kill_new_workers(1, signal.SIGSTOP)
    with pytest.raises(UnfinishedError, match="the 1 workers of this machine died or hung and none is there after"):
        make(tmp_path / "out", makers.write_number, Cluster(workers=1, threads=1))
    thread.join()
    left = [child for child in set(psutil.Process().children()) - before if "spawn_main" in " ".join(child.cmdline())]
    assert not left
    assert "Traceback" not in caplog.text + capfd.readouterr().err


@pytest.mark.slow
def test_a_worker_that_stops_is_ended_and_its_piece_made_again(tmp_path, makers, monkeypatch, caplog):
    monkeypatch.setattr(WORKERS + "_GIVEN_UP", 6)
    monkeypatch.setattr(WORKERS + "_SILENT", 2.0)  # a worker that is well gives a sign twice a second
    monkeypatch.setattr("kipoi_tfb.output.workers._LOOK", 0.2)
    monkeypatch.setattr("kipoi_tfb.output.cluster._FETCH", 0.2)
    maker = partial(makers.stop_once_at, 3, tmp_path / "stopped")
    assert make(tmp_path / "out", maker, Cluster(workers=1, threads=1)) == [str(number) for number in range(8)]
    assert (tmp_path / "stopped").exists()
    assert "worker 0 has given no sign of life for " in caplog.text
    assert "after 6 to 12 s it is ended and started again" in caplog.text


def test_a_piece_that_hangs_ends_the_run_and_the_others_are_kept(tmp_path, makers, scheduler, monkeypatch):
    monkeypatch.setattr("kipoi_tfb.output.workers._LOOK", 0.2)
    hangs = tmp_path / "hangs"
    thread = when(hangs, lambda: monkeypatch.setattr(WORKERS + "_STALLED", 1.0))
    with pytest.raises(UnfinishedError, match="no piece came back for 0 minutes, though there are 1 workers"):
        make(tmp_path / "out", partial(makers.touch_and_hang_at, 3, hangs), scheduler[1])
    thread.join()
    assert len(list((tmp_path / "out.parts").glob("0*"))) == 3


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (signal.SIGKILL, r"written: the scheduler at tcp://.* (has gone; start it again|has not answered)"),
        (
            signal.SIGSTOP,
            r"written: the scheduler at tcp://.* has not answered for 1 s; did it die, or is it stopped\?",
        ),
    ],
)
def test_a_scheduler_that_goes_ends_the_run(tmp_path, makers, scheduler, monkeypatch, how, said, capfd, caplog):
    process, cluster = scheduler
    for name, seconds in (("_CONNECT", 5.0), ("_CLOSE", 1.0)):
        monkeypatch.setattr(WORKERS + name, seconds)
    monkeypatch.setattr("kipoi_tfb.output.workers._LOOK", 0.2)
    hangs = tmp_path / "hangs"

    def end_it() -> None:
        monkeypatch.setattr(WORKERS + "_ANSWER", 1.0)
        os.kill(process.pid, how)

    thread = when(hangs, end_it)
    with pytest.raises(UnfinishedError, match=said):
        make(tmp_path / "out", partial(makers.touch_and_hang_at, 3, hangs), cluster)
    thread.join()
    assert len(list((tmp_path / "out.parts").glob("0*"))) == 3
    assert "Traceback" not in caplog.text + capfd.readouterr().err
