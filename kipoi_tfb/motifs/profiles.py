"""Known motifs: read profiles, make log-odds of them, and score windows with them.

A window's score for a motif is its *sum occupancy*: the log of the summed odds of all positions on both strands, the
measure of the paper's motif baseline (Novakovsky et al. 2021, Methods) and of GOMER (Granek & Clarke 2005,
doi:10.1186/gb-2005-6-10-r87). The best hit is there as a second measure.

Positions are scored by lightmotif: on one core it takes a third of the time of a loop compiled by numba, and less of
that of torch's conv1d, which multiplies with four rows of which three are zero (`experiments/baselines.py speed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from Bio.motifs import parse
from Bio.motifs.jaspar import Motif as JasparMotif
from memelite.io import read_meme
from numpy.typing import NDArray
from pyjaspar import jaspardb
from sklearn.metrics import average_precision_score

from kipoi_tfb.motifs.scan import StripedWindows
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError
from tfb_matrix_data.modes import read_profiles
from tfb_matrix_data.sampling import balanced_sample, seed_of
from tfb_matrix_data.sequence import gc_content

__all__ = [
    "Measure",
    "Motif",
    "MotifScorer",
    "choose_profiles",
    "jaspar_motifs",
    "jaspar_scorer",
    "log_odds",
    "motif_filters",
    "read_motifs",
    "score_motifs",
]

Measure = Literal["occupancy", "best"]

PSEUDOCOUNT = 1.0
"""Sites added to each column of a PFM, a quarter of one per base."""

MEME_SITES = 100.0
"""Sites that a matrix of frequencies is taken to be made of: MEME files need not say."""

_CHUNK = 2048  # windows scored at once: the scores of all their positions stay in the cache


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
    return np.log((pfm + pseudocount / 4) / (pfm.sum(0) + pseudocount) / 0.25)


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
    found = jaspardb(release=release).fetch_motifs(collection="CORE", tax_group=["vertebrates"])
    by_id = {motif.matrix_id: motif for motif in found}
    result = {}
    for tf in chosen:
        if tf not in known:
            raise UnknownNameError("TF with a JASPAR profile", tf, known)
        missing = [matrix_id for matrix_id in known[tf] if matrix_id not in by_id]
        if missing:
            raise ConfigError(f"{release} has no profile {', '.join(missing)} of {tf}; give a table for that release")
        own = sorted((by_id[matrix_id] for matrix_id in known[tf]), key=lambda m: ("::" in m.name, m.matrix_id))
        result[tf] = tuple(_from_biopython(motif, tf) for motif in own)
    return result


def read_motifs(path: str | Path, format: Literal["auto", "jaspar", "meme"] = "auto") -> list[Motif]:
    """Return the motifs of a file: JASPAR (``.jaspar``, ``.pfm``) or MEME (``.meme``, ``.txt``), plain text.

    Each is named in capitals after its name in the file, the part before a ``(``; MEME's ``MOTIF id name`` gives
    both, ``MOTIF id`` makes the name of the identifier. MEME's frequencies count as those of `MEME_SITES` sites.

    Raises
    ------
    InputError
        If the file is missing, of another format, has no motif, or has one with a column that holds nothing.
    """
    if format == "auto":
        format = "meme" if Path(path).suffix in {".meme", ".txt"} else "jaspar"
    try:
        motifs = list(_read_meme(path) if format == "meme" else _read_jaspar(path))
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror or error})") from None
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


def score_motifs(
    motifs: Sequence[Motif],
    codes: NDArray[np.uint8],
    measure: Measure = "occupancy",
    pseudocount: float = PSEUDOCOUNT,
) -> NDArray[np.float32]:
    """Score windows with motifs on both strands.

    Parameters
    ----------
    motifs
        Profiles.
    codes
        uint8 (windows, length); an N has the odds of background, 1.
    measure
        ``occupancy``: log of the sum of the odds over all positions and both strands; ``best``: the highest log-odds.
    pseudocount
        See `log_odds`.

    Returns
    -------
    numpy.ndarray
        float32 (windows, motifs), natural logarithms.

    Raises
    ------
    ConfigError
        If windows are shorter than a motif.
    """
    length = codes.shape[1]
    for motif in motifs:
        if motif.width > length:
            raise ConfigError(f"windows of {length} bp are shorter than motif {motif.matrix_id} ({motif.width} bp)")
    pwms = [log_odds(motif.pfm, pseudocount) for motif in motifs]
    scores = np.empty((len(codes), len(motifs)), np.float32)
    for start in range(0, len(codes), _CHUNK):
        windows = StripedWindows(codes[start : start + _CHUNK])
        score = windows.best if measure == "best" else windows.occupancy
        for column, pwm in enumerate(pwms):
            scores[start : start + _CHUNK, column] = score(pwm)
    return scores


def choose_profiles(
    motifs: Mapping[str, Sequence[Motif]],
    codes: NDArray[np.uint8],
    labels: NDArray[np.int8],
    seed: int = 0,
    at_most: int | None = 2000,
    measure: Measure = "occupancy",
) -> dict[str, Motif]:
    """Choose the profile of each TF that tells its bound windows best from GC-matched unbound ones, by AUPRC.

    On windows of the training chromosomes this is an honest choice; on those of the test it is the *oracle*, which no
    other choice of profiles can beat: a generous baseline, and no more than that.

    Parameters
    ----------
    motifs
        {TF: its profiles}; the order is that of the columns of `labels`.
    codes
        uint8 (windows, length).
    labels
        int8 (windows, TFs): 1 bound, 0 unbound, -1 unresolved.
    seed
        Of the draw; `tfb_matrix_data.sampling.seed_of` gives each column its own.
    at_most
        Bound windows looked at per TF; None: all.
    measure
        What the profiles are ranked by, see `score_motifs`.

    Returns
    -------
    dict
        {TF: profile}; the first of a TF's profiles where it has but one, or no bound or unbound windows.
    """
    if labels.shape != (len(codes), len(motifs)):
        raise ConfigError(f"labels of shape {labels.shape} for {len(codes)} windows and {len(motifs)} TFs")
    gc = gc_content(codes)
    chosen = {}
    for column, (tf, profiles) in enumerate(motifs.items()):
        best = profiles[0]
        if len(profiles) > 1:
            own = labels[:, column]
            bound = int((own == 1).sum())
            limit = at_most if at_most is not None and bound > at_most else None
            sample = balanced_sample(own, gc, seed_of(seed, column), limit)
            if len(sample.bound) and len(sample.unbound):
                scores = score_motifs(profiles, codes[sample.regions], measure)
                best = profiles[int(np.argmax([average_precision_score(sample.labels, s) for s in scores.T]))]
        chosen[tf] = best
    return chosen


@dataclass(frozen=True, eq=False)
class MotifScorer:
    """A scorer, one motif per TF: what `kipoi_tfb.evaluation.evaluate` tests in one table with models.

    Attributes
    ----------
    name
        Of the scorer, for tables.
    motifs
        {TF: its motif}.
    measure
        See `score_motifs`.
    """

    name: str
    motifs: Mapping[str, Motif]
    measure: Measure = "occupancy"
    calibrated = False

    @property
    def tfs(self) -> tuple[str, ...]:
        """Names of the columns of the scores."""
        return tuple(self.motifs)

    def scores(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 (windows, TFs), higher: more likely bound, of uint8 windows (windows, length)."""
        return score_motifs(list(self.motifs.values()), codes, self.measure)


def jaspar_scorer(
    tfs: Sequence[str],
    codes: NDArray[np.uint8] | None = None,
    labels: NDArray[np.int8] | None = None,
    seed: int = 0,
    at_most: int | None = 2000,
    name: str = "jaspar",
    measure: Measure = "occupancy",
) -> MotifScorer:
    """Return the scorer of TFs by their JASPAR 2020 profiles.

    With windows and labels each TF has the profile that `choose_profiles` takes, else the first of `jaspar_motifs`.
    The parameters are those of `choose_profiles` and `MotifScorer`.
    """
    motifs = jaspar_motifs(tfs)
    if codes is None or labels is None:
        return MotifScorer(name, {tf: profiles[0] for tf, profiles in motifs.items()}, measure)
    return MotifScorer(name, choose_profiles(motifs, codes, labels, seed, at_most, measure), measure)


def motif_filters(motifs: Sequence[Motif], width: int, pseudocount: float = PSEUDOCOUNT) -> NDArray[np.float32]:
    """Return the log-odds of motifs as convolution filters (motifs, 4, width), to start a first layer from.

    Of a wider motif the `width` neighbouring columns with the most information stay; a narrower one lies in the
    middle (one column to the left where that cannot be), with zeros, the log-odds of background, on both sides.
    """
    filters = np.zeros((len(motifs), 4, width), np.float32)
    for row, motif in zip(filters, motifs, strict=True):
        values = log_odds(motif.pfm, pseudocount)
        information = (np.exp(values) / 4 * values).sum(0)
        if motif.width > width:
            first = int(np.argmax(np.convolve(information, np.ones(width), "valid")))
            values = values[:, first : first + width]
        left = (width - values.shape[1]) // 2
        row[:, left : left + values.shape[1]] = values
    return filters


def _from_biopython(motif: JasparMotif, tf: str) -> Motif:
    return Motif(motif.name, motif.matrix_id, tf, np.array([motif.counts[base] for base in "ACGT"], float))


def _read_jaspar(path: str | Path) -> Iterator[Motif]:
    with open(path, encoding="utf-8") as stream:
        headers = sum(line.startswith(">") for line in stream)
        stream.seek(0)
        found = parse(stream, "jaspar")
    if len(found) != headers:  # Biopython drops a motif that lacks rows and takes one without a header
        raise InputError(path, f"has {headers} lines that start with '>' but {len(found)} motifs of four rows")
    for motif in found:
        yield _from_biopython(motif, _tf(motif.name))


def _read_meme(path: str | Path) -> Iterator[Motif]:
    for key, frequencies in read_meme(str(path)).items():
        matrix_id, _, name = key.partition(" ")
        yield Motif(name or matrix_id, matrix_id, _tf(name or matrix_id), frequencies * MEME_SITES)


def _tf(name: str) -> str:
    return name.split("(")[0].strip().upper()
