"""Sequences from FASTA files, and the windows at their centres."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError, TfbError
from tfb_matrix_data.lines import Lines, read_lines
from tfb_matrix_data.sequence import UNKNOWN, encode
from tfb_matrix_data.windows import Windows, window_start

__all__ = ["Sequences", "iter_sequences", "read_sequences", "sequence_windows"]


@dataclass(frozen=True)
class Sequences:
    """Sequences of a FASTA file, in its order.

    Attributes
    ----------
    name
        First word of each header.
    codes
        uint8 codes of each sequence.
    path
        The file.
    """

    name: list[str]
    codes: list[NDArray[np.uint8]]
    path: Path

    def __len__(self) -> int:
        return len(self.name)

    def __getitem__(self, rows: slice) -> Sequences:
        return Sequences(self.name[rows], self.codes[rows], self.path)

    @property
    def length(self) -> NDArray[np.int64]:
        """int64 lengths in bp."""
        return np.array([len(codes) for codes in self.codes], np.int64)


def iter_sequences(path: str | Path | Lines, chunk_size: int = 8192) -> Iterator[Sequences]:
    """Yield the sequences of a FASTA file (plain, gzip or bgzip; it may be a pipe) in chunks.

    Raises
    ------
    InputError
        If the file cannot be read, is not FASTA, or has an empty sequence or one that is not DNA; with the line.
    """
    lines = read_lines(path)
    path = lines.path
    names: list[str] = []
    codes: list[NDArray[np.uint8]] = []
    n_chunks = 0
    for line, name, text in _records(lines):
        if not text:
            raise InputError(path, f"sequence {name!r} is empty", line)
        try:
            codes.append(encode(text))
        except TfbError as error:
            raise InputError(path, f"sequence {name!r}: {error}", line) from None
        names.append(name)
        if len(names) == chunk_size:
            yield Sequences(names, codes, path)
            n_chunks += 1
            names, codes = [], []
    if names:
        yield Sequences(names, codes, path)
    elif not n_chunks:
        raise InputError(path, "holds no sequence")


def read_sequences(path: str | Path | Lines) -> Sequences:
    """Return all sequences of a FASTA file; see `iter_sequences`."""
    (sequences,) = iter_sequences(path, chunk_size=1 << 62)
    return sequences


def sequence_windows(sequences: Sequences, length: int) -> Windows:
    """Take the window of even length L around each sequence's centre: [n // 2 - L/2, n // 2 + L/2).

    A sequence shorter than L is padded with unknown bases on both sides and marked.
    """
    codes = np.full((len(sequences), length), UNKNOWN, np.uint8)
    for window, sequence in zip(codes, sequences.codes, strict=True):
        start = window_start(len(sequence) // 2, length)
        part = sequence[max(0, start) : start + length]
        offset = max(0, -start)
        window[offset : offset + len(part)] = part
    return Windows(codes, (codes == UNKNOWN).sum(-1), sequences.length < length)


def _records(lines: Lines) -> Iterator[tuple[int, str, str]]:
    """Yield (line of the header, name, sequence)."""
    header, name = 0, ""
    parts: list[str] = []
    for number, line in lines:
        if line.startswith(">"):
            if header:
                yield header, name, "".join(parts)
            header, parts = number, []
            name = (line[1:].split() or ["."])[0]
        elif not header and line.strip():
            raise InputError(lines.path, f"expected a FASTA header ('>name'), found {line[:40]!r}", number)
        else:
            parts.append(line.strip())
    if header:
        yield header, name, "".join(parts)
