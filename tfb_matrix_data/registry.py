"""The published files: their names, addresses and checksums, and the folder that keeps them."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from tfb_matrix_data.download import download
from tfb_matrix_data.errors import ChecksumError, InputError, UnknownNameError
from tfb_matrix_data.files import atomic_path, cache_folder, sha256

__all__ = [
    "COMMIT",
    "Published",
    "fetch",
    "find",
    "git_blob_sha1",
    "in_folder",
    "local_path",
    "published",
    "select",
    "take",
    "verify",
]

COMMIT = "7a58aecf397493c286b9a544c670de69af306499"
"""Of github.com/wassermanlab/TF-Binding-Matrix (MIT; Novakovsky et al. 2021, doi:10.1186/s13059-021-02499-5)."""
REPOSITORY = f"https://raw.githubusercontent.com/wassermanlab/TF-Binding-Matrix/{COMMIT}/"
_PREFIXES = ("matrix/UCSC/200bp/", "matrix/")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Published:
    r"""A file that others published, as the registry knows it.

    Attributes
    ----------
    name
        What it is called here and in the cache folder: its path below ``matrix/UCSC/200bp`` of the repository.
    url
        Where it was published.
    size
        In bytes; None where only its git blob sha1 is known.
    git_blob_sha1
        ``sha1(b"blob <size>\\0" + content)``, or empty.
    sha256
        Empty where it is not known; then the git blob sha1 is what is checked.
    """

    name: str
    url: str
    size: int | None
    git_blob_sha1: str
    sha256: str


@cache
def published() -> dict[str, Published]:
    """Return every published file by its name.

    >>> published()["tfs_idx.pickle.gz"].size
    1164
    """
    lines = (files("tfb_matrix_data") / "registry.tsv").read_text().splitlines()
    entries = {}
    for path, size, sha1, digest in (line.split("\t") for line in lines[1:]):
        if path.startswith("https://"):
            name, url = path.rsplit("/", 1)[1], path
        else:
            prefix = next(prefix for prefix in _PREFIXES if path.startswith(prefix))
            name, url = path.removeprefix(prefix), REPOSITORY + quote(path)
        entries[name] = Published(name, url, int(size) if size else None, sha1, digest)
    return entries


def select(patterns: Iterable[str]) -> list[Published]:
    """Return the files that match any of `patterns` (names, or with ``* ? []``), each once, in the patterns' order.

    ``*`` does not cross a ``/``: ``*_idx.pickle.gz`` is not ``bioRxiv/200bp/tfs_idx.pickle.gz``.

    >>> [file.name for file in select(["matrix2d.JUND.*"])]
    ['matrix2d.JUND.ReMap+UniBind.less-sparse.npz', 'matrix2d.JUND.ReMap+UniBind.sparse.npz']

    Raises
    ------
    UnknownNameError
        If a pattern matches nothing; the message suggests names.
    """
    entries = published()
    found: dict[str, Published] = {}
    for pattern in patterns:
        names = [n for n in entries if n.count("/") == pattern.count("/") and fnmatchcase(n, pattern)]
        if not names:
            raise UnknownNameError("published file", pattern, _alike(pattern))
        found |= {name: entries[name] for name in names}
    return list(found.values())


def _alike(pattern: str) -> list[str]:
    """Names that `pattern` may have meant: those with a part (TF, cell type) like it; all where there is none."""
    wanted = pattern.strip("*?").upper()
    parts = {part.upper() for name in published() for part in name.split(".")}
    near = {wanted} & parts or set(get_close_matches(wanted, parts, n=2))
    return [name for name in published() if near.intersection(name.upper().split("."))] or list(published())


def local_path(file: Published) -> Path:
    """Return where the cache has `file`, or would have it: below ``published`` in `cache_folder`."""
    return cache_folder() / "published" / file.name


def git_blob_sha1(path: str | Path) -> str:
    r"""Return the name that git gives to the content of a file: ``sha1(b"blob <size>\\0" + content)``."""
    with open(path, "rb") as stream:
        digest = hashlib.sha1(b"blob %d\0" % os.fstat(stream.fileno()).st_size, usedforsecurity=False)
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def verify(path: str | Path, file: Published) -> None:
    """Check that `path` has the content of `file`, by its sha256 where that is known, else by its git blob sha1.

    Raises
    ------
    ChecksumError
        If it is another file, a cut-off one, or the pointer that git has in place of a file in LFS.
    """
    size = os.path.getsize(path)
    if file.size is not None and size != file.size:
        raise ChecksumError(f"{path}: has {size:,} bytes, {file.name} has {file.size:,}")
    kind, expected, found = (
        ("sha256", file.sha256, sha256(path))
        if file.sha256
        else ("git blob sha1", file.git_blob_sha1, git_blob_sha1(path))
    )
    if found != expected:
        raise ChecksumError(f"{path}: its {kind} is {found}, that of {file.name} is {expected}")
    with open(path, "rb") as stream:
        if stream.read(40).startswith(b"version https://git-lfs."):
            raise ChecksumError(f"{path}: is a pointer to a file in Git LFS, not the file; get it with `git lfs`")


def find(file: Published) -> Path:
    """Return the cached `file`, checked.

    Raises
    ------
    InputError
        If it is not there.
    ChecksumError
        If what is there is not it.
    """
    path = local_path(file)
    if not path.is_file():
        raise InputError(path, f"{file.name} is not there; `tfb data get '{file.name}'` gets it from {file.url}")
    verify(path, file)
    return path


def in_folder(file: Published, folder: str | Path) -> Path | None:
    """Return where a folder on disk has a file of this name, with or without its subfolders; None if it has not."""
    candidates = (Path(folder) / file.name, Path(folder) / Path(file.name).name)
    return next((path for path in candidates if path.is_file()), None)


def take(file: Published, folder: str | Path) -> Path:
    """Put `file` into the cache from a folder on disk, by a hard link if possible, and return its path there.

    Raises
    ------
    InputError
        If the folder has no such file.
    ChecksumError
        If it has another content; the cache stays as it was.
    """
    source = in_folder(file, folder)
    if source is None:
        source = Path(folder) / Path(file.name).name
        raise InputError(source, f"no such file; it is published at {file.url}")
    path = local_path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        temporary.unlink(missing_ok=True)
        try:
            os.link(source.resolve(), temporary)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(source, temporary)
        try:
            verify(temporary, file)
        except ChecksumError as error:
            raise ChecksumError(str(error).replace(str(temporary), str(source))) from None
    return path


def fetch(
    file: Published,
    *,
    base_url: str | None = None,
    timeout: float = 30.0,
    attempts: int = 4,
    backoff: float = 1.0,
    progress: Callable[[int], object] | None = None,
) -> Path:
    """Return the cached `file`, downloaded first if it is not there; a cached or hand-placed one needs no network.

    Parameters
    ----------
    file
        One of `published`.
    base_url
        A mirror that has every file by its name; default ``$TFB_DATA_URL``, or where each file was published.
    timeout, attempts, backoff, progress
        As of `download`.

    Raises
    ------
    DownloadError
        If it cannot be had; the message says where to put it by hand.
    ChecksumError
        If what the server sends is another content.
    """
    path = local_path(file)
    if path.is_file():
        try:
            verify(path, file)
            return path
        except ChecksumError as error:
            _log.warning("%s; getting it anew", error)
    mirror = base_url or os.environ.get("TFB_DATA_URL")
    url = f"{mirror.rstrip('/')}/{quote(file.name)}" if mirror else file.url
    download(
        url,
        path,
        lambda got: verify(got, file),
        size=file.size,
        timeout=timeout,
        attempts=attempts,
        backoff=backoff,
        progress=progress,
    )
    return path
