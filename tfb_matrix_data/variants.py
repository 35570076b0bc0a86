"""Variants: every ALT allele of every record is one item."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.blocks import CutOff
from tfb_matrix_data.contigs import plain_name
from tfb_matrix_data.errors import CutOffError, InputError
from tfb_matrix_data.files import check_bgzip_end
from tfb_matrix_data.records import COLUMNS, N_FIXED, Records, is_record, parse_records
from tfb_matrix_data.variant_lines import VariantLines, open_variants
from tfb_matrix_data.variant_tables import SPACES

__all__ = [
    "NO_ALT",
    "NoVariantError",
    "VariantChunk",
    "Variants",
    "iter_chunks",
    "iter_variants",
    "no_variants",
    "read_variants",
]

NO_ALT = "."
"""ALT of the one item that stands for a record without any."""

_MAX_BYTES = 1 << 24


class NoVariantError(InputError):
    """Variants were asked for, and there is not a single record; nothing else is wrong."""


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
        bool: the same allele stood before among the neighbouring records of this position, in capitals or not, its
        contig in another spelling or not. In a file that is not sorted there may be others elsewhere.
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
    records
        The records as they stand in the file, in pieces.
    variants
        Their alleles.
    n_alleles
        How many items each record is: its ALT alleles, or 1 without any.
    """

    records: list[Records]
    variants: Variants
    n_alleles: list[int]

    @property
    def text(self) -> bytes:
        """Return the lines of the records, as one text."""
        return b"".join(records.text for records in self.records)

    @property
    def lines(self) -> list[bytes]:
        """Return the line of each record."""
        return [line for records in self.records for line in records.lines()]


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


def iter_chunks(source: VariantLines, chunk_size: int = 8192, max_bytes: int = _MAX_BYTES) -> Iterator[VariantChunk]:
    """Yield records in chunks of at least `chunk_size` alleles, or fewer where these have `max_bytes` of text.

    Where chunks begin depends on nothing but the lines and these two numbers.

    Raises
    ------
    CutOffError
        After everything that could be read, if the rest of the file is missing or damaged.
    InputError
        If a line is no record.
    NoVariantError
        If there is none.
    """
    path = Path(source.name)
    parts: list[Records] = []
    n_items = n_bytes = n_records = 0
    first = source.line
    duplicates = _Duplicates()
    cut: CutOff | None = None
    try:
        for block in source.blocks:
            records = parse_records(block)
            start = 0
            while start < len(records):
                end, full = records.fill(start, chunk_size - n_items, max_bytes - n_bytes)
                part = records.part(start, end)
                parts.append(part)
                n_records += len(part)
                n_items += int(part.n_alleles.sum())
                n_bytes += len(part.text)
                start = end
                if full:
                    yield _chunk(parts, duplicates, path)
                    parts, n_items, n_bytes = [], 0, 0
            if records.fault is not None:
                number = None if first is None else first + _lines_before(block, len(records))
                raise InputError(path, _fault(records.fault, n_records), number)
            if first is not None:
                first += block.count(b"\n")
    except CutOff as error:
        cut = error
    if parts:
        yield _chunk(parts, duplicates, path)
    if cut is not None:
        raise CutOffError(path, f"is damaged or cut off after record {n_records} ({cut})")
    if not n_records:
        raise NoVariantError(path, source.nothing)


def no_variants(name: str | Path) -> VariantChunk:
    """Return a chunk without any record."""
    return VariantChunk([], Variants([], np.empty(0, np.int64), [], [], [], np.empty(0, bool), Path(name)), [])


def _chunk(parts: list[Records], duplicates: _Duplicates, path: Path) -> VariantChunk:
    columns = zip(*(part.columns() for part in parts), strict=True)
    chrom, name, ref, alt = (list(chain.from_iterable(column)) for column in columns)
    if chrom.count(chrom[0]) == len(chrom):
        chrom = [chrom[0]] * len(chrom)  # one object, which whatever follows compares and looks up much faster
    pos, n_alleles = (np.concatenate([getattr(part, of) for part in parts]) for of in ("pos", "n_alleles"))
    if len(n_alleles) < n_alleles.sum():
        pos = np.repeat(pos, n_alleles)
        chrom, name, ref = (np.repeat(np.array(texts, object), n_alleles).tolist() for texts in (chrom, name, ref))
        alt = ",".join(alt).split(",")
    variants = Variants(chrom, pos, name, ref, alt, duplicates.find(chrom, pos, ref, alt), path)
    return VariantChunk(parts, variants, n_alleles.tolist())


class _Duplicates:
    """Finds alleles that stood before among the neighbouring ones of their position, from chunk to chunk."""

    def __init__(self) -> None:
        self._place: tuple[str, int] | None = None
        self._seen: set[tuple[str, str]] = set()

    def find(self, chrom: list[str], pos: NDArray[np.int64], ref: list[str], alt: list[str]) -> NDArray[np.bool_]:
        """Return which alleles of a chunk are duplicates."""
        found = np.zeros(len(pos), bool)
        same = pos[1:] == pos[:-1]
        # Few alleles have a neighbour at their position; the ends of a chunk may have one in the next.
        look = np.zeros(len(pos), bool)
        look[1:], look[0], look[-1] = same, True, True
        look[:-1] |= same
        before = -1
        for row in np.flatnonzero(look).tolist():
            place = plain_name(chrom[row]), int(pos[row])
            allele = ref[row].upper(), alt[row].upper()
            if place != self._place or row != before + 1:
                self._place, self._seen = place, set()
            found[row] = allele in self._seen
            self._seen.add(allele)
            before = row
        return found


def _lines_before(block: bytes, n: int) -> int:
    """Return how many lines stand before the record that comes after `n` others."""
    places = (place for place, line in enumerate(io.BytesIO(block)) if is_record(line))
    return next(islice(places, n, None))


def _fault(line: bytes, n_records: int) -> str:
    """Return what is wrong with a line that is no record."""
    fields = line.rstrip(b"\r\n").split(b"\t", N_FIXED - 1)
    if len(fields) >= N_FIXED:
        return f"POS is {fields[1][:20].decode(errors='replace')!r}; expected a whole number, counted from 1"
    if len(line.split(None, N_FIXED - 1)) >= N_FIXED:
        return SPACES
    missing = ", ".join(COLUMNS[len(fields) :])
    if len(fields) == 1:
        found = line[:40].decode(errors="replace").strip()
        return f"has {found!r} after record {n_records}; expected tab-separated columns {', '.join(COLUMNS)}"
    problem = f"{len(fields)} columns; {missing} {'is' if len(fields) == N_FIXED - 1 else 'are'} missing"
    if line.endswith(b"\n"):
        return f"{problem} (a dot where there is nothing to say)"
    return f"is cut off after record {n_records}: {problem}"
