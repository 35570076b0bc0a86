"""Run cells, here or on workers: bases before what starts from them, rows as they come, and an end in time."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from experiments.paper.bases import BaseRecipe, open_base
from experiments.paper.cell import Cell
from experiments.paper.crew import Crew, crew_of
from experiments.paper.results import Results, Row
from experiments.paper.work import Setting
from kipoi_tfb.output.workers import Cluster
from tfb_matrix_data.files import locked

__all__ = ["Outcome", "run_cells", "without_row"]

_SAY_EVERY = 20.0
_GRACE = 20.0
"""Seconds that what is running gets to end when the time is over."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to: cells of the plan, rows that were there before, added and left to do; seconds."""

    planned: int
    before: int
    added: int
    left: int
    seconds: float


def run_cells(
    cells: Iterable[Cell],
    results: Results,
    setting: Setting,
    cluster: Cluster | None = None,
    minutes: float | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Run the cells that have no row yet.

    Parameters
    ----------
    cells
        In the order of `experiments.paper.plan.plan`.
    results
        Where rows go.
    setting
        What workers start with.
    cluster
        Workers; default this process alone.
    minutes
        When to end, if not when all is done.
    say
        Called with a line on how far it is, now and then.

    Raises
    ------
    LockedError
        If another runner is at work in the folder of the results.
    TfbError
        If workers are lost.
    """
    held = f"another run is adding to {results.folder}; wait for it, or use another --results"
    with locked(results.folder / ".lock", wait=False, held=held):
        return _Run(list(cells), results, setting, minutes, say).run(cluster)


def without_row(cells: Sequence[Cell], results: Results) -> list[Cell]:
    """Return the cells that are left to do; a row from a base of other TFs, before a figure was changed, is no row."""
    done = results.done({cell.figure for cell in cells})
    return [cell for cell in cells if done.get(cell.key) != cell.base_tfs]


class _Run:
    def __init__(
        self,
        cells: list[Cell],
        results: Results,
        setting: Setting,
        minutes: float | None,
        say: Callable[[str], None],
    ) -> None:
        self.results, self.setting, self.say = results, setting, say
        self.started = time.monotonic()
        self.deadline = None if minutes is None else self.started + 60 * minutes
        todo = without_row(cells, results)
        self.planned, self.before, self.added, self.total = len(cells), len(cells) - len(todo), 0, len(todo)
        self.ready: list[tuple[tuple[float, ...], int, BaseRecipe | Cell]] = []
        self.waiting: dict[BaseRecipe, list[Cell]] = {}
        self.number = 0
        self.said = self.started
        for cell in todo:
            if cell.reason:
                self._add(cell, reason=cell.reason)
            elif cell.recipe is None or open_base(cell.recipe, setting.worlds[cell.length], setting.bases) is not None:
                self._push(cell.order, cell)
            else:
                if cell.recipe not in self.waiting:
                    # Before its cells, and earlier than a cell of the same place: others wait for it.
                    self._push((cell.order[0], cell.order[1] / 2), cell.recipe)
                self.waiting.setdefault(cell.recipe, []).append(cell)

    def _push(self, order: tuple[float, ...], task: BaseRecipe | Cell) -> None:
        self.number += 1
        heapq.heappush(self.ready, (order, self.number, task))

    def run(self, cluster: Cluster | None) -> Outcome:
        """Do all, here or on workers."""
        # Rows are on disk: what still runs when the time is over, a cell or a base per worker, is done again next time.
        if self.ready and not self._over():
            with crew_of(self.setting, cluster) as crew:
                while (self.ready or crew.is_busy) and not self._over():
                    while self.ready and crew.has_room():
                        crew.take(heapq.heappop(self.ready)[2])
                    self._collect(crew)
                end = time.monotonic() + _GRACE
                while crew.is_busy and time.monotonic() < end:
                    self._collect(crew)
        left = self.total - self.added
        return Outcome(self.planned, self.before, self.added, left, time.monotonic() - self.started)

    def _collect(self, crew: Crew) -> None:
        for task, found in crew.finished():
            self._take(task, found)
        self._say_now_and_then()

    def _take(self, task: BaseRecipe | Cell, found: Row | str) -> None:
        """Add a cell's row; make the cells of a base that is done ready, or say of each why it is not."""
        if isinstance(task, Cell):
            assert isinstance(found, Row)
            self.results.add(found)
            self.added += 1
            return
        for cell in self.waiting.pop(task):
            if found:
                assert isinstance(found, str)
                self._add(cell, reason=found)
            else:
                self._push(cell.order, cell)

    def _add(self, cell: Cell, reason: str) -> None:
        key = dict(zip(("figure", "tf", "cells", "arm", "base", "n", "split"), cell.key, strict=True))
        rest = dict.fromkeys(("base_regions", "n_train", "n_test", "auprc", "auprc_chr22", "seconds"), "")
        self.results.add(
            Row(
                **key,
                **rest,
                base_tfs=cell.base_tfs,
                version=self.results.version,
                device="",
                reason=reason,
            )
        )
        self.added += 1

    def _over(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    def _say_now_and_then(self) -> None:
        now = time.monotonic()
        if now - self.said < _SAY_EVERY:
            return
        self.said = now
        left = self.total - self.added
        eta = (now - self.started) / max(self.added, 1) * left / 60
        bases = len(self.waiting)
        self.say(
            f"{now - self.started:.0f} s: {self.before + self.added} of {self.planned} cells, {bases} bases to make, "
            f"some {eta:.0f} min left"
        )
