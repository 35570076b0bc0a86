"""Temporary files: no name that others can guess or share, and nothing left of a process that is gone."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

import tfb_matrix_data.temporary
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import atomic_folder, atomic_path, remove_folder
from tfb_matrix_data.temporary import temporary_name

FORK = multiprocessing.get_context("fork")


def _fill(make, target: Path, ready) -> None:
    with make(target) as temporary:
        path = temporary / "a" if temporary.is_dir() else temporary
        path.write_text("half")
        ready.put(path.parent.name)
        time.sleep(60)


def _killed(make, target: Path) -> str:
    """Return the temporary name that a process has left which was killed while it wrote."""
    ready = FORK.Queue()
    process = FORK.Process(target=_fill, args=(make, target, ready))
    process.start()
    name = ready.get(timeout=20)
    os.kill(process.pid, signal.SIGKILL)
    process.join(20)
    assert name in os.listdir(target.parent)
    return name


def test_names_are_random(tmp_path: Path) -> None:
    names = {temporary_name(tmp_path / "scores.vcf.gz").name for _ in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch(r"\.scores\.vcf\.gz\.[0-9a-f]{20}\.part", name) for name in names)


def test_a_long_name_has_room_for_the_temporary_one(tmp_path: Path) -> None:
    target = tmp_path / f"{'é' * 120}.tsv"
    with atomic_path(target) as temporary:
        temporary.write_text("x")
    assert target.read_text() == "x"


@pytest.mark.parametrize("make", [atomic_path, atomic_folder])
def test_what_a_killed_process_left_is_gone_when_the_same_is_written_again(tmp_path: Path, make) -> None:
    left = _killed(make, tmp_path / "out.tsv")
    with make(tmp_path / "other.tsv") as temporary:
        temporary.touch()
    assert left in os.listdir(tmp_path), "of another output"
    with make(tmp_path / "out.tsv") as temporary:
        temporary.touch()
        assert left not in os.listdir(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["other.tsv", "out.tsv"]


@pytest.mark.parametrize("make", [atomic_path, atomic_folder])
def test_what_a_living_process_writes_stays(tmp_path: Path, make) -> None:
    with make(tmp_path / "out") as first:
        (first / "a" if first.is_dir() else first).write_text("first")
        with make(tmp_path / "out") as second:
            (second / "a" if second.is_dir() else second).write_text("second")
            assert first.exists() and second != first
        shutil.rmtree(tmp_path / "out") if (tmp_path / "out").is_dir() else (tmp_path / "out").unlink()
    written = tmp_path / "out"
    assert (written if written.is_file() else written / "a").read_text() == "first"
    assert os.listdir(tmp_path) == ["out"]


def test_what_another_machine_left_has_a_day(tmp_path: Path, monkeypatch) -> None:
    """A lock may not be seen beyond the machine that holds it."""
    with monkeypatch.context() as patch:
        patch.setattr(tfb_matrix_data.temporary.socket, "gethostname", lambda: "elsewhere")
        left = tmp_path / _killed(atomic_path, tmp_path / "out.tsv")
    for age, stays in ((0, True), (23, True), (25, False)):
        os.utime(left, (time.time() - age * 3600,) * 2)
        with atomic_path(tmp_path / "out.tsv") as temporary:
            assert left.exists() == stays
            temporary.touch()


def _race(target: Path, number: int) -> None:
    for _ in range(50):
        with atomic_path(target) as temporary:
            temporary.write_text(str(number) * 1000)


def test_many_that_write_the_same_do_not_sweep_each_other(tmp_path: Path) -> None:
    processes = [FORK.Process(target=_race, args=(tmp_path / "out", number)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    text = (tmp_path / "out").read_text()
    assert text == text[0] * 1000 and os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("make", [atomic_path, atomic_folder])
def test_what_is_swept_between_making_and_locking_is_made_again(tmp_path: Path, make, monkeypatch) -> None:
    swept = []
    lock = tfb_matrix_data.temporary.fcntl.flock

    def late(descriptor: int, how: int) -> None:
        for path in [] if swept else list(tmp_path.glob(".*.part")):
            swept.append(path)
            path.rmdir()
        lock(descriptor, how)

    monkeypatch.setattr(tfb_matrix_data.temporary.fcntl, "flock", late)
    with make(tmp_path / "out") as temporary:
        assert swept and (temporary.exists() or temporary.parent.exists())
        temporary.touch()
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("make", [atomic_path, atomic_folder])
def test_a_planted_link_harms_nothing(tmp_path: Path, make, monkeypatch) -> None:
    """Even one that has guessed the name."""
    precious, out = tmp_path / "precious", tmp_path / "out"
    out.mkdir()
    precious.write_text("mine")
    monkeypatch.setattr(tfb_matrix_data.temporary.secrets, "token_hex", lambda n: "0" * 2 * n)
    planted = temporary_name(out / "a")
    planted.symlink_to(precious)
    with pytest.raises(FileExistsError), make(out / "a") as temporary:
        pytest.fail(f"{temporary} was taken")
    monkeypatch.undo()
    planted.exists() or planted.symlink_to(precious)
    with make(out / "a") as temporary:
        temporary.touch()
    assert precious.read_text() == "mine" and (out / "a").exists()


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match=r"out: cannot be written \(permission denied\); choose another output"):
        atomic_path(tmp_path / "out").__enter__()


def test_a_removed_folder_is_never_seen_half(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry" / "card").write_text("x")
    seen = []
    monkeypatch.setattr(tfb_matrix_data.files.shutil, "rmtree", lambda path: seen.append((path, os.listdir(tmp_path))))
    remove_folder(tmp_path / "entry")
    ((leaving, names),) = seen
    assert names == [leaving.name] and leaving.name.startswith(".entry.")
    monkeypatch.undo()
    with atomic_folder(tmp_path / "entry"):  # as if it was killed there
        pass
    assert os.listdir(tmp_path) == ["entry"]
