"""Writing what a binding matrix or a sample says as files that genome browsers and other tools read.

Tracks (BED, bedGraph, bigWig) have only the regions with coordinates; tables (Parquet, TSV, HDF5) have all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.output.progress import progress_bar
from kipoi_tfb.output.tables import FORMATS, open_table
from kipoi_tfb.output.tracks import open_track
from tfb_matrix_data.errors import AssemblyError, ConfigError, InputError, UnknownNameError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.lines import read_lines
from tfb_matrix_data.matrix import BindingMatrix, Kind, Regions
from tfb_matrix_data.sampling import TfSample

__all__ = [
    "LABELS",
    "TRACKS",
    "Exported",
    "export_labels",
    "export_track",
    "is_table",
    "read_regions_column",
    "write_sample",
]

LABELS = {"bound": 1, "unbound": 0, "unresolved": -1}
TRACKS = (".bed", ".bedgraph", ".bw", ".bigwig")
_CHUNK = 1 << 17


class Exported(NamedTuple):
    """What was written.

    Attributes
    ----------
    regions
        Rows of a table, or regions of a track.
    without_coordinates
        Regions that fit but whose coordinates the matrix does not have: not in a track, without place in a table.
    intervals
        Lines or intervals of the track; fewer than `regions` where some overlap.
    """

    regions: int
    without_coordinates: int
    intervals: int


def export_track(
    matrix: BindingMatrix,
    tf: str,
    path: str | Path,
    label: str = "bound",
    kind: Kind = "sparse",
    cell_types: Sequence[str] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Exported:
    """Write the regions of one TF that have a label, sorted by chromosome name and start.

    BED6 has one line per region, named ``TF:region``, score 1000, no strand. bedGraph and bigWig have the value 1
    where any such region is: regions that overlap or touch become one interval (the maximum of overlapping
    regions, all being 1), since neither format can have two values at one base.

    Parameters
    ----------
    matrix
        The labels.
    tf
        Name of the TF.
    path
        File to write, its format by the ending, one of `TRACKS`.
    label
        ``bound``, ``unbound`` or ``unresolved``.
    kind, cell_types
        As of `BindingMatrix.labels`.
    sizes
        Length of each chromosome in bp; bigWig needs it, other tracks are checked against it.

    Raises
    ------
    UnknownNameError
        If the TF, label, kind or a cell type does not exist.
    InputError, ConfigError
        If the ending is not that of a track, or a bigWig is asked for without sizes.
    AssemblyError
        If a chromosome is not in `sizes`, or a region ends beyond it.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in TRACKS:
        raise InputError(
            path, f"cannot tell the format from the ending {suffix!r}; use one of {', '.join((*TRACKS, *FORMATS))}"
        )
    if suffix in (".bw", ".bigwig") and sizes is None:
        raise ConfigError("a bigWig needs the lengths of the chromosomes: give --genome FASTA or --sizes FILE")
    if label not in LABELS:
        raise UnknownNameError("label", label, LABELS)
    found = np.flatnonzero(matrix.labels([tf], kind=kind, cell_types=cell_types)[:, 0] == LABELS[label])
    regions = matrix.regions
    located = found[regions.start[found] >= 0]
    chroms = sorted(regions.chrom_names)
    rank = np.array([chroms.index(name) for name in regions.chrom_names])[regions.chrom[located]]
    order = np.lexsort((regions.start[located], rank))
    located, rank = located[order], rank[order]
    if sizes is not None:
        _check_sizes(regions, located, sizes)
    if suffix == ".bed":
        with atomic_path(path) as temporary:
            _write_bed(temporary, tf, regions, located)
        return Exported(len(located), len(found) - len(located), len(located))
    chrom, start, end = _merge(rank, regions.start[located], regions.length)
    with open_track(path, sizes or {}) as track:
        for code, name in enumerate(chroms):
            here = chrom == code
            track.write(name, start[here], end[here], np.ones(int(here.sum())))
    return Exported(len(located), len(found) - len(located), len(chrom))


def _check_sizes(regions: Regions, index: NDArray[np.int64], sizes: Mapping[str, int]) -> None:
    for code in np.unique(regions.chrom[index]).tolist():
        name = regions.chrom_names[code]
        if name not in sizes:
            raise AssemblyError(f"{name} has regions but no length; is this the matrix's assembly?")
        end = int(regions.end[index[regions.chrom[index] == code]].max())
        if end > sizes[name]:
            raise AssemblyError(
                f"a region ends at {name}:{end:,}, beyond its {sizes[name]:,} bp; is this the matrix's assembly?"
            )


def _write_bed(path: Path, tf: str, regions: Regions, index: NDArray[np.int64]) -> None:
    with open(path, "w") as file:
        for i, chrom, start in zip(
            *(a.tolist() for a in (index, regions.chrom[index], regions.start[index])), strict=True
        ):
            file.write(f"{regions.chrom_names[chrom]}\t{start}\t{start + regions.length}\t{tf}:{i}\t1000\t.\n")


def _merge(chrom: NDArray, start: NDArray, length: int) -> tuple[NDArray, NDArray, NDArray]:
    """Return chromosome, start and end of the unions of sorted regions of one length."""
    # Of equal length, the region before ends last of all before.
    first = np.ones(len(start), bool)
    first[1:] = (chrom[1:] != chrom[:-1]) | (start[1:] > start[:-1] + length)
    last = np.append(first[1:], True) if len(first) else first
    return chrom[first], start[first], start[last] + length


def export_labels(
    matrix: BindingMatrix,
    tfs: Sequence[str],
    path: str | Path,
    kind: Kind = "sparse",
    cell_types: Sequence[str] | None = None,
) -> Exported:
    """Write a table of labels, a column per TF and a row per region in which at least one of them is resolved.

    Columns: ``region`` (index in the matrix), ``chrom``, ``start``, ``end`` (0-based, half open; empty and -1
    where the matrix has no coordinates), then int8 labels by TF: 1 bound, 0 unbound, -1 unresolved.

    Raises
    ------
    UnknownNameError
        If a TF, the kind or a cell type does not exist.
    ConfigError
        If a TF is named twice.
    """
    twice = sorted({tf for tf in tfs if list(tfs).count(tf) > 1})
    if twice:
        raise ConfigError(f"{', '.join(twice)} named twice")
    labels = matrix.labels(tfs, kind=kind, cell_types=cell_types)
    resolved = np.zeros(len(matrix), bool)
    for column in labels.T:
        resolved |= column >= 0
    index = np.flatnonzero(resolved)
    with open_table(path) as table, progress_bar("exporting", len(index)) as advance:
        for start in range(0, max(len(index), 1), _CHUNK):
            part = index[start : start + _CHUNK]
            columns = dict(zip(tfs, labels[part].T, strict=True))
            table.write({**_places(matrix.regions, part), **columns})
            advance(len(part))
    return Exported(len(index), int((matrix.regions.start[index] < 0).sum()), len(index))


def _places(regions: Regions, index: NDArray[np.int64]) -> dict[str, NDArray]:
    # -1, the code of no chromosome, is the last.
    names = np.array([*regions.chrom_names, ""])
    return {
        "region": index,
        "chrom": names[regions.chrom[index]],
        "start": regions.start[index],
        "end": regions.end[index],
    }


def write_sample(matrix: BindingMatrix, sample: TfSample, path: str | Path) -> int:
    """Write a sample as a table and return its number of rows.

    Columns: ``region``, ``chrom``, ``start``, ``end``, ``split`` (``train``, ``validation``, ``test``), ``label``
    (1 bound, 0 unbound), ``gc``; by part, the bound regions before the unbound ones.
    """
    with open_table(path) as table:
        for name, part in sample.parts.items():
            index = part.regions
            table.write(
                {
                    **_places(matrix.regions, index),
                    "split": np.full(len(index), name, "U10"),
                    "label": part.labels,
                    "gc": sample.gc[index],
                }
            )
    return sum(map(len, sample.parts.values()))


def read_regions_column(path: str | Path) -> NDArray[np.int64]:
    """Read the column ``region`` of a tab-separated table, such as a sample's.

    Raises
    ------
    InputError
        If there is no such column, or a value is not an index.
    """
    lines = ((number, line) for number, line in read_lines(path) if line.strip() and not line.startswith("#"))
    number, line = next(lines, (1, ""))
    header = line.split("\t")
    if "region" not in header:
        raise InputError(path, f"has no column 'region' (columns: {', '.join(header)[:80]})", number)
    at = header.index("region")
    found = []
    for number, line in lines:
        fields = line.split("\t")
        if len(fields) <= at or not fields[at].isdecimal():
            raise InputError(path, f"column 'region' of {line[:60]!r} is not the index of a region", number)
        found.append(int(fields[at]))
    return np.array(found, np.int64)


def is_table(path: str | Path) -> bool:
    """Say whether a file's ending asks for a table instead of a track."""
    return Path(path).suffix.lower() in {*FORMATS, ".hdf5"}
