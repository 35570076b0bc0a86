"""From figures to cells, in the order in which they are worth running."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from experiments.paper.bases import BaseRecipe
from experiments.paper.cell import Cell
from experiments.paper.figure import BaseSpec, Figure, Group
from experiments.paper.relatives import Relatives
from tfb_matrix_data.errors import ConfigError, UnknownNameError

__all__ = ["plan", "quicker"]

_QUICK_N, _QUICK_TESTED, _QUICK_REGIONS, _QUICK_EPOCHS = 60, 100, 600, 2


def plan(figures: Iterable[Figure], bases: Mapping[str, BaseSpec], relatives: Relatives) -> list[Cell]:
    """Return the cells of figures by stage: the first split of every figure, then the second ones, and so on.

    Within a stage all of a figure's cells of a TF go before those of the next: its bases are compared TF by TF.

    Raises
    ------
    UnknownNameError
        If a figure names a TF that the matrix does not know.
    """
    recipes: dict[tuple[str, str, int | None], BaseRecipe | str] = {}

    def recipe_of(base: str, tf: str, length: int | None) -> BaseRecipe | str:
        key = base, tf, length
        if key not in recipes:
            try:
                recipes[key] = BaseRecipe.of(bases[base], relatives.of_base(bases[base], tf), length)
            except ConfigError as error:
                recipes[key] = str(error)
        return recipes[key]

    cells: list[Cell] = []
    for figure in figures:
        own = []
        for group in figure.groups:
            try:
                tfs = group_tfs(group, relatives)
            except UnknownNameError as error:
                raise ConfigError(f"{figure.name}.yaml: {error}") from None
            for tf in tfs:
                for base in group.bases:
                    own += _of_group(figure, group, base, tf, recipe_of(base, tf, figure.length))
        by_stage: dict[float, int] = {}
        for cell in own:
            by_stage[cell.order[0]] = by_stage.get(cell.order[0], 0) + 1
        seen: dict[float, int] = {}
        for cell in own:
            stage = cell.order[0]
            seen[stage] = seen.get(stage, 0) + 1
            cells.append(replace(cell, order=(stage, seen[stage] / by_stage[stage])))
    twice = {cell.key for cell in cells}
    if len(twice) < len(cells):
        keys = [cell.key for cell in cells]
        again = next(key for number, key in enumerate(keys) if key in keys[:number])
        raise ConfigError(f"{again[0]}.yaml: two groups have the same cell: {', '.join(again[1:])}")
    return sorted(cells, key=lambda cell: cell.order)


def group_tfs(group: Group, relatives: Relatives) -> list[str]:
    """Return the TFs of a group."""
    known = relatives.matrix.tfs
    if not isinstance(group.tfs, str):
        for tf in group.tfs:
            if tf not in known:
                raise UnknownNameError("TF", tf, known)
        return list(group.tfs)
    words = group.tfs.split()
    if words == ["all"]:
        return list(known)
    if words[-2:-1] == ["most_resolved"] and words[-1].isdigit() and words[:-2] in ([], ["all", "but"]):
        chosen = relatives.most_resolved(int(words[-1]))
        return chosen if len(words) == 2 else [tf for tf in known if tf not in chosen]
    if words[:1] == ["profiled_in"] and len(words) > 1:
        return relatives.profiled_in(words[1:])
    raise UnknownNameError("group of TFs", group.tfs, ["all", "most_resolved 50", "all but most_resolved 50"])


def quicker(
    figures: Mapping[str, Figure], bases: Mapping[str, BaseSpec], relatives: Relatives, n_bound: Mapping[str, int]
) -> tuple[dict[str, Figure], dict[str, BaseSpec]]:
    """Return figures and bases that run every code path in minutes: one TF per group, few regions, one split.

    Parameters
    ----------
    n_bound
        Bound regions by TF: the one with most is taken.
    """

    def small(group: Group) -> Group:
        tf = max(group_tfs(group, relatives), key=lambda name: n_bound[name])
        changes: dict[str, object] = {
            "tfs": (tf,),
            "least": min(group.least, _QUICK_N),
            "tested": _QUICK_TESTED,
            "stage": 0,
        }
        if group.sizes:
            changes["sizes"] = (min(*group.sizes, _QUICK_N),)
        else:
            changes["most"] = min(group.most or _QUICK_N, _QUICK_N)
        if group.splits != "chr22":
            changes["splits"] = 1
        return group.model_copy(update=changes)

    few_figures = {
        name: figure.model_copy(update={"groups": tuple(small(group) for group in figure.groups)})
        for name, figure in figures.items()
    }
    few_bases = {
        name: spec.model_copy(
            update={"max_regions": min(spec.max_regions or _QUICK_REGIONS, _QUICK_REGIONS), "epochs": _QUICK_EPOCHS}
        )
        for name, spec in bases.items()
    }
    return few_figures, few_bases


def _of_group(figure: Figure, group: Group, base: str, tf: str, recipe: BaseRecipe | str) -> list[Cell]:
    splits = [group.splits] if isinstance(group.splits, str) else [str(split) for split in range(group.splits)]
    cells = []
    for number, split in enumerate(splits):
        for n in group.sizes or (group.most or 0,):
            for arm in group.arms:
                cell = Cell(
                    figure=figure.name,
                    tf=tf,
                    arm=arm,
                    base=base,
                    n=n,
                    split=split,
                    exact=bool(group.sizes),
                    least=min(group.least, n) if group.sizes else group.least,
                    tested=group.tested,
                    cell_types=group.cell_types,
                    length=figure.length,
                    order=(float(group.stage + number * group.step), 0.0),
                )
                known = {"reason": recipe} if isinstance(recipe, str) else {"recipe": recipe}
                cells.append(replace(cell, **known))
    return cells
