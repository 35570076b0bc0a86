"""Variants that are no VCF: tables of chrom, pos, ref, alt, and texts like ``chr19:11089231:C>T``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tfb_matrix_data.blocks import group_lines
from tfb_matrix_data.errors import InputError

__all__ = ["EXAMPLE", "HEADER", "SPACES", "is_variant_string", "string_record", "table_records"]

HEADER = (b"##fileformat=VCFv4.2\n", b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
"""Header of variants that came without one."""

EXAMPLE = "chr19:11089231:C>T"
"""A variant as text, for messages."""

SPACES = r"has spaces between its columns, where tabs are expected: sed -E 's/ +/\t/g' IN > OUT"
"""What to say of a line that lost its tabs."""

_STRING = re.compile(r"([^\s]+):([0-9][0-9,]*):([A-Za-z.]+)>([^\s]+)")
_TABLE_NAMES = {
    "chrom": ("chrom", "#chrom", "chr", "#chr", "chromosome"),
    "pos": ("pos", "position"),
    "id": ("id", "rsid", "name"),
    "ref": ("ref", "reference", "ref_allele"),
    "alt": ("alt", "alternate", "alt_allele"),
}


def is_variant_string(text: str) -> bool:
    """Return whether a text is a variant like ``chr19:11089231:C>T``."""
    return _STRING.fullmatch(text) is not None


def string_record(text: str) -> bytes:
    """Return a variant that `is_variant_string` as the record of a VCF."""
    chrom, pos, ref, alt = _STRING.fullmatch(text).groups()  # type: ignore[union-attr]  # the caller has looked
    return _record(chrom, pos.replace(",", ""), ".", ref, alt)


def table_records(name: str, lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the rows of a table of chrom, pos, ref, alt, or of a list of variants, as blocks of records of a VCF.

    Lines that are blank or begin with ``#`` are skipped, but for one that names the columns.

    Raises
    ------
    InputError
        If a line is no row; the message names it.
    """

    def records() -> Iterator[bytes]:
        columns: list[int | None] | None = None
        listed = False
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                fields = [field.strip() for field in line.decode().rstrip("\r\n").split("\t")]
            except UnicodeDecodeError:
                raise InputError(name, "is not text; expected VCF or a table of chrom, pos, ref, alt", number) from None
            if line.startswith(b"#"):
                # A row that was commented out begins so as well, and so does what R and others write as names.
                columns = _columns_named(fields) if columns is None and not listed else columns
                continue
            if columns is None and is_variant_string(fields[0]):
                listed = True
            if listed:
                if len(fields) > 1 or not is_variant_string(fields[0]):
                    raise InputError(name, f"{fields[0][:60]!r} is no variant like {EXAMPLE}", number)
                yield string_record(fields[0])
                continue
            if columns is None:
                columns = _named_columns(name, fields, number)
                if columns is not None:
                    continue
                columns = [0, 1, None, 2, 3]
                if len(fields) != 4:
                    raise _no_table(name, fields, number)
            try:
                chrom, pos, names, ref, alt = ("." if at is None else fields[at] for at in columns)
            except IndexError:
                raise InputError(name, f"has {len(fields)} columns, the first line has more", number) from None
            pos = pos.replace(",", "")
            if not (pos.isascii() and pos.isdigit()):
                raise InputError(name, f"position {pos!r} is not a number; positions count from 1", number)
            if not (chrom and ref and alt):
                raise InputError(name, "an empty field; expected chrom, pos, ref, alt", number)
            yield _record(chrom, pos, names.replace(" ", "_") or ".", ref, alt)

    return group_lines(records())


def _named_columns(name: str, fields: list[str], number: int) -> list[int | None] | None:
    """Return where chrom, pos, id, ref, alt are, or None if this is no line of column names."""
    if len(fields) > 1 and fields[1].replace(",", "").isdigit():
        return None
    found = _columns_named(fields)
    if found is None:
        raise _no_table(name, fields, number)
    return found


def _columns_named(fields: list[str]) -> list[int | None] | None:
    """Return where chrom, pos, id, ref, alt are in a line of names, or None if all but id are not there."""
    lower = [field.lower() for field in fields]
    found: list[int | None] = [
        next((lower.index(choice) for choice in choices if choice in lower), None) for choices in _TABLE_NAMES.values()
    ]
    lacking = any(at is None for at, key in zip(found, _TABLE_NAMES, strict=True) if key != "id")
    return None if lacking else found


def _no_table(name: str, fields: list[str], number: int) -> InputError:
    shown = "\t".join(fields)[:60]
    if len(fields) == 1 and len(shown.split()) >= len(_TABLE_NAMES) - 1:
        return InputError(name, SPACES, number)
    return InputError(
        name,
        f"is neither VCF nor a tab-separated table of variants (found {shown!r}); "
        "expected a line of the names chrom, pos, ref, alt, or these four columns, or a variant like "
        f"{EXAMPLE} per line",
        number,
    )


def _record(chrom: str, pos: str, name: str, ref: str, alt: str) -> bytes:
    return f"{chrom}\t{pos}\t{name}\t{ref}\t{alt}\t.\t.\t.\n".encode()
