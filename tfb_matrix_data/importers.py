"""Published binding data, assembled into `BindingEvents`: the public event file, or matrices of any published form."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError, LayoutError
from tfb_matrix_data.indexes import read_coordinates, read_index
from tfb_matrix_data.layout import BindingEvents, EventList, as_text, check_names, write_events
from tfb_matrix_data.names import CELL_TYPE, TF
from tfb_matrix_data.published import file_name, read_coo, read_pair

__all__ = ["import_events", "import_matrices", "import_published", "read_index"]

logger = logging.getLogger(__name__)

_MATRIX = re.compile(r"matrix2d\.(?P<name>.+)\.ReMap\+UniBind\.(?P<kind>sparse|less-sparse)\.npz$")
_FASTA = re.compile(r"\.(fa|fasta)(\.b?gz)?$")
_INDEXES = ("tfs_idx.pickle.gz", "samples_idx.pickle.gz", "regions_idx.pickle.gz")
_MATRIX_3D = "matrix3d.npz"
_SOURCE = (
    "wassermanlab/TF-Binding-Matrix (MIT), matrix/UCSC/200bp; Novakovsky et al. 2021, doi:10.1186/s13059-021-02499-5"
)


Each = Callable[[Collection[Any]], Iterable[Any]]
"""Goes through what is read, such as with a progress bar."""


def import_published(
    sources: Iterable[str | Path], output: str | Path, assembly: str = "hg38", each: Each = iter
) -> BindingEvents:
    """Write a binding matrix from published files and return its events.

    Parameters
    ----------
    sources
        The public event file (``tf-binding-events.h5``), or files as their authors published them, any of:
        ``matrix2d.<TF or cell type>.ReMap+UniBind.{sparse,less-sparse}.npz`` in pairs; ``matrix3d.npz``;
        ``tfs_idx.pickle.gz`` and ``samples_idx.pickle.gz``, which the matrices need; for coordinates
        ``regions_idx.pickle.gz`` and FASTA files whose headers are ``>id::chrom:start-end``. Folders stand for
        the files in them.
    output
        HDF5 file to write.
    assembly
        Name of the genome assembly, recorded in the file (the event file brings its own).
    each
        Goes through the matrices that are read, such as with a progress bar.

    Raises
    ------
    InputError
        If a source is missing, not recognised, or disagrees with another one.
    """
    files = list(_expand(sources))
    hdf5 = [path for path in files if path.suffix in {".h5", ".hdf5"}]
    if hdf5 and len(files) > 1:
        raise InputError(hdf5[0], "an event file already holds everything; import it alone")
    events = import_events(hdf5[0]) if hdf5 else import_matrices(files, assembly, each)
    write_events(events, output)
    return events


def import_events(path: str | Path) -> BindingEvents:
    """Read the public event file of the 163 TFs x 52 cell types (all of it, some 40 MB in memory)."""
    if not Path(path).is_file():
        raise InputError(path, "no such file")
    try:
        with h5py.File(path, "r") as file:
            events = BindingEvents(
                tfs=[name.decode() for name in file["tf"][:]],
                cell_types=[name.decode() for name in file["cell_type"][:]],
                profiled=file["profiled"][:],
                accessible=file["accessible"][:],
                accessible_known=file["accessible_known"][:],
                bound=_read_pairs(file["bound"]),
                ambiguous=_read_pairs(file["ambiguous"]),
                region_id=file["regions/id"][:].astype(np.uint32),
                region_chrom=file["regions/chrom"][:].astype(np.uint8),
                region_start=file["regions/start"][:].astype(np.uint32),
                chrom_names=[name.decode() for name in file["regions/chrom_name"][:]],
                attrs={
                    "n_regions": int(file.attrs["n_regions"]),
                    "region_length": int(file.attrs["region_length"]),
                    "assembly": as_text(file.attrs["assembly"]),
                    "source": as_text(file.attrs["source"]),
                },
            )
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise LayoutError(f"{path}: is not a whole event file (cut off or of another kind): {error}") from None
    check_names(events, path)
    return events


def import_matrices(files: Iterable[str | Path], assembly: str = "hg38", each: Each = iter) -> BindingEvents:
    """Read published matrices, per TF, per cell type or of three dimensions, each by pieces.

    Where several files tell of the same TF in the same cell type they must agree. The result has the TFs with a
    file of their own and those that any cell type's file has resolved, and every cell type of the index.

    Raises
    ------
    InputError
        If one of a pair of matrices or an index pickle is missing, or files disagree; the message names the file.
    """
    found = _sort_files(files)
    return _assemble(found, _assign(found), assembly, each)


@dataclass
class _Files:
    """Published files by what they are."""

    pairs: dict[str, dict[str, Path]] = field(default_factory=dict)
    cubes: list[Path] = field(default_factory=list)
    index: dict[str, Path] = field(default_factory=dict)
    fastas: list[Path] = field(default_factory=list)

    @property
    def first(self) -> Path:
        return [*(path for pair in self.pairs.values() for path in pair.values()), *self.cubes][0]


def _sort_files(files: Iterable[str | Path]) -> _Files:
    found = _Files()
    for path in map(Path, files):
        if not path.is_file():
            raise InputError(path, "no such file")
        match = _MATRIX.search(path.name)
        if match:
            pair = found.pairs.setdefault(match["name"], {})
            if pair.setdefault(match["kind"], path) != path:
                raise InputError(path, f"is given twice; {pair[match['kind']]} is the other")
        elif path.name == _MATRIX_3D:
            found.cubes.append(path)
        elif path.name in _INDEXES:
            found.index[path.name.split("_")[0]] = path
        elif _FASTA.search(path.name):
            found.fastas.append(path)
        else:
            raise InputError(
                path,
                "is none of the published files (matrix2d.<TF or cell type>.*.npz, matrix3d.npz, *_idx.pickle.gz, "
                "*.fa.gz, *.h5)",
            )
    if not found.pairs and not found.cubes:
        raise InputError(
            "import", "no matrix2d.<TF>.ReMap+UniBind.{sparse,less-sparse}.npz or matrix3d.npz among the sources"
        )
    if not {"tfs", "samples"} <= set(found.index):
        raise InputError(found.first, "needs tfs_idx.pickle.gz and samples_idx.pickle.gz of the same publication")
    for pair in found.pairs.values():
        for kind, other in (("sparse", "less-sparse"), ("less-sparse", "sparse")):
            if kind not in pair:
                name = _MATRIX.search(pair[other].name)["name"]  # type: ignore[index]
                raise InputError(pair[other], f"the {kind} matrix of {name} is missing beside it")
    return found


@dataclass(frozen=True)
class _Assigned:
    """Names in index order, and whose the paired files are, by index."""

    tfs: list[str]
    cell_types: list[str]
    of_tf: dict[int, dict[str, Path]]
    of_cell_type: dict[int, dict[str, Path]]


def _assign(files: _Files) -> _Assigned:
    tfs, cell_types = (_in_order(files.index[which]) for which in ("tfs", "samples"))
    by_tf, by_cell_type = ({file_name(name): i for i, name in enumerate(names)} for names in (tfs, cell_types))
    unknown = sorted(set(files.pairs) - set(by_tf) - set(by_cell_type))
    if unknown:
        raise InputError(
            files.first.parent,
            f"{', '.join(unknown)} is not a TF of tfs_idx.pickle.gz, nor a cell type of samples_idx.pickle.gz",
        )
    both = sorted(set(files.pairs) & set(by_tf) & set(by_cell_type))
    if both:
        raise InputError(files.index["tfs"], f"{both[0]} is a TF and a cell type: whose the matrices are is not clear")
    of_tf = {by_tf[name]: pair for name, pair in files.pairs.items() if name in by_tf}
    of_cell_type = {by_cell_type[name]: pair for name, pair in files.pairs.items() if name in by_cell_type}
    return _Assigned(tfs, cell_types, dict(sorted(of_tf.items())), dict(sorted(of_cell_type.items())))


def _in_order(path: Path) -> list[str]:
    index = read_index(path)
    if fault := (TF if path.name == _INDEXES[0] else CELL_TYPE).fault_of(index):
        raise InputError(path, fault)
    if sorted(index.values()) != list(range(len(index))):
        raise InputError(path, "its row numbers are not 0, 1, 2 and so on, each once")
    return sorted(index, key=index.__getitem__)


def _assemble(files: _Files, names: _Assigned, assembly: str, each: Each) -> BindingEvents:
    collected = _Collected(names.cell_types, names.tfs)
    for t, pair in each(names.of_tf.items()):
        for c, codes in enumerate(read_pair(pair["sparse"], pair["less-sparse"], len(names.cell_types), True)):
            collected.add(t, c, codes, pair["less-sparse"])
        logger.info("%s: %d cell types", names.tfs[t], collected.profiled[t].sum())
    for c, pair in each(names.of_cell_type.items()):
        # A slice of cell type x region x TF: regions come first.
        for t, codes in enumerate(read_pair(pair["sparse"], pair["less-sparse"], len(names.tfs), False)):
            collected.add(t, c, codes, pair["less-sparse"])
        logger.info("%s: %d TFs", names.cell_types[c], collected.profiled[:, c].sum())
    for path in files.cubes:
        collected.add_cube(path)
    own = np.isin(np.arange(len(names.tfs)), list(names.of_tf))
    kept = np.flatnonzero(own | collected.profiled.any(1)).tolist()
    place = read_coordinates(files.index.get("regions"), files.fastas, collected.n_regions)
    return BindingEvents(
        tfs=[names.tfs[t] for t in kept],
        cell_types=names.cell_types,
        profiled=collected.profiled[kept],
        accessible=collected.packed(),
        accessible_known=np.isin(np.arange(len(names.cell_types)), list(collected.accessible)),
        bound=collected.pairs(kept, 0),
        ambiguous=collected.pairs(kept, 1),
        region_id=place.region,
        region_chrom=place.chrom,
        region_start=place.start,
        chrom_names=place.chrom_names,
        attrs={
            "n_regions": collected.n_regions,
            "region_length": place.length,
            "assembly": assembly,
            "source": _SOURCE,
        },
    )


class _Collected:
    """What has been read so far, in compact form; every addition is compared with what is there."""

    def __init__(self, cell_types: list[str], tfs: list[str]) -> None:
        self.cell_types, self.tfs = cell_types, tfs
        self.n_regions = 0
        self.seen = np.zeros((len(tfs), len(cell_types)), bool)
        self.profiled = self.seen.copy()
        self.accessible: dict[int, NDArray[np.uint8]] = {}
        self._told: dict[int, Path] = {}
        self._events: dict[tuple[int, int], tuple[NDArray[np.uint32], NDArray[np.uint32]]] = {}

    def add(self, t: int, c: int, codes: NDArray[np.uint8], path: Path) -> None:
        """Take the codes of one TF in one cell type, uint8 (regions,), as `path` has them."""
        if self.n_regions and len(codes) != self.n_regions:
            raise InputError(
                path, f"its shape is not that of the other matrices ({len(codes):,} regions, not {self.n_regions:,})"
            )
        self.n_regions = len(codes)
        bits = np.packbits(codes > 0)
        profiled = bool(bits.any())
        what = f"{self.tfs[t]} in {self.cell_types[c]}"
        if self.seen[t, c] and self.profiled[t, c] != profiled:
            raise InputError(
                path, f"contradicts another file, which has {what} {'all null' if profiled else 'resolved'}"
            )
        self.seen[t, c], self.profiled[t, c] = True, profiled
        if not profiled:
            return
        told = self._told.setdefault(c, path)
        if not np.array_equal(self.accessible.setdefault(c, bits), bits):
            raise InputError(
                path, f"open regions of {self.cell_types[c]} differ from those in another TF's column of {told.name}"
            )
        events = tuple(np.flatnonzero(codes == code).astype(np.uint32) for code in (4, 2))
        known = self._events.setdefault((t, c), events)  # type: ignore[arg-type]
        if not all(map(np.array_equal, known, events)):
            raise InputError(path, f"contradicts another file about the bound regions of {what}")

    def add_cube(self, path: Path) -> None:
        """Take everything that a ``matrix3d.npz`` tells."""
        empty = set(range(len(self.cell_types)))
        for c, codes in read_coo(path, (len(self.cell_types), self.n_regions, len(self.tfs))):
            for t, row in enumerate(codes):
                self.add(t, c, row, path)
            empty.discard(c)
            logger.info("%s: %d TFs", self.cell_types[c], self.profiled[:, c].sum())
        for c in empty:
            if self.profiled[:, c].any():
                raise InputError(path, f"contradicts another file: it has nothing of {self.cell_types[c]}")

    def packed(self) -> NDArray[np.uint8]:
        """Return the accessible regions, uint8 (cell types, ceil(regions / 8))."""
        packed = np.zeros((len(self.cell_types), -(-self.n_regions // 8)), np.uint8)
        for c, bits in self.accessible.items():
            packed[c] = bits
        return packed

    def pairs(self, tfs: list[int], which: int) -> EventList:
        """Return the bound (0) or ambiguous (1) pairs of the TFs, each by cell type, then region."""
        parts = [
            [(events[which], c) for c in range(len(self.cell_types)) if (events := self._events.get((t, c)))]
            for t in tfs
        ]
        flat = [pair for part in parts for pair in part]
        counts = np.cumsum([0, *(sum(len(region) for region, _ in part) for part in parts)])
        region = np.concatenate([np.zeros(0, np.uint32), *(region for region, _ in flat)])
        cell = np.concatenate([np.zeros(0, np.uint8), *(np.full(len(region), c, np.uint8) for region, c in flat)])
        return EventList(counts.astype(np.int64), region, cell)


def _read_pairs(group: h5py.Group) -> EventList:
    loaded = EventList(group["indptr"][:].astype(np.int64), group["region"][:], group["cell_type"][:])
    return replace(loaded, region=loaded.region.astype(np.uint32))


def _expand(sources: Iterable[str | Path]) -> Iterator[Path]:
    for source in map(Path, sources):
        if not source.exists():
            raise InputError(source, "no such file or folder")
        if source.is_dir():
            yield from sorted(p for p in source.iterdir() if _is_published(p.name))
        else:
            yield source


def _is_published(name: str) -> bool:
    return bool(_MATRIX.search(name)) or name == _MATRIX_3D or name.endswith((".gz", ".fa"))
