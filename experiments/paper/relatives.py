"""The TFs of a base, from its specification and the TF it is for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from experiments.paper.figure import BaseSpec, Relation
from kipoi_tfb.training.related import choose_among, find_related
from kipoi_tfb.zoo.config import Related
from tfb_matrix_data.errors import UnknownNameError
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
        choice = self._choice(spec.relation, tf, n=spec.n, with_target=spec.with_target, bury=spec.bury)
        return tuple(choose_among(self.relations, choice, spec.seed, self._all_ranked))

    def related(self, relation: Relation, tf: str, n: int, seed: int) -> list[Neighbour]:
        """Return at most `n` TFs that are something to a TF, best first or drawn by a seed."""
        return find_related(self.relations, self._choice(relation, tf), n, seed)

    def _choice(self, relation: Relation, tf: str, **more: object) -> Related:
        """Return a relation as `tfb pretrain` has it: `string_any` is its ``string`` without `other_modes`."""
        fields: dict[str, object] = {"relation": relation, "of": tf, **more}
        if relation == "binding_mode":
            fields["draw"] = "random"
        if relation in {"string", "string_any"}:
            # Without a table `relations` says that one is needed.
            fields |= {"relation": "string", "other_modes": relation == "string", "string": str(self.string or "")}
        return Related.model_validate(fields)

    def _all_ranked(self) -> list[str]:
        return self.most_resolved(len(self.matrix.tfs))
