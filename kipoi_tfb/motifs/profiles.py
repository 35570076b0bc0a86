"""Profiles of motifs: read from files and JASPAR, made log-odds and filters."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError
from tfb_matrix_data.lines import read_lines
from tfb_matrix_data.modes import read_profiles

if TYPE_CHECKING:
    from Bio.motifs.jaspar import Motif as JasparMotif

__all__ = [
    "Motif",
    "frequencies",
    "frequency_filters",
    "jaspar_motifs",
    "log_odds",
    "motif_filters",
    "read_motifs",
    "start_profiles",
    "trimmed",
    "vertebrate_motifs",
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


def jaspar_motifs(
    tfs: Sequence[str] | None = None, release: str = "JASPAR2020", profiles: Mapping[str, Sequence[str]] | None = None
) -> dict[str, tuple[Motif, ...]]:
    """Return the JASPAR CORE vertebrate profiles of TFs, {TF: its profiles}, those of dimers last, then by identifier.

    Parameters
    ----------
    tfs
        Names; default all TFs of the table.
    release
        JASPAR release, of those that pyjaspar carries; no network is needed.
    profiles
        {TF: identifiers of its profiles}; default `tfb_matrix_data.modes.read_profiles`, which covers JASPAR 2020.

    Raises
    ------
    UnknownNameError
        If a TF has no profile.
    ConfigError
        If a profile is not in the release.
    """
    known = read_profiles() if profiles is None else profiles
    chosen = list(known) if tfs is None else list(tfs)
    from Bio import BiopythonWarning
    from pyjaspar import jaspardb

    database = jaspardb(release=release)
    result = {}
    for tf in chosen:
        if tf not in known:
            raise UnknownNameError("TF with a JASPAR profile", tf, known)
        with warnings.catch_warnings(action="ignore", category=BiopythonWarning):  # said below, with the TF
            found = {matrix_id: database.fetch_motif_by_id(matrix_id) for matrix_id in known[tf]}
        if missing := [matrix_id for matrix_id, motif in found.items() if motif is None]:
            raise ConfigError(f"{release} has no profile {', '.join(missing)} of {tf}; give a table for that release")
        own = sorted(found.values(), key=lambda m: ("::" in m.name, m.matrix_id))
        result[tf] = tuple(_from_biopython(motif, tf) for motif in own)
    return result


def vertebrate_motifs(release: str = "JASPAR2020") -> list[Motif]:
    """Return the newest version of every profile of JASPAR CORE's vertebrates, by identifier; each is its own `tf`."""
    from Bio import BiopythonWarning
    from pyjaspar import jaspardb

    with warnings.catch_warnings(action="ignore", category=BiopythonWarning):
        found = jaspardb(release=release).fetch_motifs(collection="CORE", tax_group=["vertebrates"])
    return [_from_biopython(motif, _tf(motif.name)) for motif in sorted(found, key=lambda motif: motif.matrix_id)]


def start_profiles(tfs: Sequence[str], others: Sequence[str] = ()) -> list[Motif]:
    """Return the JASPAR 2020 profiles of TFs in the order of the filters that start as them.

    Parameters
    ----------
    tfs, others
        TFs; those without a profile have none, and a profile that several share is there once, for the first of them.
    """
    known = read_profiles()
    profiles = jaspar_motifs([tf for tf in dict.fromkeys((*tfs, *others)) if tf in known])
    distinct: dict[str, Motif] = {}
    for motifs in profiles.values():
        for motif in motifs:
            distinct.setdefault(motif.matrix_id, motif)
    return list(distinct.values())


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
        motifs = list(_read_meme(text) if format == "meme" else _read_jaspar(path, text))
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


def _from_biopython(motif: JasparMotif, tf: str) -> Motif:
    return Motif(motif.name, motif.matrix_id, tf, np.array([motif.counts[base] for base in "ACGT"], float))


def _read_jaspar(path: str | Path, text: str) -> Iterator[Motif]:
    from Bio.motifs import parse

    headers, found = sum(line[:1] == ">" for line in text.splitlines()), parse(io.StringIO(text), "jaspar")
    if len(found) != headers:  # Biopython drops a motif that lacks rows and takes one without a header
        raise InputError(path, f"has {headers} lines that start with '>' but {len(found)} motifs of four rows")
    yield from (_from_biopython(motif, _tf(motif.name)) for motif in found)


def _read_meme(text: str) -> Iterator[Motif]:
    from memelite.io import read_meme  # with numba and pandas: a second that `tfb score` need not wait

    with NamedTemporaryFile(suffix=".meme") as plain:  # memelite opens a file by its name
        Path(plain.name).write_text(text, encoding="utf-8")
        found = read_meme(plain.name)
    for key, frequencies in found.items():
        matrix_id, _, name = key.partition(" ")
        yield Motif(name or matrix_id, matrix_id, _tf(name or matrix_id), frequencies * MEME_SITES)


def _tf(name: str) -> str:
    return name.split("(")[0].strip().upper()
