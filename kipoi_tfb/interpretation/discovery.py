"""Patterns in contributions, found by TF-MoDISco and named by Tomtom: Fig 9C of Novakovsky et al. 2021."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.interpretation.files import ReadContributions
from kipoi_tfb.interpretation.match_columns import MATCH_MEANING, match_columns
from kipoi_tfb.motifs.jaspar import vertebrate_motifs
from kipoi_tfb.motifs.profiles import Motif
from kipoi_tfb.motifs.tomtom import ALIKE, Match, compare_motifs, tomtom_function
from kipoi_tfb.output.tables import Notes, open_table
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.extras import import_extra
from tfb_matrix_data.files import atomic_path

__all__ = ["Discovery", "Pattern", "discover", "write_modisco", "write_patterns"]

FEWEST = 100
"""Seqlets of one sign that TF-MoDISco needs to look for patterns: more than so many."""
_WINDOW, _FLANK = 21, 10
"""Bases of a seqlet, and on both sides of it: TF-MoDISco's."""
_FDR, _RUNS = 0.05, 2
"""Of seqlets, and runs of its clustering: the defaults of `modisco motifs`."""
_TRIMMED = 0.3
"""Share of the largest contribution of a column from which outer columns are part of a pattern's motif, as in
`modisco report`."""
_MEANING = {
    "pattern": "name: pos, towards binding, or neg, against it, and a number, the largest first",
    "seqlets": "stretches of windows that the pattern is made of",
    "windows": "windows that have one",
    "consensus": "likeliest base of each column of its motif",
    "contribution": "mean sum of the contributions of a seqlet's bases, log-odds",
    **MATCH_MEANING,
}


class Pattern(NamedTuple):
    """A pattern of contributions.

    Attributes
    ----------
    name
        ``pos0``, ``pos1`` ... towards binding, ``neg0`` ... against it; those of most seqlets first.
    motif
        Counts of bases of its seqlets, outer columns of little contribution cut off.
    first
        The column of the pattern at which the motif begins.
    contributions
        float64 (4, width): mean contribution of the bases in each column, of all columns.
    counts
        float64 (4, width): how often each base is there.
    seqlets
        int64 (seqlets, 4): window, first base, base behind the last, 1 where it is on the reverse strand.
    matches
        The known motifs that it is most like.
    """

    name: str
    motif: Motif
    first: int
    contributions: NDArray[np.float64]
    counts: NDArray[np.float64]
    seqlets: NDArray[np.int64]
    matches: Sequence[Match]

    @property
    def is_known(self) -> bool:
        """Return whether it is like a known motif."""
        return self.matches[0].q <= ALIKE

    @property
    def consensus(self) -> str:
        """Return the likeliest base of each column of its motif."""
        return self.motif.consensus

    @property
    def windows(self) -> int:
        """Return how many windows have one."""
        return len(np.unique(self.seqlets[:, 0]))


class Discovery(NamedTuple):
    """What was found.

    Attributes
    ----------
    patterns
        Those towards binding first.
    windows, length
        How many were looked at, and their length.
    raw
        TF-MoDISco's own objects, positive and negative, for its file.
    """

    patterns: list[Pattern]
    windows: int
    length: int
    raw: tuple[Any, Any]


def discover(
    contributions: ReadContributions,
    known: Sequence[Motif] | None = None,
    fewest: int = FEWEST,
    most: int = 20_000,
    n_matches: int = 3,
) -> Discovery:
    """Find patterns in contributions, and say which known motifs they are like.

    Parameters
    ----------
    contributions
        Of `kipoi_tfb.interpretation.read_contributions`.
    known
        Motifs to compare with; default `kipoi_tfb.motifs.jaspar.vertebrate_motifs`.
    fewest
        Seqlets of one sign that there must be more of.
    most
        Seqlets of one sign that are clustered at most.
    n_matches
        Known motifs that are kept of each pattern.

    Raises
    ------
    ConfigError
        If TF-MoDISco is not installed, windows are too short, or there are too few seqlets.

    Notes
    -----
    Shrikumar et al. 2018, doi:10.48550/arXiv.1811.00416; `modisco-lite`. It draws nothing but by seeds of its own: the
    same contributions give the same patterns.
    """
    find = _modisco()
    tomtom_function()
    n, _, length = contributions.one_hot.shape
    if length < _WINDOW + 2 * _FLANK:
        raise ConfigError(f"windows of {length} bp; TF-MoDISco looks at stretches of {_WINDOW + 2 * _FLANK}")
    hot = contributions.one_hot.transpose(0, 2, 1).astype(np.float32)
    hypothetical = np.nan_to_num(contributions.hypothetical).transpose(0, 2, 1).astype(np.float32)
    if not hypothetical.any():
        raise ConfigError(f"contributions to {contributions.tf} are zero everywhere: nothing to find patterns in")
    try:
        raw = find(
            one_hot=hot,
            hypothetical_contribs=hypothetical,
            min_metacluster_size=fewest,
            max_seqlets_per_metacluster=most,
            target_seqlet_fdr=_FDR,
            n_leiden_runs=_RUNS,
        )
    except (ValueError, IndexError) as error:  # of a null or clusters that it cannot make of so little
        raise ConfigError(f"{_too_few(n, contributions.tf, fewest)} ({error})") from error
    found = [*_patterns(raw[0], "pos", contributions.tf), *_patterns(raw[1], "neg", contributions.tf)]
    if not found:
        none = f"TF-MoDISco finds no pattern in the contributions of {n:,} windows to {contributions.tf}"
        raise ConfigError(_too_few(n, contributions.tf, fewest) if raw == (None, None) else none)
    alike = compare_motifs([pattern.motif.pfm for pattern in found], known or vertebrate_motifs())
    named = [pattern._replace(matches=alike.nearest(row, n_matches)) for row, pattern in enumerate(found)]
    return Discovery(named, n, length, raw)


def write_patterns(discovery: Discovery, path: str | Path) -> int:
    """Write a row per pattern, and return how many: .tsv, .parquet or .h5."""
    patterns = discovery.patterns
    columns: dict[str, NDArray] = {
        "pattern": _text([pattern.name for pattern in patterns]),
        "seqlets": np.array([len(pattern.seqlets) for pattern in patterns], np.int64),
        "windows": np.array([pattern.windows for pattern in patterns], np.int64),
        "consensus": _text([pattern.consensus for pattern in patterns]),
        "contribution": np.array([pattern.contributions.sum() for pattern in patterns], np.float32),
        **match_columns([pattern.matches[0] for pattern in patterns]),
    }
    with open_table(path, Notes({}, _MEANING)) as table:
        table.write(columns)
    return len(patterns)


def write_modisco(discovery: Discovery, path: str | Path) -> None:
    """Write TF-MoDISco's own HDF5 file, that of `modisco motifs`, which `modisco report` and finemo read."""
    from modiscolite.io import save_hdf5

    with atomic_path(path) as temporary:
        save_hdf5(str(temporary), *discovery.raw, window_size=discovery.length)


def _modisco() -> Callable[..., tuple[Any, Any]]:
    """Return TF-MoDISco's function.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    return import_extra("modiscolite.tfmodisco", "TF-MoDISco", "interpret").TFMoDISco


def _patterns(found: Sequence[Any] | None, sign: str, tf: str) -> Iterator[Pattern]:
    for number, pattern in enumerate(found or ()):
        contributions, n = pattern.contrib_scores.T, len(pattern.seqlets)
        counts = pattern.sequence.T * n
        size = np.abs(contributions).sum(0)
        kept = np.flatnonzero(size >= _TRIMMED * size.max())
        first, last = int(kept[0]), int(kept[-1])
        name = f"{sign}{number}"
        seqlets = [(one.example_idx, one.start, one.end, int(one.is_revcomp)) for one in pattern.seqlets]
        motif = Motif(f"{tf}-{name}", name, tf, counts[:, first : last + 1])
        yield Pattern(name, motif, first, contributions, counts, np.array(seqlets, np.int64), ())


def _too_few(windows: int, tf: str, fewest: int) -> str:
    return (
        f"contributions of {windows:,} windows to {tf} have no more than {fewest} seqlets of either sign, and "
        "TF-MoDISco needs more to find patterns: explain more regions that it binds"
    )


def _text(values: Sequence[str]) -> NDArray:
    return np.array(values, object)
