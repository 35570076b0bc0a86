"""Readers of the published index pickles, which are not trusted, and of the coordinates of the regions."""

from __future__ import annotations

import gzip
import io
import pickle
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.bounded import check_file, gunzip_at_most
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.lines import read_lines
from tfb_matrix_data.windows import window_start

__all__ = ["Coordinates", "read_coordinates", "read_index", "read_regions"]

_HEADER = re.compile(r">(?P<id>\d+)::(?P<chrom>[^:]+):(?P<start>\d+)-(?P<end>\d+)$")
_PLACE = re.compile(r"(?P<chrom>[^:]+):(?P<start>\d+)-(?P<end>\d+)$")
# What `pickle` and `gzip` raise on damaged input.
_DAMAGED_PICKLE = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    IndexError,
    TypeError,
    ValueError,
    gzip.BadGzipFile,
    zlib.error,
)
_MOST_BYTES = 1 << 28
"""Of an index when unpacked; that of 1.8 million regions has a third of it."""
Place = tuple[str, int, int]
"""Chromosome, 0-based start, end."""


class _PlainUnpickler(pickle.Unpickler):
    """Unpickles dict, str, int and tuple; anything that needs an import is refused by name."""

    def find_class(self, module: str, name: str) -> type:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}; only dict, str, int and tuple are admitted")


def _unpickle(path: str | Path) -> Any:
    try:
        return _PlainUnpickler(io.BytesIO(gunzip_at_most(check_file(path), _MOST_BYTES))).load()
    except FileNotFoundError:
        raise InputError(path, "no such file") from None
    except _DAMAGED_PICKLE as error:
        raise InputError(path, f"is not a safe index pickle: {error}") from None


def read_index(path: str | Path) -> dict[str, int]:
    """Read a published index pickle (name to row), admitting plain types only.

    Raises
    ------
    InputError
        If the pickle asks for any class or function, or is not a dict of str to int.
    """
    index = _unpickle(path)
    if not isinstance(index, dict) or not all(type(k) is str and type(v) is int for k, v in index.items()):
        raise InputError(path, "is not an index (a dict of names to row numbers)")
    return index


def read_regions(path: str | Path) -> dict[int, Place]:
    """Read ``regions_idx.pickle.gz``: the place of each region, by its index.

    Keys are ``("chr1", 100, 300)``, as the authors' code makes them, or ``"chr1:100-300"``; 0-based, half open.

    Raises
    ------
    InputError
        If the pickle asks for any class or function, or is not a dict of places to indices.
    """
    index = _unpickle(path)
    if not isinstance(index, dict):
        raise InputError(path, "is not an index (a dict of regions to row numbers)")
    places: dict[int, Place] = {}
    for key, row in index.items():
        match = _PLACE.match(key) if type(key) is str else None
        place = (match["chrom"], int(match["start"]), int(match["end"])) if match else key
        plain = type(place) is tuple and list(map(type, place)) == [str, int, int] and type(row) is int
        if not plain or not 0 <= place[1] < place[2] < 1 << 32 or row < 0:
            raise InputError(path, f"{key!r}: {row!r} is not a region and its row, such as ('chr1', 100, 300): 0")
        if row in places:
            raise InputError(path, f"row {row} is that of two regions")
        places[row] = place
    return places


class Coordinates(NamedTuple):
    """Where regions are; arrays ascending by `region`.

    Attributes
    ----------
    region, chrom, start
        uint32 index, uint8 chromosome (in `chrom_names`) and uint32 0-based start.
    chrom_names
        Chromosomes, in the order of the alphabet.
    length
        Length of every region in bp.
    """

    region: NDArray[np.uint32]
    chrom: NDArray[np.uint8]
    start: NDArray[np.uint32]
    chrom_names: list[str]
    length: int


def read_coordinates(index: Path | None, fastas: Iterable[Path], n_regions: int) -> Coordinates:
    """Read region coordinates from ``regions_idx.pickle.gz`` and FASTA headers; where both name a region, they agree.

    Raises
    ------
    InputError
        If two files disagree about a region, regions differ in length, or a file names one that does not exist.
    """
    known = read_regions(index) if index else {}
    lengths = {end - start for _, start, end in known.values()} or {200}
    if len(lengths) > 1:
        raise InputError(index, f"its regions have different lengths ({sorted(lengths)[:5]} bp)")
    if known and max(known) >= n_regions:
        raise InputError(index, f"has a region {max(known):,}; the matrices have {n_regions:,} regions")
    length = lengths.pop()
    place = {region: (chrom, start) for region, (chrom, start, _) in known.items()}
    for path in fastas:
        for number, line in read_lines(path):
            if not line.startswith(">"):
                continue
            match = _HEADER.match(line)
            if not match or int(match["id"]) >= n_regions:
                raise InputError(path, f"header {line[:60]!r} is not '>id::chrom:start-end' with a known id", number)
            # Whatever the length of the sequences (200, 500 bp), the region is in their centre.
            start = window_start((int(match["start"]) + int(match["end"])) // 2, length)
            if place.setdefault(int(match["id"]), (match["chrom"], start)) != (match["chrom"], start):
                raise InputError(path, f"region {match['id']} has another place than in an earlier file", number)
    names = sorted({chrom for chrom, _ in place.values()})
    number_of = {name: i for i, name in enumerate(names)}
    ids = np.array(sorted(place), np.uint32)
    chrom = np.array([number_of[place[i][0]] for i in ids.tolist()], np.uint8)
    starts = np.array([place[i][1] for i in ids.tolist()], np.uint32)
    return Coordinates(ids, chrom, starts, names, length)
