"""The HDF5 layout of a binding matrix: the one place that knows it (docs/matrix-format.md describes it)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError, LayoutError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.names import CELL_TYPE, CONTIG, TF

__all__ = [
    "FORMAT",
    "LAYOUT_VERSION",
    "MOST_REGIONS",
    "BindingEvents",
    "EventList",
    "as_text",
    "check_names",
    "open_events",
    "write_events",
]

FORMAT = "tfb-binding-matrix"
LAYOUT_VERSION = 1
_COMPRESSION = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
_CHUNK = 1 << 17
_MOST_NAMES, _LONGEST_NAME = 100_000, 1024
MOST_REGIONS = 1 << 26
"""Of a matrix: the human genome has a quarter of it in steps of 200 bp."""


@dataclass(frozen=True)
class EventList:
    """(region, cell type) pairs, grouped by TF: the pairs of TF `t` are ``[indptr[t]:indptr[t + 1]]``.

    Attributes
    ----------
    indptr
        int64 of shape (TFs + 1,).
    region
        uint32 region index of each pair; an array, or an open HDF5 dataset that is read by slices.
    cell_type
        uint8 cell-type index of each pair.
    """

    indptr: NDArray[np.int64]
    region: NDArray[np.uint32] | h5py.Dataset
    cell_type: NDArray[np.uint8] | h5py.Dataset

    def of(self, tf: int) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        """Return the regions and the cell types of the pairs of one TF, by its index."""
        part = slice(int(self.indptr[tf]), int(self.indptr[tf + 1]))
        return self.region[part], self.cell_type[part]


@dataclass(frozen=True)
class BindingEvents:
    """TF x region x cell-type binding codes in their compact form.

    A triple's code is 4 where it is in `bound` (peak and motif site), 2 or 3 where it is in `ambiguous`
    (only one of the two), 1 where the TF was profiled in the cell type and the region is accessible there,
    0 otherwise.

    Attributes
    ----------
    tfs, cell_types
        Names, in the order of the indices.
    profiled
        bool (TFs, cell types): the TF was ChIP-ed in that cell type.
    accessible
        uint8 (cell types, ceil(regions / 8)): packed bits, big-endian within a byte (`numpy.packbits`).
    accessible_known
        bool (cell types,): False where `accessible` holds no information.
    bound, ambiguous
        The events.
    region_id, region_chrom, region_start
        uint32, uint8, uint32: index, chromosome (in `chrom_names`) and 0-based start of each region whose
        coordinates are known, ascending by index.
    attrs
        ``n_regions``, ``region_length``, ``assembly``, ``source``; in a file of `tfb data build` also ``bound_rule``.
    """

    tfs: list[str]
    cell_types: list[str]
    profiled: NDArray[np.bool_]
    accessible: NDArray[np.uint8]
    accessible_known: NDArray[np.bool_]
    bound: EventList
    ambiguous: EventList
    region_id: NDArray[np.uint32]
    region_chrom: NDArray[np.uint8]
    region_start: NDArray[np.uint32]
    chrom_names: list[str]
    attrs: dict[str, str | int]


def write_events(events: BindingEvents, path: str | Path) -> None:
    """Write the file, under a temporary name until it is whole; the same events give the same bytes.

    Raises
    ------
    LayoutError
        If a TF, a cell type or a contig has no name (`tfb_matrix_data.names`), or two have the same.
    """
    check_names(events, path)
    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver=("v110", "v110")) as file:
        file.attrs["format"] = np.bytes_(FORMAT)
        file.attrs["layout_version"] = LAYOUT_VERSION
        for name in sorted(events.attrs):
            # Of fixed length: the heap of variable-length strings has no checksum.
            value = events.attrs[name]
            file.attrs[name] = np.bytes_(value.encode()) if isinstance(value, str) else value
        # Groups would carry the time of their making, and the bytes would differ from run to run.
        timeless = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
        timeless.set_obj_track_times(False)
        for group in ("bound", "ambiguous", "regions"):
            h5py.h5g.create(file.id, group.encode(), gcpl=timeless)
        _write_names(file, "tf", events.tfs)
        _write_names(file, "cell_type", events.cell_types)
        _write_small(file, "profiled", events.profiled)
        _write_small(file, "accessible_known", events.accessible_known)
        file.create_dataset(
            "accessible", data=events.accessible, chunks=(1, events.accessible.shape[1]), **_COMPRESSION
        )
        for kind in ("bound", "ambiguous"):
            pairs: EventList = getattr(events, kind)
            _write_small(file, f"{kind}/indptr", pairs.indptr)
            _write_vector(file, f"{kind}/region", pairs.region)
            _write_vector(file, f"{kind}/cell_type", pairs.cell_type)
        _write_vector(file, "regions/id", events.region_id)
        _write_vector(file, "regions/chrom", events.region_chrom)
        _write_vector(file, "regions/start", events.region_start)
        _write_names(file, "regions/chrom_name", events.chrom_names)


def open_events(path: str | Path) -> tuple[h5py.File, BindingEvents]:
    """Open a file for reading and return the handle with the events, whose long vectors stay on disk.

    Raises
    ------
    InputError
        If there is no such file.
    LayoutError
        If it is not a binding matrix, is cut off, has a layout that this version does not read, or names that are none.
    """
    if not Path(path).is_file():
        raise InputError(path, "no such file; `tfb data import` makes one")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise LayoutError(f"{path}: is not a whole HDF5 file (cut off or of another kind): {error}") from None
    try:
        _check_version(file, path)
        _check_shapes(file, path)
        events = _events(file)
        check_names(events, path)
        return file, events
    except KeyError as error:
        file.close()
        raise LayoutError(f"{path}: is not a complete binding matrix: {error.args[0]}") from None
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        file.close()
        raise LayoutError(f"{path}: data are damaged or cut off: {error}") from None
    except BaseException:
        file.close()
        raise


def check_names(events: BindingEvents, path: str | Path) -> None:
    """Check what the TFs, cell types and contigs of a matrix are called.

    Raises
    ------
    LayoutError
        If one is called otherwise than `tfb_matrix_data.names` says, or two the same.
    """
    for rule, names in ((TF, events.tfs), (CELL_TYPE, events.cell_types), (CONTIG, events.chrom_names)):
        if fault := rule.fault_of(names):
            raise LayoutError(f"{path}: {fault}")


def _events(file: h5py.File) -> BindingEvents:
    known = {name: file.attrs[name] for name in ("n_regions", "region_length", "assembly", "source")}
    known |= {name: file.attrs[name] for name in ("bound_rule",) if name in file.attrs}
    attrs = {name: int(value) if isinstance(value, np.integer) else as_text(value) for name, value in known.items()}
    return BindingEvents(
        tfs=_names(file["tf"]),
        cell_types=_names(file["cell_type"]),
        profiled=file["profiled"][:],
        accessible=file["accessible"],
        accessible_known=file["accessible_known"][:],
        bound=_pairs(file["bound"]),
        ambiguous=_pairs(file["ambiguous"]),
        region_id=file["regions/id"],
        region_chrom=file["regions/chrom"],
        region_start=file["regions/start"],
        chrom_names=_names(file["regions/chrom_name"]),
        attrs=attrs,
    )


def _check_version(file: h5py.File, path: str | Path) -> None:
    if as_text(file.attrs.get("format", "")) != FORMAT:
        # The public event file of Novakovsky et al. has the same datasets and no format mark.
        hint = "run `tfb data import` on it first" if "bound/indptr" in file else "expected a file of `tfb data import`"
        raise LayoutError(f"{path}: is not a {FORMAT} file; {hint}")
    version = int(file.attrs.get("layout_version", 0))
    if version != LAYOUT_VERSION:
        raise LayoutError(
            f"{path}: has layout version {version}, this version reads {LAYOUT_VERSION}; "
            f"{'upgrade the package' if version > LAYOUT_VERSION else 'import the data again'}"
        )


def _check_shapes(file: h5py.File, path: str | Path) -> None:
    """Check what is read whole: an empty dataset of any size takes no room in a file, but in memory."""
    n_regions = int(file.attrs["n_regions"])
    if not 0 <= n_regions <= MOST_REGIONS:
        raise LayoutError(f"{path}: has {n_regions:,} regions; at most {MOST_REGIONS:,} are expected")
    for name in ("tf", "cell_type", "regions/chrom_name"):
        found = file[name]
        if len(found.shape) != 1 or found.shape[0] > _MOST_NAMES or found.dtype.itemsize > _LONGEST_NAME:
            raise LayoutError(f"{path}: {name} has shape {found.shape} of {found.dtype}; names are expected")
    n_tfs, n_cells = len(file["tf"]), len(file["cell_type"])
    shapes = {"profiled": (n_tfs, n_cells), "accessible_known": (n_cells,), "accessible": (n_cells, -(-n_regions // 8))}
    found_shapes = {name: file[name].shape for name in shapes}
    for kind in ("bound", "ambiguous"):
        shapes[f"{kind}/indptr"], found_shapes[f"{kind}/indptr"] = (n_tfs + 1,), file[kind]["indptr"].shape
    for name, shape in shapes.items():
        if found_shapes[name] != shape:
            raise LayoutError(f"{path}: {name} has shape {found_shapes[name]}; expected {shape}")
    for name in ("regions/id", "regions/chrom", "regions/start"):
        if file[name].ndim != 1 or len(file[name]) > n_regions:
            raise LayoutError(f"{path}: {name} has shape {file[name].shape}; there are {n_regions:,} regions")


def _pairs(group: h5py.Group) -> EventList:
    return EventList(group["indptr"][:].astype(np.int64), group["region"], group["cell_type"])


def _names(dataset: h5py.Dataset) -> list[str]:
    return [name.decode() for name in dataset[:]]


def _write_names(file: h5py.File, name: str, names: list[str]) -> None:
    _write_small(file, name, np.array([n.encode() for n in names], dtype="S"))


def _write_vector(file: h5py.File, name: str, values: NDArray) -> None:
    if len(values):
        file.create_dataset(name, data=values, chunks=(min(_CHUNK, len(values)),), **_COMPRESSION)
    else:
        file[name] = values


def as_text(value: str | bytes) -> str:
    """Return a text attribute as str, whether the file holds it as str or as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _write_small(file: h5py.File, name: str, values: NDArray) -> None:
    """Write as one gzip chunk, which has a checksum; contiguous datasets have none."""
    if values.size:
        file.create_dataset(name, data=values, chunks=values.shape, **_COMPRESSION)
    else:
        file[name] = values
