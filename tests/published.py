"""The files that the authors would have published of a `Dense` matrix, in each of their three forms."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.layout import BindingEvents

SPARSE = np.array([np.nan, 0, np.nan, np.nan, 1])
LESS_SPARSE = np.array([np.nan, 0, 0, 0, 1])
KINDS = (("sparse", SPARSE), ("less-sparse", LESS_SPARSE))


def matrix_path(folder: Path, name: str, kind: str) -> Path:
    return folder / f"matrix2d.{name.replace(' ', '_').replace('/', '-')}.ReMap+UniBind.{kind}.npz"


def write_index(path: Path, names: list) -> None:
    path.write_bytes(gzip.compress(pickle.dumps({name: i for i, name in enumerate(names)}, protocol=3)))


def tf_names(dense) -> list[str]:
    """The published order: the index knows one TF more, and not in the order of the alphabet."""
    return ["ZZZ3", *reversed(dense.tfs)]


def places(n_regions: int) -> list[tuple[str, int, int]]:
    return [("chr21" if i < 10 else "chrX", 9_900 + 1000 * i, 10_100 + 1000 * i) for i in range(n_regions)]


def cube(dense) -> NDArray[np.uint8]:
    """Codes as (cell types, regions, TFs), in the published order of TFs."""
    none = np.zeros((1, *dense.codes.shape[1:]), np.uint8)
    return np.concatenate([none, dense.codes[::-1]]).transpose(1, 2, 0)


def publish_index(dense, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    write_index(folder / "tfs_idx.pickle.gz", tf_names(dense))
    write_index(folder / "samples_idx.pickle.gz", dense.cell_types)
    return folder


def publish_tfs(dense, folder: Path) -> Path:
    """Per TF, cell types x regions; with FASTA files of the first twenty regions, and a file that is no source."""
    publish_index(dense, folder)
    for t, tf in enumerate(dense.tfs):
        for kind, labels in KINDS:
            np.savez_compressed(matrix_path(folder, tf, kind), labels[dense.codes[t]])
    for chrom, length, ids in (("chr21", 200, range(10)), ("chrX", 500, range(10, 20))):
        start = 10_000 - length // 2
        text = "".join(f">{i}::{chrom}:{start + 1000 * i}-{start + 1000 * i + length}\n{'ACGT' * 5}\n" for i in ids)
        (folder / f"sequences.{length}bp.{chrom}.fa.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "FILES.tsv").write_text("not a source\n")
    return folder


def publish_cell_types(dense, folder: Path, regions_first: bool = True) -> Path:
    """Per cell type, regions x TFs as a slice of the cube is, or the other way round."""
    publish_index(dense, folder)
    for c, cell_type in enumerate(dense.cell_types):
        for kind, labels in KINDS:
            array = labels[cube(dense)[c]]
            np.savez_compressed(matrix_path(folder, cell_type, kind), array if regions_first else array.T.copy())
    return folder


def publish_cube(dense, folder: Path, **changes: object) -> Path:
    """``matrix3d.npz``, with the arrays of `sparse.save_npz`."""
    publish_index(dense, folder)
    codes = cube(dense)
    coords = np.array(np.nonzero(codes))
    arrays = {"data": codes[tuple(coords)].astype(np.int64), "coords": coords, "shape": np.array(codes.shape)}
    np.savez_compressed(folder / "matrix3d.npz", **{**arrays, "fill_value": np.int64(0), **changes})
    return folder


def codes_of(events: BindingEvents) -> np.ndarray:
    """The dense codes of events, ambiguous as 2: the inverse of the compact form, step by step."""
    codes = np.zeros((len(events.tfs), len(events.cell_types), int(events.attrs["n_regions"])), np.uint8)
    bits = np.unpackbits(events.accessible, axis=1, count=codes.shape[2])
    codes[:] = events.profiled[:, :, None] * (bits * events.accessible_known[:, None])[None]
    for pairs, code in ((events.ambiguous, 2), (events.bound, 4)):
        for t in range(len(events.tfs)):
            region, cell = pairs.of(t)
            codes[t, cell, region] = code
    return codes
