"""Files of variant effects: tables (wide or tidy) and annotated VCF, made of pieces that can be written at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.entry import Entry
from kipoi_tfb.tables import FORMATS, Table, open_table, read_piece, write_piece
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.files import BGZIP_END, atomic_path
from tfb_matrix_data.variants import VariantChunk

__all__ = ["SCORES", "EffectFile", "EffectTable", "EffectVcf", "ScoredChunk", "effect_format"]

SCORES = {
    "ref": "probability of binding with REF",
    "alt": "probability of binding with ALT",
    "effect": "log-odds of binding with ALT minus with REF, natural logarithm; positive: ALT strengthens binding, "
    "negative: ALT weakens it",
}
"""Columns per TF and what they say (`kipoi_tfb.scores`)."""

TIDY = {"ref": "p_ref", "alt": "p_alt", "effect": "effect"}
"""Names of `SCORES` in a tidy table, which has columns ref and alt for the alleles."""

_VCF = (".vcf", ".vcf.gz")
_VCF_FIXED = 7
_STATUS, _FLAGS = "TFB_STATUS", "TFB_FLAGS"


class ScoredChunk(NamedTuple):
    """Records and what came of their alleles.

    Attributes
    ----------
    records
        The records and their alleles.
    status, flags
        Of each allele.
    values
        float32 (alleles, TFs) for each of `SCORES` that is wanted; NaN where there is none.
    """

    records: VariantChunk
    status: list[str]
    flags: list[str]
    values: Mapping[str, NDArray[np.float32]]


class EffectFile(Protocol):
    """A format."""

    def write_piece(self, path: Path, chunk: ScoredChunk) -> None:
        """Write a chunk as a file of its own."""

    def join(self, pieces: Sequence[Path], output: Path) -> int:
        """Write the output and return how many rows it has."""

    def n_rows(self, records: int, alleles: int) -> int:
        """Return how many rows there must be."""


def effect_format(path: str | Path) -> str:
    """Return the format that a file's name asks for: a table's, ``.vcf`` or ``.vcf.gz``.

    Raises
    ------
    InputError
        If the ending is none of them.
    """
    name = Path(path).name.lower().replace(".hdf5", ".h5")
    for ending in (".vcf.gz", ".vcf", *FORMATS):
        if name.endswith(ending) and name != ending:
            return ending
    wanted = ", ".join((*_VCF, *FORMATS))
    raise InputError(path, f"cannot tell the format from the ending {Path(path).suffix!r}; use one of {wanted}")


class EffectTable:
    """One row per allele; tidy: one per allele and TF.

    Parameters
    ----------
    tfs
        Names of the columns.
    tidy
        Long form.
    """

    def __init__(self, tfs: Sequence[str], tidy: bool = False) -> None:
        self.tfs, self.tidy = list(tfs), tidy

    def write_piece(self, path: Path, chunk: ScoredChunk) -> None:
        """Write a chunk as Parquet."""
        write_piece(path, self.table(chunk))

    def table(self, chunk: ScoredChunk) -> Table:
        """Return the rows of a chunk: chrom, pos, id, ref, alt, status, flags, then scores."""
        variants = chunk.records.variants
        texts = {"chrom": variants.chrom, "id": variants.id, "ref": variants.ref, "alt": variants.alt}
        texts |= {"status": chunk.status, "flags": chunk.flags}
        columns: dict[str, NDArray] = {name: _objects(values) for name, values in texts.items()}
        names = ("chrom", "pos", "id", "ref", "alt", "status", "flags")
        columns = {name: variants.pos if name == "pos" else columns[name] for name in names}
        if not self.tidy:
            for i, tf in enumerate(self.tfs):
                columns |= {f"{tf}_{name}": values[:, i] for name, values in chunk.values.items()}
            return columns
        columns = {name: np.repeat(values, len(self.tfs)) for name, values in columns.items()}
        columns["tf"] = _objects(self.tfs * len(variants))
        return columns | {TIDY[name]: values.ravel() for name, values in chunk.values.items()}

    def join(self, pieces: Sequence[Path], output: Path) -> int:
        """Write the pieces as one table, piece by piece."""
        rows = 0
        with open_table(output) as table:
            for path in pieces:
                piece = read_piece(path)
                table.write(piece)
                rows += len(piece["pos"])
        return rows

    def n_rows(self, records: int, alleles: int) -> int:
        """Return how many rows the alleles must have."""
        return alleles * len(self.tfs) if self.tidy else alleles


def _objects(values: Sequence[str]) -> NDArray:
    """Return text as objects: as fixed-width text, one allele of 100 kb would make every row as wide."""
    column = np.empty(len(values), object)
    column[:] = values
    return column


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
            _declare(_STATUS, ".", "String", "What became of each ALT: ok (scored), swapped (scored; the genome has "
                     "ALT), ref_mismatch, symbolic, too_long or unsupported (not scored); one value for a record "
                     "without ALT"),
            _declare(_FLAGS, ".", "String", "Remarks on each ALT, joined by |, a dot for none: n_in_window:COUNT, "
                     "edge_padded, duplicate, not_left_normalised, no_alt, iupac_allele, unknown_contig, "
                     "outside_contig"),
        ]  # fmt: skip
        for score, i, field in self.fields:
            entry = sources[i]
            said = f"{tfs[i]}: {SCORES[score]}; model {entry.card.name}, weights sha256 {entry.card.weights.sha256}"
            declared.append(_declare(field, "A", "Float", said))
        self.header = [*header[:-1], *(f"{line}\n".encode() for line in declared), header[-1]]
        # The commonest record has one ALT: one call formats all its scores.
        self._one = ";".join(f"{field}=%.6g" for _, _, field in self.fields)

    def write_piece(self, path: Path, chunk: ScoredChunk) -> None:
        """Write the records of a chunk."""
        text = b"".join(self.lines(chunk))
        path.write_bytes(_bgzip(text) if self.compress else text)

    def lines(self, chunk: ScoredChunk) -> list[bytes]:
        """Return the records of a chunk with their scores."""
        # (alleles, fields) in the order of the header
        order = [chunk.values[score][:, i] for score, i, _ in self.fields]
        values = np.stack(order, 1) if order else np.empty((len(chunk.status), 0), np.float32)
        scored = np.array(~np.isnan(values).all(1), bool)
        written, start = [], 0
        for line, n in zip(chunk.records.lines, chunk.records.n_alleles, strict=True):
            alleles = slice(start, start + n)
            start += n
            flags = (flag.replace(";", "|").replace("=", ":") for flag in chunk.flags[alleles])
            info = f"{_STATUS}={','.join(chunk.status[alleles])};{_FLAGS}={','.join(flags)}"
            if n == 1 and scored[alleles].all() and self.fields:
                info += ";" + self._one % tuple(values[start - 1].tolist())
            elif scored[alleles].any():
                columns = zip(self.fields, values[alleles].T.tolist(), strict=True)
                info += "".join(f";{name}={','.join(map(_number, row))}" for (_, _, name), row in columns)
            written.append(_with_info(line, info.encode()))
        return written

    def join(self, pieces: Sequence[Path], output: Path) -> int:
        """Write the header and the pieces one behind the other; return how many records."""
        records = 0
        with atomic_path(output) as temporary, open(temporary, "wb") as stream:
            head = b"".join(self.header)
            stream.write(_bgzip(head) if self.compress else head)
            for path in pieces:
                data = path.read_bytes()
                stream.write(data)
                records += _count_lines(data, self.compress)
            if self.compress:
                stream.write(BGZIP_END)
        return records

    def n_rows(self, records: int, alleles: int) -> int:
        """Return how many records there must be."""
        return records


def _field_names(tfs: Sequence[str]) -> list[str]:
    """Return names that are allowed in INFO, one for each column."""
    names: list[str] = []
    for tf in tfs:
        name = re.sub(r"[^0-9A-Za-z_.]", "_", tf)
        while name in names:
            name += "_"
        names.append(name)
    return names


def _declare(name: str, number: str, kind: str, description: str) -> str:
    return f'##INFO=<ID={name},Number={number},Type={kind},Description="{description}">'


def _number(value: float) -> str:
    return "." if value != value else f"{value:.6g}"


def _with_info(line: bytes, ours: bytes) -> bytes:
    """Return a record with more INFO; every other byte stays."""
    body = line.rstrip(b"\r\n")
    end = line[len(body) :] or b"\n"
    fields = body.split(b"\t", _VCF_FIXED + 1)
    info = fields[_VCF_FIXED]
    fields[_VCF_FIXED] = ours if info in (b".", b"") else info.rstrip(b";") + b";" + ours
    return b"\t".join(fields) + end


def _bgzip(data: bytes) -> bytes:
    """Return data as bgzip blocks, without the marker at the end."""
    import io

    from Bio.bgzf import BgzfWriter

    stream = io.BytesIO()
    writer = BgzfWriter(fileobj=stream, mode="wb")
    writer.write(data)
    writer.flush()
    return stream.getvalue()


def _count_lines(data: bytes, compressed: bool) -> int:
    if not compressed:
        return data.count(b"\n")
    import gzip
    import io

    with gzip.open(io.BytesIO(data)) as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
