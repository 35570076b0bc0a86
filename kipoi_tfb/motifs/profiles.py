"""Profiles of motifs: read from files, made log-odds and filters."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.lines import read_lines

if TYPE_CHECKING:
    from Bio.motifs.jaspar import Motif as JasparMotif

__all__ = [
    "Motif",
    "frequencies",
    "frequency_filters",
    "from_biopython",
    "log_odds",
    "motif_filters",
    "read_motifs",
    "tf_of_profile",
    "trimmed",
]

PSEUDOCOUNT = 1.0
"""Sites added to each column of a PFM, a quarter of one per base."""

MIN_WIDTH = 5
_MIN_INFORMATION = 0.2  # bits: outer columns with less are cut off

MEME_SITES = 100.0
"""Sites that a matrix of frequencies is taken to be made of: MEME files need not say."""


@dataclass(frozen=True, eq=False)
class Motif:
    """A profile.

    Attributes
    ----------
    name
        Of the profile, such as ``Arnt`` or ``Ddit3::Cebpa``.
    matrix_id
        Identifier in its source.
    tf
        The TF that it is a baseline for; the profile's name where that is all that is known.
    pfm
        float64 (4, width): counts of bases at each position, rows in the order A C G T.
    """

    name: str
    matrix_id: str
    tf: str
    pfm: NDArray[np.float64]

    @property
    def width(self) -> int:
        """Number of positions."""
        return self.pfm.shape[1]

    @property
    def consensus(self) -> str:
        """Likeliest base of each position, of equal ones the first of the alphabet."""
        return "".join("ACGT"[base] for base in self.pfm.argmax(0))


def frequencies(pfm: NDArray[np.float64], pseudocount: float = PSEUDOCOUNT) -> NDArray[np.float64]:
    """Return the shares of the bases in each column of a PFM (4, width), with so many sites of all bases added.

    Examples
    --------
    >>> frequencies(np.array([[3.0], [0.0], [0.0], [0.0]])).ravel().tolist()
    [0.8125, 0.0625, 0.0625, 0.0625]
    """
    return (pfm + pseudocount / 4) / (pfm.sum(0) + pseudocount)


def log_odds(pfm: NDArray[np.float64], pseudocount: float = PSEUDOCOUNT) -> NDArray[np.float64]:
    """Return the natural log-odds (4, width) of a PFM against a background of 0.25 per base.

    Parameters
    ----------
    pfm
        (4, width): counts.
    pseudocount
        Sites added to each column, a quarter of one per base.

    Examples
    --------
    >>> log_odds(np.array([[3.0], [0.0], [0.0], [0.0]])).round(3).ravel().tolist()  # (3 + 1/4) / 4 against 1/4
    [1.179, -1.386, -1.386, -1.386]
    """
    return np.log(frequencies(pfm, pseudocount) / 0.25)


def _information(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each column of log-odds (4, width) says, in nats."""
    return (np.exp(odds) / 4 * odds).sum(0)


def trimmed(pfm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut off outer columns that say little, but leave `MIN_WIDTH` columns around the most informative one."""
    information = _information(log_odds(pfm)) / math.log(2)
    half = MIN_WIDTH // 2
    peak = min(max(int(np.argmax(information)), half), pfm.shape[1] - 1 - half)
    kept = [*np.flatnonzero(information >= _MIN_INFORMATION), peak - half, peak + half]
    return pfm[:, min(kept) : max(kept) + 1]


def read_motifs(path: str | Path, format: Literal["auto", "jaspar", "meme"] = "auto") -> list[Motif]:
    """Return the motifs of a file: JASPAR (``.jaspar``, ``.pfm``) or MEME (``.meme``, ``.txt``), plain or gzip.

    Each is named in capitals after its name in the file, the part before a ``(``; MEME's ``MOTIF id name`` gives
    both, ``MOTIF id`` makes the name of the identifier. MEME's frequencies count as those of `MEME_SITES` sites.

    Raises
    ------
    InputError
        If the file is missing, of another format, has no motif, or has one with a column that holds nothing.
    """
    format = format if format != "auto" else "meme" if Path(path).suffix in {".meme", ".txt"} else "jaspar"
    text = "".join(f"{line}\n" for _, line in read_lines(path))
    try:
        motifs = list(_read_meme(path, text) if format == "meme" else _read_jaspar(path, text))
    except InputError:
        raise
    except Exception as error:  # Biopython raises no narrower one
        raise InputError(path, f"is not a {format.upper()} motif file ({error}); give a plain-text one") from error
    if not motifs:
        raise InputError(path, f"has no motif; expected {'MOTIF' if format == 'meme' else '>'} lines")
    for motif in motifs:
        if not motif.width or not np.isfinite(motif.pfm).all() or (motif.pfm < 0).any() or not motif.pfm.sum(0).all():
            raise InputError(path, f"motif {motif.matrix_id} has a column without counts, or a negative one")
    return motifs


def motif_filters(motifs: Sequence[Motif], width: int, pseudocount: float = PSEUDOCOUNT) -> NDArray[np.float32]:
    """Return the log-odds of motifs as convolution filters (motifs, 4, width), to start a first layer from.

    Of a wider motif the `width` neighbouring columns with the most information stay; a narrower one lies in the
    middle (one column to the left where that cannot be), with zeros, the log-odds of background, on both sides.
    """
    return _placed([log_odds(motif.pfm, pseudocount) for motif in motifs], motifs, width, pseudocount)


def frequency_filters(motifs: Sequence[Motif], width: int) -> NDArray[np.float32]:
    """Return the base frequencies of motifs less 0.25 as convolution filters (motifs, 4, width), as the paper's.

    Of a wider or narrower motif as `motif_filters`.
    """
    return _placed([motif.pfm / motif.pfm.sum(0) - 0.25 for motif in motifs], motifs, width, PSEUDOCOUNT)


def _placed(
    values: Sequence[NDArray[np.float64]], motifs: Sequence[Motif], width: int, pseudocount: float
) -> NDArray[np.float32]:
    """Return what is to be in filters in their middle, cut to the columns with the most information."""
    filters = np.zeros((len(motifs), 4, width), np.float32)
    for row, own, motif in zip(filters, values, motifs, strict=True):
        if motif.width > width:
            information = _information(log_odds(motif.pfm, pseudocount))
            first = int(np.argmax(np.convolve(information, np.ones(width), "valid")))
            own = own[:, first : first + width]
        left = (width - own.shape[1]) // 2
        row[:, left : left + own.shape[1]] = own
    return filters


def from_biopython(motif: JasparMotif) -> Motif:
    """Return a motif of Biopython's as one of ours, its own `tf`."""
    return Motif(
        motif.name, motif.matrix_id, tf_of_profile(motif.name), np.array([motif.counts[base] for base in "ACGT"], float)
    )


def _read_jaspar(path: str | Path, text: str) -> Iterator[Motif]:
    from Bio.motifs import parse

    headers, found = sum(line[:1] == ">" for line in text.splitlines()), parse(io.StringIO(text), "jaspar")
    if len(found) != headers:  # Biopython drops a motif that lacks rows and takes one without a header
        raise InputError(path, f"has {headers} lines that start with '>' but {len(found)} motifs of four rows")
    yield from (from_biopython(motif) for motif in found)


def _read_meme(path: str | Path, text: str) -> Iterator[Motif]:
    """Yield the motifs of MEME's text; what else stands between its matrices is passed over."""
    lines = enumerate(text.splitlines(), start=1)
    for number, line in lines:
        if not line.startswith("MOTIF"):
            continue
        matrix_id, *rest = line.removeprefix("MOTIF").split() or ["."]
        name = " ".join(rest) or matrix_id
        head = next((one for _, one in lines if one.startswith(("letter", "MOTIF"))), "")
        width = re.search(r"\bw=\s*(\d+)", head)
        if width is None:
            raise InputError(
                path, f"is not a MEME motif file: {matrix_id} has no 'letter-probability matrix: w= N'", number
            )
        rows = []
        for _ in range(int(width[1])):
            number, row = next(lines, (number, ""))
            rows.append(_shares(path, matrix_id, row, number))
        yield Motif(name, matrix_id, tf_of_profile(name), np.array(rows).reshape(-1, 4).T * MEME_SITES)


def _shares(path: str | Path, matrix_id: str, row: str, number: int) -> list[float]:
    """Return the shares of the four bases in a row of a matrix of MEME."""
    try:
        a, c, g, t = map(float, row.split())
    except ValueError:
        found = f"found {row.strip()[:40]!r}" if row.strip() else "found none"
        problem = f"is not a MEME motif file: expected a row of four shares of {matrix_id}, {found}"
        raise InputError(path, problem, number) from None
    return [a, c, g, t]


def tf_of_profile(name: str) -> str:
    """Return the TF that a profile is named after, such as ``JUN`` of ``JUN(var.2)``."""
    return name.split("(")[0].strip().upper()
