"""The whole published matrix in one step: its files are downloaded or taken from a folder, checked, imported, kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from tfb_matrix_data.errors import DownloadError, InputError
from tfb_matrix_data.files import cache_folder, locked
from tfb_matrix_data.importers import import_published
from tfb_matrix_data.indexes import read_index
from tfb_matrix_data.published import file_name
from tfb_matrix_data.registry import COMMIT, Published, fetch, find, in_folder, local_path, published, take

__all__ = ["MATRIX", "files_of_matrix", "get_matrix", "matrix_path"]

MATRIX = "matrix"
"""What `tfb data get` calls it."""

_INDEXES = ("tfs_idx.pickle.gz", "samples_idx.pickle.gz", "regions_idx.pickle.gz")
_log = logging.getLogger(__name__)

Each = Callable[[str, Collection[Any]], Iterable[Any]]
"""Goes through what is to be done, given what that is called, such as with a progress bar."""


def matrix_path() -> Path:
    """Return where the cache has the imported matrix, or would have it: below ``matrices`` in `cache_folder`."""
    return cache_folder() / "matrices" / f"TF-Binding-Matrix-{COMMIT[:12]}.h5"


def get_matrix(
    folder: str | Path | None = None, timeout: float = 30.0, each: Each = lambda _what, items: items
) -> Path:
    """Return the whole published matrix as one HDF5 file, made the first time it is asked for.

    What a run that was cut off has got stays, and the next one goes on there. Once the file is made, nothing else is
    needed: neither a network nor the published files, which `tfb cache clear published` removes.

    Parameters
    ----------
    folder
        Take the published files from there, without a network.
    timeout
        Seconds after which a server that sends nothing is given up.
    each
        Goes through the files and the matrices, such as with a progress bar.

    Raises
    ------
    DownloadError
        If a file cannot be had; the message says what to put where.
    InputError
        If `folder` lacks a file.
    ChecksumError
        If a file has another content.
    """
    path = matrix_path()
    with locked(path.with_suffix(".lock"), True, f"{path.name}: another process is making it"):
        if not path.is_file():
            indexes = [_got(published()[name], folder, timeout) for name in _INDEXES]
            others = files_of_matrix(read_index(indexes[0]))
            got = [_got(file, folder, timeout) for file in each("getting files", others)]
            _log.info("importing %d files into %s", len(got), path)
            import_published([*indexes, *got], path, "hg38", lambda items: each("reading matrices", items))
    return path


def files_of_matrix(tfs: Iterable[str]) -> list[Published]:
    """Return the published files that the matrix is made of, beside the indices: two per TF, and the coordinates."""
    known = published()
    names = [f"matrix2d.{file_name(tf)}.ReMap+UniBind.{kind}.npz" for tf in tfs for kind in ("sparse", "less-sparse")]
    coordinates = [name for name in known if name.startswith("sequences.200bp.")]
    return [known[name] for name in [*names, *coordinates] if name in known]


def _got(file: Published, folder: str | Path | None, timeout: float) -> Path:
    if folder is not None:
        if local_path(file).is_file() and in_folder(file, folder) is None:
            return find(file)  # taken before
        try:
            return take(file, folder)
        except InputError as error:
            raise InputError(folder, f"{error}; {_needed()}") from None
    try:
        return fetch(file, timeout=timeout)
    except DownloadError as error:
        raise DownloadError(f"{error}. {_needed()}") from None


def _needed() -> str:
    """Return what the matrix needs, in a sentence."""
    return (
        f"The whole matrix needs {', '.join(_INDEXES)}, matrix2d.<TF>.ReMap+UniBind.{{sparse,less-sparse}}.npz of each "
        f"TF and sequences.200bp.*.fa.gz of matrix/UCSC/200bp in github.com/wassermanlab/TF-Binding-Matrix: put them "
        f"into {local_path(published()[_INDEXES[0]]).parent}, or name a folder that has them (`tfb data get matrix "
        "--from FOLDER`); what is there already is not got again"
    )
