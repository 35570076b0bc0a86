"""Dask's workers: started or found, and watched, so that one that dies or hangs never makes a run wait for ever."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.extras import import_extra

__all__ = ["Cluster", "LostWorkersError", "Workers", "check_dask"]

logger = logging.getLogger(__name__)

# In seconds; docs/clusters.md says them.
_CONNECT = 30.0
"""In which a scheduler must answer the first time."""
_ANSWER = 30.0
"""In which it must answer later."""
_LOOK = 5.0
"""Without a piece: it is looked how the workers are."""
_SILENT = 30.0
"""Without a sign of life of a worker, or without any worker: it is said, once."""
_START = 120.0
"""In which one of the workers that are started here must be there."""
_GIVEN_UP = 60
"""Without a sign of life of a worker that was started here: dask ends it and starts it again."""
_STALLED = 1800.0
"""Without a piece, though there are workers: the run ends."""
_CLOSE = 20.0

_FOREIGN = ("distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application", "asyncio", "bokeh")


@dataclass(frozen=True)
class Cluster:
    """Where pieces are made, other than in this process.

    Attributes
    ----------
    workers
        Processes of this machine to start.
    scheduler
        Or the address of a dask scheduler, such as ``tcp://10.0.0.1:8786``.
    threads
        CPU threads of each worker; 0: this process's shared among `workers`, and torch's choice elsewhere.
    patience
        Seconds without a piece after which the run ends, though there are workers; 0: half an hour.
    """

    workers: int = 0
    scheduler: str = ""
    threads: int = 0
    patience: float = 0


class LostWorkersError(Exception):
    """No piece will come back any more; the message says why, and what to do."""


def check_dask() -> None:
    """Raise `MissingExtraError` if dask.distributed, an extra of this package, is not installed."""
    import_extra("distributed", "dask.distributed, which several workers need,", "dask")


class Workers:
    """The workers behind a scheduler, and how they are.

    Parameters
    ----------
    client
        Dask's client.
    cluster
        What was asked for.
    local
        Dask's cluster of processes that were started here, if they were.
    """

    def __init__(self, client: Any, cluster: Cluster, local: Any = None) -> None:
        self.client, self.cluster, self._local = client, cluster, local
        self._heard: dict[str, tuple[float, float]] = {}
        """Of each worker: its last sign of life by the scheduler's clock, and when that was new, by ours."""
        self._told: set[str] = set()

    @classmethod
    @contextmanager
    def of(cls, cluster: Cluster) -> Iterator[Workers]:
        """Start them, or connect to a scheduler; in the end those that were started are gone, whatever they did.

        Raises
        ------
        ConfigError
            If dask is not installed, or no scheduler answers.
        """
        check_dask()
        import dask
        from distributed import Client, LocalCluster

        settings = {
            # A chunk of a VCF with many samples is some megabytes, and meant to be.
            "distributed.admin.large-graph-warning-threshold": "1GB",
            "distributed.scheduler.worker-ttl": f"{_GIVEN_UP}s",
            "distributed.deploy.lost-worker-timeout": f"{_START:g}s",  # a busy machine takes long to start one again
        }
        with ExitStack() as stack:
            stack.enter_context(dask.config.set(settings))
            stack.enter_context(_quiet())
            local = None
            if not cluster.scheduler:
                before = set(multiprocessing.active_children())
                # Without workers at first: if one died while it started, dask would end all with a traceback.
                local = LocalCluster(
                    n_workers=0,
                    threads_per_worker=1,
                    dashboard_address="127.0.0.1:0",  # any free port
                    memory_limit=0,  # a network's memory comes and goes; dask would pause or kill the worker
                    silence_logs=logging.CRITICAL,
                )
                stack.callback(_close, local)  # what is said of those that are killed is said while it is quiet
                stack.callback(lambda: _kill(set(multiprocessing.active_children()) - before))
                stack.callback(_close, local)
                local.scale(cluster.workers)
            try:
                # By its address: dask would wait until all workers are there, also for one that hangs.
                address = local.scheduler_address if local is not None else cluster.scheduler
                client = Client(address, timeout=_CONNECT, set_as_default=False)
            except (OSError, ValueError) as error:
                raise ConfigError(f"no dask scheduler answers at {cluster.scheduler!r} ({error})") from None
            stack.callback(_close, client)
            yield cls(client, cluster, local)

    def n_threads(self) -> int:
        """Return the number of threads of all workers.

        Raises
        ------
        LostWorkersError
            If the scheduler has gone, or does not answer.
        """
        return sum(self._asked("ncores").values())

    @contextmanager
    def told(self) -> Iterator[None]:
        """Raise `LostWorkersError` where dask says in its own ways that what was asked of it is lost."""
        from distributed import CancelledError
        from distributed.client import ClosedClientError

        try:
            yield
        except (CancelledError, ClosedClientError):
            raise self.gone() from None

    def wait(self, futures: Collection[Any], since: float) -> bool:
        """Wait a little for one of the futures, and return whether one is done; else look how the workers are.

        Parameters
        ----------
        futures
            Of dask.
        since
            When (`time.monotonic`) it began to wait for the piece that comes next.

        Raises
        ------
        LostWorkersError
            As of `look`.
        """
        from distributed import wait

        try:
            with self.client.as_current():
                wait(list(futures), timeout=_LOOK, return_when="FIRST_COMPLETED")
        except TimeoutError:
            self.look(time.monotonic() - since)
            return False
        return True

    def look(self, waited: float) -> None:
        """Look how the workers are, after so many seconds without a piece; what is odd is logged once.

        Raises
        ------
        LostWorkersError
            If the scheduler has gone or does not answer, if the workers that were to start here did not, or if there
            are workers from which no piece comes.
        """
        workers = self._asked("identity", n_workers=-1)["workers"]
        if self._local is not None and not workers:
            self._check_started(waited)
        elif not workers and waited >= _SILENT:
            self._tell("", "waiting: the scheduler has no workers (do they start? their logs may say)")
        silent = self._silent(workers)
        for name, seconds in silent.items():
            self._tell(name, f"worker {name} has given no sign of life for {seconds:.0f} s; {self._then()}")
        if workers and waited >= (self.cluster.patience or _STALLED):
            how = f"; without a sign of life: {', '.join(silent)}" if silent else ""
            raise LostWorkersError(
                f"no piece came back for {waited / 60:.0f} minutes, though there are {len(workers)} workers{how}; look "
                "at what they do (a file system that hangs?), and start them anew"
            )

    def _then(self) -> str:
        if self._local is not None:
            return f"after {_GIVEN_UP} to {2 * _GIVEN_UP} s it is ended and started again"
        return "when dask gives it up (its worker-ttl: 5 minutes, if not set), another one makes its pieces"

    def _check_started(self, waited: float) -> None:
        """Raise `LostWorkersError` if no worker will come."""
        found = [nanny.status.name for nanny in self._local.workers.values()]
        failed = sum(status in ("failed", "closing", "closed") for status in found)
        if failed == self.cluster.workers or waited >= _START:
            when = "while they started" if failed else f"and none is there after {waited:.0f} s"
            raise LostWorkersError(
                f"the {self.cluster.workers} workers of this machine died or hung {when}; was there too little memory, "
                "or were they killed? Try fewer --workers, or none"
            )

    def _tell(self, key: str, message: str) -> None:
        if key not in self._told:
            self._told.add(key)
            logger.warning("%s", message)

    def _silent(self, workers: dict[str, dict]) -> dict[str, float]:
        """Return {name: seconds} of workers from which nothing is heard."""
        now = time.monotonic()
        before, self._heard = self._heard, {}
        for address, worker in workers.items():
            seen = worker["last_seen"]
            self._heard[address] = before[address] if before.get(address, (None,))[0] == seen else (seen, now)
        seconds = {str(workers[address]["name"]): now - since for address, (_, since) in self._heard.items()}
        silent = {name: quiet for name, quiet in seconds.items() if quiet >= _SILENT}
        self._told -= {name for name, quiet in seconds.items() if quiet < _SILENT}
        return silent

    def _asked(self, question: str, **given: Any) -> dict:
        """Return the scheduler's answer."""
        try:
            asked = getattr(self.client.scheduler, question)(**given)
            # Not `client.sync`: its timeout waits for the other side to let go of what is cancelled.
            answer = asyncio.run_coroutine_threadsafe(asked, self.client.loop.asyncio_loop)
            return answer.result(_ANSWER)
        except Exception as error:  # dask and tornado raise what they like where a connection is lost
            raise self.gone(error) from None

    def gone(self, error: BaseException | None = None) -> LostWorkersError:
        """Return what to raise when the scheduler has gone."""
        if isinstance(error, TimeoutError):
            return LostWorkersError(
                f"the scheduler at {self.cluster.scheduler} has not answered for {_ANSWER:.0f} s; did it die, or is it "
                "stopped?"
            )
        where = f" at {self.cluster.scheduler}" if self.cluster.scheduler else ""
        return LostWorkersError(f"the scheduler{where} has gone; start it again")


def _close(what: Any) -> None:
    """Close a client or a cluster, of which the other side may be gone or hang."""
    with suppress(Exception):
        what.close(timeout=_CLOSE)


def _kill(processes: set[BaseProcess]) -> None:
    """End workers that are left: Python waits for its children at its end, also for one that is stopped."""
    for process in processes:
        if process.name.startswith("Dask Worker"):
            process.kill()
            process.join(_CLOSE)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what dask and tornado log of a connection that is lost, with tracebacks, off the screen: we say it."""
    loggers = [logging.getLogger(name) for name in _FOREIGN]
    before = [each.level for each in loggers]
    try:
        for each in loggers:
            each.setLevel(logging.CRITICAL)
        yield
    finally:
        for each, level in zip(loggers, before, strict=True):
            each.setLevel(level)
