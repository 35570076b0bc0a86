"""Variants from VCF files: every ALT allele of every record is one item."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import check_bgzip_end

__all__ = ["NO_ALT", "Variants", "iter_variants", "read_variants"]

NO_ALT = "."
"""ALT of the one item that stands for a record without any."""


@dataclass(frozen=True)
class Variants:
    """Alleles in the file's order, one item per ALT.

    Attributes
    ----------
    chrom, id, ref, alt
        Strings as in the file; a record without ALT is one item with `NO_ALT`.
    pos
        int64, 1-based position of the first REF base, as in VCF.
    duplicate
        bool: the same chrom, pos, ref and alt stood before among the neighbouring records of this position.
    path
        The file.
    """

    chrom: list[str]
    pos: NDArray[np.int64]
    id: list[str]
    ref: list[str]
    alt: list[str]
    duplicate: NDArray[np.bool_]
    path: Path

    def __len__(self) -> int:
        return len(self.pos)

    def take(self, rows: NDArray[np.int64]) -> Variants:
        """Return the items at the given row indices."""
        columns = ([column[i] for i in rows] for column in (self.chrom, self.id, self.ref, self.alt))
        chrom, names, ref, alt = columns
        return Variants(chrom, self.pos[rows], names, ref, alt, self.duplicate[rows], self.path)


def iter_variants(path: str | Path, chunk_size: int = 8192) -> Iterator[Variants]:
    """Yield the alleles of a VCF, VCF.gz or BCF file in chunks of about `chunk_size`.

    Raises
    ------
    InputError
        If the file is missing, empty, not VCF, cut off, or has no record.
    """
    path = Path(path)
    rows: list[tuple[str, int, str, str, str, bool]] = []
    place: tuple[str, int] | None = None
    seen: set[tuple[str, str]] = set()
    n_items = 0
    for record in _records(path):
        here = (record.CHROM, record.start + 1)  # record.POS wraps around at 32 bits
        if here != place:
            place = here
            seen.clear()
        for alt in record.ALT or [NO_ALT]:
            allele = (record.REF, alt)
            rows.append((*here, record.ID or ".", *allele, allele in seen))
            seen.add(allele)
        if len(rows) >= chunk_size:
            n_items += len(rows)
            yield _variants(rows, path)
            rows = []
    if rows:
        yield _variants(rows, path)
    elif not n_items:
        raise InputError(path, "has a header but no record")


def read_variants(path: str | Path) -> Variants:
    """Return all alleles of a VCF file; see `iter_variants`."""
    (variants,) = iter_variants(path, chunk_size=1 << 62)
    return variants


def _records(path: Path) -> Iterator[cyvcf2.Variant]:
    if not path.is_file():
        raise InputError(path, "is a folder; expected VCF" if path.is_dir() else "no such file")
    if not os.path.getsize(path):
        raise InputError(path, "is empty; expected VCF")
    check_bgzip_end(path)  # htslib only warns of a missing block, and the records would be lost
    n_records = 0
    try:
        reader = cyvcf2.VCF(str(path))
    except Exception as error:  # cyvcf2 raises plain Exception and OSError
        raise InputError(path, f"is not VCF ({error}); expected VCF, VCF.gz or BCF") from None
    try:
        for record in reader:
            if not record.ALT and record.end <= record.start:  # no allele at all: its REF would crash cyvcf2
                found = repr(record.CHROM[:40]) if record.CHROM.strip() else "a blank line"
                raise InputError(path, f"has {found} after record {n_records}; expected tab-separated columns")
            yield record
            n_records += 1
    except InputError:
        raise
    except Exception as error:  # as above
        raise InputError(path, f"is damaged or cut off after record {n_records} ({error})") from None
    finally:
        reader.close()


def _variants(rows: list[tuple[str, int, str, str, str, bool]], path: Path) -> Variants:
    chrom, pos, names, ref, alt, duplicate = zip(*rows, strict=True)
    return Variants(list(chrom), np.array(pos, np.int64), list(names), list(ref), list(alt), np.array(duplicate), path)
