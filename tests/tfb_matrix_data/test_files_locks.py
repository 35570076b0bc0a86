"""The one lock: one process at a time, the next one after it, whatever became of the first."""

from __future__ import annotations

import errno
import fcntl
import logging
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from tfb_matrix_data.errors import InputError, LockedError
from tfb_matrix_data.files import locked

FORK = multiprocessing.get_context("fork")


def _add_one(lock: Path, counter: Path) -> None:
    for _ in range(20):
        with locked(lock, True, "somebody counts"):
            before = int(counter.read_text())
            time.sleep(0.001)
            counter.write_text(str(before + 1))


def test_processes_take_turns(tmp_path: Path) -> None:
    """The file is removed and made again at every turn: a lock on one that was removed must not count."""
    lock, counter = tmp_path / "deeper" / ".lock", tmp_path / "counter"
    counter.write_text("0")
    processes = [FORK.Process(target=_add_one, args=(lock, counter)) for _ in range(5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 5
    assert counter.read_text() == "100"
    assert os.listdir(lock.parent) == []


def test_who_does_not_wait_is_told_what_is_done_and_by_whom(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    with locked(lock, False, "x"):
        with pytest.raises(LockedError, match=rf"out: somebody writes it \(process {os.getpid()} on \S+\)") as raised:
            locked(lock, False, "out: somebody writes it").__enter__()
        assert str(os.getpid()) in raised.value.holder
        assert lock.exists(), "the other's lock is its own"
    assert not lock.exists()
    with locked(lock, False, "x"):
        pass


def _hold(lock: Path, ready: multiprocessing.Event) -> None:
    with locked(lock, True, "x"):
        ready.set()
        time.sleep(60)


def test_who_waits_says_so_and_goes_on_when_the_other_was_killed(tmp_path: Path, caplog) -> None:
    caplog.set_level(logging.INFO, "tfb_matrix_data.files")
    lock, ready = tmp_path / ".lock", FORK.Event()
    process = FORK.Process(target=_hold, args=(lock, ready))
    process.start()
    assert ready.wait(20)

    def kill(*_: object) -> None:
        os.kill(process.pid, signal.SIGKILL)

    old = signal.signal(signal.SIGALRM, kill)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with locked(lock, True, "out: somebody writes it"):
            assert lock.read_text().startswith(f"process {os.getpid()} on ")
    finally:
        signal.signal(signal.SIGALRM, old)
        process.join(20)
    assert f"out: somebody writes it (process {process.pid} on " in caplog.text and "; waiting for it" in caplog.text
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_the_lock_ends_with_the_work(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), locked(tmp_path / ".lock", False, "x"):
        raise error
    assert os.listdir(tmp_path) == []


def test_the_folder_may_be_removed_meanwhile(tmp_path: Path) -> None:
    with locked(tmp_path / "out" / ".lock", False, "x"):
        (tmp_path / "out" / ".lock").unlink()
        (tmp_path / "out").rmdir()
    assert os.listdir(tmp_path) == []


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".lock").symlink_to(tmp_path / "precious")
    with pytest.raises(InputError, match=r"\.lock: is a link; it should be a file of ours"):
        locked(tmp_path / ".lock", False, "x").__enter__()
    assert (tmp_path / "precious").read_text() == "mine"


def test_what_cannot_be_locked_is_named(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(InputError, match=r"\.lock: cannot be written \(Is a directory\)"):
        locked(tmp_path / ".lock", False, "x").__enter__()


def test_a_file_system_without_locks_will_do(tmp_path: Path, monkeypatch, caplog) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with locked(tmp_path / ".lock", False, "x"):
        pass
    assert "has no locks (No locks available)" in caplog.text
