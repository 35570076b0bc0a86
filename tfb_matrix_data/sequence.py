"""DNA as uint8 codes: the one place where sequence is encoded."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tfb_matrix_data.errors import TfbError

__all__ = [
    "ALPHABET",
    "UNKNOWN",
    "decode",
    "encode",
    "first_base",
    "gc_content",
    "may_be",
    "one_hot",
    "reverse_complement",
]

ALPHABET = "ACGTN"
UNKNOWN = 4
"""Code of every base that is not A, C, G or T: N, the other IUPAC letters, and beyond a contig's end."""

_INVALID = 255
_ENCODE = np.full(256, _INVALID, np.uint8)
for _letters, _code in (("Aa", 0), ("Cc", 1), ("Gg", 2), ("TtUu", 3), ("NnRrYyKkMmSsWwBbDdHhVv-", UNKNOWN)):
    _ENCODE[np.frombuffer(_letters.encode(), np.uint8)] = _code
_DECODE = np.frombuffer(ALPHABET.encode(), np.uint8)
_IUPAC = {
    "R": "AG",
    "Y": "CT",
    "K": "GT",
    "M": "AC",
    "S": "CG",
    "W": "AT",
    "B": "CGT",
    "D": "AGT",
    "H": "ACT",
    "V": "ACG",
}
_STANDS_FOR = np.zeros((256, 4), bool)
_STANDS_FOR[ord("N")] = True
for _letter, _bases in _IUPAC.items():
    _STANDS_FOR[ord(_letter), [ALPHABET.index(base) for base in _bases]] = True
_COMPLEMENT = np.array([3, 2, 1, 0, UNKNOWN], np.uint8)


def encode(sequence: str | bytes) -> NDArray[np.uint8]:
    """Return the uint8 codes of a sequence: A 0, C 1, G 2, T 3, anything ambiguous 4.

    Parameters
    ----------
    sequence
        DNA of any case; U counts as T and every other IUPAC letter as N.

    Returns
    -------
    numpy.ndarray
        uint8 of shape (len(sequence),).

    Raises
    ------
    TfbError
        If a character is not an IUPAC nucleotide; the message gives its position.

    Examples
    --------
    >>> encode("ACGTnR")
    array([0, 1, 2, 3, 4, 4], dtype=uint8)
    """
    raw = sequence.encode("ascii", "replace") if isinstance(sequence, str) else bytes(sequence)
    codes = _ENCODE[np.frombuffer(raw, np.uint8)]
    invalid = codes == _INVALID
    if invalid.any():
        at = int(invalid.argmax())
        raise TfbError(f"character {chr(raw[at])!r} at position {at + 1} is not a nucleotide (IUPAC letters only)")
    return codes


def first_base(letters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the code of the first base of the alphabet that each IUPAC letter (ASCII) stands for; N stays unknown.

    That is how VCF 4.3 (section 1.6.1, REF) writes a reference that has such letters.

    Examples
    --------
    >>> decode(first_base(np.frombuffer(b"RYKN", np.uint8)))
    'ACGN'
    """
    first = np.where(_STANDS_FOR.any(1), _STANDS_FOR.argmax(1), UNKNOWN).astype(np.uint8)
    first[ord("N")] = UNKNOWN
    return first[letters]


def may_be(letters: NDArray[np.uint8], codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return whether each IUPAC letter (ASCII), N among them, may stand for the base of a code.

    Examples
    --------
    >>> may_be(np.frombuffer(b"RRN", np.uint8), encode("GCT")).tolist()
    [True, False, True]
    """
    return _STANDS_FOR[letters, np.minimum(codes, 3)] & (codes < UNKNOWN)


def decode(codes: NDArray[np.uint8]) -> str:
    """Return the upper-case sequence of uint8 codes of shape (length,).

    Examples
    --------
    >>> decode(encode("acgtr"))
    'ACGTN'
    """
    return _DECODE[codes].tobytes().decode()


def reverse_complement(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the codes of the other strand, 5' to 3', along the last axis.

    Examples
    --------
    >>> decode(reverse_complement(encode("AACGN")))
    'NCGTT'
    """
    return _COMPLEMENT[codes[..., ::-1]]


def one_hot(codes: NDArray[np.uint8], dtype: DTypeLike = np.float32) -> NDArray:
    """Return the one-hot matrix of codes, rows in the order A C G T; N is all zero.

    Parameters
    ----------
    codes
        uint8 of shape (..., length).
    dtype
        Type of the result.

    Returns
    -------
    numpy.ndarray
        Shape (..., 4, length).

    Examples
    --------
    >>> one_hot(encode("AN"), np.uint8).tolist()
    [[1, 0], [0, 0], [0, 0], [0, 0]]
    """
    hot = np.empty((*codes.shape[:-1], 4, codes.shape[-1]), np.bool_)
    for base in range(4):
        np.equal(codes, base, out=hot[..., base, :])
    # Comparing into bool is vectorised, comparing into float is not: the cast afterwards is 3x faster in all.
    return hot.view(np.uint8) if np.dtype(dtype) == np.uint8 else hot.astype(dtype)


def gc_content(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the share of G and C among the known bases along the last axis; 0 where none is known.

    Parameters
    ----------
    codes
        uint8 of shape (..., length).

    Returns
    -------
    numpy.ndarray
        float64 of shape (...).
    """
    gc = ((codes == 1) | (codes == 2)).sum(-1, dtype=np.int64)
    known = (codes < UNKNOWN).sum(-1, dtype=np.int64)
    return gc / np.maximum(known, 1)
