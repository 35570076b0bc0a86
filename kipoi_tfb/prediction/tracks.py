"""Predictions for regions as tracks, one file per TF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.models.run import heard
from kipoi_tfb.output.progress import progress_bar, progress_within
from kipoi_tfb.output.tracks import TrackWriter, highest, open_track
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.prediction.tables import PredictionSummary, tell_anchor
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import Anchor, check_contigs, contig_sizes, iter_intervals, no_contig_of
from tfb_matrix_data.placing import has_window, region_flags
from tfb_matrix_data.windows import window_start

__all__ = ["predict_tracks", "track_paths"]

_CHUNK = 4096
_TF = "{tf}"


class _Places(NamedTuple):
    """Intervals in the order of a track, each with the position that its window is centred on.

    Attributes
    ----------
    names
        Contig names as in the FASTA, sorted.
    chrom
        int64 (intervals,): index into `names`.
    start, end, position
        int64 (intervals,), 0-based; `end` is the first base behind.
    """

    names: list[str]
    chrom: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    position: NDArray[np.int64]


class _Part(NamedTuple):
    """Some intervals of one contig, sorted; as in `_Places`."""

    chrom: str
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    position: NDArray[np.int64]


def track_paths(output: str | Path, tfs: list[str]) -> list[Path]:
    """Return the file of each TF: `output`, with the TF's name where it says ``{tf}``.

    Raises
    ------
    ConfigError
        If there are several TFs and one file, or two TFs get the same file.
    """
    if _TF not in str(output):
        if len(tfs) > 1:
            path = Path(output)
            raise ConfigError(
                f"such a file is of one TF, and these are {len(tfs)}: choose one with --tfs, or give a name "
                f"with {_TF} for a file each, such as -o '{path.with_name(f'{path.stem}.{_TF}{path.suffix}')}'"
            )
        return [Path(output)]
    paths = [Path(str(output).replace(_TF, tf.replace("/", "_"))) for tf in tfs]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise ConfigError(f"several TFs would be written to {twice}; choose others with --tfs")
    return paths


def predict_tracks(
    predictor: Predictor,
    bed: str | Path,
    genome: Genome,
    output: str | Path,
    anchor: Anchor = "centre",
    tile: int | None = None,
    strict: bool = False,
) -> PredictionSummary:
    """Write the probability of binding over the regions of a BED file as a bedGraph or bigWig per TF.

    Parameters
    ----------
    predictor
        The networks.
    bed
        Regions, in any order; the track is sorted, and contigs have the FASTA's names.
    genome
        Genome of the regions' assembly.
    output
        ``.bedgraph``, ``.bw`` or ``.bigwig``; with ``{tf}`` in its name where there are several TFs.
    anchor
        Where the window of a region is centred. The region has the value of this window from its start to its end;
        where regions overlap, a base has the highest value of those over it.
    tile
        Instead, cut the regions into the tiles [i * tile, (i + 1) * tile) of their contig that they overlap: each has
        the value of the window that is centred on its centre, whichever region it belongs to.

    strict
        Refuse a region that is not wholly on the genome. Else it is cut where its contig ends, or left out where there
        is none of it.

    Returns
    -------
    PredictionSummary
        Its rows are the windows that were predicted. Those without any known base have no value in the track.

    Raises
    ------
    ConfigError
        As `track_paths`, or if `tile` is less than 1 or comes with summits.
    InputError
        If the BED or a region in it is not valid (with the line); nothing is written then.
    """
    if tile is not None and (tile < 1 or anchor != "centre"):
        raise ConfigError(
            f"a tile has at least 1 bp, not {tile}" if tile < 1 else "tiles have centres, but no summit: leave one out"
        )
    paths = track_paths(output, predictor.columns)
    summary, length = PredictionSummary(), predictor.window_length
    places = _read_places(bed, genome, anchor, length, strict, summary)
    parts = _region_parts(places) if tile is None else _tile_parts(places, tile, genome)
    n_windows = len(places.start) if tile is None else int((-(-(places.end - places.start) // tile)).sum())
    with ExitStack() as stack, progress_bar("predicting", lambda: n_windows) as advance:
        writers = [stack.enter_context(open_track(path, genome.lengths)) for path in paths]
        for part in parts:
            windows = genome.around([part.chrom] * len(part.start), part.position, length)
            with progress_within(advance, len(part.start)) as share, heard(share):
                scores = predictor.probability(windows.codes)
            _write(writers, part.chrom, *highest(part.start, part.end, scores))
            summary.count(windows)
    return summary


def _write(
    writers: list[TrackWriter],
    chrom: str,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    values: NDArray[np.float32],
) -> None:
    for writer, value in zip(writers, values.T, strict=True):
        known = ~np.isnan(value)
        writer.write(chrom, start[known], end[known], value[known])


def _read_places(
    bed: str | Path, genome: Genome, anchor: Anchor, length: int, strict: bool, summary: PredictionSummary
) -> _Places:
    """Return all regions of a BED file that are on the genome: 32 bytes each."""
    names = sorted(genome.lengths)
    index = {name: i for i, name in enumerate(names)}
    parts: list[tuple[NDArray[np.int64], ...]] = []
    others: dict[str, None] = {}
    for part in iter_intervals(bed):
        if strict:
            check_contigs(part, genome)
        if not parts:
            tell_anchor(part, anchor)
        sizes, position = contig_sizes(part.chrom, genome), part.anchor(anchor)
        flags = region_flags(sizes, part.end, window_start(position, length), length)
        summary.count_flags(flags, part.line)
        there = has_window(flags) & (part.start <= sizes)
        found, inverse = np.unique(part.chrom[there], return_inverse=True)
        chrom = np.array([index[genome.contig(name)] for name in found.tolist()], np.int64)[inverse]
        parts.append((chrom, part.start[there], np.minimum(part.end, sizes)[there], position[there]))
        others |= dict.fromkeys(part.chrom[~there].tolist())
    if not sum(len(chrom) for chrom, *_ in parts):
        raise InputError(bed, no_contig_of(genome, others))
    chrom, start, end, position = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((end, start, chrom))
    return _Places(names, chrom[order], start[order], end[order], position[order])


def _region_parts(places: _Places) -> Iterator[_Part]:
    """Yield some thousand regions of one contig after the other, cut where none reaches across."""
    start, n = 0, len(places.start)
    while start < n:
        behind = int(np.searchsorted(places.chrom, places.chrom[start], side="right"))
        end = min(start + _CHUNK, behind)
        reached = int(places.end[start:end].max())
        while end < behind and places.start[end] < reached:
            reached = max(reached, int(places.end[end]))
            end += 1
        at = slice(start, end)
        chrom = places.names[int(places.chrom[start])]
        yield _Part(chrom, places.start[at], places.end[at], places.position[at])
        start = end


def _tile_parts(places: _Places, tile: int, genome: Genome) -> Iterator[_Part]:
    """Yield the tiles that sorted regions overlap, each once, some thousand of one contig after the other."""
    for code in np.unique(places.chrom).tolist():
        chrom = places.names[code]
        here = (places.chrom == code) & (places.end > places.start)
        first, behind = places.start[here] // tile, -(-places.end[here] // tile)
        # A region begins where the ones before it have ended: none of its tiles is then counted twice.
        first[1:] = np.maximum(first[1:], np.maximum.accumulate(behind)[:-1])
        n_before = np.concatenate([[0], np.cumsum(np.maximum(behind - first, 0))])
        for some in range(0, int(n_before[-1]), _CHUNK):
            number = np.arange(some, min(some + _CHUNK, int(n_before[-1])))
            region = np.searchsorted(n_before, number, side="right") - 1
            start = (first[region] + number - n_before[region]) * tile
            end = np.minimum(start + tile, genome.lengths[chrom])
            yield _Part(chrom, start, end, (start + end) // 2)
