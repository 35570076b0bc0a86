"""Published binding data, read into `BindingEvents`: the public event file and the per-TF matrices."""

from __future__ import annotations

import gzip
import io
import itertools
import logging
import pickle
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError, LayoutError
from tfb_matrix_data.files import read_lines
from tfb_matrix_data.layout import BindingEvents, EventList, as_text, write_events

__all__ = ["import_events", "import_matrices", "import_published", "read_index"]

logger = logging.getLogger(__name__)

_MATRIX = re.compile(r"matrix2d\.(?P<name>.+)\.ReMap\+UniBind\.(?P<kind>sparse|less-sparse)\.npz$")
_HEADER = re.compile(r">(?P<id>\d+)::(?P<chrom>[^:]+):(?P<start>\d+)-(?P<end>\d+)$")
# What `pickle` and `gzip` raise on damaged input.
_DAMAGED_PICKLE = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    IndexError,
    TypeError,
    ValueError,
    gzip.BadGzipFile,
    zlib.error,
)
_SOURCE = (
    "wassermanlab/TF-Binding-Matrix (MIT), matrix/UCSC/200bp; Novakovsky et al. 2021, doi:10.1186/s13059-021-02499-5"
)


def import_published(sources: Iterable[str | Path], output: str | Path, assembly: str = "hg38") -> BindingEvents:
    """Write a binding matrix from published files and return its events.

    Parameters
    ----------
    sources
        The public event file (``tf-binding-events.h5``), or any of: ``matrix2d.<TF>.ReMap+UniBind.{sparse,
        less-sparse}.npz`` in pairs, ``tfs_idx.pickle.gz``, ``samples_idx.pickle.gz``, FASTA files whose headers
        are ``>id::chrom:start-end``; folders stand for the files in them.
    output
        HDF5 file to write.
    assembly
        Name of the genome assembly, recorded in the file (the event file brings its own).

    Raises
    ------
    InputError
        If a source is missing, not recognised, or disagrees with another one.
    """
    files = list(_expand(sources))
    hdf5 = [path for path in files if path.suffix in {".h5", ".hdf5"}]
    if hdf5 and len(files) > 1:
        raise InputError(hdf5[0], "an event file already holds everything; import it alone")
    events = import_events(hdf5[0]) if hdf5 else import_matrices(files, assembly)
    write_events(events, output)
    return events


def import_events(path: str | Path) -> BindingEvents:
    """Read the public event file of the 163 TFs x 52 cell types (all of it, some 40 MB in memory)."""
    if not Path(path).is_file():
        raise InputError(path, "no such file")
    try:
        with h5py.File(path, "r") as file:
            return BindingEvents(
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
    except (OSError, KeyError) as error:
        raise LayoutError(f"{path}: is not a whole event file (cut off or of another kind): {error}") from None


def import_matrices(files: Iterable[str | Path], assembly: str = "hg38") -> BindingEvents:
    """Read the published matrices of one or more TFs, row by row, so that no dense array is ever held.

    The codes come back from the two kinds together: less sparse 1 is bound (4), sparse 0 is open (1), less
    sparse 0 where sparse is null is ambiguous (2 or 3), null in both is not accessible (0).

    Raises
    ------
    InputError
        If a TF has only one of its two matrices, the index pickles are missing, or TFs disagree about which
        regions a cell type has open.
    """
    by_tf: dict[str, dict[str, Path]] = {}
    index: dict[str, dict[str, int]] = {}
    fastas = []
    for path in map(Path, files):
        match = _MATRIX.search(path.name)
        if match:
            by_tf.setdefault(match["name"], {})[match["kind"]] = path
        elif path.name in {"tfs_idx.pickle.gz", "samples_idx.pickle.gz"}:
            index[path.name.split("_")[0]] = read_index(path)
        elif re.search(r"\.(fa|fasta)(\.b?gz)?$", path.name):
            fastas.append(path)
        else:
            raise InputError(path, "is none of the published files (matrix2d.*.npz, *_idx.pickle.gz, *.fa.gz, *.h5)")
    if not by_tf:
        raise InputError("import", "no matrix2d.<TF>.ReMap+UniBind.{sparse,less-sparse}.npz among the sources")
    first = next(iter(next(iter(by_tf.values())).values()))
    if set(index) != {"tfs", "samples"}:
        raise InputError(first, "needs tfs_idx.pickle.gz and samples_idx.pickle.gz of the same publication beside it")
    tfs = _in_order(by_tf, index["tfs"], first)
    cell_types = sorted(index["samples"], key=index["samples"].__getitem__)
    return _assemble(tfs, cell_types, by_tf, fastas, assembly)


def _assemble(
    tfs: list[str], cell_types: list[str], by_tf: dict[str, dict[str, Path]], fastas: list[Path], assembly: str
) -> BindingEvents:
    profiled = np.zeros((len(tfs), len(cell_types)), bool)
    accessible: dict[int, NDArray[np.uint8]] = {}
    found: dict[str, list[list[tuple[NDArray, int]]]] = {"bound": [], "ambiguous": []}
    n_regions = 0
    for t, tf in enumerate(tfs):
        for kind in ("sparse", "less-sparse"):
            if kind not in by_tf[tf]:
                raise InputError(next(iter(by_tf[tf].values())), f"the {kind} matrix of {tf} is missing beside it")
        found["bound"].append([])
        found["ambiguous"].append([])
        cell = -1
        rows = itertools.zip_longest(_rows(by_tf[tf]["sparse"]), _rows(by_tf[tf]["less-sparse"]), fillvalue=np.zeros(0))
        for cell, (sparse, less) in enumerate(rows):
            if cell >= len(cell_types) or (n_regions and len(sparse) != n_regions) or len(sparse) != len(less):
                raise InputError(by_tf[tf]["sparse"], "its shape is not that of the other matrices and the index")
            n_regions = len(sparse)
            if not (np.isnan(sparse) | (sparse == less)).all():
                raise InputError(by_tf[tf]["sparse"], "contradicts the less-sparse matrix; are both of the same TF?")
            known = ~np.isnan(less)
            if not known.any():
                continue
            profiled[t, cell] = True
            bits = np.packbits(known)
            if not np.array_equal(accessible.setdefault(cell, bits), bits):
                raise InputError(
                    by_tf[tf]["less-sparse"],
                    f"open regions of {cell_types[cell]} differ from those in another TF's file",
                )
            found["bound"][t].append((np.flatnonzero(less == 1).astype(np.uint32), cell))
            found["ambiguous"][t].append((np.flatnonzero((less == 0) & np.isnan(sparse)).astype(np.uint32), cell))
        if cell + 1 != len(cell_types):
            raise InputError(
                by_tf[tf]["sparse"],
                f"its shape is not that of the index ({cell + 1} cell types, not {len(cell_types)})",
            )
        logger.info("%s: %d cell types", tf, profiled[t].sum())
    packed = np.zeros((len(cell_types), -(-n_regions // 8)), np.uint8)
    for cell, bits in accessible.items():
        packed[cell] = bits
    region_id, chrom, start, names = _coordinates(fastas, n_regions)
    return BindingEvents(
        tfs=tfs,
        cell_types=cell_types,
        profiled=profiled,
        accessible=packed,
        accessible_known=np.isin(np.arange(len(cell_types)), list(accessible)),
        bound=_pairs(found["bound"]),
        ambiguous=_pairs(found["ambiguous"]),
        region_id=region_id,
        region_chrom=chrom,
        region_start=start,
        chrom_names=names,
        attrs={"n_regions": n_regions, "region_length": 200, "assembly": assembly, "source": _SOURCE},
    )


class _PlainUnpickler(pickle.Unpickler):
    """Unpickles dict, str, int and tuple; anything that needs an import is refused by name."""

    def find_class(self, module: str, name: str) -> type:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}; only dict, str, int and tuple are admitted")


def read_index(path: str | Path) -> dict[str, int]:
    """Read a published index pickle (name to row), admitting plain types only.

    Raises
    ------
    InputError
        If the pickle asks for any class or function, or is not a dict of str to int.
    """
    try:
        with gzip.open(path, "rb") as stream:
            index = _PlainUnpickler(io.BytesIO(stream.read())).load()
    except FileNotFoundError:
        raise InputError(path, "no such file") from None
    except _DAMAGED_PICKLE as error:
        raise InputError(path, f"is not a safe index pickle: {error}") from None
    if not isinstance(index, dict) or not all(type(k) is str and type(v) is int for k, v in index.items()):
        raise InputError(path, "is not an index (a dict of names to row numbers)")
    return index


def _rows(path: Path) -> Iterator[NDArray[np.float64]]:
    """Yield the rows of the only array of an .npz without holding more than one."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as stream:
            version = np.lib.format.read_magic(stream)
            read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            shape, fortran, dtype = read_header[version](stream)
            if fortran or dtype != np.float64 or len(shape) != 2:
                raise InputError(path, f"holds {dtype} of shape {shape}; expected float64 cell types x regions")
            size = shape[1] * dtype.itemsize
            for _ in range(shape[0]):
                row = stream.read(size)
                if len(row) != size:
                    raise InputError(path, "is cut off")
                yield np.frombuffer(row, dtype)
    except FileNotFoundError:
        raise InputError(path, "no such file") from None
    except (zipfile.BadZipFile, EOFError, IndexError, KeyError, ValueError, zlib.error) as error:
        raise InputError(path, f"is not a whole .npz file: {error}") from None


def _coordinates(fastas: list[Path], n_regions: int) -> tuple[NDArray, NDArray, NDArray, list[str]]:
    """Read region coordinates from FASTA headers; files that name the same region must agree."""
    place: dict[int, tuple[str, int]] = {}
    for path in fastas:
        for number, line in read_lines(path):
            if not line.startswith(">"):
                continue
            match = _HEADER.match(line)
            if not match or int(match["id"]) >= n_regions:
                raise InputError(path, f"header {line[:60]!r} is not '>id::chrom:start-end' with a known id", number)
            # Whatever the length of the sequences (200, 500 bp), the region is the 200 bp around their centre.
            start = (int(match["start"]) + int(match["end"])) // 2 - 100
            if place.setdefault(int(match["id"]), (match["chrom"], start)) != (match["chrom"], start):
                raise InputError(path, f"region {match['id']} has another place than in an earlier file", number)
    names = sorted({chrom for chrom, _ in place.values()})
    ids = np.array(sorted(place), np.uint32)
    chrom = np.array([names.index(place[i][0]) for i in ids.tolist()], np.uint8)
    starts = np.array([place[i][1] for i in ids.tolist()], np.uint32)
    return ids, chrom, starts, names


def _pairs(found: list[list[tuple[NDArray, int]]]) -> EventList:
    empty = np.zeros(0, np.uint32)
    region = [np.concatenate([empty, *(regions for regions, _ in parts)]) for parts in found]
    cell = [np.concatenate([empty, *(np.full(len(r), c, np.uint32) for r, c in parts)]) for parts in found]
    counts = np.cumsum([0, *map(len, region)])
    return EventList(counts.astype(np.int64), np.concatenate(region), np.concatenate(cell).astype(np.uint8))


def _read_pairs(group: h5py.Group) -> EventList:
    loaded = EventList(group["indptr"][:].astype(np.int64), group["region"][:], group["cell_type"][:])
    return replace(loaded, region=loaded.region.astype(np.uint32))


def _in_order(by_tf: dict[str, dict[str, Path]], index: dict[str, int], first: Path) -> list[str]:
    unknown = sorted(set(by_tf) - set(index))
    if unknown:
        raise InputError(first.parent, f"{', '.join(unknown)} is not a TF of tfs_idx.pickle.gz (per-TF files only)")
    return sorted(by_tf, key=index.__getitem__)


def _expand(sources: Iterable[str | Path]) -> Iterator[Path]:
    for source in map(Path, sources):
        if not source.exists():
            raise InputError(source, "no such file or folder")
        if source.is_dir():
            yield from sorted(p for p in source.iterdir() if _MATRIX.search(p.name) or p.name.endswith((".gz", ".fa")))
        else:
            yield source
