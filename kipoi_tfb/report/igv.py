"""igv.js in a report: a genome browser of the sequence around each detail, from a copy that the user has.

It goes into the page whole, with its licence, and starts when it is asked for. Nothing of it is in this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode

__all__ = ["Igv", "Slice", "read_igv", "slice_of"]

_REACH = 200
_MOST_BYTES = 1 << 24
_HOW = "expected dist/igv.min.js of the package igv as npm unpacks it: `npm pack igv`, `tar xzf igv-*.tgz`"


@dataclass(frozen=True)
class Igv:
    """A copy of igv.js.

    Attributes
    ----------
    source
        Its script.
    licence
        The text that has to go with it.
    """

    source: str
    licence: str


@dataclass(frozen=True)
class Slice:
    """The sequence around an allele.

    Attributes
    ----------
    contig, size
        As the genome calls it, and its length.
    start
        Position of the first base, from 1.
    bases
        A C G T, or N.
    """

    contig: str
    size: int
    start: int
    bases: str


def read_igv(path: str | Path) -> Igv:
    """Read igv.js from the file of a package that npm has unpacked.

    Raises
    ------
    InputError
        If it is not that file, or its licence is not beside it.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(path, f"no such file; {_HOW}")
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(path, f"has {path.stat().st_size:,} bytes; {_HOW}")
    source = path.read_text(encoding="utf-8", errors="replace")
    if "createBrowser" not in source or "</script" in source or not source.startswith("!function"):
        raise InputError(path, f"is not igv.js as one script; {_HOW}")
    licence = next(filter(Path.is_file, (folder / "LICENSE" for folder in path.resolve().parents[:2])), None)
    if licence is None:
        raise InputError(path, f"has no file LICENSE beside it or a folder above, which has to go with it; {_HOW}")
    return Igv(source, licence.read_text(encoding="utf-8", errors="replace"))


def slice_of(chrom: str, pos: int, genome: Genome) -> Slice:
    """Return the sequence around a 1-based position, as far as the contig reaches."""
    contig = genome.contig(chrom)
    size = genome.lengths[contig]
    start, end = max(0, pos - 1 - _REACH), min(size, pos + _REACH)
    return Slice(contig, size, start + 1, decode(genome.windows([contig], [start], end - start).codes[0]))
