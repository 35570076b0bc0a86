"""Where variants come from: VCF, BCF, a table, strings or stdin, all as the lines of a VCF.

Text is handed on byte by byte: an annotated VCF repeats what the file says, not what a parser made of it, and a record
with many samples costs no more than the copying of its line.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfb_matrix_data.blocks import DAMAGED, CutOff, decompressed, group_lines, iter_blocks, iter_lines
from tfb_matrix_data.contigs import find_contig, parse_region
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import check_bgzip_end
from tfb_matrix_data.variant_index import current_index

__all__ = ["CutOff", "VariantLines", "is_variant_string", "open_variants"]

HEADER = (b"##fileformat=VCFv4.2\n", b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
"""Header of variants that came without one."""

_COLUMNS = b"#CHROM\tPOS\tID\tREF\tALT"
_VCF_NAME = re.compile(r"\.(vcf|bcf)(\.b?gz)?$", re.IGNORECASE)
_STRING = re.compile(r"([^\s]+):([0-9][0-9,]*):([A-Za-z.]+)>([^\s]+)")
_EXAMPLE = "chr19:11089231:C>T"
_TABLE_NAMES = {
    "chrom": ("chrom", "#chrom", "chr", "#chr", "chromosome"),
    "pos": ("pos", "position"),
    "id": ("id", "rsid", "name"),
    "ref": ("ref", "reference", "ref_allele"),
    "alt": ("alt", "alternate", "alt_allele"),
}


@dataclass(frozen=True)
class VariantLines:
    """Variants as the text of a VCF.

    Attributes
    ----------
    name
        What messages call them: the file, ``stdin`` or ``the command line``.
    header
        Header lines with their ends, the one of the column names last.
    blocks
        Record lines, some thousand together, all with their ends but maybe the last; to be read once. Raises `CutOff`
        where the rest of a file is lost.
    nothing
        What to say where there is no record.
    """

    name: str
    header: list[bytes]
    blocks: Iterator[bytes]
    nothing: str = "has a header but no record"

    @property
    def lines(self) -> Iterator[bytes]:
        """Return the lines of the blocks, one by one."""
        return iter_lines(self.blocks)


def is_variant_string(text: str) -> bool:
    """Return whether a text is a variant like ``chr19:11089231:C>T``."""
    return _STRING.fullmatch(text) is not None


def open_variants(source: str | Path | Sequence[str], region: str | None = None) -> VariantLines:
    """Return the lines of variants.

    Parameters
    ----------
    source
        A file: VCF (plain, gzip, bgzip), BCF, or a tab-separated table of chrom, pos, ref, alt (with a header line
        that names them, or just these four), or a list of variants like ``chr19:11089231:C>T``, one per line. ``-``:
        VCF, such a table or list on stdin, gzipped or not. Or such variants themselves, as strings.
    region
        Only records that overlap it: ``chr1``, ``chr1:1000`` or ``chr1:1-1000``, 1-based, both ends included
        (`tfb_matrix_data.contigs.parse_region`). The file must be indexed; the contig may go by another spelling.

    Raises
    ------
    InputError
        If there is no such file, or it is none of these.
    """
    if not isinstance(source, str | Path):
        if region:
            raise InputError("the command line", "--region needs an indexed file, not single variants")
        return _from_strings(source)
    if str(source) == "-":
        if region:
            raise InputError("stdin", "--region needs an indexed file; stdin has no index")
        return _from_stream(sys.stdin.buffer, "stdin", may_be_table=True)  # type: ignore[arg-type]
    path = Path(source)
    if path.is_dir():
        raise InputError(path, "is a folder; expected VCF")
    if not path.is_file() and not path.is_fifo():
        raise InputError(path, f"no such file, and no variant like {_EXAMPLE}")
    if path.is_file() and not path.stat().st_size:
        raise InputError(path, "is empty; expected VCF")
    if region:
        return _from_region(path, region)
    return _from_stream(open(path, "rb"), str(path), not _VCF_NAME.search(path.name), path)


def _from_stream(stream: io.BufferedReader, name: str, may_be_table: bool, path: Path | None = None) -> VariantLines:
    text = decompressed(stream)
    try:
        first = text.readline()
    except DAMAGED as error:
        raise InputError(name, f"is damaged or cut off in its first line ({error})") from None
    if first.startswith(b"BCF\2"):
        if path is None:
            raise InputError(name, "is BCF, which is read from files only; pipe VCF: bcftools view -Ov IN | tfb ...")
        stream.close()
        return _from_bcf(path)
    if not first:
        raise InputError(name, "is empty; expected VCF")
    if first.startswith((b"##", _COLUMNS)):
        return VariantLines(name, _header(name, first, text), iter_blocks(text))
    if may_be_table and b"\0" not in first:
        return VariantLines(name, list(HEADER), _table(name, iter_lines(iter_blocks(text, first))), "has no variant")
    shown = first[:40].decode(errors="replace").rstrip()
    raise InputError(name, f"is not VCF (its first line is {shown!r}); expected VCF, VCF.gz or BCF")


def _header(name: str, line: bytes, stream: io.BufferedReader) -> list[bytes]:
    """Return the lines of a header, of which the first has been read."""
    header = []
    try:
        while line.startswith(b"#"):
            header.append(line if line.endswith(b"\n") else line + b"\n")
            if line.startswith(_COLUMNS):
                return header
            if not line.startswith(b"##"):
                break
            line = stream.readline()
    except DAMAGED as error:
        raise InputError(name, f"is damaged or cut off in its header ({error})") from None
    raise InputError(name, "is not VCF (no line '#CHROM POS ID REF ALT ...'); expected VCF, VCF.gz or BCF")


def _from_bcf(path: Path, region: str | None = None) -> VariantLines:
    import cyvcf2

    lost = ""
    try:
        check_bgzip_end(path)
    except InputError:
        lost = "bgzip's end marker is missing"
    try:
        reader = cyvcf2.VCF(str(path))
    except Exception as error:  # cyvcf2 raises plain Exception and OSError
        raise InputError(path, f"is not VCF ({error}); expected VCF, VCF.gz or BCF") from None

    def lines() -> Iterator[bytes]:
        try:
            for record in reader(region) if region else reader:
                yield str(record).encode()
        except Exception as error:  # as above
            raise CutOff(str(error)) from None
        finally:
            reader.close()
        if lost:  # htslib only warns
            raise CutOff(lost)

    return VariantLines(str(path), reader.raw_header.encode().splitlines(keepends=True), group_lines(lines()))


def _from_region(path: Path, region: str) -> VariantLines:
    """Return the records of a region, through the file's index."""
    nothing = f"has no record in {region}"
    import pysam

    with open(path, "rb") as stream:
        bcf = decompressed(stream).read(4) == b"BCF\2"
    index = current_index(path, bcf)
    try:
        if bcf:
            whole = _from_bcf(path)
            contigs = _declared_contigs(whole.header)
        else:
            check_bgzip_end(path)
            whole = _from_stream(open(path, "rb"), str(path), False)  # noqa: SIM115
            tabix = pysam.TabixFile(str(path), index=str(index), encoding="latin-1")
            contigs = list(tabix.contigs)
    except (OSError, ValueError) as error:
        raise InputError(
            path, f"the file or its index cannot be read ({error}); make the index again: tabix -f -p vcf"
        ) from None
    declared = _declared_contigs(whole.header)
    name, start, end = parse_region(region, path, {*contigs, *declared})
    found = find_contig(name, contigs)
    if found is None:
        # A .tbi knows the contigs that have records, the header those that might.
        if find_contig(name, declared) is None:
            shown = ", ".join(contigs[:5]) + (", ..." if len(contigs) > 5 else "")
            raise InputError(path, f"{nothing} ({name} is not among its contigs: {shown})")
        return VariantLines(str(path), whole.header, iter(()), nothing)
    if bcf:
        within = f"{{{found}}}" if start is None else f"{{{found}}}:{start}-{end}"  # braces: a name may have a colon
        return VariantLines(str(path), whole.header, _from_bcf(path, within).blocks, nothing)

    def lines() -> Iterator[bytes]:
        try:
            for line in tabix.fetch(found, None if start is None else start - 1, end):
                yield line.encode("latin-1") + b"\n"
        except (OSError, ValueError) as error:  # pysam's word for what htslib cannot read
            raise CutOff(str(error)) from None

    return VariantLines(str(path), whole.header, group_lines(lines()), nothing)


def _declared_contigs(header: list[bytes]) -> list[str]:
    return re.findall(r"##contig=<ID=([^,>]+)", b"".join(header).decode(errors="replace"))


def _from_strings(texts: Sequence[str]) -> VariantLines:
    name = "the command line"
    lines = []
    for text in texts:
        if not is_variant_string(text):
            raise InputError(name, f"{text!r} is neither a file nor a variant like {_EXAMPLE}")
        lines.append(_string_record(text))
    return VariantLines(name, list(HEADER), group_lines(iter(lines)), "has no variant")


def _string_record(text: str) -> bytes:
    chrom, pos, ref, alt = _STRING.fullmatch(text).groups()  # type: ignore[union-attr]  # the caller has looked
    return _record(chrom, pos.replace(",", ""), ".", ref, alt)


def _table(name: str, lines: Iterator[bytes]) -> Iterator[bytes]:
    """Return the rows of a table of chrom, pos, ref, alt, or of a list of variants, as records of a VCF."""

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
            if columns is None and is_variant_string(fields[0]):
                listed = True
            if listed:
                if len(fields) > 1 or not is_variant_string(fields[0]):
                    raise InputError(name, f"{fields[0][:60]!r} is no variant like {_EXAMPLE}", number)
                yield _string_record(fields[0])
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
                raise InputError(name, f"position {pos!r} is not a number", number)
            if not (chrom and ref and alt):
                raise InputError(name, "an empty field; expected chrom, pos, ref, alt", number)
            yield _record(chrom, pos, names.replace(" ", "_") or ".", ref, alt)

    return group_lines(records())


def _named_columns(name: str, fields: list[str], number: int) -> list[int | None] | None:
    """Return where chrom, pos, id, ref, alt are, or None if this is no line of column names."""
    lower = [field.lower() for field in fields]
    if lower[0].isascii() and len(fields) > 1 and lower[1].replace(",", "").isdigit():
        return None
    found: list[int | None] = [
        next((lower.index(choice) for choice in choices if choice in lower), None) for choices in _TABLE_NAMES.values()
    ]
    if any(at is None for at, key in zip(found, _TABLE_NAMES, strict=True) if key != "id"):
        raise _no_table(name, fields, number)
    return found


def _no_table(name: str, fields: list[str], number: int) -> InputError:
    shown = "\t".join(fields)[:60]
    return InputError(
        name,
        f"is neither VCF nor a tab-separated table of variants (found {shown!r}); "
        "expected a line of the names chrom, pos, ref, alt, or these four columns, or a variant like "
        f"{_EXAMPLE} per line",
        number,
    )


def _record(chrom: str, pos: str, name: str, ref: str, alt: str) -> bytes:
    return f"{chrom}\t{pos}\t{name}\t{ref}\t{alt}\t.\t.\t.\n".encode()
