"""Rows that a claim or a picture is of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from experiments.paper.figure import Pick
from experiments.paper.results import Row
from tfb_matrix_data.modes import BindingModes, read_modes

__all__ = ["Valued", "by_split", "by_tf", "reasons_of", "role_of", "select"]


@dataclass(frozen=True)
class Valued:
    """A row and the number that is looked at: its area, or a gain."""

    row: Row
    value: float


def select(rows: Sequence[Row], pick: Pick) -> list[Valued]:
    """Return the rows with a number that fit all that is picked."""
    found = [Valued(row, row.value) for row in rows if row.value is not None and _fits(row, pick)]
    if pick.minus is None:
        return found
    others = {_without_arm(row): row.value for row in rows if row.arm == pick.minus and row.value is not None}
    return [
        Valued(each.row, each.value - others[_without_arm(each.row)])
        for each in found
        if _without_arm(each.row) in others
    ]


def reasons_of(rows: Sequence[Row], pick: Pick) -> list[str]:
    """Return why rows that fit have no number."""
    return [row.reason for row in rows if row.value is None and _fits(row, pick)]


def by_tf(found: Iterable[Valued]) -> dict[str, float]:
    """Return the mean of each TF, over splits and all else."""
    return _means(found, lambda row: row.tf)


def by_split(found: Iterable[Valued]) -> dict[str, float]:
    """Return the mean of each TF and split, over all else."""
    return _means(found, lambda row: f"{row.tf} {row.split}")


def role_of(row: Row) -> str:
    """Return what the TF of a row is to its base: ``in`` it, of a ``mode`` of one in it, of ``other`` modes.

    Empty where its binding mode is not known.
    """
    return _role(row.tf, row.base_tfs)


@lru_cache(maxsize=4096)
def _role(tf: str, base_tfs: str) -> str:
    names, modes = base_tfs.split(","), _modes()
    if tf in names:
        return "in"
    if tf not in modes.modes:
        return ""
    return "mode" if any(modes.shared(tf, name) for name in names) else "other"


@lru_cache(maxsize=1)
def _modes() -> BindingModes:
    return read_modes()


def _means(found: Iterable[Valued], unit: Callable[[Row], str]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for each in found:
        values.setdefault(unit(each.row), []).append(each.value)
    return {name: float(np.mean(numbers)) for name, numbers in sorted(values.items())}


def _fits(row: Row, pick: Pick) -> bool:
    given = {"figure": row.figure, "tf": row.tf, "arm": row.arm, "base": row.base, "cells": row.cells}
    for name, value in given.items():
        wanted = getattr(pick, name)
        if wanted is not None and value not in ((wanted,) if isinstance(wanted, str) else wanted):
            return False
    if pick.n is not None and row.n != str(pick.n):
        return False
    if pick.role is None:
        return True
    role = role_of(row)
    return role == pick.role or (pick.role == "out" and role != "in")


def _without_arm(row: Row) -> tuple[str, ...]:
    return row.figure, row.tf, row.cells, row.base, row.n, row.split
