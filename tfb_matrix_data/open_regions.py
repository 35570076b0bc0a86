"""The regions of a matrix, and in which cell types each is open, from tracks of accessible regions.

Places are single numbers, ``contig << 33 | position``, so that one sort and one search serve all contigs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfb_matrix_data.contigs import Spelling
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.files import file_name
from tfb_matrix_data.lines import read_lines
from tfb_matrix_data.samples import Sample
from tfb_matrix_data.sizes import Sizes, check_place
from tfb_matrix_data.tracks import Block, TrackCount, data_lines, iter_blocks, iter_track, read_columns
from tfb_matrix_data.windows import window_start

__all__ = ["LENGTH", "OpenRegions", "place", "regions_of_clusters", "regions_of_tracks"]

logger = logging.getLogger(__name__)

LENGTH = 200
_SHIFT = 33
_POSITION = (1 << _SHIFT) - 1
_MOST_CELL_TYPES = 256  # an index into them is a byte in the file


@dataclass(frozen=True)
class OpenRegions:
    """Regions of `LENGTH` bp and the cell types in which they are open.

    Attributes
    ----------
    contigs
        Names of the contigs that have regions, sorted.
    key
        int64 (regions,), ascending, without duplicates: index of the contig ``<< 33 |`` 0-based start.
    cell_types
        Names, sorted.
    accessible
        uint8 (cell types, ceil(regions / 8)): packed bits, as in `tfb_matrix_data.layout.BindingEvents`.
    n_intervals
        Intervals read.
    n_merged
        Intervals that were merged into one that they overlap.
    n_duplicates
        Regions dropped because they lay exactly on another one after resizing, which took over their cell types.
    n_beyond
        Regions dropped because they reached beyond an end of their contig.
    n_off
        Intervals left out because they are not on the genome's contigs.
    """

    contigs: list[str]
    key: NDArray[np.int64]
    cell_types: list[str]
    accessible: NDArray[np.uint8]
    n_intervals: int
    n_merged: int
    n_duplicates: int
    n_beyond: int
    n_off: int = 0

    def __len__(self) -> int:
        return len(self.key)

    @property
    def contig(self) -> NDArray[np.int64]:
        """int64 (regions,): index into `contigs`."""
        return self.key >> _SHIFT

    @property
    def start(self) -> NDArray[np.int64]:
        """int64 (regions,): 0-based start."""
        return self.key & _POSITION

    @property
    def n_overlapping(self) -> int:
        """Regions that share a base with another one."""
        near = np.diff(self.key) < LENGTH
        return int((np.append(near, False) | np.append(False, near)).sum())

    def is_open(self, cell: int) -> NDArray[np.bool_]:
        """Return bool (regions,): the region is open in the cell type of that index."""
        return np.unpackbits(self.accessible[cell], count=len(self)).view(bool)


def place(contig: NDArray[np.integer], position: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places of 0-based positions on contigs given by index; negative indices stay negative."""
    return (contig.astype(np.int64) << _SHIFT) + position


def regions_of_tracks(samples: list[Sample], sizes: Sizes | None = None, strict: bool = False) -> OpenRegions:
    """Return the regions of one or more accessible tracks per cell type.

    Intervals that share at least one base, in whatever cell types, are merged; the region is the `LENGTH` bp
    around the centre, (start + end) // 2, of the merged interval, and is open in the cell types of its intervals.

    Raises
    ------
    InputError
        As `iter_track`; or if an interval has no base.
    """
    cell_types = _checked(sorted({sample.cell_type for sample in samples}))
    contigs: dict[str, int] = {}
    starts, ends = [], []
    cells: list[NDArray[np.uint8]] = []
    n_off = 0
    for sample in samples:
        count, spelling = TrackCount(), Spelling(contigs, sample.path)
        for track in iter_track(sample.path, sizes, strict=strict):
            count.add(track)
            if (track.start == track.end).any():
                raise InputError(sample.path, "has an interval of 0 bp; an open region has at least one base")
            number = [contigs.setdefault(spelling.of([name])[0], len(contigs)) for name in track.names]
            contig = np.array(number)[track.chrom]
            starts.append(place(contig, track.start))
            ends.append(place(contig, track.end))
            cells.append(np.full(len(contig), cell_types.index(sample.cell_type), np.uint8))
        n_off += count.n_off
        logger.info("%s: %s open intervals%s", file_name(sample.path), f"{count.n:,}", count.left_out())
    start = np.concatenate(starts)
    order = np.argsort(start, kind="stable")
    start, cell = start[order], np.concatenate(cells)[order]
    reach = np.maximum.accumulate(np.concatenate(ends)[order])
    first = np.append(True, start[1:] >= reach[:-1])
    merged = np.cumsum(first) - 1
    centre = (start[first] + reach[np.append(first[1:], True)]) // 2
    return _regions(
        list(contigs),
        centre=centre,
        owner=merged,
        cell=cell,
        cell_types=cell_types,
        n_intervals=len(start),
        n_off=n_off,
        sizes=sizes,
    )


def regions_of_clusters(path: Path, sources: Path, sizes: Sizes | None = None, strict: bool = False) -> OpenRegions:
    """Return the regions of UCSC's clustered DHS (``wgEncodeRegDnaseClustered``), with the cell types of its sources.

    Each cluster is a region, the `LENGTH` bp around its centre; it is open in the cell types of its source ids.

    Parameters
    ----------
    path
        chrom, start, end, name, score, source count, source ids, source scores; or the same after UCSC's ``bin``.
    sources
        Lines of a source id and its cell type, tab-separated; several ids may be of one cell type.

    Raises
    ------
    InputError
        If a file is not of that form or a source id is not in `sources`; the message names the line.
    """
    cell_of = _read_sources(sources)
    names = _checked(sorted(set(cell_of.values())))
    lookup = np.full(max(cell_of) + 1, -1, np.int64)
    lookup[list(cell_of)] = [names.index(cell) for cell in cell_of.values()]
    contigs: dict[str, int] = {}
    centres, owners = [], []
    cells: list[NDArray[np.uint8]] = []
    n_clusters = n_off = 0
    spelling = Spelling(sizes.lengths if sizes else contigs, path)
    for block in iter_blocks(path):
        chrom, contig, start, end, owner, source = _clusters(block, path)
        chrom = spelling.of(chrom)
        known = (source >= 0) & (source < len(lookup))
        cell = lookup[np.where(known, source, -1)]
        bad = (start < 0) | (start >= end) | (end >= 1 << 32)
        bad[owner[~known | (cell < 0)]] = True
        on = np.ones(len(start), bool)
        if sizes is not None:
            on = end <= np.array([sizes.lengths.get(name, -1) for name in chrom])[contig]
        if bad.any() or (strict and not on.all()):
            _explain(block, path, cell_of, sources, sizes if strict else None)
        n_off += int((~on).sum())
        contig, start, end = contig[on], start[on], end[on]
        owner, cell = (np.cumsum(on) - 1)[owner][on[owner]], cell[on[owner]]
        used = np.isin(np.arange(len(chrom)), contig)
        index = [contigs.setdefault(name, len(contigs)) if use else -1 for name, use in zip(chrom, used, strict=True)]
        contig = np.array(index, np.int64)[contig]
        centres.append(place(contig, (start + end) // 2))
        owners.append(owner + n_clusters)
        cells.append(cell.astype(np.uint8))
        n_clusters += len(start)
    if not n_clusters:
        where = "on the genome's contigs; is this the right assembly?" if n_off else "(only comments or blank lines)"
        raise InputError(path, f"has no cluster {where}")
    if n_off:
        logger.info("%s: left out %s clusters that are not on the genome's contigs", file_name(path), f"{n_off:,}")
    return _regions(
        list(contigs),
        centre=np.concatenate(centres),
        owner=np.concatenate(owners),
        cell=np.concatenate(cells),
        cell_types=names,
        n_intervals=n_clusters,
        n_off=n_off,
        sizes=sizes,
    )


def _regions(
    contigs: list[str],
    centre: NDArray[np.int64],
    owner: NDArray[np.int64],
    cell: NDArray[np.uint8],
    cell_types: list[str],
    n_intervals: int,
    n_off: int,
    sizes: Sizes | None,
) -> OpenRegions:
    """Resize clusters, given by their centres and by (cluster, cell type) pairs, and drop what is double."""
    contig, start = centre >> _SHIFT, window_start(centre & _POSITION, LENGTH)
    names = sorted(contigs)
    contig = np.array([names.index(name) for name in contigs])[contig]
    inside = start >= 0
    if sizes is not None:
        inside &= start + LENGTH <= np.array([sizes.lengths[name] for name in names])[contig]
    key, region_of = np.unique(place(contig, start)[inside], return_inverse=True)
    region = np.full(len(centre), -1, np.int64)
    region[inside] = region_of
    region, cell = region[owner], cell[region[owner] >= 0]
    region = region[region >= 0]
    by_cell = np.argsort(cell, kind="stable")
    bounds = np.searchsorted(cell[by_cell], np.arange(len(cell_types) + 1))
    accessible = np.zeros((len(cell_types), -(-len(key) // 8)), np.uint8)
    for c in range(len(cell_types)):
        is_open = np.zeros(len(key), bool)
        is_open[region[by_cell[bounds[c] : bounds[c + 1]]]] = True
        accessible[c] = np.packbits(is_open)
    # Contigs that lost all their regions are not listed.
    used, index = np.unique(key >> _SHIFT, return_inverse=True)
    return OpenRegions(
        contigs=[names[i] for i in used.tolist()],
        key=place(index, key & _POSITION),
        cell_types=cell_types,
        accessible=accessible,
        n_intervals=n_intervals,
        n_merged=n_intervals - len(centre),
        n_duplicates=int(inside.sum()) - len(key),
        n_beyond=int((~inside).sum()),
        n_off=n_off,
    )


def _checked(cell_types: list[str]) -> list[str]:
    if len(cell_types) > _MOST_CELL_TYPES:
        raise ConfigError(f"{len(cell_types)} cell types; a matrix holds {_MOST_CELL_TYPES}: build several")
    return cell_types


def _read_sources(path: Path) -> dict[int, str]:
    cell_of: dict[int, str] = {}
    for number, line in read_lines(path):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) < 2 or not fields[0].isdecimal() or int(fields[0]) >= 1 << 16 or not fields[1]:
            raise InputError(path, "expected a source id (a whole number), a tab and its cell type", number)
        if cell_of.setdefault(int(fields[0]), fields[1]) != fields[1]:
            raise InputError(path, f"source id {fields[0]} has another cell type in an earlier line", number)
    if not cell_of:
        raise InputError(path, "has no source id, only comments or blank lines")
    return cell_of


def _clusters(block: Block, path: Path) -> tuple[list[str], NDArray, NDArray, NDArray, NDArray, NDArray]:
    """Return contig names, contig, start, end of the clusters; the cluster and the source id of each of their ids."""
    at = int(block.n_columns == 9)  # UCSC's tables have the `bin` first, its BED files have not
    types = {at: pa.dictionary(pa.int32(), pa.string()), at + 1: pa.int64(), at + 2: pa.int64(), at + 6: pa.string()}
    columns = read_columns(block, types)
    if columns is None or any(name.startswith(("#", "track", "browser")) for name in columns[0].dictionary.to_pylist()):
        rows = [(fields[at], int(fields[at + 1]), int(fields[at + 2]), fields[at + 6]) for fields in _rows(block, path)]
        chrom, start, end, ids = (
            (pa.array(column) for column in zip(*rows, strict=True)) if rows else [pa.array([])] * 4
        )
        columns = [chrom.cast(pa.string()).dictionary_encode(), start, end, ids.cast(pa.string())]
    lists = pc.split_pattern(pc.utf8_trim(columns[3], characters=","), ",")
    try:
        source = pc.list_flatten(lists).cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        source = np.full(len(pc.list_flatten(lists)), -1)
    owner = pc.list_parent_indices(lists).to_numpy()
    start, end = (column.to_numpy() for column in columns[1:3])
    return columns[0].dictionary.to_pylist(), columns[0].indices.to_numpy(), start, end, owner, source


def _rows(block: Block, path: Path) -> Iterator[list[str]]:
    at = int(block.n_columns == 9)
    for number, line in data_lines(block, path):
        fields = line.split("\t")
        if len(fields) != block.n_columns or len(fields) < 7 + at:
            raise InputError(
                path,
                f"{len(fields)} column(s); expected chrom, start, end, name, score, source count, source ids, "
                "source scores, with or without UCSC's bin before them",
                number,
            )
        if not all(field.isdecimal() and len(field) < 16 for field in fields[at + 1 : at + 3]):
            problem = f"start {fields[at + 1]!r}, end {fields[at + 2]!r}: expected whole numbers, not negative"
            raise InputError(path, problem, number)
        yield fields


def _explain(block: Block, path: Path, cell_of: dict[int, str], sources: Path, sizes: Sizes | None) -> None:
    """Find the line at fault in a block that has one."""
    at = int(block.n_columns == 9)
    for (number, _), fields in zip(data_lines(block, path), _rows(block, path), strict=True):
        chrom, start, end = fields[at], int(fields[at + 1]), int(fields[at + 2])
        if not start < end < 1 << 32:
            raise InputError(path, f"start {start}, end {end}: expected 0 <= start < end < 2**32", number)
        for source in fields[at + 6].strip(",").split(","):
            if not source.isdecimal() or int(source) not in cell_of:
                raise InputError(path, f"source id {source!r} is not in {sources.name}", number)
        check_place(path, number, chrom, start, end, sizes)
    raise AssertionError("a block was refused without a fault")
