"""What the cache holds, and clearing it while other processes may be at work in it.

What is read is never in the way: a file that a process has open, or mapped into memory, stays until it ends, though its
name is gone. What is written is: each file is removed under the lock under which it would be made.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from tfb_matrix_data.errors import LockedError, UnknownNameError
from tfb_matrix_data.files import cache_folder, locked

__all__ = ["KINDS", "Cleared", "Kept", "clear", "kept"]

KINDS = {
    "published": "files that `tfb data get` downloaded",
    "matrices": "the whole published matrix, imported (`tfb data get matrix`)",
    "genomes": "bases of each genome that was used, as they are mapped into memory",
    "features": "what networks make of the regions of a matrix, for `tfb finetune --all`",
    "identifiers": "where rs numbers were found in a VCF (`--ids`)",
}
"""{folder of the cache: what is in it}; all can be made or downloaded again."""


@dataclass(frozen=True)
class Kept:
    """What the cache has of one kind.

    Attributes
    ----------
    kind
        One of `KINDS`.
    folder
        Where.
    files, size
        How many there are, and their bytes on disk.
    names
        What they are of, where that is known.
    """

    kind: str
    folder: Path
    files: int
    size: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Cleared:
    """What came of clearing.

    Attributes
    ----------
    files, size
        Removed ones, and their bytes.
    in_use
        Files that another process is making just now; they are left.
    """

    files: int
    size: int
    in_use: tuple[Path, ...]


def kept() -> list[Kept]:
    """Return what the cache has, by kind."""
    found = []
    for kind in KINDS:
        folder = cache_folder() / kind
        sizes = [_size(path) for path in _files(folder)]
        found.append(Kept(kind, folder, len(sizes), sum(sizes), _names(kind, folder)))
    return found


def clear(kinds: Sequence[str]) -> Cleared:
    """Remove what the cache has of some kinds, but for what another process is making just now.

    Indices of genomes stay, as running processes find them by name; they are small.

    Raises
    ------
    UnknownNameError
        If there is no such kind.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError("kind of cache", kind, KINDS)
    removed, size, in_use = 0, 0, []
    for kind in kinds:
        for path in sorted(_files(cache_folder() / kind)):
            if kind == "genomes" and path.name.startswith(("index.", "genome.fa")):
                continue
            try:
                freed = _remove(path, _LOCKS[kind](path))
            except LockedError:
                in_use.append(path)
                continue
            if freed is not None:
                removed, size = removed + 1, size + freed
    return Cleared(removed, size, tuple(in_use))


def _remove(path: Path, lock: Path | None) -> int | None:
    """Remove a file under its lock, and return its bytes; None if it has gone meanwhile.

    Raises
    ------
    LockedError
        If another process has the lock, or is writing there.
    """
    temporary = next((parent for parent in path.parents if parent.suffix == ".part"), None)
    if temporary is not None:
        return _remove_left(temporary, path)
    with locked(lock, wait=False, held=f"{path} is being made") if lock is not None else nullcontext():
        try:
            size = _size(path)
            path.unlink()
        except FileNotFoundError:
            return None
    return size


def _remove_left(folder: Path, path: Path) -> int | None:
    """Remove what a killed process left half-written; a living one has its folder locked."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        size = _size(path)
        shutil.rmtree(folder)
    except BlockingIOError:
        raise LockedError(f"{path} is being written", "") from None
    except OSError:
        return None
    finally:
        os.close(held)
    return size


_LOCKS: dict[str, Callable[[Path], Path | None]] = {
    "published": lambda path: path.with_name(f".{path.name}.lock"),
    "matrices": lambda path: path.with_suffix(".lock"),
    # A contig is KEY-DIGEST.npy; what is known of a file, FILE/KEY, is made under the same lock.
    "genomes": lambda path: cache_folder() / "genomes" / "contigs" / f".{path.name.split('-')[0]}.lock",
    "features": lambda path: path.with_suffix(".lock"),
    "identifiers": lambda path: None,
}
"""{kind: function of a file that returns the lock under which it is made}."""


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, but for locks."""
    for parent, _, names in os.walk(folder):
        for name in names:
            if not name.endswith(".lock"):
                yield Path(parent) / name


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.lstat().st_blocks * 512
    return 0


def _names(kind: str, folder: Path) -> tuple[str, ...]:
    """Return what the files of a kind are of, where their names say it, without the hashes behind them."""
    if kind in ("features", "genomes"):
        return ()
    try:
        found = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError:
        return ()
    if kind == "published":
        return tuple(found)
    return tuple(dict.fromkeys(name.rpartition("-")[0] or name for name in found))
