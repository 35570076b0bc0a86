"""Files: where caches live, and writing so that nothing half-written is ever taken as good."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pooch

from tfb_matrix_data.errors import InputError

__all__ = [
    "BGZIP_END",
    "atomic_folder",
    "atomic_path",
    "cache_folder",
    "check_bgzip_end",
    "check_kept",
    "check_output",
    "sha256",
]

BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that bgzip writes at the end of a file."""


def cache_folder() -> Path:
    """Return the folder for everything that can be made again: ``$TFB_DATA``, or the platform's cache folder."""
    return Path(os.environ.get("TFB_DATA") or pooch.os_cache("tfb")).expanduser()


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
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path` to write to, and rename it to `path` on success.

    On any exception, Ctrl-C included, the temporary file is removed and an older file at `path` stays.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written to.
    """
    path = check_output(path)
    # The suffix is kept: h5py, cyvcf2 and others choose the format by it.
    temporary = path.with_name(f".{path.name.split('.')[0]}.{os.getpid()}.part{''.join(path.suffixes)}")
    try:
        yield temporary
        os.replace(temporary, path)
    except PermissionError as error:
        raise InputError(path, "cannot be written (permission denied); choose another output") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder beside `path` to fill, and rename it to `path` on success.

    Where another process finished `path` first, its copy is kept and this one is dropped.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed and had our number
    temporary.mkdir()
    try:
        yield temporary
        try:
            os.rename(temporary, path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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
