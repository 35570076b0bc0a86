"""Who makes the pieces of an output: this process, or dask workers: more of this machine, or a cluster of many."""

from __future__ import annotations

import logging
import pickle
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from operator import methodcaller
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kipoi_tfb.output.pieces import Pieces
from kipoi_tfb.output.progress import progress_within
from kipoi_tfb.output.workers import Cluster, LostWorkersError, Workers
from tfb_matrix_data.errors import UnfinishedError

__all__ = ["piece_maker"]

logger = logging.getLogger(__name__)

_AHEAD = 2
"""Pieces per thread of the cluster that are on their way: one being made, one waiting for its turn."""

_MOST_FAILURES = 10
_FETCH = 30.0
"""In which a piece that is made must come: the worker that has it may hang."""

_TELL = 0.5
"""Seconds at least between what a worker tells of a piece that it is making."""

Make = Callable[..., Callable[[Path], None]]
"""Makes a piece: called with a function that hears what share of it is done (shares that add up to 1), and what was
given to `Add`; returns what writes it to a path. Can be pickled."""

Add = Callable[..., None]
"""Takes the next piece: the hash of its input, where that lies (for messages), how much work it is, and what it is made
of."""


@contextmanager
def piece_maker(
    pieces: Pieces,
    make: Make,
    cluster: Cluster | None = None,
    advance: Callable[..., None] = lambda n: None,
    ready: Callable[[Path], None] = lambda piece: None,
) -> Iterator[Add]:
    """Give a function that adds the next piece to `pieces`; when the context ends well, all pieces are made.

    Parameters
    ----------
    pieces
        Where they go.
    make
        Makes one.
    cluster
        Who makes them; default this process, which writes one while it makes the next. The order of the pieces is that
        in which they are added, whoever makes them and whenever. A piece whose worker died is made again by another.
    advance
        Told how much work is done, also while a piece is being made; see `kipoi_tfb.output.progress.progress_bar`.
    ready
        Given each piece that is there, in their order: of this process while the next is made, in another thread.

    Raises
    ------
    ConfigError
        If dask is not installed, or no scheduler answers.
    UnfinishedError
        If pieces could not be made. The others are kept; the message says which are missing, and why.
    """
    if cluster is None:
        with ThreadPoolExecutor(1, "writer") as thread:
            local = _Local(pieces, make, thread, advance, ready)
            yield local.add
            local.finish()
        return
    with Workers.of(cluster) as workers:
        remote = _Remote(pieces, make, workers, advance)
        yield remote.add
        remote.finish()
    for piece in pieces.paths:  # the workers are not needed for it
        ready(piece)


class _Local:
    """Pieces made here, one at a time, each written while the next is made: the networks leave other cores idle then.

    A thread that only writes never keeps Ctrl-C waiting for long.
    """

    def __init__(
        self,
        pieces: Pieces,
        make: Make,
        thread: ThreadPoolExecutor,
        advance: Callable[..., None],
        ready: Callable[[Path], None],
    ) -> None:
        self.pieces, self.make, self.thread, self.advance, self.ready = pieces, make, thread, advance, ready
        self.written: Future[None] | None = None

    def add(self, digest: str, _place: str, n: float, *given: Any) -> None:
        with progress_within(self.advance, n) as share:
            path, there = self.pieces.place(digest)
            write = None if there else self.make(share, *given)
            self.finish()  # no more than one waits: memory
            self.written = self.thread.submit(self._write, path, write)

    def _write(self, path: Path, write: Callable[[Path], None] | None) -> None:
        if write is not None:
            self.pieces.write(path, write)
        self.ready(path)

    def finish(self) -> None:
        if self.written is not None:
            self.written.result()


class _Remote:
    """Pieces on their way to workers and back."""

    def __init__(self, pieces: Pieces, make: Make, workers: Workers, advance: Callable[..., None]) -> None:
        self.pieces, self.workers, self.client = pieces, workers, workers.client
        cluster = workers.cluster
        self.threads = cluster.threads
        if not cluster.scheduler and not self.threads:
            import torch

            self.threads = max(1, torch.get_num_threads() // cluster.workers)
        self.make = pickle.dumps(make)
        self.run = f"tfb-{uuid.uuid4().hex}"
        self.waiting: dict[Any, tuple[Path, str]] = {}
        self.moves = _Moves(advance)
        self.client.subscribe_topic(self.run, lambda event: self.moves.hear(*event[1]["share"]))
        self.waits_since: float | None = None
        """When it began to wait for the piece that comes next."""
        self.failed: list[str] = []

    def add(self, digest: str, place: str, n: float, *given: Any) -> None:
        path, there = self.pieces.place(digest)
        self.moves.begin(path.name, n)
        if there:
            self.moves.end(path.name)
            return
        with self._lost():
            while len(self.waiting) >= _AHEAD * max(1, self.workers.n_threads()):
                self._collect()
            key = f"{self.run}-{path.name}"
            future = self.client.submit(
                _made, self.make, self.threads, self.run, path.name, *given, key=key, pure=False, retries=1
            )
        self.waiting[future] = path, place

    def finish(self) -> None:
        with self._lost():
            while self.waiting:
                self._collect()
        if self.failed:
            raise self._unfinished(f"{len(self.failed)} of {len(self.pieces.paths)} pieces failed")

    @contextmanager
    def _lost(self) -> Iterator[None]:
        """Say which output is not written where the workers or the scheduler are lost."""
        try:
            with self.workers.told():
                yield
        except LostWorkersError as error:
            raise self._unfinished(f"{error}") from None

    def _collect(self) -> None:
        """Wait for some piece, and take all that are there."""
        since = self.waits_since = self.waits_since or time.monotonic()
        while not self.workers.wait(self.waiting, since):
            pass
        for future in [future for future in self.waiting if future.done()]:
            path, place = self.waiting[future]
            if future.status == "finished":
                try:
                    content = future.result(timeout=_FETCH)
                except TimeoutError:  # its worker hangs: dask will have the piece made again, or the wait ends
                    self.workers.look(time.monotonic() - since)
                    continue
                self.pieces.write(path, methodcaller("write_bytes", content))
            elif future.status == "error":
                self.failed.append(f"{place}: {_reason(future.exception())}")
                logger.warning("%s", self.failed[-1])
                if len(self.failed) == _MOST_FAILURES:
                    raise self._unfinished(f"{_MOST_FAILURES} pieces failed, so the rest was not tried")
            else:
                raise self.workers.gone()
            del self.waiting[future]
            self.moves.end(path.name)
            self.waits_since = None

    def _unfinished(self, what: str) -> UnfinishedError:
        return UnfinishedError("\n  ".join([f"{self.pieces.output}: is not written: {what}", *self.failed]))


class _Moves:
    """How far the pieces are, as workers tell it in another thread: a piece that is made again does not move twice."""

    def __init__(self, advance: Callable[..., None]) -> None:
        self._advance, self._lock = advance, threading.Lock()
        self._open: dict[str, tuple[float, float]] = {}
        """Of each piece on its way: how much work it is, and how much of that was told."""

    def begin(self, piece: str, n: float) -> None:
        with self._lock:
            self._open[piece] = n, 0.0

    def hear(self, piece: str, done: float) -> None:
        """Move by what is new, given the share of a piece that is done."""
        with self._lock:
            if piece in self._open:  # what is told late, of a piece that is here, is nothing new
                n, told = self._open[piece]
                self._open[piece] = n, max(told, min(done, 1.0) * n)
                self._advance(self._open[piece][1] - told)

    def end(self, piece: str) -> None:
        with self._lock:
            n, told = self._open.pop(piece)
            self._advance(n - told)


def _reason(error: BaseException) -> str:
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return "every worker that tried it died; did they run out of memory?"
    return f"{type(error).__name__}: {error}"


def _made(make: bytes, threads: int, run: str, piece: str, *given: Any) -> bytes:
    """Return a piece, as bytes: the worker need not see the folder that it goes to. How far it is goes by `run`."""
    from distributed import get_worker

    worker, done, told = get_worker(), 0.0, time.monotonic()

    def share(part: float) -> None:
        nonlocal done, told
        done += part
        if time.monotonic() - told >= _TELL:
            told = time.monotonic()
            worker.log_event(run, {"share": (piece, done)})

    with TemporaryDirectory() as folder:
        path = Path(folder) / "piece"
        _unpickled(make, threads)(share, *given)(path)
        return path.read_bytes()


@lru_cache(maxsize=1)
def _unpickled(make: bytes, threads: int) -> Make:
    """Return the maker: networks are loaded once per worker, not once per piece."""
    if threads:
        import torch

        torch.set_num_threads(threads)
    return pickle.loads(make)  # noqa: S301 (from our own process, which may run anything here)
