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
from typing import TYPE_CHECKING

from tfb_matrix_data.blocks import DAMAGED, CutOff, decompressed, group_lines, iter_blocks, iter_lines, read_line
from tfb_matrix_data.bounded import check_ends
from tfb_matrix_data.contigs import find_contig, parse_region
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import check_bgzip_end
from tfb_matrix_data.lines import UTF16, ends_in_cr, is_utf16
from tfb_matrix_data.variant_index import current_index
from tfb_matrix_data.variant_names import FORMS
from tfb_matrix_data.variant_tables import HEADER, SPACES, Find, table_records, text_records

if TYPE_CHECKING:
    from tfb_matrix_data.genome import Genome

__all__ = ["CutOff", "VariantLines", "open_variants"]

_COLUMNS = b"#CHROM\tPOS\tID\tREF\tALT"
_VCF_NAME = re.compile(r"\.(vcf|bcf)(\.b?gz)?$", re.IGNORECASE)
_END = (1 << 31) - 2
"""Behind the last base of any contig, as far as htslib is concerned."""
_SPACED = re.compile(rb"#CHROM +POS +ID +REF +ALT\b")


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
    line
        1-based number of the first line of the blocks in the file; None where they are not lines of a file.
    """

    name: str
    header: list[bytes]
    blocks: Iterator[bytes]
    nothing: str = "has a header but no record"
    line: int | None = None

    @property
    def lines(self) -> Iterator[bytes]:
        """Return the lines of the blocks, one by one."""
        return iter_lines(self.blocks)


def open_variants(
    source: str | Path | Sequence[str],
    region: str | None = None,
    genome: Genome | None = None,
    find: Find | None = None,
) -> VariantLines:
    """Return the lines of variants.

    Parameters
    ----------
    source
        A file: VCF (plain, gzip, bgzip), BCF, or a tab-separated table of chrom, pos, ref, alt (with a header line
        that names them, or just these four), or a list of variants like ``chr19:11089231:C>T``, one per line, or a
        column of such (`tfb_matrix_data.variant_names`). ``-``: VCF, such a table or list on stdin, gzipped or not. Or
        such variants themselves, as strings.
    region
        Only records that overlap it: ``chr1``, ``chr1:1000`` or ``chr1:1-1000``, 1-based, both ends included
        (`tfb_matrix_data.contigs.parse_region`). The file must be indexed; the contig may go by another spelling.
    genome
        Whose bases the names of HGVS refer to; without it, those that do not say all bases are refused.
    find
        Looks up identifiers like ``rs429358``; without it they are refused.

    Raises
    ------
    InputError
        If there is no such file, or it is none of these.
    """
    if not isinstance(source, str | Path):
        if region:
            raise InputError("the command line", "--region needs an indexed file, not single variants")
        texts = ((text, None) for text in source)
        lines = list(text_records(texts, "the command line", genome, find))  # what is wrong is said now
        return VariantLines("the command line", list(HEADER), group_lines(iter(lines)), "has no variant")
    if str(source) == "-":
        if region:
            raise InputError("stdin", "--region needs an indexed file; stdin has no index")
        return _from_stream(sys.stdin.buffer, "stdin", True, None, genome, find)  # type: ignore[arg-type]
    path = Path(source)
    if path.is_dir():
        raise InputError(path, "is a folder; expected VCF")
    if not path.exists():
        raise InputError(path, f"no such file, and no variant like {FORMS}")
    check_ends(path)
    if path.is_file() and not path.stat().st_size:
        raise InputError(path, "is empty; expected VCF")
    if region:
        _check_not_named(str(path), find)
        return _from_region(path, region)
    return _from_stream(open(path, "rb"), str(path), not _VCF_NAME.search(path.name), path, genome, find)


def _from_stream(
    stream: io.BufferedReader,
    name: str,
    may_be_table: bool,
    path: Path | None = None,
    genome: Genome | None = None,
    find: Find | None = None,
) -> VariantLines:
    text = decompressed(stream)
    try:
        first = read_line(text)
    except (CutOff, *DAMAGED) as error:
        raise InputError(name, f"is damaged or cut off in its first line ({error})") from None
    if first.startswith(b"BCF\2"):
        if path is None or not path.is_file():
            raise InputError(name, "is BCF, which is read from files only; pipe VCF: bcftools view -Ov IN | tfb ...")
        stream.close()
        _check_not_named(name, find)
        return _from_bcf(path)
    if not first:
        raise InputError(name, "is empty; expected VCF")
    if first.startswith(UTF16):
        raise is_utf16(name)
    if b"\r" in first and not first.endswith(b"\n"):
        raise ends_in_cr(name)
    if first.startswith((b"##", _COLUMNS)):
        _check_not_named(name, find)
        header = _header(name, first, text)
        return VariantLines(name, header, iter_blocks(text), line=len(header) + 1)
    if _SPACED.match(first):
        raise InputError(name, SPACES, 1)
    if may_be_table and b"\0" not in first:
        records = table_records(name, iter_lines(iter_blocks(text, first)), genome, find)
        return VariantLines(name, list(HEADER), records, "has no variant")
    shown = first[:40].decode(errors="replace").rstrip()
    found = f"its first line is {shown!r}" if shown else "its first line is blank"
    raise InputError(name, f"is not VCF ({found}); expected VCF, VCF.gz or BCF")


def _check_not_named(name: str, find: Find | None) -> None:
    if find is not None:
        raise InputError(name, "is VCF, which says where its variants are; --ids is for lists of identifiers")


def _header(name: str, line: bytes, stream: io.BufferedReader) -> list[bytes]:
    """Return the lines of a header, of which the first has been read."""
    header: list[bytes] = []
    try:
        while line.startswith(b"##"):
            header.append(line if line.endswith(b"\n") else line + b"\n")
            line = read_line(stream)
    except (CutOff, *DAMAGED) as error:
        raise InputError(name, f"is damaged or cut off in its header ({error})") from None
    if line.startswith(_COLUMNS):
        return [*header, line if line.endswith(b"\n") else line + b"\n"]
    number = len(header) + 1
    if not line:
        raise InputError(name, "is not VCF (it ends before the line '#CHROM POS ID REF ALT ...'); is it cut off?")
    if not line.strip():
        raise InputError(name, "is a blank line in the header; remove it", number)
    if _SPACED.match(line):
        raise InputError(name, SPACES, number)
    shown = line[:40].decode(errors="replace").rstrip()
    raise InputError(
        name,
        f"is not VCF (found {shown!r} where the header goes on or ends); expected ## lines, then the line of column "
        "names, '#CHROM POS ID REF ALT ...' with tabs",
        number,
    )


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
            # Always with a range: a name alone, such as chr1:100-200, htslib might take for one.
            for line in tabix.fetch(found, 0 if start is None else start - 1, _END if end is None else end):
                yield line.encode("latin-1") + b"\n"
        except (OSError, ValueError) as error:  # pysam's word for what htslib cannot read
            raise CutOff(str(error)) from None

    return VariantLines(str(path), whole.header, group_lines(lines()), nothing)


def _declared_contigs(header: list[bytes]) -> list[str]:
    return re.findall(r"##contig=<ID=([^,>]+)", b"".join(header).decode(errors="replace"))
