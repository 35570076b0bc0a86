"""Labels against a naive dense reference, and against the published numbers where the real data are at hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.layout import write_events
from tfb_matrix_data.matrix import BindingMatrix

KINDS = st.sampled_from(["sparse", "less_sparse"])


@pytest.fixture(scope="module")
def matrix(dense_path: Path):
    with BindingMatrix(dense_path) as opened:
        yield opened


def test_the_collapse_rule_worked_by_hand(make_dense, tmp_path: Path) -> None:
    # Rows: cell types. 0: not accessible. The third region is open and unbound in one cell type but ambiguous in
    # another: null in the sparse labels, not the zero that collapsing the mapped matrices would give.
    raw = np.array([[[1, 1, 1, 2, 4, 4, 1, 3], [1, 1, 2, 3, 1, 2, 4, 1], [1, 1, 1, 1, 1, 1, 3, 1]]])
    accessible = np.array([[0, 1, 1, 1, 1, 1, 0, 1], [0, 0, 1, 1, 0, 1, 0, 0], [1, 1, 1, 1, 1, 1, 1, 1]])
    dense = make_dense(raw, np.array([[1, 1, 0]]), accessible, ["SP1"], ["A", "B", "C"])
    write_events(dense.events(), tmp_path / "m.h5")
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        assert matrix.labels(kind="sparse")[:, 0].tolist() == [-1, 0, -1, -1, 1, 1, -1, -1]
        assert matrix.labels(kind="less_sparse")[:, 0].tolist() == [-1, 0, 0, 0, 1, 1, -1, 0]
        assert matrix.labels(kind="sparse", cell_types=["A"])[:, 0].tolist() == [-1, 0, 0, -1, 1, 1, -1, -1]
        assert matrix.labels(kind="sparse", cell_types=["C"])[:, 0].tolist() == [-1] * 8


def test_the_default_is_everything_sparse(matrix: BindingMatrix, dense) -> None:
    labels = matrix.labels()
    assert (labels.dtype, labels.shape, len(matrix)) == (np.int8, (41, 4), 41)
    assert np.array_equal(labels, dense.labels(None, None, "sparse", None))
    assert {-1, 0, 1} == set(labels.ravel().tolist())


@given(
    st.lists(st.sampled_from(["ATF4", "CTCF", "JUND", "SP1"]), max_size=6) | st.none(),
    st.lists(st.integers(0, 40), max_size=60) | st.none(),
    KINDS,
    st.lists(st.sampled_from(["B cell", "HeLa-S3", "K562"]), max_size=4) | st.none(),
)
def test_labels_equal_the_dense_reference(matrix: BindingMatrix, dense, tfs, regions, kind, cell_types) -> None:
    labels = matrix.labels(tfs, regions, kind, cell_types)
    assert labels.dtype == np.int8
    assert np.array_equal(labels, dense.labels(tfs, regions, kind, cell_types))


@pytest.mark.parametrize("cells", [None, ["B cell", "K562"], ["HeLa-S3"]])
def test_in_how_many_cell_types_a_region_is_bound(matrix: BindingMatrix, dense, cells) -> None:
    """Bound is what is bound in one or more: counts add up over cell types, one at a time."""
    counts = matrix.cells_bound(cell_types=cells)
    each = [matrix.labels(cell_types=[cell]) == 1 for cell in cells or matrix.cell_types]
    assert (counts.dtype, counts.max()) == (np.uint8, 1 if cells == ["HeLa-S3"] else len(cells or "ab"))
    assert np.array_equal(counts, np.sum(each, axis=0))
    assert np.array_equal(counts > 0, dense.labels(None, None, "sparse", cells) == 1)
    some = matrix.cells_bound(["SP1", "ATF4"], np.array([7, 3, 7]), cells)
    assert np.array_equal(some, counts[[7, 3, 7]][:, [3, 0]])
    with pytest.raises(UnknownNameError, match=r"'K56'.*K562"):
        matrix.cells_bound(cell_types=["K56"])


@given(hnp.arrays(bool, 41), KINDS)
def test_a_mask_picks_the_same_regions_as_its_indices(matrix: BindingMatrix, mask: np.ndarray, kind: str) -> None:
    assert np.array_equal(matrix.labels(regions=mask, kind=kind), matrix.labels(kind=kind)[mask])
    assert np.array_equal(matrix.labels(regions=mask.tolist(), kind=kind), matrix.labels(kind=kind)[mask])


@settings(max_examples=40)
@given(st.data(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 19), KINDS)
def test_any_matrix_equals_the_reference(make_dense, tmp_path_factory, data, n_tf, n_cell, n_region, kind) -> None:
    raw = data.draw(hnp.arrays(np.uint8, (n_tf, n_cell, n_region), elements=st.integers(1, 4)))
    profiled = data.draw(hnp.arrays(bool, (n_tf, n_cell)))
    accessible = data.draw(hnp.arrays(bool, (n_cell, n_region)))
    dense = make_dense(raw, profiled, accessible, [f"TF{t}" for t in range(n_tf)], [f"C{c}" for c in range(n_cell)])
    path = tmp_path_factory.getbasetemp() / "any.h5"
    write_events(dense.events(chrom_names=["chr1", "chr2", "chr3"]), path)
    with BindingMatrix(path) as matrix:
        assert np.array_equal(matrix.labels(kind=kind), dense.labels(None, None, kind, None))
        for cell in dense.cell_types:
            assert np.array_equal(matrix.labels(kind=kind, cell_types=[cell]), dense.labels(None, None, kind, [cell]))


def test_accessibility_that_is_not_known_gives_no_zero(dense, tmp_path: Path) -> None:
    write_events(dense.events(accessible_known=np.array([True, False, True])), tmp_path / "m.h5")
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        found = matrix.labels(kind="sparse", cell_types=["HeLa-S3"])
    full = dense.labels(None, None, "sparse", ["HeLa-S3"])
    assert np.array_equal(found, np.where(full == 1, 1, -1))


def test_one_name_may_be_given_without_a_list(matrix: BindingMatrix, dense) -> None:
    assert np.array_equal(matrix.labels("SP1"), dense.labels(["SP1"], None, "sparse", None))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tfs": ["jund"]}, "unknown TF 'jund'. Did you mean JUND?"),
        ({"tfs": ["SP1", "CTFC"]}, "unknown TF 'CTFC'. Did you mean CTCF"),
        ({"tfs": ["zzz"]}, "unknown TF 'zzz'. Valid: ATF4, CTCF, JUND, SP1."),
        ({"cell_types": ["HeLaS3"]}, "unknown cell type 'HeLaS3'. Did you mean HeLa-S3?"),
        ({"kind": "less-sparse"}, "unknown kind of labels 'less-sparse'. Did you mean less_sparse"),
    ],
)
def test_an_unknown_name_comes_with_a_suggestion(matrix: BindingMatrix, arguments: dict, message: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        matrix.labels(**arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize("regions", [[41], [-42], np.ones(40, bool), np.zeros(42, bool), [0.5]])
def test_regions_that_do_not_exist_are_refused(matrix: BindingMatrix, regions) -> None:
    with pytest.raises(Exception, match=r"\S"):
        matrix.labels(regions=regions)


def test_coordinates_are_minus_one_where_the_file_has_none(matrix: BindingMatrix) -> None:
    regions = matrix.regions
    assert len(regions) == 41
    assert regions.start[:7].tolist() == [1000, -1, -1, 2500, -1, -1, 4000]
    assert regions.end[:7].tolist() == [1200, -1, -1, 2700, -1, -1, 4200]
    assert regions.chrom[:7].tolist() == [0, -1, -1, 1, -1, -1, 2]
    assert (regions.length, regions.chrom_names) == (200, ["chr1", "chr16", "chrX"])


def test_regions_on_chromosomes(matrix: BindingMatrix) -> None:
    assert matrix.regions.on(["chr16"]).tolist() == [3, 12, 21, 30, 39]
    assert matrix.regions.on(["chr16", "chr1"]).tolist() == [0, 3, 9, 12, 18, 21, 27, 30, 36, 39]
    assert matrix.regions.on([]).tolist() == []
    with pytest.raises(UnknownNameError, match=r"unknown chromosome 'chr6'\. Did you mean chr16"):
        matrix.regions.on(["chr6"])


def test_most_resolved_prefers_the_later_name_among_ties(make_dense, tmp_path: Path) -> None:
    # Open regions per TF through its own cell type: B 3, A 5, D 3, C 3.
    accessible = np.arange(6) < np.array([[3], [5], [3], [3]])
    dense = make_dense(np.ones((4, 4, 6)), np.eye(4), accessible, ["B", "A", "D", "C"], ["w", "x", "y", "z"])
    write_events(dense.events(), tmp_path / "m.h5")
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        assert matrix.select_multimodel(4) == ["A", "D", "C", "B"]
        assert matrix.select_multimodel(2) == ["A", "D"]
        assert matrix.select_multimodel(2, ["w", "y"]) == ["D", "B"]  # 3 of either, none of the others


def test_which_tfs_were_profiled_where(matrix: BindingMatrix, dense) -> None:
    for cells in (["B cell"], ["HeLa-S3"], ["B cell", "K562"]):
        there = dense.profiled[:, [dense.cell_types.index(cell) for cell in cells]].any(1)
        assert matrix.profiled_in(cells) == [tf for tf, is_there in zip(dense.tfs, there, strict=True) if is_there]
    matrix.check_profiled(["CTCF", "SP1"], ["B cell", "K562"])
    with pytest.raises(ConfigError, match=r"^JUND was not profiled in B cell, K562; it was in HeLa-S3$"):
        matrix.check_profiled(["CTCF", "JUND"], ["B cell", "HeLa-S3", "K562"])
    for check in (matrix.profiled_in, lambda cells: matrix.check_profiled(["SP1"], cells)):
        with pytest.raises(UnknownNameError, match=r"unknown cell type 'K56'. Did you mean K562"):
            check(["K56"])


def test_a_cell_type_in_which_nothing_was_profiled(dense, tmp_path: Path) -> None:
    profiled = dense.profiled.copy()
    profiled[:, 0] = False
    write_events(dense.events(profiled=profiled), tmp_path / "none.h5")
    with (
        BindingMatrix(tmp_path / "none.h5") as opened,
        pytest.raises(ConfigError, match="no TF was profiled in B cell"),
    ):
        opened.profiled_in(["B cell"])


def test_the_repr_counts(matrix: BindingMatrix) -> None:
    assert repr(matrix) == "<BindingMatrix 4 TFs x 41 regions x 3 cell types>"


def test_several_processes_read_the_same_labels(matrix: BindingMatrix, dense_path: Path) -> None:
    # This process has the file open as well.
    script = (
        "import sys; from tfb_matrix_data.matrix import BindingMatrix; matrix = BindingMatrix(sys.argv[1])\n"
        "sys.stdin.read(); sys.stdout.write(matrix.labels(kind='less_sparse').tobytes().hex())"
    )
    command = [sys.executable, "-c", script, str(dense_path)]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    found = [worker.communicate("both are open now", timeout=60)[0] for worker in workers]
    assert found == [matrix.labels(kind="less_sparse").tobytes().hex()] * 2


@pytest.fixture(scope="module")
def real(real_matrix: Path):
    with BindingMatrix(real_matrix) as opened:
        yield opened


def _counts(labels: np.ndarray) -> tuple[int, int, int]:
    return tuple(int((labels == value).sum()) for value in (1, 0, -1))


@pytest.mark.shared_data
class TestRealMatrix:
    """The check values of the data's README."""

    def test_counts_of_the_sparse_labels(self, real: BindingMatrix) -> None:
        counts = {tf: _counts(real.labels([tf])) for tf in real.tfs}
        assert counts["ATF4"] == (557, 112_851, 1_704_510)
        assert counts["JUND"] == (63_197, 596_463, 1_158_258)
        assert tuple(map(sum, zip(*counts.values(), strict=True))) == (1_889_254, 50_680_084, 243_751_296)
        assert sum(ones <= 500 for ones, _, _ in counts.values()) == 16

    def test_the_fifty_most_resolved(self, real: BindingMatrix, shared_data: Path) -> None:
        published = (shared_data / "knowledge" / "multimodel_50_TFs.txt").read_text().splitlines()
        assert set(real.select_multimodel(50)) == {tf for tf in published if tf and not tf.startswith("#")}
        without_ctcf = [tf for tf in real.select_multimodel(51) if tf != "CTCF"][:50]
        resolved = np.ones(len(real), bool)
        for tf in without_ctcf:
            resolved &= real.labels([tf], kind="less_sparse")[:, 0] >= 0
        assert resolved.sum() == 122_428

    def test_the_file_is_small(self, real_matrix: Path) -> None:
        assert real_matrix.stat().st_size <= 15e6

    def test_a_region_of_every_chromosome_has_its_place(self, real: BindingMatrix) -> None:
        assert (real.regions.start >= 0).sum() == 400_680
        assert len(real.regions.on(real.regions.chrom_names)) == 400_680
