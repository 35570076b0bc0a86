"""Pieces of an output made by dask workers: more processes of this machine, or a cluster of many."""

from __future__ import annotations

import logging
import pickle
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kipoi_tfb.output.pieces import Pieces
from tfb_matrix_data.errors import ConfigError, UnfinishedError
from tfb_matrix_data.files import atomic_path

__all__ = ["Cluster", "check_dask", "piece_maker"]

logger = logging.getLogger(__name__)

_AHEAD = 2
"""Pieces per thread of the cluster that are on their way: one being made, one waiting for its turn."""

_MOST_FAILURES = 10
_TIMEOUT = 30.0
_WORKERLESS = 30.0
"""Seconds without a piece coming back after which it is said, once, if there is no worker."""

Make = Callable[..., None]
"""Writes a piece: called with the path to write to and what was given to `Add`. Can be pickled."""

Add = Callable[..., None]
"""Takes the next piece: the hash of its input, where that lies (for messages), and what the piece is made of."""


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
    """

    workers: int = 0
    scheduler: str = ""
    threads: int = 0


def check_dask() -> None:
    """Raise `ConfigError` if dask.distributed, an extra of this package, is not installed."""
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"several workers need dask.distributed ({error}); install it: pip install 'kipoi-tfb[dask]'"
        ) from None


@contextmanager
def piece_maker(pieces: Pieces, make: Make, cluster: Cluster | None = None) -> Iterator[Add]:
    """Give a function that adds the next piece to `pieces`; when the context ends well, all pieces are made.

    Parameters
    ----------
    pieces
        Where they go.
    make
        Makes one.
    cluster
        Who makes them; default this process, at once. The order of the pieces is that in which they are added, whoever
        makes them and whenever. A piece whose worker died is made again by another.

    Raises
    ------
    ConfigError
        If dask is not installed, or no scheduler answers.
    UnfinishedError
        If pieces could not be made. The others are kept; the message says which are missing, and why.
    """
    if cluster is None:
        yield lambda digest, _place, *given: pieces.add(digest, lambda path: make(path, *given))
        return
    with _connected(cluster) as client:
        remote = _Remote(pieces, make, client, cluster)
        yield remote.add
        remote.finish()


@contextmanager
def _connected(cluster: Cluster) -> Iterator[Any]:
    check_dask()
    import dask
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        # A chunk of a VCF with many samples is some megabytes, and meant to be.
        stack.enter_context(dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}))
        address: Any = cluster.scheduler
        if not address:
            address = stack.enter_context(
                LocalCluster(
                    n_workers=cluster.workers,
                    threads_per_worker=1,
                    dashboard_address="127.0.0.1:0",  # any free port
                    memory_limit=0,  # a network's memory comes and goes; dask would pause or kill the worker
                    silence_logs=logging.ERROR,
                )
            )
        try:
            client = stack.enter_context(Client(address, timeout=_TIMEOUT, set_as_default=False))
        except (OSError, ValueError) as error:
            raise ConfigError(f"no dask scheduler answers at {cluster.scheduler!r} ({error})") from None
        yield client


class _Remote:
    """Pieces on their way to workers and back."""

    def __init__(self, pieces: Pieces, make: Make, client: Any, cluster: Cluster) -> None:
        self.pieces, self.client = pieces, client
        self.threads = cluster.threads
        if not cluster.scheduler and not self.threads:
            import torch

            self.threads = max(1, torch.get_num_threads() // cluster.workers)
        self.make = pickle.dumps(make)
        self.run = f"tfb-{uuid.uuid4().hex}"
        self.waiting: dict[Any, tuple[Path, str]] = {}
        self.said_workerless = False
        self.failed: list[str] = []

    def add(self, digest: str, place: str, *given: Any) -> None:
        path, there = self.pieces.place(digest)
        if there:
            return
        while len(self.waiting) >= _AHEAD * max(1, sum(self.client.nthreads().values())):
            self._collect()
        key = f"{self.run}-{path.name}"
        future = self.client.submit(_made, self.make, self.threads, *given, key=key, pure=False, retries=1)
        self.waiting[future] = path, place

    def finish(self) -> None:
        while self.waiting:
            self._collect()
        if self.failed:
            raise self._unfinished(f"{len(self.failed)} of {len(self.pieces.paths)} pieces failed")

    def _collect(self) -> None:
        """Wait for some piece, and take all that are there."""
        from distributed import CancelledError

        try:
            self._wait()
        except CancelledError:
            raise self._unfinished("the scheduler has gone") from None
        for future in [future for future in self.waiting if future.done()]:
            path, place = self.waiting.pop(future)
            if future.status == "finished":
                with atomic_path(path) as temporary:
                    temporary.write_bytes(future.result())
                continue
            if future.status != "error":
                raise self._unfinished("the scheduler has gone")
            self.failed.append(f"{place}: {_reason(future.exception())}")
            logger.warning("%s", self.failed[-1])
            if len(self.failed) == _MOST_FAILURES:
                raise self._unfinished(f"{_MOST_FAILURES} pieces failed, so the rest was not tried")

    def _wait(self) -> None:
        from distributed import TimeoutError as NothingYet
        from distributed import wait

        while True:
            try:
                with self.client.as_current():
                    wait(list(self.waiting), timeout=_WORKERLESS, return_when="FIRST_COMPLETED")
                self.said_workerless = False
                return
            except NothingYet:
                self._say_workerless()

    def _say_workerless(self) -> None:
        try:
            if self.said_workerless or self.client.nthreads():
                return
        except OSError:  # the scheduler has gone: the next wait says so
            return
        self.said_workerless = True
        logger.warning("waiting: the scheduler has no workers (do they start? their logs may say)")

    def _unfinished(self, what: str) -> UnfinishedError:
        return UnfinishedError("\n  ".join([f"{self.pieces.output}: is not written, {what}", *self.failed]))


def _reason(error: BaseException) -> str:
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return "every worker that tried it died; did they run out of memory?"
    return f"{type(error).__name__}: {error}"


def _made(make: bytes, threads: int, *given: Any) -> bytes:
    """Return a piece, as bytes: the worker need not see the folder that it goes to."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "piece"
        _unpickled(make, threads)(path, *given)
        return path.read_bytes()


@lru_cache(maxsize=1)
def _unpickled(make: bytes, threads: int) -> Make:
    """Return the maker: networks are loaded once per worker, not once per piece."""
    if threads:
        import torch

        torch.set_num_threads(threads)
    return pickle.loads(make)  # noqa: S301 (from our own process, which may run anything here)
