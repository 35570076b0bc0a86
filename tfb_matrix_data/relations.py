"""Which TFs go with a TF, as the paper chooses them: same binding mode, cofactors, STRING partners, unrelated ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.modes import BindingModes, read_modes, read_string_scores
from tfb_matrix_data.similarity import similarity

__all__ = ["Neighbour", "Relations"]

T = TypeVar("T")


@dataclass(frozen=True)
class Neighbour:
    """A TF chosen for another.

    Attributes
    ----------
    name
        The TF.
    score
        What it was chosen by: a cosine, a number of regions or a STRING score.
    reason
        In words.
    """

    name: str
    score: float
    reason: str


@dataclass(frozen=True, eq=False)
class Relations:
    """What is known between the TFs of a matrix; `Relations.of` makes one.

    Every method returns at most `n` records, best first, ties by name. TFs without a bound region have no cosine and
    are never chosen. TFs whose binding mode is not known are chosen only as STRING partners, and as cofactors, of any
    mode.

    Attributes
    ----------
    tfs
        Names.
    similarity
        float64 (TFs, TFs), of `tfb_matrix_data.similarity.similarity`.
    n_bound
        Bound regions of each TF.
    modes
        Binding modes and classes.
    string
        {pair of TFs: STRING score}.

    Notes
    -----
    Source: Novakovsky et al. 2021, Methods, doi:10.1186/s13059-021-02499-5, and the authors' notebook
    UMAP_Binding_heatmap_and_selecting_groups.
    """

    tfs: Sequence[str]
    similarity: NDArray[np.float64] = field(repr=False)
    n_bound: Sequence[int] = field(repr=False)
    modes: BindingModes = field(repr=False)
    string: Mapping[frozenset[str], float] | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        matrix: BindingMatrix,
        modes: str | Path | BindingModes | None = None,
        string: str | Path | None = None,
        kind: Kind = "less_sparse",
        cell_types: Sequence[str] | None = None,
    ) -> Relations:
        """Return the relations in a matrix; a few seconds for 163 TFs.

        Parameters
        ----------
        matrix
            An open matrix.
        modes
            Table of binding modes for `read_modes`, or what it returned; default the package's.
        string
            Table of STRING scores for `read_string_scores`; without it there are no STRING partners.
        kind, cell_types
            As for `similarity`.

        Raises
        ------
        InputError, UnknownNameError
            If a table cannot be read; if a cell type or kind does not exist.
        """
        known = modes if isinstance(modes, BindingModes) else read_modes(modes)
        scores = None if string is None else read_string_scores(string)
        cosines = similarity(matrix, kind=kind, cell_types=cell_types)
        n_bound = [int((matrix.labels([tf], kind=kind, cell_types=cell_types) == 1).sum()) for tf in matrix.tfs]
        return cls(matrix.tfs, cosines, n_bound, known, scores)

    def same_binding_mode(self, tf: str, n: int | None = None) -> list[Neighbour]:
        """Return the TFs that share a binding mode with `tf`, those with most bound regions first; the score is that.

        Raises
        ------
        UnknownNameError, ConfigError
            If the TF is not in the matrix, or its binding mode is not known.
        """
        found = []
        for other, modes in self._others(tf):
            if modes:
                bound = self.n_bound[self.tfs.index(other)]
                found.append(Neighbour(other, float(bound), f"{_shares(tf, modes)}; score: bound regions"))
        return _best(found, n)

    def same_binding_mode_random(self, tf: str, n: int = 5, seed: int = 0) -> list[Neighbour]:
        """Return `n` TFs drawn at random among those that share a binding mode with `tf`; the score is bound regions.

        The same seed, TF and data give the same draw, in the same order.

        Raises
        ------
        UnknownNameError, ConfigError
            If the TF is not in the matrix, or its binding mode is not known.
        """
        pool = sorted(self.same_binding_mode(tf), key=lambda neighbour: neighbour.name)
        drawn = f"drawn with seed {seed} from {len(pool)} TFs"
        return [replace(one, reason=f"{drawn}; {one.reason}") for one in _drawn(pool, n, seed)]

    def cofactors(self, tf: str, n: int | None = 5, other_modes: bool = True) -> list[Neighbour]:
        """Return the TFs with the highest cosine to `tf`.

        Parameters
        ----------
        tf, n
            The TF and how many at most.
        other_modes
            Among those that share no binding mode with it; if not, among all.

        Raises
        ------
        UnknownNameError
            If the TF is not in the matrix.
        ConfigError
            With `other_modes`, if the TF's binding mode is not known.
        """
        if other_modes:
            reason = f"shares no binding mode with {tf}; score: cosine, highest first"
            return _best((Neighbour(o, self._cosine(tf, o), reason) for o, modes in self._others(tf) if not modes), n)
        self._check(tf)
        cosines = ((other, self._cosine(tf, other)) for other in self.tfs if other != tf)
        found = (
            Neighbour(o, cosine, f"{self._shared(tf, o)}; score: cosine, highest first")
            for o, cosine in cosines
            if not np.isnan(cosine)
        )
        return _best(found, n)

    def non_cofactors(self, tf: str, n: int | None = 5) -> list[Neighbour]:
        """Return the TFs with the lowest cosine to `tf` among those that share a binding mode with it.

        Raises
        ------
        UnknownNameError, ConfigError
            If the TF is not in the matrix, or its binding mode is not known.
        """
        found = (
            Neighbour(o, self._cosine(tf, o), f"{_shares(tf, modes)}; score: cosine, lowest first")
            for o, modes in self._others(tf)
            if modes
        )
        return sorted(found, key=lambda neighbour: (neighbour.score, neighbour.name))[: _checked(n)]

    def string_partners(self, tf: str, n: int | None = 5, other_modes: bool = False) -> list[Neighbour]:
        """Return the TFs with the highest STRING score with `tf`.

        Parameters
        ----------
        tf, n
            The TF and how many at most.
        other_modes
            Only TFs that share no binding mode with it, as in the authors' first choice of partners.

        Raises
        ------
        UnknownNameError
            If the TF is not in the matrix.
        ConfigError
            If there is no table of STRING scores; with `other_modes`, if the TF's binding mode is not known.
        """
        self._check(tf)
        if self.string is None:
            raise ConfigError("STRING partners need a table of STRING scores (columns TF_a, TF_b, score)")
        if other_modes:
            candidates = [other for other, modes in self._others(tf) if not modes]
        else:
            candidates = [other for other in self.tfs if other != tf and self._is_bound(other)]
        found = []
        for other in candidates:
            score = self.string.get(frozenset((tf, other)))
            if score is not None:
                found.append(Neighbour(other, score, f"STRING partner, {self._shared(tf, other)}; score: STRING"))
        return _best(found, n)

    def random_unrelated(self, tf: str, n: int = 5, seed: int = 0) -> list[Neighbour]:
        """Return `n` TFs drawn at random among those unrelated to `tf`; the score is the cosine.

        Unrelated: shares no binding mode with it, is not among its `n` cofactors, and has no STRING score with it
        (where a table was given). The same seed, TF and data give the same draw, in the same order.

        Raises
        ------
        UnknownNameError, ConfigError
            If the TF is not in the matrix, or its binding mode is not known.
        """
        related = {neighbour.name for neighbour in self.cofactors(tf, n)}
        pool = sorted(
            other
            for other, modes in self._others(tf)
            if not modes and other not in related and frozenset((tf, other)) not in (self.string or {})
        )
        what = "mode, no cofactor" + (", no STRING partner" if self.string is not None else "")
        reason = f"drawn with seed {seed} from {len(pool)} TFs unrelated to {tf} (other binding {what}); score: cosine"
        return [Neighbour(other, self._cosine(tf, other), reason) for other in _drawn(pool, n, seed)]

    def _others(self, tf: str) -> list[tuple[str, list[str]]]:
        """Return the TFs that have bound regions and a known binding mode, each with the modes it shares with `tf`."""
        self._check(tf)
        if tf not in self.modes.modes:
            raise ConfigError(
                f"the binding mode of {tf} is not in {self.modes.source}; give a table that has it "
                "(tab-separated columns TF, cluster and optionally tf_class)"
            )
        candidates = [other for other in self.tfs if other != tf and other in self.modes.modes]
        return [(other, self.modes.shared(tf, other)) for other in candidates if not np.isnan(self._cosine(tf, other))]

    def _shared(self, tf: str, other: str) -> str:
        """Return in words which binding modes two TFs share, if any is known."""
        modes = self.modes.shared(tf, other)
        return _shares(tf, modes) if modes else f"shares no known binding mode with {tf}"

    def _cosine(self, one: str, other: str) -> float:
        return float(self.similarity[self.tfs.index(one), self.tfs.index(other)])

    def _is_bound(self, tf: str) -> bool:
        return self.n_bound[self.tfs.index(tf)] > 0

    def _check(self, tf: str) -> None:
        if tf not in self.tfs:
            raise UnknownNameError("TF", tf, self.tfs)


def _shares(tf: str, modes: Sequence[str]) -> str:
    return f"shares {', '.join(modes)} with {tf}"


def _best(found: Iterable[Neighbour], n: int | None) -> list[Neighbour]:
    return sorted(found, key=lambda neighbour: (-neighbour.score, neighbour.name))[: _checked(n)]


def _drawn(pool: Sequence[T], n: int, seed: int) -> list[T]:
    return [pool[i] for i in np.random.default_rng(seed).permutation(len(pool))[: _checked(n)].tolist()]


def _checked(n: int | None) -> int | None:
    if n is not None and n < 0:
        raise ConfigError(f"{n} TFs asked for; expected 0 or more")
    return n
