"""The annotated VCF: every record as it was, with fields of ours at the end of INFO."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from kipoi_tfb.output.pieces import Joined
from kipoi_tfb.variants.columns import COUNTS, HAPLOTYPE, LINE, REASON, SCORES, TEXTS, TOP
from kipoi_tfb.variants.tables import ScoredChunk
from kipoi_tfb.zoo.entry import Entry
from tfb_matrix_data.alleles import SCORED
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import BGZIP_END, atomic_path

__all__ = ["PHRASE", "EffectVcf", "add_info", "bgzip", "declare"]

_VCF_FIXED = 7
_BGZIP_BLOCK = 1 << 16
_LEVEL = 4  # of zlib: less than half the time of its default 6, for files that are 4 % larger
PHRASE = (("; ", "|"), (";", "|"), (": ", ":"), (", ", "+"), (" ", "_"))
"""What words have in place of what INFO does not allow; `kipoi_tfb.report.scores` reads it back."""
_STATUS, _FLAGS, _NORMAL = "TFB_STATUS", "TFB_FLAGS", "TFB_NORMAL"


class EffectVcf:
    """The VCF itself: every record as it was, with fields of ours at the end of INFO.

    Parameters
    ----------
    header
        Header lines of the input, the one of the column names last.
    tfs, sources
        Names of the columns of scores, and the entry of each.
    scores
        Which of `SCORES` are written.
    line
        Which of `HAPLOTYPE` and `LINE` are written.
    about
        What the header says of the run.
    compress
        Write bgzip.

    Raises
    ------
    ConfigError
        If the input has fields of these names, from an earlier run.
    """

    def __init__(
        self,
        header: Sequence[bytes],
        tfs: Sequence[str],
        sources: Sequence[Entry],
        scores: Sequence[str],
        line: Sequence[str],
        about: str,
        compress: bool,
    ) -> None:
        self.compress = compress
        names = _field_names(tfs)
        self.fields = [(score, i, f"TFB_{name}_{score}") for i, name in enumerate(names) for score in scores]
        taken = re.search(rb"##INFO=<ID=(TFB_[^,>]+)", b"".join(header))
        if taken:
            found = taken[1].decode(errors="replace")
            raise ConfigError(
                f"the VCF has been scored before: its header has {found}; start from the original, "
                "or remove the fields: bcftools annotate -x INFO/TFB_..."
            )
        declared = [
            f'##tfb_score="{about}"',
            declare(_STATUS, ".", "String", "What became of each ALT: ok (scored), swapped (scored; the genome has "
                     "ALT), ref_mismatch, ref_unknown (the genome has N under REF), symbolic, too_long or unsupported "
                     "(not scored); one value for a record without ALT"),
            declare(_FLAGS, ".", "String", "Remarks on each ALT, joined by |, a dot for none: n_in_window:COUNT, "
                     "edge_padded, duplicate, not_left_normalised, no_alt, iupac_allele, unknown_contig, "
                     "outside_contig"),
            declare(_NORMAL, ".", "String", "The change of each ALT in its normal form, one text for all its "
                     "spellings: the genome's name of the contig, position, REF>ALT, trimmed and left-aligned; a dot "
                     "for an ALT that is not scored, left out where none is"),
        ]  # fmt: skip
        self.line = {name: f"TFB_{name.upper()}" for name in line}
        for name, field in self.line.items():
            kind = "String" if name in (*HAPLOTYPE, *TEXTS) else "Integer" if name in COUNTS else "Float"
            said = (HAPLOTYPE | LINE)[name].replace("separated by a semicolon", "joined by |")
            said += ": TF:impact of each ALT, joined by |; a dot for none" if name in TOP else ""
            declared.append(declare(field, "A", kind, said))
        for score, i, field in self.fields:
            entry = sources[i]
            said = f"{tfs[i]}: {SCORES[score]}; model {entry.card.name}, weights sha256 {entry.card.weights.sha256}"
            declared.append(declare(field, "A", "Float", said))
        self.header = [*header[:-1], *(f"{line}\n".encode() for line in declared), header[-1]]
        # The commonest record has one ALT: one call formats all its scores.
        self._one = ";".join(f"{field}=%.6g" for _, _, field in self.fields)

    def write_piece(self, path: Path, chunk: ScoredChunk) -> None:
        """Write the records of a chunk."""
        text = b"".join(self.lines(chunk))
        path.write_bytes(bgzip(text) if self.compress else text)

    def lines(self, chunk: ScoredChunk) -> list[bytes]:
        """Return the records of a chunk with their scores."""
        # (alleles, fields) in the order of the header
        order = [chunk.values[score][:, i] for score, i, _ in self.fields]
        values = np.stack(order, 1) if order else np.empty((len(chunk.status), 0), np.float32)
        whole = np.array(~np.isnan(values).any(1), bool)
        written, start = [], 0
        for line, n in zip(chunk.records.lines, chunk.records.n_alleles, strict=True):
            alleles = slice(start, start + n)
            start += n
            flags = (flag.replace(";", "|").replace("=", ":") for flag in chunk.flags[alleles])
            info = f"{_STATUS}={','.join(chunk.status[alleles])};{_FLAGS}={','.join(flags)}"
            if any(status in SCORED for status in chunk.status[alleles]):
                info += f";{_NORMAL}={','.join(map(_allowed, chunk.normal[alleles]))}"
                for name, field in self.line.items():
                    write = _writer(name)
                    info += f";{field}={','.join(map(write, chunk.line[name][alleles].tolist()))}"
            if n == 1 and whole[start - 1] and self.fields:
                info += ";" + self._one % tuple(values[start - 1].tolist())
            elif not np.isnan(values[alleles]).all():
                for (_, _, name), row in zip(self.fields, values[alleles].T, strict=True):
                    if not np.isnan(row).all():
                        info += f";{name}={','.join(map(_number, row.tolist()))}"
            written.append(add_info(line, info.encode()))
        return written

    @contextmanager
    def joined(self, output: Path) -> Iterator[Joined]:
        """Give what joins the pieces, behind the header; that of the end, when all contigs are known."""
        with atomic_path(output) as temporary, open(temporary, "wb") as stream:
            yield _JoinedRecords(self, stream)

    def n_rows(self, records: int, alleles: int) -> int:
        """Return how many records there must be."""
        return records


class _JoinedRecords:
    """Pieces that wait for the header, which is known when all of them are made."""

    def __init__(self, file: EffectVcf, stream: BinaryIO) -> None:
        self.file, self.stream = file, stream
        self.pieces: list[Path] = []

    def add(self, piece: Path) -> None:
        self.pieces.append(piece)

    def finish(self) -> int:
        head, records, compress = b"".join(self.file.header), 0, self.file.compress
        self.stream.write(bgzip(head) if compress else head)
        for piece in self.pieces:
            data = piece.read_bytes()
            self.stream.write(data)
            records += _count_lines(data, compress)
        if compress:
            self.stream.write(BGZIP_END)
        return records


def _field_names(tfs: Sequence[str]) -> list[str]:
    """Return names that are allowed in INFO, one for each column."""
    names: list[str] = []
    taken: set[str] = set()
    for tf in tfs:
        name = re.sub(r"[^0-9A-Za-z_.]", "_", tf)
        while taken & (fields := {f"{name}_{score}" for score in SCORES}):
            name += "_"
        names.append(name)
        taken |= fields
    return names


def declare(name: str, number: str, kind: str, description: str) -> str:
    """Return the header line of a field of INFO."""
    return f'##INFO=<ID={name},Number={number},Type={kind},Description="{description}">'


def _named(text: str) -> str:
    """Return ``TF:effect;...`` as INFO allows it."""
    return re.sub(r"[^0-9A-Za-z_.:|/+-]", "_", text.replace(";", "|"))


def _writer(name: str) -> Callable[[Any], str]:
    """Return what makes a value of INFO of one of a column."""
    if name in HAPLOTYPE:
        return _listed
    return _phrase if name in REASON else _named if name in TEXTS else _number


def _listed(text: str) -> str:
    """Return normal forms, with what INFO allows between them."""
    return _allowed(text.replace(";", "|"))


def _phrase(text: str) -> str:
    """Return words as INFO allows them: ``GATA_site_lost:GATA1+GATA2|with_it:TAL1``."""
    for said, written in PHRASE:
        text = text.replace(said, written)
    return _allowed(text)


def _allowed(text: str) -> str:
    """Return a text without what separates fields and values of INFO."""
    return re.sub(r"[\s;=,]", "_", text)


def _number(value: float) -> str:
    return "." if value != value else f"{value:.6g}"


def add_info(line: bytes, ours: bytes) -> bytes:
    """Return a record with more INFO; every other byte stays."""
    body = line.rstrip(b"\r\n")
    end = line[len(body) :] or b"\n"
    fields = body.split(b"\t", _VCF_FIXED + 1)
    info = fields[_VCF_FIXED]
    fields[_VCF_FIXED] = ours if info in (b".", b"") else info.rstrip(b";") + b";" + ours
    return b"\t".join(fields) + end


def bgzip(data: bytes) -> bytes:
    """Return data as bgzip blocks, without the marker at the end."""
    import io

    from Bio.bgzf import BgzfWriter

    if not data:
        return b""  # an empty block would be the marker
    stream = io.BytesIO()
    writer = BgzfWriter(fileobj=stream, mode="wb", compresslevel=_LEVEL)
    # Block by block: the writer copies all that is left for each of them, which took a minute for a record of 256 MB.
    for start in range(0, len(data), _BGZIP_BLOCK):
        writer.write(data[start : start + _BGZIP_BLOCK])
    writer.flush()
    return stream.getvalue()


def _count_lines(data: bytes, compressed: bool) -> int:
    if not compressed:
        return data.count(b"\n")
    import gzip
    import io

    with gzip.open(io.BytesIO(data)) as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
