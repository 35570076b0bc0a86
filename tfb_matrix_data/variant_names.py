"""Variants as people type them, as records of a VCF: ``chr19:11089231:C>T``, gnomAD's, GTEx's and HGVS's names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError, UnknownNameError
from tfb_matrix_data.sequence import decode

if TYPE_CHECKING:
    from tfb_matrix_data.genome import Genome

__all__ = ["EXAMPLE", "FORMS", "is_identifier", "is_variant_string", "named_record", "record"]

EXAMPLE = "chr19:11089231:C>T"
"""A variant as text, for messages."""

FORMS = f"{EXAMPLE}, chr19:11089231:C:T, 19-11089231-C-T, chr19_11089231_C_T_b38 or NC_000019.10:g.11089231C>T"
"""All forms, for messages."""

_LETTERS = "[ACGTURYSWKMBDHVNacgturyswkmbdhvn]+"
_PLAIN = (
    re.compile(r"(\S+):([0-9][0-9,]*):([A-Za-z.]+)>(\S+)"),
    re.compile(rf"(\S+):([0-9][0-9,]*):({_LETTERS}):({_LETTERS}|\*)"),
    re.compile(rf"(\S+)-([0-9]+)-({_LETTERS})-({_LETTERS}|\*)"),
    re.compile(rf"(\S+)_([0-9]+)_({_LETTERS})_({_LETTERS}|\*)(?:_(?:b37|b38|hg19|hg38))?"),
)
_HGVS = re.compile(r"([^\s:]+):([a-z])\.([^\s;]+)")
_PLACE = r"([0-9]+)(?:_([0-9]+))?"
_CHANGES = {
    "substitution": re.compile(rf"{_PLACE}([ACGT])>([ACGT])"),
    "deletion": re.compile(rf"{_PLACE}del([ACGT]*)()"),
    "duplication": re.compile(rf"{_PLACE}dup([ACGT]*)()"),
    "insertion": re.compile(rf"{_PLACE}()ins([ACGT]+)"),
    "deletion-insertion": re.compile(rf"{_PLACE}del([ACGT]*)ins([ACGT]+)"),
}
_LONGEST = 100_000
_IDENTIFIER = re.compile(r"rs[0-9]+")
_COORDINATES = {
    "c": "counts along a transcript",
    "n": "counts along a transcript",
    "r": "counts along an RNA",
    "p": "is of a protein",
}


def is_variant_string(text: str) -> bool:
    """Return whether a text looks like a variant in one of the forms; `named_record` may still refuse it.

    Examples
    --------
    >>> [is_variant_string(text) for text in ("19-11089231-A-G", "chr1:1000-2000", "NM_000527.5:c.-49C>T")]
    [True, False, True]
    """
    return any(form.fullmatch(text) for form in _PLAIN) or _HGVS.fullmatch(text) is not None


def is_identifier(text: str) -> bool:
    """Return whether a text is an identifier of dbSNP, such as ``rs429358``."""
    return _IDENTIFIER.fullmatch(text) is not None


def record(chrom: str, pos: str | int, name: str, ref: str, alt: str) -> bytes:
    """Return the line of a VCF that says so."""
    return f"{chrom}\t{pos}\t{name}\t{ref}\t{alt}\t.\t.\t.\n".encode()


def named_record(text: str, source: object, genome: Genome | None = None, line: int | None = None) -> bytes:
    """Return a variant that `is_variant_string` as the record of a VCF.

    Of HGVS's names those of genomic coordinates are read: substitutions, deletions, insertions, duplications and
    deletion-insertions of given bases (hgvs-nomenclature.org). They become the record's ID, and its contig the
    genome's where that has it.

    Parameters
    ----------
    text
        The variant.
    source, line
        What messages name.
    genome
        Where the bases come from that a name of HGVS does not say.

    Raises
    ------
    InputError
        If it is a name of HGVS of another kind, or its place is not on the genome.
    """
    for form in _PLAIN:
        parsed = form.fullmatch(text)
        if parsed is not None:
            chrom, pos, ref, alt = parsed.groups()
            return record(chrom, pos.replace(",", ""), ".", ref, alt)

    contig, kind, change = _HGVS.fullmatch(text).groups()  # type: ignore[union-attr]  # the caller has looked
    try:
        return _genomic_record(text, contig, kind, change, genome)
    except ValueError as error:
        raise InputError(source, f"{text}: {error}", line) from None


class _Change(NamedTuple):
    """A change of HGVS: of 1-based bases `start` to `end`, from what is stated of them (maybe nothing) to `new`."""

    kind: str
    start: int
    end: int
    stated: str
    new: str


def _genomic_record(text: str, contig: str, coordinates: str, change: str, genome: Genome | None) -> bytes:
    """Return a name of HGVS as a record; raises ValueError with what is wrong with it."""
    if coordinates not in ("g", "m"):
        counted = _COORDINATES.get(coordinates, "is no kind of coordinates")
        raise ValueError(f"{coordinates}. {counted}; expected g., like NC_000019.10:g.11089231C>T")
    parsed = _parsed(change)
    try:
        contig = contig if genome is None else genome.contig(contig)
    except UnknownNameError as error:
        if parsed.kind != "substitution":
            raise ValueError(f"{error}") from None
    if parsed.kind == "substitution":
        return record(contig, parsed.start, text, parsed.stated, parsed.new)
    if genome is None:
        raise ValueError("a genome is needed for the bases that it does not say")
    size = genome.lengths[contig]
    if parsed.end > size:
        raise ValueError(f"ends beyond the contig ({size:,} bp in {genome.path.name}); is this its assembly?")
    pos, ref, alt = _spelt(parsed, genome.codes(contig))
    return record(contig, pos, text, ref, alt)


def _parsed(change: str) -> _Change:
    matches = ((kind, form.fullmatch(change)) for kind, form in _CHANGES.items())
    kind, found = next(((kind, match) for kind, match in matches if match), ("", None))
    if found is None:
        raise ValueError(
            "is no substitution of one base, deletion, insertion, duplication or deletion-insertion with a known place "
            "and known bases, and only these are read; give it as CHROM:POS:REF>ALT"
        )
    start, end = int(found[1]), int(found[2] or found[1])
    if not 1 <= start <= end:
        raise ValueError("its place is empty: positions count from 1, and the first comes first")
    if kind == "insertion" and end != start + 1:
        raise ValueError(f"an insertion is between two neighbouring bases: {start}_{start + 1}ins")
    size = end - start + 1
    if found[3] and len(found[3]) != size:
        raise ValueError(f"says {len(found[3])} bases for a place of {size}")
    if size > _LONGEST:
        raise ValueError(f"is of {size:,} bases, and at most {_LONGEST:,} are read; no window holds them")
    return _Change(kind, start, end, found[3], found[4])


def _spelt(change: _Change, codes: NDArray[np.uint8]) -> tuple[int, str, str]:
    """Return (1-based pos, ref, alt) of what is no substitution, given the codes of its contig."""
    kind, start, end, stated, new = change
    stated = stated or decode(codes[start - 1 : end])
    if kind == "deletion-insertion":
        return start, stated, new
    if kind == "duplication":
        return end, stated[-1], stated[-1] + stated
    if kind == "insertion":
        return start, stated[0], stated[0] + new
    if start > 1:
        before = decode(codes[start - 2 : start - 1])
        return start - 1, before + stated, before
    if end == len(codes):
        raise ValueError("deletes the whole contig")
    behind = decode(codes[end : end + 1])
    return 1, stated + behind, behind
