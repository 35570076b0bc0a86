"""What alleles do to known motifs: the best match that covers a change, with REF and with ALT, per TF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.motifs.jaspar import jaspar_motifs
from kipoi_tfb.motifs.profiles import Motif, log_odds
from kipoi_tfb.motifs.scan import MATCH
from kipoi_tfb.variants.sites import covering_hits
from tfb_matrix_data.alleles import AlleleWindows
from tfb_matrix_data.modes import read_profiles
from tfb_matrix_data.names import output_of, tf_of

__all__ = ["KnownMotifs", "Match", "SiteChange", "position_in"]


class Match(NamedTuple):
    """A motif on one allele.

    Attributes
    ----------
    score
        Natural log-odds.
    start
        Index of its first base in the allele's window.
    reverse
        Whether it is on the reverse strand.
    """

    score: float
    start: int
    reverse: bool


class SiteChange(NamedTuple):
    """A TF's best-matching motif of those that cover a change.

    Attributes
    ----------
    motif
        The profile.
    ref, alt
        Its best matches that cover the change; -infinity where none fits into the window.
    """

    motif: Motif
    ref: Match
    alt: Match

    @property
    def best(self) -> Match:
        """Return the better of the two matches; REF's if they are equal."""
        return self.alt if self.alt.score > self.ref.score else self.ref

    def position(self, windows: AlleleWindows, row: int) -> int:
        """Return the 1-based position of the site's first base; of an inserted base, that of the base behind it."""
        return position_in(windows, row, self.best.start, self.best is self.alt)

    def explains(self, effect: float) -> bool:
        """Return whether there is a site at the change, and its log-odds move in the direction of an effect."""
        return self.best.score >= MATCH and (self.alt.score - self.ref.score) * effect > 0


def position_in(windows: AlleleWindows, row: int, index: int, alt: bool) -> int:
    """Return the 1-based position of a base of an allele's window; of an inserted one, that of the base behind it."""
    half, n_ref, n_alt = windows.ref.shape[1] // 2, int(windows.n_ref[row]), int(windows.n_alt[row])
    offset = index - half
    if alt and offset > 0:
        offset = max(0, offset - n_alt) + (n_ref if offset >= n_alt else 0)
    return int(windows.start[row]) + offset + 1


class KnownMotifs:
    """The JASPAR profiles of TFs, looked for where alleles are changed.

    Parameters
    ----------
    columns
        Names of TFs, or ``entry/TF``.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._names = [tf_of(output_of(column)) for column in columns]
        self._profiles = read_profiles()
        self._motifs: dict[str, list[tuple[Motif, NDArray[np.float64]]]] = {}  # of the few that are asked for

    def __call__(self, windows: AlleleWindows, wanted: NDArray[np.bool_]) -> dict[tuple[int, int], SiteChange]:
        """Return what happens to the motifs of TFs, by row and column.

        Parameters
        ----------
        windows
            Of alleles.
        wanted
            bool (alleles, TFs): of which TFs of an allele.

        Returns
        -------
        dict
            Nothing for a TF without a profile.
        """
        changes: dict[tuple[int, int], SiteChange] = {}
        for column in np.flatnonzero(wanted.any(0)).tolist():
            rows = np.flatnonzero(wanted[:, column])
            for motif, pwm in self._of(self._names[column]):
                sides = ((windows.ref, windows.n_ref), (windows.alt, windows.n_alt))
                of_ref, of_alt = (list(_matches(codes, n_own, rows, pwm)) for codes, n_own in sides)
                for row, ref, alt in zip(rows.tolist(), of_ref, of_alt, strict=True):
                    change, before = SiteChange(motif, ref, alt), changes.get((row, column))
                    if before is None or change.best.score > before.best.score:
                        changes[row, column] = change
        return changes

    def _of(self, tf: str) -> list[tuple[Motif, NDArray[np.float64]]]:
        if tf not in self._motifs:
            motifs = jaspar_motifs([tf], profiles=self._profiles)[tf] if tf in self._profiles else ()
            self._motifs[tf] = [(motif, log_odds(motif.pfm)) for motif in motifs]
        return self._motifs[tf]


def _matches(
    codes: NDArray[np.uint8], n_own: NDArray[np.int64], rows: NDArray[np.int64], pwm: NDArray[np.float64]
) -> Iterator[Match]:
    """Yield, for each row, the best match that covers the allele's own bases, or the seam where it has none."""
    half = codes.shape[1] // 2
    score, start, reverse = np.full(len(rows), -np.inf), np.zeros(len(rows), np.int64), np.zeros(len(rows), bool)
    for n in np.unique(n_own[rows]).tolist():
        of = np.flatnonzero(n_own[rows] == n)
        hits = covering_hits(codes[rows[of]], pwm, half, half + n)
        if hits is not None:
            score[of], start[of], reverse[of] = hits.score, hits.start, hits.reverse
    for values in zip(score.tolist(), start.tolist(), reverse.tolist(), strict=True):
        yield Match(*values)
