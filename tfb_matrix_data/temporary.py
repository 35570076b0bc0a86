"""Temporary folders beside what they hold until it is whole: nobody else's, and gone when their process is."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["is_open_at", "temporary_folder", "temporary_name"]

_DAY = 24 * 3600
_LONGEST = 40
"""Letters of the target's name in that of its temporary folder: file systems allow 255 bytes in all."""


def temporary_name(path: Path) -> Path:
    """Return a name beside `path` that nobody can guess."""
    return path.with_name(f"{_stem(path)}{_host()}{secrets.token_hex(8)}.part")


@contextmanager
def temporary_folder(path: Path, mode: int = 0o777) -> Iterator[Path]:
    """Give an empty folder beside `path`, and remove it at the end, if it is still there.

    It is locked as long as this process lives: what a process that was killed has left is told by that, and removed
    when `path` is written again. (Not the file in it is locked, since HDF5 locks its files itself.)

    Parameters
    ----------
    path
        What will stand in it, or be it.
    mode
        Permissions of the folder, before the umask.
    """
    _sweep(path)
    temporary, held = temporary_name(path), None
    try:
        held = _make(temporary, mode)
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if held is not None:
            os.close(held)


def is_open_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is still the one that is called `path`."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _make(temporary: Path, mode: int) -> int:
    """Return the new folder, open and locked."""
    while True:
        temporary.mkdir(mode)
        with suppress(FileNotFoundError):  # see below
            held = os.open(temporary, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with suppress(OSError):  # a file system without locks, where nothing is swept either
                fcntl.flock(held, fcntl.LOCK_EX)
            # Another process may have swept it before it was locked.
            if is_open_at(held, temporary):
                return held
            os.close(held)


def _sweep(path: Path) -> None:
    """Remove what processes that are gone have left of `path`.

    Locks may end at the borders of a machine (some clusters' file systems), so another machine's are left for a day.
    """
    name = re.compile(rf"{re.escape(_stem(path))}(?P<host>[0-9a-f]{{4}})[0-9a-f]{{16}}\.part")
    try:
        with os.scandir(path.parent) as entries:
            found = [(Path(entry.path), match["host"]) for entry in entries if (match := name.fullmatch(entry.name))]
    except OSError:
        return  # whoever writes there says what is wrong
    for stale, host in found:
        with suppress(OSError):  # it is locked, or gone meanwhile, or a link, or not ours to remove
            held = os.open(stale, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if host == _host() or time.time() - os.fstat(held).st_mtime > _DAY:
                    shutil.rmtree(stale)
            finally:
                os.close(held)


def _stem(path: Path) -> str:
    return f".{path.name[:_LONGEST]}."


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:4]
