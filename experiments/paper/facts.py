"""What figures and tables count and compute of the matrix, without training."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import combinations
from typing import get_args

import numpy as np
from scipy import stats

from experiments.paper.fact_rows import Fact
from experiments.paper.figure import Relation
from experiments.paper.relatives import Relatives
from experiments.paper.world import PaperWorld
from tfb_matrix_data.counts import count_labels, resolved
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.relations import Relations

__all__ = ["FACTS", "SLOW"]

_TARGETS = ("HNF4A", "JUND", "MAX", "SPI1", "SP1", "EGR1")
_PERMUTATIONS = 9999
_RELATIONS: tuple[Relation, ...] = get_args(Relation)


def similarity_facts(world: PaperWorld, relatives: Relatives) -> list[Fact]:
    """Return cosines of STRING's pairs and of all others, and how surely they differ."""
    known = relatives.relations
    pairs = [(a, b) for a, b in combinations(range(len(known.tfs)), 2) if not np.isnan(known.similarity[a, b])]
    facts = [Fact("pairs of TFs with a cosine", str(len(pairs))), *_neighbours(known)]
    if known.string is None:
        return [*facts, Fact("STRING partners", "no table of scores was given")]
    cosines = np.array([known.similarity[a, b] for a, b in pairs])
    partners = np.array([frozenset((known.tfs[a], known.tfs[b])) in known.string for a, b in pairs])
    if not 1 < partners.sum() < len(partners) - 1:
        return [*facts, Fact("STRING partners", f"{partners.sum()} pairs have a score; too few to compare")]
    inside, outside = cosines[partners], cosines[~partners]
    welch = stats.ttest_ind(inside, outside, equal_var=False)
    ranks = stats.mannwhitneyu(inside, outside)
    return [
        *facts,
        Fact("mean cosine of STRING partners", f"{inside.mean():.4f}", len(inside)),
        Fact("mean cosine of other pairs", f"{outside.mean():.4f}", len(outside)),
        Fact("p (Welch) of STRING partners against others", f"{welch.pvalue:.2g}"),
        Fact("p (Mann-Whitney) of STRING partners against others", f"{ranks.pvalue:.2g}"),
    ]


def _neighbours(known: Relations) -> list[Fact]:
    """Return how many TFs share a binding mode with the TF that binds most like them, and with any other."""
    others = np.where(np.eye(len(known.tfs), dtype=bool), np.nan, known.similarity)
    rows = np.flatnonzero(~np.isnan(others).all(1))
    nearest = np.nanargmax(others[rows], axis=1)
    shared = np.array([[bool(known.modes.shared(a, b)) for b in known.tfs] for a in known.tfs])
    found, rng = shared[rows, nearest].mean(), np.random.default_rng(0)
    at_random = []
    for _ in range(_PERMUTATIONS):
        names = rng.permutation(len(shared))  # each TF with the modes of another
        at_random.append(shared[names[rows], names[nearest]].mean())
    p = (1 + sum(share >= found for share in at_random)) / (1 + _PERMUTATIONS)
    return [
        Fact("share of TFs whose most alike TF has a binding mode of theirs", f"{found:.3f}", len(rows)),
        Fact("the same, modes permuted among TFs", f"{np.mean(at_random):.3f}", _PERMUTATIONS),
        Fact("p (permutation) of the most alike TF's binding mode", f"{p:.2g}"),
    ]


def relatives_facts(world: PaperWorld, relatives: Relatives) -> list[Fact]:
    """Return the TFs that bases of relatives are made from."""
    facts = []
    for tf in (name for name in _TARGETS if name in world.matrix.tfs):
        for relation in _RELATIONS:
            try:
                found = relatives.related(relation, tf, 5, 1)
            except ConfigError as error:
                facts.append(Fact(f"{tf}: {relation}", str(error), 0))
                continue
            facts.append(Fact(f"{tf}: {relation}", ", ".join(each.name for each in found) or "none", len(found)))
    return facts


def count_facts(world: PaperWorld, relatives: Relatives) -> list[Fact]:
    """Return the sizes of the two matrices, over all regions of the file, and what of them has coordinates here."""
    matrix = world.matrix
    facts = [
        Fact("TFs", str(len(matrix.tfs))),
        Fact("cell and tissue types", str(len(matrix.cell_types))),
        Fact("regions", str(len(matrix))),
        Fact("regions with coordinates and no N here", str(len(world.region))),
    ]
    for kind in ("sparse", "less_sparse"):
        totals = np.sum([count_labels(matrix, tf, kind) for tf in matrix.tfs], axis=0)
        for what, number in zip(("bound", "unbound", "unresolved"), totals.tolist(), strict=True):
            facts.append(Fact(f"{kind.replace('_', ' ')}: {what}", str(number)))
    chosen = relatives.most_resolved(50)
    facts.append(
        Fact(f"regions resolved for the {len(chosen)} TFs of the multi-model", str(len(resolved(matrix, chosen))))
    )
    enough = {tf: int((world.labels(tf) == 1).sum()) >= 250 for tf in matrix.tfs}
    facts.append(Fact("TFs of the multi-model with 250 bound regions here", str(sum(enough[tf] for tf in chosen))))
    others = [tf for tf in matrix.tfs if tf not in chosen]
    facts.append(Fact("other TFs with 250 bound regions here", str(sum(enough[tf] for tf in others))))
    return facts


def _filters(world: PaperWorld, relatives: Relatives) -> list[Fact]:
    import_module("memelite")  # before the minutes after which it is needed
    from experiments.paper.learnt import filter_facts

    return filter_facts(world)


def _patterns(world: PaperWorld, relatives: Relatives) -> list[Fact]:
    for name in ("captum", "memelite", "modiscolite"):
        import_module(name)
    from experiments.paper.learnt import pattern_facts

    return pattern_facts(world)


SLOW = frozenset({"filters", "patterns"})
"""Those that take minutes, and need packages that cells do without: counted last."""

FACTS: dict[str, Callable[[PaperWorld, Relatives], list[Fact]]] = {
    "similarity": similarity_facts,
    "relatives": relatives_facts,
    "counts": count_facts,
    "filters": _filters,
    "patterns": _patterns,
}
"""Functions by the name that a figure's YAML calls."""
