"""The index beside a VCF or BCF: found, and refused where it is older than its file or another's."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from Bio import bgzf

from tfb_matrix_data.bounded import check_file, gunzip_at_most
from tfb_matrix_data.errors import InputError

__all__ = ["current_index"]

_HOUR = 3600
"""By which an index may be older than its file: copying a folder does not keep their order."""
_TBI_DEPTH = 5
_MOST_BYTES = 1 << 28
"""Of an index when unpacked; that of a thousand million variants has a tenth of it."""
_CHECKED = 64
"""Of the places that an index names."""


class _Spans(NamedTuple):
    """Where records are in a file, by its index; as virtual offsets of bgzip.

    Attributes
    ----------
    names
        Contigs, where the index names them (not in that of a BCF).
    begins
        (number of the contig, where a record of it begins), as many as the index has.
    end
        Behind the last record of all.
    """

    names: list[str]
    begins: list[tuple[int, int]]
    end: int


def current_index(path: Path, bcf: bool) -> Path:
    """Return the index of a bgzipped VCF (``.tbi`` or ``.csi``) or of a BCF (``.csi``).

    Raises
    ------
    InputError
        If there is none, or all are older than the file (by more than an hour), damaged, or do not fit its content.
    """
    suffixes = (".csi",) if bcf else (".tbi", ".csi")
    indices = [index for suffix in suffixes if (index := path.with_name(path.name + suffix)).is_file()]
    remake = f"bcftools index -f {path.name}" if bcf else f"tabix -f -p vcf {path.name}"
    if not indices:
        raise InputError(
            path,
            "--region needs an index (.tbi or .csi beside it); make one: tabix -p vcf FILE.vcf.gz (of bgzip files), "
            "bcftools index FILE.bcf",
        )
    faults = {index: _fault(path, index, bcf) for index in indices}
    for index, fault in faults.items():
        if not fault:
            return index
    index, fault = next(iter(faults.items()))
    raise InputError(index, f"{fault}; make it again: {remake}")


def _fault(path: Path, index: Path, bcf: bool) -> str:
    """Return why an index is not to be used; empty if it is."""
    if path.stat().st_mtime - index.stat().st_mtime > _HOUR:
        return f"is older than {path.name}"
    try:
        spans = _read(check_file(index))
    except InputError as error:  # it unpacks to too much
        return str(error).removeprefix(f"{index}: ")
    except (OSError, EOFError, zlib.error, struct.error, ValueError) as error:
        return f"cannot be read ({error})"
    try:
        with open(path, "rb") as stream:
            reader = bgzf.BgzfReader(fileobj=stream, mode="rb")
            if not _ends_at(reader, spans.end, path.stat().st_size, bcf):
                return f"does not end where {path.name} does: it is not of this file"
            for contig, begin in spans.begins[:: len(spans.begins) // _CHECKED + 1]:
                reader.seek(begin)
                if bcf:  # the lengths of the record's two parts stand before its contig
                    right = struct.unpack("<2Ii", reader.read(12))[2] == contig
                else:
                    wanted = f"{spans.names[contig]}\t".encode("latin-1")
                    right = reader.read(len(wanted)) == wanted
                if not right:
                    return f"is not of this {path.name} (no record begins where it says)"
    except Exception:  # Biopython and zlib raise what they like where there is no block
        return f"is not of this {path.name}"
    return ""


def _ends_at(reader: bgzf.BgzfReader, end: int, size: int, bcf: bool) -> bool:
    """Return whether there is no record behind a place."""
    if end >> 16 > size:
        return False
    if bcf and not end:  # no record at all: what stands at the beginning is the header
        return True
    reader.seek(end)
    rest = reader.read(1 << 16)
    return not rest if bcf else not any(line.strip() and line[:1] != b"#" for line in rest.split(b"\n"))


def _read(index: Path) -> _Spans:
    """Read an index: htslib's documents tabix.pdf and CSIv1.pdf say how it is laid out."""
    data = gunzip_at_most(index, _MOST_BYTES)
    if data[:4] == b"TBI\1":
        per_bin, depth, n_contigs, at = struct.Struct("<Ii"), _TBI_DEPTH, *struct.unpack_from("<i", data, 4), 8
        names, at = _names(data, at)
    elif data[:4] == b"CSI\1":
        depth, n_more = struct.unpack_from("<ii", data, 8)
        names = _names(data, 16)[0] if n_more else []
        per_bin, at = struct.Struct("<IQi"), 16 + n_more
        (n_contigs,) = struct.unpack_from("<i", data, at)
        at += 4
    else:
        raise ValueError("it is neither .tbi nor .csi")
    statistics = ((1 << (3 * (depth + 1))) - 1) // 7 + 1  # a bin that holds counts, too
    begins: list[tuple[int, int]] = []
    end = 0
    for contig in range(n_contigs):
        (n_bins,) = struct.unpack_from("<i", data, at)
        at += 4
        for _ in range(n_bins):
            number, *_, n_chunks = per_bin.unpack_from(data, at)
            chunks = struct.unpack_from(f"<{2 * n_chunks}Q", data, at + per_bin.size)
            at += per_bin.size + 16 * n_chunks
            if number != statistics and n_chunks:
                begins += [(contig, begin) for begin in chunks[::2]]
                end = max(end, chunks[-1])
        if data[0] == ord("T"):  # the linear index
            at += 4 + 8 * struct.unpack_from("<i", data, at)[0]
    return _Spans(names, begins, end)


def _names(data: bytes, at: int) -> tuple[list[str], int]:
    """Return the names of contigs, which stand behind six numbers and their length, and where they end."""
    (length,) = struct.unpack_from("<i", data, at + 24)
    at += 28
    return data[at : at + length].decode("latin-1").split("\0")[:-1], at + length
