"""Published files, made here in small: they come back as the codes they were made from, or say what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.published import codes_of, matrix_path, publish_tfs, write_index
from tfb_matrix_data.errors import InputError, LayoutError
from tfb_matrix_data.importers import import_events, import_matrices, import_published
from tfb_matrix_data.matrix import BindingMatrix


@pytest.fixture
def published(dense, tmp_path: Path) -> Path:
    return publish_tfs(dense, tmp_path / "published")


def test_published_matrices_come_back_as_their_codes(dense, published: Path, tmp_path: Path) -> None:
    events = import_published([published], tmp_path / "m.h5", assembly="hg99")
    assert events.tfs == list(reversed(dense.tfs)), "the order is that of the index"
    assert events.cell_types == dense.cell_types
    expected = np.where(dense.codes == 3, 2, dense.codes)[::-1]
    assert np.array_equal(codes_of(events), expected)
    assert np.array_equal(events.profiled, dense.profiled[::-1])
    assert events.attrs["assembly"] == "hg99"
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        for kind in ("sparse", "less_sparse"):
            assert np.array_equal(matrix.labels(dense.tfs, kind=kind), dense.labels(None, None, kind, None))


def test_coordinates_are_the_middle_200_bp_of_any_sequence(published: Path, tmp_path: Path) -> None:
    import_published([published], tmp_path / "m.h5")
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        regions = matrix.regions
        assert regions.start.tolist() == [9_900 + 1000 * i for i in range(20)] + [-1] * 21
        assert matrix.regions.on(["chr21"]).tolist() == list(range(10))
        assert matrix.regions.on(["chrX"]).tolist() == list(range(10, 20))


def test_a_part_of_the_tfs_and_no_coordinates_are_enough(dense, published: Path, tmp_path: Path) -> None:
    files = [*published.glob("matrix2d.JUND.*"), *published.glob("*_idx.pickle.gz")]
    import_published(files, tmp_path / "m.h5")
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        assert matrix.tfs == ["JUND"]
        assert np.array_equal(matrix.labels(), dense.labels(["JUND"], None, "sparse", None))
        assert (matrix.regions.start == -1).all()


def test_the_event_file_comes_back_as_it_is(dense, dense_path: Path, tmp_path: Path) -> None:
    public = tmp_path / "events.h5"
    shutil.copy(dense_path, public)
    with h5py.File(public, "r+") as file:
        del file.attrs["format"], file.attrs["layout_version"]
    import_published([public], tmp_path / "m.h5")
    assert (tmp_path / "m.h5").read_bytes() == dense_path.read_bytes()
    assert import_events(public).tfs == dense.tfs


def test_an_event_file_is_imported_alone(published: Path, dense_path: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"matrix\.h5: an event file already holds everything; import it alone"):
        import_published([dense_path, published], tmp_path / "m.h5")


@pytest.mark.parametrize("content", [b"", b"no HDF5", None])
def test_an_event_file_of_another_kind_is_refused(dense_path: Path, tmp_path: Path, content: bytes | None) -> None:
    data = dense_path.read_bytes()
    (tmp_path / "events.h5").write_bytes(data[: len(data) // 2] if content is None else content)
    with pytest.raises(LayoutError, match=r"events\.h5: is not a whole event file"):
        import_published([tmp_path / "events.h5"], tmp_path / "m.h5")
    assert not (tmp_path / "m.h5").exists()


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _resave(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    with np.load(path) as archive:
        array = archive["arr_0"]
    np.savez_compressed(path, change(array))


def _close_one(array: np.ndarray) -> np.ndarray:
    array[0, np.flatnonzero(~np.isnan(array[0]))[0]] = np.nan
    return array


def _sparse(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    return lambda f: _resave(matrix_path(f, "CTCF", "sparse"), change)


def _every(glob: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], list]:
    return lambda f: [_resave(path, change) for path in f.glob(glob)]


SHAPE = "its shape is not that of"
SPOILT = {
    "no sparse": (lambda f: matrix_path(f, "SP1", "sparse").unlink(), "the sparse matrix of SP1 is missing"),
    "no less sparse": (lambda f: matrix_path(f, "SP1", "less-sparse").unlink(), "the less-sparse matrix of SP1 is"),
    "no TFs": (lambda f: (f / "tfs_idx.pickle.gz").unlink(), "needs tfs_idx.pickle.gz and samples_idx.pickle.gz"),
    "no samples": (lambda f: (f / "samples_idx.pickle.gz").unlink(), "needs tfs_idx.pickle.gz and samples_idx"),
    "unknown TF": (
        lambda f: write_index(f / "tfs_idx.pickle.gz", ["JUND", "SP1"]),
        "ATF4, CTCF is not a TF of tfs_idx",
    ),
    "TF that is no name": (
        lambda f: write_index(f / "tfs_idx.pickle.gz", ["ATF4", "CTCF", "JUND", "SP1\nargs:"]),
        r"tfs_idx.pickle.gz: 'SP1\\nargs:' is not a name of a TF",
    ),
    "cell type that is no name": (
        lambda f: write_index(f / "samples_idx.pickle.gz", ["B cell\t"]),
        r"samples_idx.pickle.gz: 'B cell\\t' is not a name of a cell type",
    ),
    "no matrix": (lambda f: [p.unlink() for p in f.glob("*.npz")], "no matrix2d.<TF>.ReMap"),
    "cut npz": (lambda f: _cut(matrix_path(f, "CTCF", "sparse")), r"CTCF.*\.sparse\.npz: is not a whole \.npz file"),
    "empty npz": (lambda f: matrix_path(f, "CTCF", "sparse").write_bytes(b""), "is not a whole .npz file"),
    "npz of nothing": (lambda f: np.savez(matrix_path(f, "CTCF", "sparse")), r"CTCF.*sparse\.npz: "),
    "float32": (_sparse(lambda a: a.astype("f4")), "holds float32 of shape"),
    "one dimension": (_sparse(lambda a: a[0]), r"shape \(41,\); expected float64"),
    "fewer regions than partner": (_sparse(lambda a: a[:, :-1]), SHAPE),
    "fewer cell types than partner": (_sparse(lambda a: a[:-1]), SHAPE),
    "fewer cell types than index": (_every("*.npz", lambda a: a[:-1]), SHAPE),
    "more cell types than index": (_every("*.npz", lambda a: np.vstack([a, a])), SHAPE),
    "fewer regions than other TF": (_every("*SP1*.npz", lambda a: a[:, :-1]), SHAPE),
    "other open regions": (
        _every("*CTCF*.npz", _close_one),
        "open regions of B cell differ from those in another TF's",
    ),
    "sparse of other TF": (
        lambda f: shutil.copy(matrix_path(f, "ATF4", "sparse"), matrix_path(f, "CTCF", "sparse")),
        "CTCF",
    ),
    "other place": (lambda f: (f / "a.fa").write_text(">0::chr21:5-205\nA\n"), "line 1: region 0 has another place"),
    "unknown region": (lambda f: (f / "a.fa").write_text(">41::chr21:5-205\nA\n"), "line 1: header .* with a known id"),
    "other FASTA": (lambda f: (f / "a.fa").write_text(">chr21\nAC\n"), "header '>chr21' is not '>id::chrom:start-end'"),
    "other file": (lambda f: (f / "notes.gz").write_text("x"), r"notes\.gz: is none of the published files"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_set_is_refused(published: Path, tmp_path: Path, case: str) -> None:
    spoil, message = SPOILT[case]
    spoil(published)
    with pytest.raises(InputError, match=message):
        import_published([published], tmp_path / "m.h5")
    assert not (tmp_path / "m.h5").exists()


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        import_published([tmp_path / "nowhere"], tmp_path / "m.h5")
    with pytest.raises(InputError, match="no such file"):
        import_matrices([tmp_path / "tfs_idx.pickle.gz"])


@pytest.mark.shared_data
def test_the_published_matrices_equal_the_event_file(real_matrix: Path, upstream_matrix: Path) -> None:
    with BindingMatrix(real_matrix) as events, BindingMatrix(upstream_matrix) as matrices:
        assert matrices.tfs == ["ATF4", "HNF4A", "SMAD3", "SP1", "SREBF2"]
        assert matrices.cell_types == events.cell_types
        for kind in ("sparse", "less_sparse"):
            assert np.array_equal(matrices.labels(kind=kind), events.labels(matrices.tfs, kind=kind))
        for tf in matrices.tfs:
            profiled = matrices.profiled[matrices.tfs.index(tf)]
            assert np.array_equal(profiled, events.profiled[events.tfs.index(tf)])
            for cell in np.array(matrices.cell_types)[profiled]:
                for kind in ("sparse", "less_sparse"):
                    asked = {"tfs": [tf], "kind": kind, "cell_types": [cell]}
                    assert np.array_equal(matrices.labels(**asked), events.labels(**asked)), (tf, cell, kind)
        known = np.flatnonzero(matrices.regions.start >= 0)
        assert len(known) > 0
        assert np.array_equal(matrices.regions.start[known], events.regions.start[known])
        names = [np.array(m.regions.chrom_names)[m.regions.chrom[known]] for m in (matrices, events)]
        assert np.array_equal(*names)
