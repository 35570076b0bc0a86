"""Variants that are no VCF: tables of chrom, pos, ref, alt, and texts like ``chr19:11089231:C>T`` or ``rs429358``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from tfb_matrix_data.blocks import group_lines
from tfb_matrix_data.errors import InputError, UnknownNameError
from tfb_matrix_data.variant_ids import Allele
from tfb_matrix_data.variant_names import EXAMPLE, FORMS, is_identifier, is_variant_string, named_record, record

if TYPE_CHECKING:
    from tfb_matrix_data.genome import Genome

__all__ = ["HEADER", "SPACES", "Find", "table_records", "text_records"]

Find = Callable[[list[str]], dict[str, list[Allele]]]
"""Looks up identifiers: their records, at least one for each."""

HEADER = (b"##fileformat=VCFv4.2\n", b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
"""Header of variants that came without one."""

SPACES = r"has spaces between its columns, where tabs are expected: sed -E 's/ +/\t/g' IN > OUT"
"""What to say of a line that lost its tabs."""

_TABLE_NAMES = {
    "chrom": ("chrom", "#chrom", "chr", "#chr", "chromosome"),
    "pos": ("pos", "position"),
    "id": ("id", "rsid", "name"),
    "ref": ("ref", "reference", "ref_allele"),
    "alt": ("alt", "alternate", "alt_allele"),
}
_TEXT_NAMES = ("variant", "variant_id", "hgvs", "rsid", "snp")
"""Names of the one column that says it all, where the others are not there."""


def text_records(
    texts: Iterable[tuple[str, int | None]], source: str, genome: Genome | None = None, find: Find | None = None
) -> Iterator[bytes]:
    """Yield the records of variants as text, in order; an identifier has one or several.

    Parameters
    ----------
    texts
        Each with the number of its line, if it has one.
    source
        What messages name.
    genome
        Whose bases HGVS's names refer to.
    find
        Looks up identifiers, all that there are at once.

    Raises
    ------
    InputError
        If one is no variant, or an identifier and there is nothing to look it up in.
    """
    known: dict[str, list[Allele]] = {}
    if find is not None:
        texts = list(texts)
        wanted = dict.fromkeys(text for text, _ in texts if is_identifier(text))
        known = find(list(wanted)) if wanted else {}
    for text, line in texts:
        if is_variant_string(text):
            yield named_record(text, source, genome, line)
        elif not is_identifier(text):
            wrong = "is neither a file nor a" if line is None else "is no"
            raise InputError(source, f"{text[:60]!r} {wrong} variant like {FORMS}", line)
        elif find is None:
            raise InputError(source, f"{text} is looked up in a VCF of your own; name it: --ids dbsnp.vcf.gz", line)
        for chrom, pos, ref, alt in known.get(text, ()):
            yield record(_named_here(chrom, genome), pos, text, ref, alt)


def _named_here(chrom: str, genome: Genome | None) -> str:
    try:
        return chrom if genome is None else genome.contig(chrom)
    except UnknownNameError:
        return chrom


def table_records(
    name: str, lines: Iterator[bytes], genome: Genome | None = None, find: Find | None = None
) -> Iterator[bytes]:
    """Yield the rows of a table of chrom, pos, ref, alt, or of a list of variants, as blocks of records of a VCF.

    A table may have a column ``variant`` or the like in place of the four. Lines that are blank or begin with ``#`` are
    skipped, but for one that names the columns. `genome` and `find` as for `text_records`.

    Raises
    ------
    InputError
        If a line is no row; the message names it.
    """
    return group_lines(_records(name, _rows(name, lines), genome, find))


_Rows = Iterator[tuple[int, list[str]]]


def _rows(name: str, lines: Iterator[bytes]) -> _Rows:
    """Yield the number and fields of each line that is not blank."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield number, [field.strip() for field in line.decode().rstrip("\r\n").split("\t")]
            except UnicodeDecodeError:
                raise InputError(name, "is not text; expected VCF or a table of chrom, pos, ref, alt", number) from None


def _records(name: str, rows: _Rows, genome: Genome | None, find: Find | None) -> Iterator[bytes]:
    columns: list[int | None] | None = None
    for number, fields in rows:
        if fields[0].startswith("#"):
            # A row that was commented out begins so as well, and so does what R and others write as names.
            columns = _columns_named(fields) if columns is None else columns
            continue
        if columns is None and (is_variant_string(fields[0]) or is_identifier(fields[0])):
            yield from text_records(_listed(name, chain([(number, fields)], rows), None), name, genome, find)
            return
        if columns is None:
            columns = _named_columns(name, fields, number)
            if columns is not None:
                continue
            columns = [0, 1, None, 2, 3]
            if len(fields) != 4:
                raise _no_table(name, fields, number)
        if len(columns) == 1:
            yield from text_records(_listed(name, chain([(number, fields)], rows), columns[0]), name, genome, find)
            return
        yield _row_record(name, fields, number, columns)


def _listed(name: str, rows: _Rows, column: int | None) -> Iterator[tuple[str, int]]:
    """Yield the variants of a list, or of the one column of a table that has them, with their lines."""
    for number, fields in rows:
        if fields[0].startswith("#"):
            continue
        if column is None and len(fields) > 1:
            raise InputError(name, f"{fields[0][:60]!r} is no variant like {FORMS}; more columns follow", number)
        if len(fields) <= (column or 0):
            raise InputError(name, f"has {len(fields)} columns, the first line has more", number)
        yield fields[column or 0], number


def _row_record(name: str, fields: list[str], number: int, columns: list[int | None]) -> bytes:
    try:
        chrom, pos, names, ref, alt = ("." if at is None else fields[at] for at in columns)
    except IndexError:
        raise InputError(name, f"has {len(fields)} columns, the first line has more", number) from None
    pos = pos.replace(",", "")
    if not (pos.isascii() and pos.isdigit()):
        raise InputError(name, f"position {pos!r} is not a number; positions count from 1", number)
    if not (chrom and ref and alt):
        raise InputError(name, "an empty field; expected chrom, pos, ref, alt", number)
    return record(chrom, pos, names.replace(" ", "_") or ".", ref, alt)


def _named_columns(name: str, fields: list[str], number: int) -> list[int | None] | None:
    """Return what `_columns_named` does, or None if this is no line of column names."""
    if len(fields) > 1 and fields[1].replace(",", "").isdigit():
        return None
    found = _columns_named(fields)
    if found is None:
        raise _no_table(name, fields, number)
    return found


def _columns_named(fields: list[str]) -> list[int | None] | None:
    """Return where chrom, pos, id, ref, alt are in a line of names (id may be missing), or where variants are as text.

    None if neither is there.
    """
    lower = [field.lower() for field in fields]
    found: list[int | None] = [
        next((lower.index(choice) for choice in choices if choice in lower), None) for choices in _TABLE_NAMES.values()
    ]
    if all(at is not None or key == "id" for at, key in zip(found, _TABLE_NAMES, strict=True)):
        return found
    lower[0] = lower[0].removeprefix("#")
    column = next((lower.index(name) for name in _TEXT_NAMES if name in lower), None)
    return None if column is None else [column]


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
