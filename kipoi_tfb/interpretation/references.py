"""What a window is compared with: shuffles of itself that keep its dinucleotides, or sequences of one's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.fasta import read_sequences
from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["dinucleotide_shuffles", "read_references"]


def dinucleotide_shuffles(window: NDArray[np.uint8], n: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return shuffles of a window that have each dinucleotide as often as it has, uint8 (n, length).

    All such sequences are equally likely. Unknown bases stay where they are; each stretch of known ones between them is
    shuffled by itself, its first and last base staying in place, as they must.

    Parameters
    ----------
    window
        uint8 (length,) codes.
    n
        How many.
    seed
        The shuffles follow from it and from the window alone.

    Notes
    -----
    Altschul and Erickson 1985, doi:10.1093/oxfordjournals.molbev.a040370: a shuffle is an Eulerian path through the
    graph of dinucleotides. The edges that the path leaves each base by last are drawn until they all lead to the last
    base; the others are in any order.

    Examples
    --------
    >>> from tfb_matrix_data.sequence import decode, encode
    >>> [decode(one) for one in dinucleotide_shuffles(encode("ACAGACNNTT"), 2, seed=1)]
    ['AGACACNNTT', 'AGACACNNTT']
    """
    digest = hashlib.sha256(window.tobytes()).digest()
    rng = np.random.default_rng([seed, *np.frombuffer(digest, np.uint32).tolist()])
    shuffled = np.tile(window, (n, 1))
    edges = np.flatnonzero(np.diff(np.concatenate([[True], window == UNKNOWN, [True]])))
    for start, end in edges.reshape(-1, 2).tolist():
        for row in shuffled:
            row[start:end] = _shuffle(window[start:end], rng)
    return shuffled


def read_references(path: str | Path, length: int) -> NDArray[np.uint8]:
    """Return the sequences of a FASTA file as references for all windows, uint8 (references, length).

    Raises
    ------
    InputError
        If the file is not FASTA, or a sequence in it is not of the windows' length.
    """
    sequences = read_sequences(path)
    for name, codes in zip(sequences.name, sequences.codes, strict=True):
        if len(codes) != length:
            raise InputError(
                path,
                f"reference {name!r} has {len(codes)} bp, but the windows have {length}; give references of {length}",
            )
    return np.stack(sequences.codes)


def check_shuffles(n: int) -> int:
    """Return a number of shuffles, checked to be at least one.

    Raises
    ------
    ConfigError
        If it is not.
    """
    if n < 1:
        raise ConfigError(f"contributions are relative to references: at least 1 shuffle, not {n}")
    return n


def _shuffle(known: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return one shuffle of known bases."""
    if len(known) < 4:
        return known
    after = [known[1:][known[:-1] == base] for base in range(4)]
    exits = _last_exits(after, int(known[-1]), rng)
    ways = []
    for base, others in enumerate(after):
        last = exits[base]
        rest = others if last is None else np.delete(others, last)
        kept = [] if last is None else [int(others[last])]
        ways.append(iter(rng.permutation(rest).tolist() + kept))
    path = [int(known[0])]
    while len(path) < len(known):
        path.append(next(ways[path[-1]]))
    return np.array(path, np.uint8)


def _last_exits(after: list[NDArray[np.uint8]], end: int, rng: np.random.Generator) -> list[int | None]:
    """Return for each base but the last, which is left by any, the place of its last exit among its successors."""
    leaving = [base for base in range(4) if base != end and len(after[base])]
    while True:
        drawn = {base: int(rng.integers(len(after[base]))) for base in leaving}
        if all(_leads_to(end, base, after, drawn) for base in leaving):
            return [drawn.get(base) for base in range(4)]


def _leads_to(end: int, base: int, after: list[NDArray[np.uint8]], drawn: dict[int, int]) -> bool:
    for _ in range(4):
        if base == end:
            return True
        base = int(after[base][drawn[base]])
    return base == end
