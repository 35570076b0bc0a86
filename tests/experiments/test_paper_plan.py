"""In which order cells are run."""

from __future__ import annotations

import pytest

from experiments.paper.figure import BaseSpec, Figure, Group
from experiments.paper.plan import plan, quicker
from experiments.paper.relatives import Relatives
from tfb_matrix_data.matrix import BindingMatrix

BASES = {"pair": BaseSpec(most_resolved=2), "all": BaseSpec(most_resolved=3)}


def planned(world, **fields: object) -> list[tuple[float, str, str, str]]:
    """Return stage, TF, base and split of each cell of a figure of two TFs and two bases."""
    group = Group.model_validate({"tfs": ["SP1", "JUND"], "arms": ["transfer"], "bases": ["pair", "all"], **fields})
    with BindingMatrix(world.matrix_path) as matrix:
        cells = plan([Figure(name="fig1", title="It", groups=(group,))], BASES, Relatives(matrix))
    return [(cell.order[0], cell.tf, cell.base, cell.split) for cell in cells]


def test_all_bases_of_a_tf_go_before_the_next_tf(world):
    assert planned(world) == [
        (0, "SP1", "pair", "0"), (0, "SP1", "all", "0"), (0, "JUND", "pair", "0"), (0, "JUND", "all", "0"),
    ]  # fmt: skip


def test_further_splits_are_later_by_the_step(world):
    stages = {step: [cell[::3] for cell in planned(world, splits=3, step=step)] for step in (0, 1, 2)}
    assert stages[0][:4] == [(0, "0"), (0, "1"), (0, "2"), (0, "0")]
    assert stages[1] == [(0, "0")] * 4 + [(1, "1")] * 4 + [(2, "2")] * 4
    assert stages[2] == [(0, "0")] * 4 + [(2, "1")] * 4 + [(4, "2")] * 4


@pytest.mark.parametrize(
    ("fields", "n", "split"),
    [
        ({"sizes": [5000], "splits": 3, "stage": 2}, 60, "0"),
        ({"sizes": [1000, 50]}, 50, "0"),
        ({"most": 1000, "splits": "chr22"}, 60, "chr22"),
        ({}, 60, "0"),
    ],
)
def test_quick_is_of_few_regions_and_one_tf(world, fields, n, split):
    figure = Figure(
        name="fig1", title="It", groups=({"tfs": "all", "arms": ["transfer"], "bases": ["pair"], **fields},)
    )
    with BindingMatrix(world.matrix_path) as matrix:
        relatives = Relatives(matrix)
        few, bases = quicker({"fig1": figure}, BASES, relatives, {"CTCF": 1, "JUND": 3, "SP1": 2})
        (cell,) = plan(few.values(), bases, relatives)
    assert (cell.tf, cell.n, cell.split, cell.order[0]) == ("JUND", n, split, 0)
    assert cell.tested <= 100 and cell.recipe.max_regions <= 600 and cell.recipe.epochs <= 2
