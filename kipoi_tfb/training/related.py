"""The TFs of a multi-model by what they are to one TF."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from kipoi_tfb.zoo.config import Related
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.relations import Neighbour, Relations

__all__ = ["choose_among", "choose_related", "find_related"]

logger = logging.getLogger(__name__)


def choose_related(
    choice: Related, matrix: BindingMatrix, seed: int, cell_types: Sequence[str] | None = None
) -> list[str]:
    """Return the TFs of a choice, best first; with `with_target`, its TF before them; those of `bury` after them.

    Parameters
    ----------
    choice
        The relation, the TF and how many.
    matrix
        Where cosines and numbers of regions are from.
    seed
        Of what is drawn.
    cell_types
        Restrict the labels that all goes by to these; default all.

    Raises
    ------
    UnknownNameError
        If the matrix lacks the TF or a cell type.
    ConfigError
        If there are fewer such TFs than asked for, or nothing is known of the TF's binding mode.
    InputError
        If a table cannot be read.

    Notes
    -----
    Source: Novakovsky et al. 2021, doi:10.1186/s13059-021-02499-5, and python_scripts/Run_BM_Analysis.py and
    Run_BM_Multimodel_Analysis.py of the authors (github.com/wassermanlab/TF-Binding-Transfer-Learning): five TFs in
    all, the target among them or not. They drew those of the same binding mode at random until enough regions were
    resolved; here those with most bound regions go first unless `draw` says otherwise, so that a configuration says
    which they are. The 45 among which they buried five are those with the most resolved regions, by their code of any
    binding mode, by the legend of the paper's Fig. 7 of another than the target's, as here.
    """
    if choice.of not in matrix.tfs:  # before the seconds that the cosines take
        raise UnknownNameError("TF", choice.of, matrix.tfs)
    relations = Relations.of(matrix, choice.modes, choice.string, choice.kind, cell_types)
    ranked = lambda: matrix.select_multimodel(len(matrix.tfs), cell_types)  # noqa: E731 (only `bury` needs the seconds)
    return choose_among(relations, choice, seed, ranked)


def choose_among(relations: Relations, choice: Related, seed: int, ranked: Callable[[], Sequence[str]]) -> list[str]:
    """Return the TFs of a choice among TFs whose relations are known; see `choose_related`.

    Parameters
    ----------
    relations
        In the place of the tables, the labels and the cosines that `choice` names.
    choice, seed
        As of `choose_related`.
    ranked
        Gives all TFs, those with the most resolved regions first; called where `choice` buries.

    Raises
    ------
    ConfigError
        As of `choose_related`.
    """
    n_others = choice.n - choice.with_target
    found = find_related(relations, choice, n_others, seed)
    if len(found) < n_others:
        names = ", ".join(neighbour.name for neighbour in found) or "none"
        raise ConfigError(
            f"{n_others} TFs other than {choice.of} asked for by relation {choice.relation}, but there are only "
            f"{len(found)} ({names}); lower `tfs.n`, or take another table or relation"
        )
    for neighbour in found:
        logger.info("%s: %s (%.6g)", neighbour.name, neighbour.reason, neighbour.score)
    chosen = [neighbour.name for neighbour in found]
    chosen = [choice.of, *chosen] if choice.with_target else chosen
    return [*chosen, *_among(relations, choice, chosen, ranked())] if choice.bury else chosen


def find_related(relations: Relations, choice: Related, n: int, seed: int) -> list[Neighbour]:
    """Return at most `n` TFs that are to the TF of a choice what it says, best first or drawn by the seed."""
    of = choice.of
    match choice.relation:
        case "random":
            return relations.random_unrelated(of, n, seed)
        case "binding_mode" if choice.draw == "random":
            return relations.same_binding_mode_random(of, n, seed)
        case "binding_mode":
            return relations.same_binding_mode(of, n)
        case "non_cofactors":
            return relations.non_cofactors(of, n)
        case "string":
            return relations.string_partners(of, n, choice.other_modes)
        case relation:
            return relations.cofactors(of, n, other_modes=relation == "cofactors")


def _among(relations: Relations, choice: Related, chosen: list[str], ranked: Sequence[str]) -> list[str]:
    """Return the TFs among which the chosen ones are buried, those with the most resolved regions first."""
    unlike = {neighbour.name for neighbour in relations.cofactors(choice.of, None)}.difference(chosen)
    pool = [tf for tf in ranked if tf in unlike][: choice.bury]
    if len(pool) < choice.bury:
        raise ConfigError(
            f"field 'tfs.bury': {choice.bury} TFs of other binding modes than {choice.of} asked for beside the "
            f"{len(chosen)}, but there are only {len(pool)}; lower it"
        )
    logger.info("buried among %d: %s", len(pool), ", ".join(pool))
    return pool
