"""The TFs of a base, from its specification and the TF it is for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from experiments.paper.figure import BaseSpec
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.relations import Neighbour, Relations

__all__ = ["Relatives"]


class Relatives:
    """What the TFs of a matrix are to each other; computed once, when it is first asked for.

    Parameters
    ----------
    matrix
        The binding matrix.
    string
        Table of STRING scores, without which there are no STRING partners.
    """

    def __init__(self, matrix: BindingMatrix, string: Path | None = None) -> None:
        self.matrix, self.string = matrix, string
        self._ranked: list[str] | None = None

    @cached_property
    def relations(self) -> Relations:
        """Cosines over less sparse labels, and binding modes."""
        return Relations.of(self.matrix, string=self.string)

    def most_resolved(self, n: int) -> list[str]:
        """Return the `n` TFs with the most resolved regions."""
        if self._ranked is None:
            self._ranked = self.matrix.select_multimodel(len(self.matrix.tfs))
        return self._ranked[:n]

    def profiled_in(self, cell_types: Sequence[str]) -> list[str]:
        """Return the TFs that were profiled in each of these cell types.

        Raises
        ------
        UnknownNameError
            If the matrix lacks a cell type.
        """
        known = self.matrix.cell_types
        for name in cell_types:
            if name not in known:
                raise UnknownNameError("cell type", name, known)
        there = self.matrix.profiled[:, [known.index(name) for name in cell_types]].all(1)
        return [tf for tf, both in zip(self.matrix.tfs, there, strict=True) if both]

    def of_base(self, spec: BaseSpec, tf: str) -> tuple[str, ...]:
        """Return the TFs of a base for a TF.

        Raises
        ------
        ConfigError
            If there are not as many as it needs.
        """
        if spec.profiled_in:
            return tuple(self.profiled_in(spec.profiled_in))
        if spec.relation is None:
            assert spec.most_resolved is not None
            chosen = self.most_resolved(spec.most_resolved)
            return tuple(name for name in chosen if name != tf or not spec.without_target)
        n = spec.n - spec.with_target
        found = [neighbour.name for neighbour in self.related(spec.relation, tf, n, spec.seed)]
        if len(found) < n:
            names = ", ".join(found) or "none"
            raise ConfigError(
                f"{n} TFs asked for by {spec.relation.replace('_', ' ')}, there are {len(found)}: {names}"
            )
        chosen = [tf, *found] if spec.with_target else found
        return (*chosen, *self._buried_among(spec, tf, chosen))

    def related(self, relation: str, tf: str, n: int, seed: int) -> list[Neighbour]:
        """Return at most `n` TFs that are something to a TF, best first or drawn by a seed."""
        known = self.relations
        if relation == "binding_mode":
            return known.same_binding_mode_random(tf, n, seed)
        if relation in {"cofactors", "cofactors_any"}:
            return known.cofactors(tf, n, other_modes=relation == "cofactors")
        if relation == "non_cofactors":
            return known.non_cofactors(tf, n)
        if relation in {"string", "string_any"}:
            return known.string_partners(tf, n, other_modes=relation == "string")
        return known.random_unrelated(tf, n, seed)

    def _buried_among(self, spec: BaseSpec, tf: str, chosen: Sequence[str]) -> list[str]:
        """Return the TFs of other binding modes with the most resolved regions."""
        if not spec.bury:
            return []
        unlike = {neighbour.name for neighbour in self.relations.cofactors(tf, None)}.difference(chosen)
        pool = [name for name in self.most_resolved(len(self.matrix.tfs)) if name in unlike]
        if not pool:
            raise ConfigError(f"no TF of another binding mode than {tf} to bury its relatives among")
        return pool[: spec.bury]
