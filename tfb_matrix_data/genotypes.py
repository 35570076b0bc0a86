"""Genotypes of one sample of a VCF: which of its haplotypes have an ALT allele."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from typing import NamedTuple

from tfb_matrix_data.errors import InputError, UnknownNameError

__all__ = ["ABSENT", "CARRIED", "MISSING", "UNPHASED", "Genotype", "read_genotypes", "sample_column"]

CARRIED, ABSENT, MISSING, UNPHASED = "carried", "absent", "missing", "unphased"

_FORMAT, _FIRST = 8, 9


class Genotype(NamedTuple):
    """Where a sample has an allele.

    Attributes
    ----------
    state
        ``carried``: on the `haplotypes`; ``absent``; ``missing``: not known whether (no GT, or ``.``); ``unphased``:
        on some, nobody knows which.
    haplotypes
        Numbered from 1, in the order of GT.
    everywhere
        On all that there are, so that phase makes no difference.
    phase_set
        Haplotypes of the same number are one molecule where these are equal; PS, ``""`` for none.
    """

    state: str
    haplotypes: frozenset[int] = frozenset()
    everywhere: bool = False
    phase_set: str = ""

    def together(self, other: Genotype) -> bool | None:
        """Return whether another allele is on all of this one's haplotypes; None if that is not known.

        Only some of them are not all: it is known, and ``False``.
        """
        if ABSENT in (self.state, other.state):
            return False
        if self.state != CARRIED or other.state != CARRIED:
            return None
        if not (self.everywhere or other.everywhere or self.phase_set == other.phase_set):
            return None
        return self.haplotypes <= other.haplotypes


def sample_column(header: Sequence[bytes], sample: str, name: str) -> int:
    """Return which column of the records is a sample's.

    Parameters
    ----------
    header
        Header lines of a VCF, the one of the column names last.
    sample
        Its name.
    name
        What messages call the input.

    Raises
    ------
    InputError
        If there are no samples.
    UnknownNameError
        If none is called so.
    """
    columns = header[-1].decode(errors="replace").rstrip("\r\n").split("\t")
    if len(columns) <= _FIRST:
        raise InputError(name, "has no samples; --phased needs a VCF with genotypes (GT)")
    if sample not in columns[_FIRST:]:
        raise UnknownNameError(f"sample (in {name})", sample, columns[_FIRST:])
    return columns.index(sample, _FIRST)


def read_genotypes(lines: Iterable[bytes], n_alleles: Sequence[int], column: int) -> list[Genotype]:
    """Return where a sample has each allele of some records.

    Parameters
    ----------
    lines
        Records of a VCF.
    n_alleles
        Number of ALTs of each; 1 for a record without any.
    column
        See `sample_column`.
    """
    found: list[Genotype] = []
    for line, n in zip(lines, n_alleles, strict=True):
        fields = line.rstrip(b"\r\n").split(b"\t", column + 1)
        values: dict[str, str] = {}
        if len(fields) > column:
            keys, own = (fields[at].decode(errors="replace").split(":") for at in (_FORMAT, column))
            values = dict(zip(keys, own, strict=False))  # those that are missing at the end may be left out
        phase_set = values.get("PS", ".")
        found += _of_record(values.get("GT", "."), "" if phase_set == "." else phase_set, n)
    return found


def _of_record(text: str, phase_set: str, n: int) -> list[Genotype]:
    """Return the genotypes of a record's ALTs, given GT.

    Examples
    --------
    >>> [(one.state, sorted(one.haplotypes), one.everywhere) for one in _of_record("1|0", "", 2)]
    [('carried', [1], False), ('absent', [], False)]
    >>> [one.state for one in (*_of_record("0/1", "", 1), *_of_record("./.", "", 1), *_of_record("1/1", "", 1))]
    ['unphased', 'missing', 'carried']
    """
    alleles = text.lstrip("|/").replace("|", "/").split("/")  # VCF 4.4 may have the phase of the first one before it
    phased = "/" not in text.lstrip("|/")
    genotypes = []
    for number in map(str, range(1, n + 1)):
        on = frozenset(i for i, allele in zip(count(1), alleles) if allele == number)
        if len(on) == len(alleles):
            genotypes.append(Genotype(CARRIED, on, True, phase_set))
        elif on:
            genotypes.append(Genotype(CARRIED, on, False, phase_set) if phased else Genotype(UNPHASED))
        else:
            genotypes.append(Genotype(MISSING if "." in alleles else ABSENT))
    return genotypes
