"""igv.js in a report: a genome browser of the sequence around each detail, which starts when it is asked for.

The package has the script as npm's package `igv` brings it (``make vendor-igv``), compressed, and its licence; both go
into the page. What it holds of other authors (DOMPurify, pako and others) is named in comments of the script, which
stay.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode

__all__ = ["SHA256", "VERSION", "Igv", "Slice", "read_igv", "slice_of"]

VERSION = "3.8.10"
"""Release of igv.js."""

SHA256 = "87b991ae2a720978172e269dd5127c495e56df5af31144dff19c83124e2f5744"
"""Of its dist/igv.min.js."""

_REACH = 200


@dataclass(frozen=True)
class Igv:
    """igv.js as a page holds it.

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


@cache
def read_igv() -> Igv:
    """Return the igv.js of this package."""
    assets = files("kipoi_tfb.report") / "assets"
    source = gzip.decompress((assets / "igv.min.js.gz").read_bytes()).decode()
    return Igv(source, (assets / "igv.LICENSE").read_text(encoding="utf-8"))


def slice_of(chrom: str, pos: int, genome: Genome) -> Slice:
    """Return the sequence around a 1-based position, as far as the contig reaches."""
    contig = genome.contig(chrom)
    size = genome.lengths[contig]
    start, end = max(0, pos - 1 - _REACH), min(size, pos + _REACH)
    return Slice(contig, size, start + 1, decode(genome.windows([contig], [start], end - start).codes[0]))
