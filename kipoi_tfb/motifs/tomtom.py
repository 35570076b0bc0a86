"""Which known motif a motif is like: Tomtom's p-values, by memelite, with q-values over the known ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from kipoi_tfb.motifs.profiles import Motif, frequencies
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.extras import import_extra

__all__ = ["ALIKE", "Match", "Similarities", "compare_motifs", "tomtom_function"]

ALIKE = 0.05
"""Largest q-value of motifs that are called alike, as in the paper."""

_FEWEST = 25
"""Known motifs that Tomtom needs: its null is made of their columns."""


class Match(NamedTuple):
    """The known motif that is most like a motif, with p- and q-value."""

    motif: Motif
    p: float
    q: float


class Similarities(NamedTuple):
    """How like known motifs some motifs are.

    Attributes
    ----------
    targets
        The known motifs.
    p, q
        float64 (motifs, known motifs).
    """

    targets: Sequence[Motif]
    p: NDArray[np.float64]
    q: NDArray[np.float64]

    def best(self, row: int) -> Match:
        """Return the best match of a motif, the first of equal ones."""
        return self.nearest(row, 1)[0]

    def nearest(self, row: int, n: int) -> list[Match]:
        """Return the n known motifs that a motif is most like, best first."""
        return [self._match(row, at) for at in np.argsort(self.p[row], kind="stable")[:n].tolist()]

    def of(self, row: int, matrix_id: str) -> Match | None:
        """Return what the motif has in common with one known motif; None where that is not among them."""
        at = next((at for at, motif in enumerate(self.targets) if motif.matrix_id == matrix_id), None)
        return None if at is None else self._match(row, at)

    def _match(self, row: int, at: int) -> Match:
        return Match(self.targets[at], float(self.p[row, at]), float(self.q[row, at]))


def compare_motifs(pfms: Sequence[NDArray[np.float64]], targets: Sequence[Motif]) -> Similarities:
    """Compare motifs with known ones, either strand, by Tomtom.

    Parameters
    ----------
    pfms
        float64 (4, width): counts of bases.
    targets
        Known motifs, such as `kipoi_tfb.motifs.jaspar.vertebrate_motifs`.

    Raises
    ------
    ConfigError
        If there are too few known motifs for p-values.
    MissingExtraError
        If memelite is not installed.

    Notes
    -----
    Gupta et al. 2007, doi:10.1186/gb-2007-8-2-r24. The q-values of a motif are over the known ones, by Benjamini and
    Hochberg: of the matches of one motif at q <= 0.05 one in twenty is expected to be false.
    """
    if len(targets) < _FEWEST:
        raise ConfigError(f"Tomtom needs at least {_FEWEST} known motifs to compare with; these are {len(targets)}")
    if not len(pfms):
        return Similarities(targets, *(np.empty((0, len(targets))) for _ in range(2)))
    tomtom = tomtom_function()
    known = [frequencies(motif.pfm) for motif in targets]
    p = np.clip(tomtom([frequencies(pfm) for pfm in pfms], known, n_jobs=1)[0], 0, 1)
    return Similarities(targets, p, false_discovery_control(p, axis=1))


def tomtom_function() -> Callable[..., tuple[NDArray, ...]]:
    """Return memelite's Tomtom: worth asking for before minutes of work of which it is the last step.

    Raises
    ------
    MissingExtraError
        If memelite is not installed.
    """
    # With numba: a second that others need not wait.
    return import_extra("memelite", "memelite, which has Tomtom,", "interpret").tomtom
