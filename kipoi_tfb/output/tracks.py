"""Tracks for genome browsers: bedGraph and bigWig, written in sorted order, whole or not at all."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.output.tables import open_writer
from tfb_matrix_data.records import spans

__all__ = ["TRACKS", "TrackWriter", "highest", "is_track", "open_track"]

TRACKS = (".bedgraph", ".bw", ".bigwig")
"""Endings of files that have one value per base."""


class TrackWriter:
    """Takes the intervals of a track: contigs in the order of their names, and each sorted, without overlaps."""

    @abstractmethod
    def write(self, chrom: str, start: NDArray[np.int64], end: NDArray[np.int64], value: NDArray) -> None:
        """Append intervals of one contig, 0-based and half open, and the value of each."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""


def is_track(path: str | Path) -> bool:
    """Return whether a file's ending asks for a track."""
    return Path(path).suffix.lower() in TRACKS


def open_track(path: str | Path, sizes: Mapping[str, int]) -> AbstractContextManager[TrackWriter]:
    """Return a context that gives a writer and, when it ends well, leaves the whole file at `path`.

    Parameters
    ----------
    path
        A bedGraph or a bigWig, by its ending, one of `TRACKS`.
    sizes
        Length of each contig in bp: a bigWig begins with them.
    """
    factory: Callable[[Path], TrackWriter] = _BedGraph
    if Path(path).suffix.lower() != ".bedgraph":
        factory = lambda temporary: _BigWig(temporary, sizes)  # noqa: E731
    return open_writer(path, factory)


class _BedGraph(TrackWriter):
    def __init__(self, path: Path) -> None:
        self.file = open(path, "w")  # noqa: SIM115 (closed by `close`)

    def write(self, chrom: str, start: NDArray[np.int64], end: NDArray[np.int64], value: NDArray) -> None:
        rows = zip(start.tolist(), end.tolist(), value.tolist(), strict=True)
        self.file.writelines(f"{chrom}\t{s}\t{e}\t{v:.6g}\n" for s, e, v in rows)

    def close(self) -> None:
        self.file.close()


class _BigWig(TrackWriter):
    def __init__(self, path: Path, sizes: Mapping[str, int]) -> None:
        import pyBigWig

        self.file = pyBigWig.open(str(path), "w")
        self.file.addHeader([(name, int(sizes[name])) for name in sorted(sizes)])

    def write(self, chrom: str, start: NDArray[np.int64], end: NDArray[np.int64], value: NDArray) -> None:
        if len(start):
            # Lists: pyBigWig may have been built for another numpy.
            values = value.astype(float).tolist()
            self.file.addEntries([chrom] * len(values), start.tolist(), ends=end.tolist(), values=values)

    def close(self) -> None:
        self.file.close()


def highest(
    start: NDArray[np.int64], end: NDArray[np.int64], value: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return intervals of one contig without overlaps: where some overlap, the highest value.

    Parameters
    ----------
    start, end
        int64 (intervals,), 0-based and half open, in any order.
    value
        float32 (intervals, columns); NaN counts as none.

    Returns
    -------
    tuple
        Start and end, sorted, of the parts between two neighbouring ends of intervals that some interval covers, and
        the values of these parts, float32 (parts, columns); NaN where all are.

    Examples
    --------
    >>> start, end, value = highest(np.array([0, 10]), np.array([20, 30]), np.array([[1.0], [2.0]], np.float32))
    >>> list(zip(start.tolist(), end.tolist(), value[:, 0].tolist()))
    [(0, 10, 1.0), (10, 20, 2.0), (20, 30, 2.0)]
    """
    some = np.flatnonzero(end > start)
    places = np.unique(np.concatenate([start[some], end[some]]))
    first, last = np.searchsorted(places, start[some]), np.searchsorted(places, end[some])
    part = spans(first, last - first)
    order = np.argsort(part, kind="stable")
    covered, at = np.unique(part[order], return_index=True)
    if not len(covered):
        return places[:0], places[:0], value[:0]
    values = np.fmax.reduceat(value[np.repeat(some, last - first)[order]], at, axis=0)
    return places[covered], places[covered + 1], values
