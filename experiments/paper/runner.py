"""Run cells in several processes: bases before what starts from them, rows as they come, and an end in time."""

from __future__ import annotations

import heapq
import logging
import multiprocessing
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from experiments.paper.bases import BaseRecipe, open_base
from experiments.paper.cell import Cell
from experiments.paper.results import Results, Row
from experiments.paper.work import Setting, begin, do_base, do_cell
from tfb_matrix_data.errors import TfbError
from tfb_matrix_data.files import locked

__all__ = ["Outcome", "run_cells"]

logger = logging.getLogger(__name__)

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
    workers: int = 2,
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
    workers
        Processes; 0: this one alone.
    minutes
        When to end, if not when all is done.
    say
        Called with a line on how far it is, now and then.

    Raises
    ------
    LockedError
        If another runner is at work in the folder of the results.
    """
    held = f"another run is adding to {results.folder}; wait for it, or use another --results"
    with locked(results.folder / ".lock", wait=False, held=held):
        return _Run(list(cells), results, setting, workers, minutes, say).run()


class _Run:
    def __init__(
        self,
        cells: list[Cell],
        results: Results,
        setting: Setting,
        workers: int,
        minutes: float | None,
        say: Callable[[str], None],
    ) -> None:
        self.results, self.setting, self.workers, self.say = results, setting, workers, say
        self.started = time.monotonic()
        self.deadline = None if minutes is None else self.started + 60 * minutes
        done = results.done({cell.figure for cell in cells})
        # A row from a base of other TFs, before a figure was changed, is not this cell's.
        todo = [cell for cell in cells if done.get(cell.key) != cell.base_tfs]
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

    def run(self) -> Outcome:
        """Do all, here or in workers."""
        if self.workers == 0:
            begin(self.setting)
            while self.ready and not self._over():
                task = heapq.heappop(self.ready)[2]
                self._take(task, _called(task))
        else:
            self._run_pool()
        left = self.total - self.added
        return Outcome(self.planned, self.before, self.added, left, time.monotonic() - self.started)

    def _run_pool(self) -> None:
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(self.workers, context, begin, (self.setting,))
        running: dict[Future, BaseRecipe | Cell] = {}
        try:
            while (self.ready or running) and not self._over():
                # One more than there are workers: none waits for this process.
                while self.ready and len(running) <= self.workers:
                    task = heapq.heappop(self.ready)[2]
                    running[pool.submit(do_base if isinstance(task, BaseRecipe) else do_cell, task)] = task
                self._collect(running, 1.0)
            end = time.monotonic() + _GRACE
            for future in running:
                future.cancel()
            while running and time.monotonic() < end:
                for future in [each for each in running if each.cancelled()]:
                    del running[future]
                self._collect(running, 0.5)
        except BrokenProcessPool as error:
            raise TfbError(
                f"a worker has died ({error}); run the same again, it goes on. Fewer --workers need less memory"
            ) from None
        finally:
            # What still runs is one cell or base per worker; rows are on disk, the next run does these again.
            for process in list((pool._processes or {}).values()):
                if running:
                    process.terminate()
            pool.shutdown(wait=not running, cancel_futures=True)

    def _collect(self, running: dict[Future, BaseRecipe | Cell], seconds: float) -> None:
        finished, _ = wait(running, seconds, FIRST_COMPLETED)
        for future in finished:
            task = running.pop(future)
            if not future.cancelled():
                self._take(task, future.result())
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
                device=self.setting.device,
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


def _called(task: BaseRecipe | Cell) -> Row | str:
    return do_base(task) if isinstance(task, BaseRecipe) else do_cell(task)
