"""Outputs of TFs in cell types are chosen by TF, by cell type, or by both."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.reasons import Reasons
from kipoi_tfb.variants.shared_sites import SharedSites
from tests.tiny import make_entry, network
from tfb_matrix_data.errors import ConfigError, UnknownNameError

OUTPUTS = ("JUND@K562", "JUND@NT2/D1", "SP1@K562")


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    return [
        make_entry(folder / "cells", name="cells", tasks=OUTPUTS),
        make_entry(folder / "plain", network(1), name="plain", tasks=("JUND", "MAFK", "SP1")),
    ]


@pytest.mark.parametrize(
    ("tfs", "cells", "expected"),
    [
        (None, None, OUTPUTS),
        (["JUND"], None, OUTPUTS[:2]),
        (None, ["K562"], ("JUND@K562", "SP1@K562")),
        (["SP1", "JUND"], ["K562"], ("SP1@K562", "JUND@K562")),
        (["JUND@NT2/D1"], None, ("JUND@NT2/D1",)),
        (["JUND"], ["NT2/D1", "K562"], OUTPUTS[:2]),
    ],
)
def test_columns(entries, tfs, cells, expected):
    predictor = Predictor(entries[:1], tfs, cells=cells)
    assert tuple(predictor.columns) == expected
    codes = np.random.default_rng(0).integers(0, 4, (5, 200), np.uint8)
    whole = Predictor(entries[:1]).probability(codes)
    assert (predictor.probability(codes) == whole[:, [OUTPUTS.index(column) for column in expected]]).all()
    again, arguments = predictor.__reduce__()  # what another process gets
    assert again(*arguments).columns == predictor.columns


def test_beside_an_entry_of_all_cell_types(entries):
    assert Predictor(entries, ["JUND"]).columns == ["JUND@K562", "JUND@NT2/D1", "JUND"]
    assert Predictor(entries, cells=["K562"]).columns == ["JUND@K562", "SP1@K562"]


def test_what_is_not_there(entries):
    with pytest.raises(UnknownNameError, match=r"unknown cell type 'K56'. Did you mean K562"):
        Predictor(entries[:1], cells=["K56"])
    with pytest.raises(ConfigError, match=r"SP1 was not profiled in NT2/D1, .* there are outputs for it in K562"):
        Predictor(entries[:1], ["SP1"], cells=["NT2/D1"])
    with pytest.raises(ConfigError, match="no outputs of cell types: leave --cells out, or take multi163-cells"):
        Predictor(entries[1:], cells=["K562"])


def test_a_motif_is_that_of_the_tf():
    """In names of columns the entry may stand before the TF, and slashes in the cell type."""
    columns = ["cells/JUND@NT2/D1", "tf/JUND", "SP1@K562"]
    assert Reasons(columns)._names == SharedSites(columns)._names == ["JUND", "JUND", "SP1"]
