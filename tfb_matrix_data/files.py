"""Files: where caches live, and writing so that nothing half-written is ever taken as good."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from tfb_matrix_data.errors import InputError, LockedError
from tfb_matrix_data.temporary import is_open_at, temporary_folder, temporary_name

__all__ = [
    "BGZIP_END",
    "atomic_folder",
    "atomic_path",
    "cache_folder",
    "check_bgzip_end",
    "check_kept",
    "check_output",
    "check_writable",
    "file_name",
    "locked",
    "remove_folder",
    "sha256",
]

logger = logging.getLogger(__name__)

_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)

BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that bgzip writes at the end of a file."""


def cache_folder() -> Path:
    """Return the folder for everything that can be made again: ``$TFB_DATA``, or the platform's cache folder."""
    return Path(os.environ.get("TFB_DATA") or user_cache_path("tfb")).expanduser()


def sha256(path: str | Path) -> str:
    """Return the sha256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_kept(path: str | Path, why: str) -> Path:
    """Return `path`, checked to be no pipe, whose content is gone once it has been read.

    Parameters
    ----------
    path
        The file; there may be none.
    why
        What needs more than one reading, for the message.

    Raises
    ------
    InputError
        If it is a pipe, such as ``<(zcat x.gz)`` or ``/dev/stdin``.
    """
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(path, f"is a pipe or a device, and {why}; write it to a file first and give that")
    return path


def file_name(path: str | Path) -> str:
    """Return what to call a file in messages: its own name, or all of ``/dev/fd/63``, a pipe that has but a number.

    Examples
    --------
    >>> file_name("calls/jund.bed"), file_name("/dev/fd/63")
    ('jund.bed', '/dev/fd/63')
    """
    path = Path(path)
    return str(path) if path.name.isdecimal() and path.parent.name == "fd" else path.name


def check_output(path: str | Path) -> Path:
    """Return `path`, checked to be a place for a file: worth knowing before minutes of work.

    Raises
    ------
    InputError
        If the folder does not exist, or `path` is one.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(path, f"the folder {path.parent} does not exist; create it first")
    if path.is_dir():
        raise InputError(path, "is a folder; give the name of a file to write")
    return path


@contextmanager
def locked(path: str | Path, wait: bool, held: str) -> Iterator[None]:
    """Keep other processes out while this one is at work, by a lock on the file `path`, which is made and removed.

    The lock goes with the process, however it ends; a file that a killed one leaves is no lock. On a file system
    without locks this only warns.

    Parameters
    ----------
    path
        The file to lock, of no other use; its folder is made too.
    wait
        Wait for another process, instead of raising.
    held
        What to say of another process that is there, such as ``"another run is writing out.tsv; wait for it"``.

    Raises
    ------
    LockedError
        If another process is there, and `wait` is false.
    InputError
        If `path` is a link, or cannot be written.
    """
    path = Path(path)
    lock = _lock(path, wait, held)
    try:
        yield
    finally:
        try:
            if is_open_at(lock, path):
                path.unlink()  # while it is locked: who has opened it meanwhile sees that, and makes another
        finally:
            os.close(lock)


def _lock(path: Path, wait: bool, held: str) -> int:
    """Return the locked file."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        except OSError as error:
            why = "is a link" if path.is_symlink() else f"cannot be written ({error.strerror})"
            raise InputError(path, f"{why}; it should be a file of ours that keeps other processes out") from None
        try:
            _wait_for(lock, wait, held)
            # While this process waited, the other has removed what was opened here.
            if is_open_at(lock, path):
                os.truncate(lock, 0)
                os.write(lock, f"process {os.getpid()} on {socket.gethostname()}".encode())
                return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _wait_for(lock: int, wait: bool, held: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 200, 0).decode(errors="replace")
        if not wait:
            raise LockedError(held, holder) from None
        logger.info("%s%s; waiting for it", held, f" ({holder})" if holder else "")
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        logger.warning("this file system has no locks (%s): do not do the same here twice at once", error.strerror)


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a file name to write to, in a temporary folder beside `path`, and rename it to `path` on success.

    The name is that of `path`: h5py, cyvcf2 and others choose the format by its suffix. On any exception, Ctrl-C
    included, the folder is removed and an older file at `path` stays; what a killed process has left is removed when
    `path` is written again (`tfb_matrix_data.temporary`).

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written to.
    """
    path = check_output(path)
    try:
        # Nobody else may write into the folder: no link can be put in the file's place.
        with temporary_folder(path, 0o700) as folder:
            temporary = folder / path.name
            yield temporary
            os.replace(temporary, path)
    except OSError as error:
        check_writable(path, error)
        raise


def check_writable(path: str | Path, error: OSError) -> None:
    """Say of a file that it cannot be written where that is why an error was raised.

    Raises
    ------
    InputError
        If the error is that of permissions, or of a file system that is read-only.
    """
    if error.errno in _UNWRITABLE:
        why = (error.strerror or "permission denied").lower()
        raise InputError(path, f"cannot be written ({why}); choose another output") from error


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder beside `path` to fill, and rename it to `path` on success.

    Where another process finished `path` first, its copy is kept and this one is dropped.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(path) as temporary:
        yield temporary
        try:
            os.rename(temporary, path)
        except OSError:
            if not path.is_dir():
                raise


def remove_folder(path: str | Path) -> None:
    """Remove a folder, under another name first: half of it is never taken for the whole."""
    leaving = temporary_name(Path(path))
    os.rename(path, leaving)
    shutil.rmtree(leaving)


def check_bgzip_end(path: str | Path) -> None:
    """Refuse a bgzip file that ends between two blocks, which readers take for a whole, shorter file.

    Raises
    ------
    InputError
        If the marker that bgzip writes at the end is missing. Other files pass, and pipes.
    """
    if not Path(path).is_file():
        return  # a pipe can be read but once: whoever does so sees its end
    with open(path, "rb") as stream:
        head = stream.read(18)
        if head[:2] != b"\x1f\x8b" or head[12:14] != b"BC":
            return
        stream.seek(-min(len(BGZIP_END), os.path.getsize(path)), os.SEEK_END)
        if stream.read() != BGZIP_END:
            raise InputError(
                path, "is cut off (bgzip's end marker is missing); if it is whole, recompress it: zcat IN | bgzip > OUT"
            )
