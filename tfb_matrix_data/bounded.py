"""Reading what is not trusted: whole files of known kinds, of at most so many bytes."""

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path

from tfb_matrix_data.errors import InputError

__all__ = ["check_ends", "check_file", "gunzip_at_most", "read_at_most"]

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
}


def check_file(path: str | Path, links: bool = True) -> Path:
    """Return a path, checked to be that of a file: a named pipe would keep its reader waiting for ever.

    Parameters
    ----------
    path
        The file.
    links
        A link to a file will do.

    Raises
    ------
    InputError
        If it is something else.
    FileNotFoundError
        If there is nothing.
    """
    path = Path(path)
    kind = stat.S_IFMT(os.stat(path, follow_symlinks=links).st_mode)
    if kind != stat.S_IFREG:
        raise InputError(path, f"is {_KINDS.get(kind, 'no file')}; expected a file")
    return path


def check_ends(path: str | Path) -> None:
    """Check that a file or pipe has an end: ``/dev/zero`` and its kind have none, nothing and a terminal do.

    Raises
    ------
    InputError
        If it is a device or a socket.
    FileNotFoundError
        If there is nothing.
    """
    found = os.stat(path)
    kind = stat.S_IFMT(found.st_mode)
    if kind in (stat.S_IFBLK, stat.S_IFSOCK) or (kind == stat.S_IFCHR and not _is_terminal_or_null(path, found)):
        raise InputError(path, f"is {_KINDS[kind]}; expected a file or a pipe")


def _is_terminal_or_null(path: str | Path, found: os.stat_result) -> bool:
    if found.st_rdev == os.stat(os.devnull).st_rdev:
        return True
    try:
        with open(path, "rb", buffering=0) as stream:
            return stream.isatty()
    except OSError:
        return False


def read_at_most(path: str | Path, most: int) -> bytes:
    """Return the bytes of a file that has no more of them than it may.

    Raises
    ------
    InputError
        If it has more. Whatever `open` raises is raised.
    """
    with open(path, "rb") as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise InputError(path, f"has more than {_size(most)}, which is too much for what it should be")
    return data


def gunzip_at_most(path: str | Path, most: int) -> bytes:
    """Return what a gzip file holds, if that is no more than it may be: a few bytes can stand for gigabytes.

    Raises
    ------
    InputError
        If it is more.
    OSError, EOFError, zlib.error
        If it is damaged, as `gzip` says it.
    """
    with gzip.open(path, "rb") as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise InputError(path, f"unpacks to more than {_size(most)}, which is too much for what it should be")
    return data


def _size(n: int) -> str:
    return f"{n >> 20} MB" if n >= 1 << 20 else f"{n >> 10} kB"
