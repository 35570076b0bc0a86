"""Variants: every ALT allele of every record is one item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import CutOffError, InputError
from tfb_matrix_data.files import check_bgzip_end
from tfb_matrix_data.variant_lines import CutOff, VariantLines, open_variants

__all__ = ["NO_ALT", "VariantChunk", "Variants", "iter_chunks", "iter_variants", "read_variants"]

NO_ALT = "."
"""ALT of the one item that stands for a record without any."""

_MAX_BYTES = 1 << 24
_N_FIXED = 8


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


class VariantChunk(NamedTuple):
    """Some records and their alleles.

    Attributes
    ----------
    lines
        The records as they stand in the file.
    variants
        Their alleles.
    n_alleles
        How many items each line is: its ALT alleles, or 1 without any.
    """

    lines: list[bytes]
    variants: Variants
    n_alleles: list[int]


def iter_variants(path: str | Path, chunk_size: int = 8192) -> Iterator[Variants]:
    """Yield the alleles of a VCF, VCF.gz or BCF file in chunks of about `chunk_size`.

    Raises
    ------
    InputError
        If the file is missing, empty, not VCF, cut off, or has no record.
    """
    if Path(path).is_file() and Path(path).stat().st_size:
        check_bgzip_end(path)  # known before the first chunk: half a file is not to be taken for a whole one
    for chunk in iter_chunks(open_variants(path), chunk_size, max(chunk_size, _MAX_BYTES)):
        yield chunk.variants


def read_variants(path: str | Path) -> Variants:
    """Return all alleles of a VCF file; see `iter_variants`."""
    (variants,) = iter_variants(path, chunk_size=1 << 62)
    return variants


def iter_chunks(
    source: VariantLines, chunk_size: int = 8192, max_bytes: int = _MAX_BYTES
) -> Iterator[VariantChunk]:
    """Yield records in chunks of at least `chunk_size` alleles, or fewer where these have `max_bytes` of text.

    Where chunks begin depends on nothing but the lines and these two numbers.

    Raises
    ------
    CutOffError
        After everything that could be read, if the rest of the file is missing or damaged.
    InputError
        If a line is no record, or there is none.
    """
    path = Path(source.name)
    chunk, n_bytes, n_records = _Rows(), 0, 0
    place: tuple[bytes, bytes] | None = None
    seen: set[tuple[str, str]] = set()
    cut: CutOff | None = None
    lines = source.lines
    while True:
        try:
            line = next(lines, None)
        except CutOff as error:
            cut, line = error, None
        if line is None:
            break
        fields = line.split(b"\t", 7)
        if len(fields) < _N_FIXED or not fields[1].isdigit():
            raise InputError(path, _fault(line, fields, n_records))
        n_records += 1
        here = (fields[0], fields[1])
        if here != place:
            place = here
            seen = set()
        chrom, ref, alts = fields[0].decode(errors="replace"), fields[3].decode(errors="replace"), fields[4].decode(errors="replace")
        pos, name = int(fields[1]), fields[2].decode(errors="replace")
        every = alts.split(",")
        for alt in every:
            allele = (ref, alt)
            chunk.add(chrom, pos, name, ref, alt, allele in seen)
            seen.add(allele)
        chunk.lines.append(line)
        chunk.n_alleles.append(len(every))
        n_bytes += len(line)
        if len(chunk.pos) >= chunk_size or n_bytes >= max_bytes:
            yield chunk.finish(path)
            chunk, n_bytes = _Rows(), 0
    if chunk.lines:
        yield chunk.finish(path)
    if cut is not None:
        raise CutOffError(path, f"is damaged or cut off after record {n_records} ({cut})")
    if not n_records:
        raise InputError(path, source.nothing)


class _Rows:
    """A chunk that grows."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.n_alleles: list[int] = []
        self.chrom: list[str] = []
        self.pos: list[int] = []
        self.id: list[str] = []
        self.ref: list[str] = []
        self.alt: list[str] = []
        self.duplicate: list[bool] = []

    def add(self, chrom: str, pos: int, name: str, ref: str, alt: str, duplicate: bool) -> None:
        self.chrom.append(chrom)
        self.pos.append(pos)
        self.id.append(name)
        self.ref.append(ref)
        self.alt.append(alt)
        self.duplicate.append(duplicate)

    def finish(self, path: Path) -> VariantChunk:
        pos, duplicate = np.array(self.pos, np.int64), np.array(self.duplicate, bool)
        variants = Variants(self.chrom, pos, self.id, self.ref, self.alt, duplicate, path)
        return VariantChunk(self.lines, variants, self.n_alleles)


def _fault(line: bytes, fields: list[bytes], n_records: int) -> str:
    """Return what is wrong with a line that is no record."""
    if len(fields) == 1:
        text = line[:40].decode(errors="replace").strip()
        found = repr(text) if text else "a blank line"
        return f"has {found} after record {n_records}; expected tab-separated columns"
    problem = f"{len(fields)} columns instead of at least {_N_FIXED}"
    if len(fields) >= _N_FIXED:
        problem = f"POS is {fields[1][:20].decode(errors='replace')!r}, not a number"
    return f"is damaged or cut off after record {n_records} ({problem})"
