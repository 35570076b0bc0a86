"""Counts and jointly resolved regions against the naive reference, and against the published numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.counts import TfCounts, counts, resolved
from tfb_matrix_data.errors import UnknownNameError
from tfb_matrix_data.matrix import BindingMatrix

TFS = st.lists(st.sampled_from(["ATF4", "CTCF", "JUND", "SP1"]), max_size=6) | st.none()
CELL_TYPES = st.lists(st.sampled_from(["B cell", "HeLa-S3", "K562"]), max_size=4) | st.none()
KINDS = st.sampled_from(["sparse", "less_sparse"])


@pytest.fixture(scope="module")
def matrix(dense_path: Path):
    with BindingMatrix(dense_path) as opened:
        yield opened


@given(TFS, CELL_TYPES)
def test_counts_equal_the_naive_reference(matrix: BindingMatrix, dense, tfs, cell_types) -> None:
    found = counts(matrix, tfs, cell_types)
    assert [row.tf for row in found] == (dense.tfs if tfs is None else tfs)
    for row in found:
        cells = dense.cell_types if cell_types is None else set(cell_types)
        by_kind = {}
        for kind in ("sparse", "less_sparse"):
            labels = dense.labels([row.tf], None, kind, cell_types)[:, 0].tolist()
            by_kind[kind] = [labels.count(value) for value in (1, 0, -1)]
        n_cells = sum(bool(dense.profiled[dense.tfs.index(row.tf), dense.cell_types.index(cell)]) for cell in cells)
        assert by_kind["sparse"][0] == by_kind["less_sparse"][0]
        assert row == TfCounts(row.tf, n_cells, *by_kind["sparse"], *by_kind["less_sparse"][1:])


@given(TFS, KINDS, CELL_TYPES)
def test_resolved_equals_the_naive_reference(matrix: BindingMatrix, dense, tfs, kind, cell_types) -> None:
    labels = dense.labels(tfs, None, kind, cell_types)
    expected = [i for i, row in enumerate(labels.tolist()) if all(value >= 0 for value in row)]
    found = resolved(matrix, tfs, kind, cell_types)
    assert found.dtype == np.int64 and found.tolist() == expected


def test_one_name_may_be_given_without_a_list(matrix: BindingMatrix) -> None:
    assert counts(matrix, "SP1", "K562") == counts(matrix, ["SP1"], ["K562"])
    assert resolved(matrix, "SP1").tolist() == resolved(matrix, ["SP1"]).tolist()


@pytest.mark.parametrize("ask", [counts, resolved])
def test_unknown_names(matrix: BindingMatrix, ask) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown TF .CTFC.\. Did you mean CTCF"):
        ask(matrix, ["SP1", "CTFC"])
    with pytest.raises(UnknownNameError, match=r"unknown cell type .K-562.\. Did you mean K562"):
        ask(matrix, ["SP1"], cell_types=["K-562"])


@pytest.mark.shared_data
def test_the_published_numbers(real_matrix: Path) -> None:
    with BindingMatrix(real_matrix) as matrix:
        table = {row.tf: row for row in counts(matrix)}
        assert len(table) == 163
        assert table["ATF4"][2:5] == (557, 112_851, 1_704_510)
        assert table["JUND"][2:5] == (63_197, 596_463, 1_158_258)
        assert sum(row.bound for row in table.values()) == 1_889_254
        for row in table.values():
            assert row.bound + row.unbound_sparse + row.unresolved_sparse == len(matrix)
            assert row.bound + row.unbound_less_sparse + row.unresolved_less_sparse == len(matrix)
            assert row.unresolved_less_sparse <= row.unresolved_sparse
        fifty = [tf for tf in matrix.select_multimodel(51) if tf != "CTCF"]
        assert len(resolved(matrix, fifty)) == 122_428
        by_cell = counts(matrix, ["JUND"], ["GM12878"])[0]
        assert by_cell.cell_types == 1 and 0 < by_cell.bound < table["JUND"].bound
