"""Names of contigs: the one rule for what is another spelling of the same, and where a name ends in a region."""

from __future__ import annotations

import logging
import re
from collections.abc import Container, Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError

__all__ = ["Spelling", "assembly_of", "find_contig", "parse_region", "plain_name", "plain_names", "spellings"]

logger = logging.getLogger(__name__)

_MITOCHONDRION = "MT"
_REGION = re.compile(r"([^\s]+?)(?::([0-9][0-9,]*)(?:-([0-9][0-9,]*))?)?")
# Of the chromosomes 1 to 22, X and Y in GRCh38 (assembly GCF_000001405.40); in GRCh37 (.25) each is one less.
_VERSIONS = (11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11, 11, 10)
_CHROMOSOMES = (*map(str, range(1, 23)), "X", "Y")
_ACCESSIONS = {
    f"NC_{number:06d}.{version - older}": (plain, assembly)
    for older, assembly in ((0, "GRCh38"), (1, "GRCh37"))
    for number, (plain, version) in enumerate(zip(_CHROMOSOMES, _VERSIONS, strict=True), 1)
}
_ACCESSIONS["NC_012920.1"] = (_MITOCHONDRION, "GRCh38 or GRCh37")
_ACCESSIONS_OF: dict[str, tuple[str, ...]] = {
    plain: tuple(name for name, (other, _) in _ACCESSIONS.items() if other == plain)
    for plain in (*_CHROMOSOMES, _MITOCHONDRION)
}


@lru_cache(1 << 12)
def plain_name(name: str) -> str:
    """Return the shortest spelling of a contig's name: equal for names of the same contig.

    ``chr`` is taken off, the mitochondrion is ``MT``, and RefSeq's accessions of the chromosomes of GRCh38 and GRCh37
    are their numbers.

    Examples
    --------
    >>> [plain_name(name) for name in ("chr1", "chrM", "NC_000001.11", "chrUn_KI270302v1", "NC_000067.7")]
    ['1', 'MT', '1', 'Un_KI270302v1', 'NC_000067.7']
    """
    if name in _ACCESSIONS:
        return _ACCESSIONS[name][0]
    plain = name.removeprefix("chr")
    if not plain or plain.startswith("chr"):
        return name
    return _MITOCHONDRION if plain in ("M", _MITOCHONDRION) else plain


def plain_names(names: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return `plain_name` of each name of an array."""
    unique, inverse = np.unique(names, return_inverse=True)
    return np.array([plain_name(name) for name in unique.tolist()], "U")[inverse]


def assembly_of(name: str) -> str:
    """Return the assembly that a name is of, where it says so (RefSeq's accessions), or an empty text."""
    return _ACCESSIONS.get(name, ("", ""))[1]


@lru_cache(1 << 12)
def spellings(name: str) -> tuple[str, ...]:
    """Return the other names that a contig may have, the likeliest first.

    An accession is of one assembly, and never another spelling of one of the other.

    Examples
    --------
    >>> spellings("chr1")
    ('1', 'NC_000001.11', 'NC_000001.10')
    >>> spellings("NC_000001.10")
    ('1', 'chr1')
    """
    plain = plain_name(name)
    names = [plain, f"chr{plain}"]
    if plain == _MITOCHONDRION:
        names = ["chrM", plain, "M", f"chr{plain}"]
    if name not in _ACCESSIONS:
        names += _ACCESSIONS_OF.get(plain, ())
    return tuple(other for other in names if other != name and plain_name(other) == plain)


def find_contig(name: str, contigs: Container[str]) -> str | None:
    """Return what a contig is called among others: as given if that is there, else in another spelling.

    Examples
    --------
    >>> find_contig("1", ["chr1", "chr2"]), find_contig("chr1", ["1", "chr1"]), find_contig("3", ["chr1"])
    ('chr1', 'chr1', None)
    """
    return name if name in contigs else next((other for other in spellings(name) if other in contigs), None)


class Spelling:
    """The names of a file's contigs as others spell them; the first that is spelt another way is logged.

    Parameters
    ----------
    contigs
        The others' names.
    source
        The file.
    """

    def __init__(self, contigs: Container[str], source: Path) -> None:
        self._contigs, self._source = contigs, source
        self._told = False

    def of(self, names: Iterable[str]) -> list[str]:
        """Return names as the others spell them, and as they are where those lack them."""
        found = []
        for name in names:
            other = find_contig(name, self._contigs)
            if other not in (None, name) and not self._told:
                logger.info("%s: contig names differ, reconciled: %s is %s", self._source.name, name, other)
                self._told = True
            found.append(name if other is None else other)
        return found


def parse_region(text: str, source: object, contigs: Container[str] = ()) -> tuple[str, int | None, int | None]:
    """Return the contig, first and last position of ``chr1:1-1000``, ``chr1:1000`` or ``chr1`` (None, None).

    Positions count from 1 and both are included; they may have commas. What is a name of one of `contigs` as it stands,
    such as ``HLA-A*01:01:01:01``, is that contig.

    Raises
    ------
    InputError
        If it is none of these; the message names `source`.

    Examples
    --------
    >>> parse_region("chr1:1,000", "the command line")
    ('chr1', 1000, 1000)
    >>> parse_region("HLA-B*07:02", "the command line", {"HLA-B*07:02"})
    ('HLA-B*07:02', None, None)
    """
    text = text.strip()
    if find_contig(text, contigs) is not None:
        return text, None, None
    parsed = _REGION.fullmatch(text)
    if parsed is None:
        raise InputError(source, f"region {text!r} is not CHROM, CHROM:START or CHROM:START-END")
    start, end = (int(number.replace(",", "")) if number else None for number in parsed.groups()[1:])
    end = start if end is None else end
    if start is not None and end is not None and not 1 <= start <= end:
        raise InputError(source, f"region {text!r} is empty: positions count from 1, and START comes first")
    return parsed[1], start, end
