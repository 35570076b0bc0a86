"""Cosines against a naive reference, worked by hand, and on the real matrix."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tfb_matrix_data import similarity as module
from tfb_matrix_data.errors import UnknownNameError
from tfb_matrix_data.layout import write_events
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.similarity import similarity

KINDS = st.sampled_from(["sparse", "less_sparse"])


@pytest.fixture(scope="module")
def matrix(dense_path: Path):
    with BindingMatrix(dense_path) as opened:
        yield opened


def naive(labels: np.ndarray) -> np.ndarray:
    """Cosines of the columns of labels, one pair and one region at a time."""
    n = labels.shape[1]
    cosines = np.full((n, n), np.nan)
    for a in range(n):
        for b in range(n):
            pairs = [(int(x), int(y)) for x, y in labels[:, [a, b]] if x >= 0 and y >= 0]
            norm = math.sqrt(sum(x * x for x, _ in pairs) * sum(y * y for _, y in pairs))
            if norm:
                cosines[a, b] = sum(x * y for x, y in pairs) / norm
    return cosines


def test_worked_by_hand(make_dense, tmp_path: Path) -> None:
    # One cell type; the last region is not accessible. Codes 2 and 3 are null in the sparse labels, 0 in the others.
    raw = np.array([[[4, 4, 4, 1, 2, 4, 4]], [[4, 1, 2, 4, 4, 4, 4]], [[1, 1, 1, 1, 1, 1, 4]]])
    accessible = np.array([[1, 1, 1, 1, 1, 1, 0]])
    dense = make_dense(raw, np.ones((3, 1)), accessible, ["A", "B", "NONE"], ["K562"])
    write_events(dense.events(), tmp_path / "m.h5")
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        sparse, less_sparse = similarity(matrix, kind="sparse"), similarity(matrix)
    # Sparse: resolved in both are regions 0, 1, 3, 5; A binds 0 1 5, B binds 0 3 5.
    assert sparse[0, 1] == pytest.approx(2 / 3)
    # Less sparse: regions 0 to 5; A binds four, B binds four, both bind two.
    assert less_sparse[0, 1] == pytest.approx(2 / 4)
    assert less_sparse[0, 0] == less_sparse[1, 1] == 1
    assert np.isnan(less_sparse[2]).all() and np.isnan(less_sparse[:, 2]).all()


@given(
    st.lists(st.sampled_from(["ATF4", "CTCF", "JUND", "SP1"]), max_size=6) | st.none(),
    KINDS,
    st.lists(st.sampled_from(["B cell", "HeLa-S3", "K562"]), max_size=4) | st.none(),
)
def test_equals_the_naive_reference(matrix: BindingMatrix, dense, tfs, kind, cell_types) -> None:
    found = similarity(matrix, tfs, kind, cell_types)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, naive(dense.labels(tfs, None, kind, cell_types)), rtol=1e-12)


@settings(max_examples=40)
@given(st.data(), st.integers(1, 4), st.integers(1, 3), st.integers(1, 40), KINDS)
def test_any_matrix(make_dense, tmp_path_factory, data, n_tf, n_cell, n_region, kind) -> None:
    raw = data.draw(hnp.arrays(np.uint8, (n_tf, n_cell, n_region), elements=st.integers(1, 4)))
    profiled = data.draw(hnp.arrays(bool, (n_tf, n_cell)))
    accessible = data.draw(hnp.arrays(bool, (n_cell, n_region)))
    dense = make_dense(raw, profiled, accessible, [f"TF{t}" for t in range(n_tf)], [f"C{c}" for c in range(n_cell)])
    path = tmp_path_factory.getbasetemp() / "similarity.h5"
    write_events(dense.events(chrom_names=["chr1", "chr2", "chr3"]), path)
    with BindingMatrix(path) as matrix:
        found = similarity(matrix, kind=kind)
    np.testing.assert_allclose(found, naive(dense.labels(None, None, kind, None)), rtol=1e-12)
    assert np.array_equal(found, found.T, equal_nan=True)
    assert np.nanmin(found, initial=0) >= 0 and np.nanmax(found, initial=0) <= 1


@pytest.mark.parametrize("n_region", [64, 65, 300])
@pytest.mark.parametrize("block", [1, 2, 1024])
def test_many_words_in_blocks(make_dense, tmp_path: Path, monkeypatch, n_region: int, block: int) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    rng = np.random.default_rng(5)
    raw, profiled = rng.integers(1, 5, (3, 2, n_region)), np.ones((3, 2))
    dense = make_dense(raw, profiled, rng.random((2, n_region)) < 0.6, ["A", "B", "C"], ["x", "y"])
    write_events(dense.events(), tmp_path / "m.h5")
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        np.testing.assert_allclose(similarity(matrix), naive(dense.labels(None, None, "less_sparse", None)), rtol=1e-12)


def test_one_name_may_be_given_without_a_list(matrix: BindingMatrix) -> None:
    assert similarity(matrix, "JUND", cell_types="HeLa-S3").tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tfs": ["jund"]}, "unknown TF 'jund'. Did you mean JUND?"),
        ({"cell_types": ["K-562"]}, "unknown cell type 'K-562'. Did you mean K562?"),
        ({"kind": "partial"}, "unknown kind of labels 'partial'. Valid: sparse, less_sparse."),
    ],
)
def test_unknown_names(matrix: BindingMatrix, arguments: dict, message: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        similarity(matrix, **arguments)
    assert message in str(caught.value)


@pytest.fixture(scope="module")
def real(real_matrix: Path):
    with BindingMatrix(real_matrix) as opened:
        yield opened


@pytest.fixture(scope="module", params=["sparse", "less_sparse"])
def block(real: BindingMatrix, request: pytest.FixtureRequest):
    cosines = similarity(real, kind=request.param)

    def mean(*tfs: str) -> float:
        index = [real.tfs.index(tf) for tf in tfs] if tfs else range(len(real.tfs))
        return float(np.nanmean(cosines[np.ix_(index, index)][np.triu_indices(len(index), 1)]))

    return mean


@pytest.mark.shared_data
class TestRealMatrix:
    """What the paper's heatmap shows."""

    def test_one_pair_equals_its_labels(self, real: BindingMatrix) -> None:
        a, b = real.labels(["GATA1", "TAL1"], kind="less_sparse").T.astype(int)
        both = (a >= 0) & (b >= 0)
        cosine = a[both] @ b[both] / math.sqrt((a[both] @ a[both]) * (b[both] @ b[both]))
        assert similarity(real, ["GATA1", "TAL1"])[0, 1] == pytest.approx(cosine, rel=1e-12)

    def test_the_block_of_gata1(self, block) -> None:
        assert block("GATA1", "GATA2", "TAL1", "TEAD4") > 5 * block()

    @pytest.mark.parametrize(
        "tfs", ["FOS FOSL1 FOSL2", "JUN JUNB JUND", "MAFF MAFK", "GATA1 GATA2", "USF1 USF2", "CEBPA CEBPB"]
    )
    def test_homologs_cluster(self, block, tfs: str) -> None:
        assert block(*tfs.split()) > 5 * block()

    def test_only_the_tf_without_bound_regions_is_not_defined(self, real: BindingMatrix) -> None:
        undefined = np.isnan(similarity(real))
        assert [real.tfs[i] for i in np.flatnonzero(undefined.diagonal())] == ["SMAD3"]
        assert undefined.sum() == 2 * 163 - 1

    @pytest.mark.parametrize("cell_type", ["GM12878", "K562"])
    def test_one_cell_type(self, real: BindingMatrix, cell_type: str) -> None:
        tfs = [
            tf for tf, here in zip(real.tfs, real.profiled[:, real.cell_types.index(cell_type)], strict=True) if here
        ]
        cosines = similarity(real, tfs[:12], cell_types=[cell_type])
        assert cosines.diagonal().tolist() == [1.0] * 12
        assert not np.array_equal(cosines, similarity(real, tfs[:12]))
