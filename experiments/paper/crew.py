"""Who does the tasks of a run: this process, or dask's workers, started here or found at a scheduler."""

from __future__ import annotations

import pickle
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Protocol

from experiments.paper.bases import BaseRecipe
from experiments.paper.cell import Cell
from experiments.paper.results import Row
from experiments.paper.work import Setting, begin, do_base, do_cell
from kipoi_tfb.output.workers import Cluster, LostWorkersError, Workers
from tfb_matrix_data.errors import TfbError

__all__ = ["Crew", "crew_of"]

Task = BaseRecipe | Cell
Found = Row | str
"""Of a cell its row; of a base why it is not made, or an empty text."""

_LONGEST = 6 * 3600.0
"""Seconds that a base may take on a slow machine."""


class Crew(Protocol):
    """Whoever does tasks."""

    @property
    def is_busy(self) -> bool:
        """Whether tasks are on their way."""

    def has_room(self) -> bool:
        """Return whether another task would not have to wait for long."""

    def take(self, task: Task) -> None:
        """Do a task, now or later."""

    def finished(self) -> list[tuple[Task, Found]]:
        """Return what has been done since this was last asked, after some seconds at most."""


@contextmanager
def crew_of(setting: Setting, cluster: Cluster | None) -> Iterator[Crew]:
    """Give whoever does tasks; those who were started for it are gone in the end, whatever they did.

    Raises
    ------
    ConfigError
        If dask is not installed, or no scheduler answers.
    TfbError
        If workers, or the scheduler, are lost. What has come back is on disk: the next run goes on.
    """
    if cluster is None:
        yield _Here(setting)
        return
    patient = Cluster(cluster.workers, cluster.scheduler, cluster.threads, _LONGEST)
    with Workers.of(patient) as workers:
        try:
            with workers.told():
                yield _There(setting, workers)
        except LostWorkersError as error:
            raise TfbError(f"{error}. What has rows keeps them: run the same again, it goes on") from None


class _Here:
    """This process, one task after another."""

    def __init__(self, setting: Setting) -> None:
        begin(setting)
        self._done: list[tuple[Task, Found]] = []

    @property
    def is_busy(self) -> bool:
        return bool(self._done)

    def has_room(self) -> bool:
        return not self._done

    def take(self, task: Task) -> None:
        self._done.append((task, _do(task)))

    def finished(self) -> list[tuple[Task, Found]]:
        done, self._done = self._done, []
        return done


class _There:
    """Dask's workers."""

    def __init__(self, setting: Setting, workers: Workers) -> None:
        self._setting, self._workers = pickle.dumps(setting), workers
        self._run, self._number = f"paper-{uuid.uuid4().hex}", 0
        self._running: dict[Any, Task] = {}
        self._since = time.monotonic()

    @property
    def is_busy(self) -> bool:
        return bool(self._running)

    def has_room(self) -> bool:
        # One more than there are threads: none waits for this process.
        return len(self._running) <= max(1, self._workers.n_threads())

    def take(self, task: Task) -> None:
        if not self._running:
            self._since = time.monotonic()
        self._number += 1
        key = f"{self._run}-{self._number}"
        self._running[self._workers.client.submit(_do_there, self._setting, task, key=key, pure=False)] = task

    def finished(self) -> list[tuple[Task, Found]]:
        if not self._workers.wait(self._running, self._since):
            return []
        self._since = time.monotonic()
        done = [future for future in self._running if future.done()]
        return [(self._running.pop(future), self._result(future)) for future in done]

    def _result(self, future: Any) -> Found:
        from distributed.scheduler import KilledWorker

        if future.status == "error":
            error = future.exception()
            if isinstance(error, KilledWorker):
                raise LostWorkersError("every worker that tried a task has died; fewer --workers need less memory")
            raise LostWorkersError(f"a worker could not begin: {' '.join(f'{error}'.split())}")
        if future.status != "finished":
            raise self._workers.gone()
        return future.result()


def _do(task: Task) -> Found:
    return do_base(task) if isinstance(task, BaseRecipe) else do_cell(task)


def _do_there(setting: bytes, task: Task) -> Found:
    _begun(setting)
    return _do(task)


@lru_cache(maxsize=1)
def _begun(setting: bytes) -> None:
    begin(pickle.loads(setting))  # noqa: S301 (from our own process, which may run anything here)
