"""`tfb data ls | get | path`: the files that others published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tfb_matrix_data.registry import Published

__all__ = ["get", "ls", "path"]

_NAMES = "Names of `tfb data ls`, or patterns (* ? []), quoted."


def ls(patterns: Annotated[list[str] | None, typer.Argument(metavar="[PATTERN]...", help=_NAMES)] = None) -> None:
    """List the published files: name, size in bytes (? where not known) and whether the cache has it.

    Example: tfb data ls '*JUND*'
    """
    from tfb_matrix_data.registry import local_path, published, select

    print("name\tbytes\tcached")
    for file in select(patterns) if patterns else published().values():
        path = local_path(file)
        have = path.stat().st_size if path.is_file() else None
        state = "no" if have is None else "yes" if file.size in (None, have) else "damaged"
        print(file.name, file.size or have or "?", state, sep="\t")


def get(
    patterns: Annotated[list[str], typer.Argument(metavar="NAME...", help=_NAMES)],
    from_: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="Take the files from this folder; no network.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, help="Give up on a server that sends nothing for so many seconds.")
    ] = 30.0,
) -> None:
    """Get published files into the cache ($TFB_DATA), check them, and print their paths.

    What the cache has already needs no network; what was cut off is continued. The name `matrix` stands for the whole
    binding matrix: all its files, imported into one HDF5 file that other commands take as --matrix.

    Example: tfb data get matrix

    Some files: tfb data get 'matrix2d.JUND.*' '*_idx.pickle.gz'
    """
    from kipoi_tfb.output.progress import progress_each
    from tfb_matrix_data.errors import InputError
    from tfb_matrix_data.registry import in_folder, select, take
    from tfb_matrix_data.whole import MATRIX, get_matrix

    if MATRIX in patterns:
        print(get_matrix(from_, timeout, progress_each))
        patterns = [pattern for pattern in patterns if pattern != MATRIX]
        if not patterns:
            return
    chosen = select(patterns)
    if from_ is None:
        for file in chosen:
            print(_fetch(file, timeout))
        return
    # A file asked for by its name must be there; of those that match a pattern, the ones that are.
    present = [file for file in chosen if file.name in patterns or in_folder(file, from_)]
    if not present:
        raise InputError(from_, f"has none of the {len(chosen)} published files that match {' '.join(patterns)}")
    for file in present:
        print(take(file, from_))


def _fetch(file: Published, timeout: float) -> Path:
    from kipoi_tfb.output.progress import progress_bar
    from tfb_matrix_data.registry import fetch

    with progress_bar(file.name, file.size) as advance:
        return fetch(file, timeout=timeout, progress=advance)


def path(name: Annotated[str, typer.Argument(help="A name of `tfb data ls`.")]) -> None:
    """Print where a published file is, after checking it; the exit code is 1 if it is not there.

    Example: tfb data path tfs_idx.pickle.gz
    """
    from tfb_matrix_data.errors import UnknownNameError
    from tfb_matrix_data.registry import find, published

    if name not in published():
        raise UnknownNameError("published file", name, published())
    print(find(published()[name]))
