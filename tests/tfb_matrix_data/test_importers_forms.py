"""One truth, published per TF, per cell type and as a cube: every form gives the same file, and mixtures must agree."""

from __future__ import annotations

import gzip
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.published import (
    cube,
    matrix_path,
    places,
    publish_cell_types,
    publish_cube,
    publish_tfs,
    tf_names,
    write_index,
)
from tfb_matrix_data import published
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.importers import import_published
from tfb_matrix_data.indexes import read_regions
from tfb_matrix_data.matrix import BindingMatrix


@pytest.fixture
def reference(dense, tmp_path: Path) -> bytes:
    """The file made from the per-TF matrices, coordinates from the index of regions."""
    return _import(publish_tfs(dense, tmp_path / "reference"), dense)


def _import(folder: Path, dense, *more: Path) -> bytes:
    for fasta in folder.glob("*.fa.gz"):
        fasta.unlink()
    write_index(folder / "regions_idx.pickle.gz", places(dense.codes.shape[2]))
    import_published([folder, *more], folder / "m.h5")
    return (folder / "m.h5").read_bytes()


def test_every_form_gives_the_same_file(dense, reference: bytes, tmp_path: Path) -> None:
    assert _import(publish_cell_types(dense, tmp_path / "cells"), dense) == reference
    assert _import(publish_cell_types(dense, tmp_path / "tfs-first", regions_first=False), dense) == reference
    assert _import(publish_cube(dense, tmp_path / "cube"), dense) == reference
    with BindingMatrix(tmp_path / "cube" / "m.h5") as matrix:
        assert matrix.tfs == tf_names(dense)[1:]
        for kind in ("sparse", "less_sparse"):
            assert np.array_equal(matrix.labels(dense.tfs, kind=kind), dense.labels(None, None, kind, None))


def test_all_forms_at_once_agree(dense, reference: bytes, tmp_path: Path) -> None:
    folder = publish_cube(dense, tmp_path / "all")
    publish_cell_types(dense, folder)
    publish_tfs(dense, folder)
    assert _import(folder, dense) == reference


def test_the_memory_order_of_a_matrix_does_not_show(dense, reference: bytes, tmp_path: Path) -> None:
    for order in "CF":
        for publish in (publish_tfs, publish_cell_types):
            folder = publish(dense, tmp_path / f"{publish.__name__}-{order}")
            for path in folder.glob("*.npz"):
                _resave(path, arr_0=lambda a: np.asarray(a, order=order))  # noqa: B023 (called at once)
            assert _import(folder, dense) == reference


def test_blocks_do_not_show(dense, reference: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for block in (1, 7, 64):
        monkeypatch.setattr(published, "_BLOCK", block)
        assert _import(publish_cube(dense, tmp_path / "cube"), dense) == reference
        assert _import(publish_cell_types(dense, tmp_path / "cells"), dense) == reference


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u4", "i8", "u1"])
def test_coords_of_any_integer_type_and_order(dense, reference: bytes, tmp_path: Path, dtype: str, order: str) -> None:
    coords = np.array(np.nonzero(cube(dense))).astype(dtype, order=order)
    assert _import(publish_cube(dense, tmp_path / "cube", coords=coords), dense) == reference


def test_one_cell_type_brings_the_tfs_profiled_there(dense, tmp_path: Path) -> None:
    folder = publish_cell_types(dense, tmp_path / "cells")
    files = [*folder.glob("matrix2d.HeLa-S3.*"), *folder.glob("*_idx.pickle.gz")]
    import_published(files, tmp_path / "m.h5")
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        in_hela = [tf for tf, row in zip(dense.tfs, dense.profiled, strict=True) if row[1]]
        assert sorted(matrix.tfs) == sorted(in_hela) and matrix.cell_types == dense.cell_types
        assert np.array_equal(matrix.labels(in_hela), dense.labels(in_hela, None, "sparse", ["HeLa-S3"]))


def test_square_matrices_are_what_slices_of_the_cube_are(make_dense, tmp_path: Path) -> None:
    # As many regions as the index has TFs (3 and ZZZ3) and cell types (4).
    raw = np.random.default_rng(5).integers(1, 5, (3, 4, 4))
    tfs, cells = ["ATF4", "CTCF", "SP1"], ["B cell", "BJ", "K562", "NT2/D1"]
    square = make_dense(raw, np.ones((3, 4)), np.array([[1, 0, 1, 1]] * 4), tfs, cells)
    made = []
    for publish in (publish_tfs, publish_cell_types, publish_cube):
        folder = publish(square, tmp_path / publish.__name__)
        for fasta in folder.glob("*.fa.gz"):
            fasta.unlink()
        import_published([folder], folder / "m.h5")
        made.append((folder / "m.h5").read_bytes())
    assert made[0] == made[1] == made[2]
    with BindingMatrix(tmp_path / "publish_cube" / "m.h5") as matrix:
        assert np.array_equal(matrix.labels(tfs), square.labels(tfs, None, "sparse", None))


# What does not agree


def _resave(path: Path, **changes: Callable[[np.ndarray], np.ndarray]) -> None:
    with np.load(path) as archive:
        arrays = {name: changes.get(name, lambda a: a)(archive[name]) for name in archive.files}
    np.savez_compressed(path, **arrays)


def _flip_one(array: np.ndarray) -> np.ndarray:
    """Turn one bound element into unbound."""
    array[tuple(axis[0] for axis in np.nonzero(array == 1))] = 0
    return array


@pytest.mark.parametrize("form", ["cells", "cube"])
def test_forms_that_disagree_are_refused_by_name(dense, tmp_path: Path, form: str) -> None:
    folder = publish_tfs(dense, tmp_path / "mixed")
    if form == "cube":
        publish_cube(dense, folder)
        _resave(folder / "matrix3d.npz", data=lambda a: np.where(np.arange(len(a)) == np.argmax(a == 4), 1, a))
        at_fault = "matrix3d.npz"
    else:
        publish_cell_types(dense, folder)
        for kind in ("sparse", "less-sparse"):
            _resave(matrix_path(folder, "K562", kind), arr_0=_flip_one)
        at_fault = matrix_path(folder, "K562", "less-sparse").name
    with pytest.raises(
        InputError, match=rf"{re.escape(at_fault)}: contradicts another file about the bound regions of"
    ):
        import_published([folder], tmp_path / "m.h5")
    assert not (tmp_path / "m.h5").exists()


def test_a_form_that_knows_less_is_refused(dense, tmp_path: Path) -> None:
    folder = publish_tfs(dense, tmp_path / "mixed")
    kept = np.nonzero(cube(dense))[0] != 1
    coords, data = np.array(np.nonzero(cube(dense)))[:, kept], cube(dense)[cube(dense) > 0][kept]
    publish_cube(dense, folder, coords=coords, data=data)
    with pytest.raises(InputError, match=r"matrix3d\.npz: contradicts another file: it has nothing of HeLa-S3"):
        import_published([folder], tmp_path / "m.h5")
    shutil.copy(matrix_path(folder, "CTCF", "sparse"), matrix_path(folder, "ATF4", "sparse"))
    shutil.copy(matrix_path(folder, "CTCF", "less-sparse"), matrix_path(folder, "ATF4", "less-sparse"))
    (folder / "matrix3d.npz").unlink()
    publish_cell_types(dense, folder)
    with pytest.raises(InputError, match=r"contradicts another file.* ATF4 in "):
        import_published([folder], tmp_path / "m.h5")


CUBES = {
    "unsorted": ({"coords": lambda a: a[:, ::-1], "data": lambda a: a[::-1]}, "not sorted by cell type"),
    "code 5": ({"data": lambda a: a + 1}, "a code that is none of 1, 2, 3, 4"),
    "code 0": ({"data": lambda a: a - 1}, "a code that is none of 1, 2, 3, 4"),
    "negative": ({"coords": lambda a: a - 1}, "a coordinate outside its shape"),
    "beyond": ({"coords": lambda a: a + 1}, "a coordinate outside its shape"),
    "twice": (
        {"coords": lambda a: np.repeat(a, 2, axis=1), "data": lambda a: np.repeat(a, 2)},
        "the same cell type, region and TF twice",
    ),
    "transposed": ({"coords": lambda a: a.T.copy()}, "do not fit"),
    "float coords": ({"coords": lambda a: a.astype("f8")}, "do not fit"),
    "fewer codes": ({"data": lambda a: a[:-1]}, "do not fit"),
    "fill": ({"fill_value": lambda a: a + 1}, "fill_value is not 0"),
    "other shape": ({"shape": lambda a: a[::-1]}, "its shape is not that of the other matrices and the index"),
    "two dimensions": ({"shape": lambda a: a[:2]}, "its shape is not that of"),
    "objects": ({"data": lambda a: a.astype(object)}, r"is not a whole \.npz file: it holds Python objects"),
}


@pytest.mark.parametrize("case", CUBES)
def test_a_spoilt_cube_is_refused(dense, tmp_path: Path, case: str) -> None:
    changes, message = CUBES[case]
    folder = publish_cube(dense, tmp_path / "cube")
    _resave(folder / "matrix3d.npz", **changes)
    with pytest.raises(InputError, match=rf"matrix3d\.npz: .*{message}"):
        import_published([folder], tmp_path / "m.h5")


def test_more_entries_or_regions_than_there_can_be(dense, tmp_path: Path) -> None:
    """Zeros without an end, in a small file: nothing is read of them."""
    folder = publish_cube(dense, tmp_path / "cube")
    n_cells, n_regions, n_tfs = cube(dense).shape
    entries = 10 * n_cells * n_regions * n_tfs
    shapes = {"coords": (3, entries), "data": (entries,)}
    _resave(
        folder / "matrix3d.npz", **{name: lambda a, s=shape: np.zeros(s, a.dtype) for name, shape in shapes.items()}
    )
    with pytest.raises(InputError, match=rf"matrix3d\.npz: has {entries:,} entries, more than its shape"):
        import_published([folder], tmp_path / "m.h5")
    _resave(folder / "matrix3d.npz", shape=lambda a: np.array([n_cells, 10**9, n_tfs]))
    with pytest.raises(InputError, match=r"matrix3d\.npz: has 1,000,000,000 regions; at most"):
        import_published([folder], tmp_path / "m.h5")


def test_a_cube_that_is_cut_off_or_no_cube_is_refused(dense, tmp_path: Path) -> None:
    folder = publish_cube(dense, tmp_path / "cube")
    whole = (folder / "matrix3d.npz").read_bytes()
    (folder / "matrix3d.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"matrix3d\.npz: is not a whole \.npz file"):
        import_published([folder], tmp_path / "m.h5")
    np.savez(folder / "matrix3d.npz", cube(dense))
    with pytest.raises(InputError, match=r"matrix3d\.npz: is not a whole \.npz file: .*no item named 'shape\.npy'"):
        import_published([folder], tmp_path / "m.h5")


def test_names_that_are_not_clear_are_refused(dense, tmp_path: Path) -> None:
    folder = publish_tfs(dense, tmp_path / "clash")
    write_index(folder / "samples_idx.pickle.gz", ["B cell", "SP1", "K562"])
    with pytest.raises(InputError, match="SP1 is a TF and a cell type"):
        import_published([folder], tmp_path / "m.h5")
    (folder / "samples_idx.pickle.gz").write_bytes(gzip.compress(pickle.dumps({"B cell": 0, "BJ": 2, "K562": 3})))
    with pytest.raises(InputError, match=r"samples_idx\.pickle\.gz: its row numbers are not 0, 1, 2"):
        import_published([folder], tmp_path / "m.h5")


def test_the_same_matrix_from_two_folders_is_refused(dense, tmp_path: Path) -> None:
    first, second = (publish_tfs(dense, tmp_path / name) for name in ("a", "b"))
    with pytest.raises(InputError, match=r"b/matrix2d.*is given twice; .*a/matrix2d"):
        import_published([first, *second.glob("*.npz")], tmp_path / "m.h5")


# Where the regions are


def test_keys_are_tuples_or_texts(tmp_path: Path) -> None:
    path = tmp_path / "regions_idx.pickle.gz"
    expected = {0: ("chr1", 100, 300), 1: ("chrX", 5, 205)}
    write_index(path, list(expected.values()))
    assert read_regions(path) == expected
    write_index(path, ["chr1:100-300", "chrX:5-205"])
    assert read_regions(path) == expected


def test_the_index_of_regions_and_fasta_headers_must_agree(dense, tmp_path: Path) -> None:
    folder = publish_tfs(dense, tmp_path / "tfs")
    write_index(folder / "regions_idx.pickle.gz", places(41))
    import_published([folder], tmp_path / "m.h5")
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        assert matrix.regions.start.tolist() == [start for _, start, _ in places(41)]
    write_index(folder / "regions_idx.pickle.gz", [(c, s + 50, e + 50) for c, s, e in places(41)])
    with pytest.raises(InputError, match=r"sequences.*line 1: region \d+ has another place"):
        import_published([folder], tmp_path / "other.h5")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([("chr1", 100, 300), ("chr1", 400, 601)], "its regions have different lengths"),
        ([("chr1", 300, 100)], "is not a region and its row"),
        ([("chr1", -5, 195)], "is not a region and its row"),
        ([("chr1", 100)], "is not a region and its row"),
        ([("chr1", "100", "300")], "is not a region and its row"),
        (["chr1"], "is not a region and its row"),
        ([7], "is not a region and its row"),
        ([f"chr1:{i}-{i + 200}" for i in range(42)], "has a region 41; the matrices have 41 regions"),
    ],
)
def test_an_index_of_regions_that_is_none_is_refused(dense, tmp_path: Path, keys: list, message: str) -> None:
    folder = publish_cube(dense, tmp_path / "cube")
    write_index(folder / "regions_idx.pickle.gz", keys)
    with pytest.raises(InputError, match=rf"regions_idx\.pickle\.gz: .*{message}"):
        import_published([folder], tmp_path / "m.h5")


def test_two_regions_of_one_row_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "regions_idx.pickle.gz"
    path.write_bytes(gzip.compress(pickle.dumps({"chr1:0-200": 3, "chr1:300-500": 3})))
    with pytest.raises(InputError, match="row 3 is that of two regions"):
        read_regions(path)
    path.write_bytes(gzip.compress(pickle.dumps(np.arange(3))))
    with pytest.raises(InputError, match=r"is not a safe index pickle: it asks for numpy"):
        read_regions(path)
