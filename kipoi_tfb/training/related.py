"""The TFs of a multi-model by what they are to one TF."""

from __future__ import annotations

import logging

from kipoi_tfb.zoo.config import Related
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.relations import Relations

__all__ = ["choose_related"]

logger = logging.getLogger(__name__)


def choose_related(choice: Related, matrix: BindingMatrix, seed: int) -> list[str]:
    """Return the TFs of a choice, best first; with `with_target`, its TF before them.

    Parameters
    ----------
    choice
        The relation, the TF and how many.
    matrix
        Where the cosines are from, over less sparse labels.
    seed
        Of the relation ``random``.

    Raises
    ------
    UnknownNameError
        If the matrix lacks the TF.
    ConfigError
        If there are fewer such TFs than asked for, or nothing is known of the TF's binding mode.
    InputError
        If a table cannot be read.

    Notes
    -----
    Source: Novakovsky et al. 2021, doi:10.1186/s13059-021-02499-5, and python_scripts/Run_BM_Analysis.py of the authors
    (github.com/wassermanlab/TF-Binding-Transfer-Learning): five TFs in all, the target among them or not. They drew
    those of the same binding mode at random until enough regions were resolved; here those with most bound regions go
    first, so that a configuration says which they are.
    """
    if choice.of not in matrix.tfs:  # before the seconds that the cosines take
        raise UnknownNameError("TF", choice.of, matrix.tfs)
    relations = Relations.of(matrix, choice.modes, choice.string)
    n_others = choice.n - choice.with_target
    if choice.relation == "random":
        found = relations.random_unrelated(choice.of, n_others, seed)
    else:
        find = {
            "binding_mode": relations.same_binding_mode,
            "cofactors": relations.cofactors,
            "non_cofactors": relations.non_cofactors,
            "string": relations.string_partners,
        }[choice.relation]
        found = find(choice.of, n_others)
    if len(found) < n_others:
        names = ", ".join(neighbour.name for neighbour in found) or "none"
        raise ConfigError(
            f"{n_others} TFs other than {choice.of} asked for by relation {choice.relation}, but there are only "
            f"{len(found)} ({names}); lower `tfs.n`, or take another table or relation"
        )
    for neighbour in found:
        logger.info("%s: %s (%.6g)", neighbour.name, neighbour.reason, neighbour.score)
    chosen = [neighbour.name for neighbour in found]
    return [choice.of, *chosen] if choice.with_target else chosen
