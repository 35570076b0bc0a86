"""What the steps of a fine-tune share is the same with a bank of features and without."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.finetuning.data import from_binding_matrix
from kipoi_tfb.finetuning.features import open_bank
from kipoi_tfb.finetuning.group import whole_regions
from tests.tuned import small_base, work_of


def test_a_bank_says_what_the_base_says(world, tmp_path, monkeypatch):
    monkeypatch.setenv("TFB_DATA", str(tmp_path))
    base, data = small_base(tmp_path), from_binding_matrix(world.matrix, world.genome, "SP1")
    region, codes = whole_regions(world.matrix, world.genome)
    alone = work_of(base, data, tmp_path)
    with_bank = work_of(base, data, tmp_path, bank=open_bank(base, region, codes))
    train = data.training.train
    expected = alone.features(train.region, train.codes)
    found = with_bank.features(train.region, np.zeros_like(train.codes))  # windows are not looked at
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-3)
    a, b = alone.nearest(), with_bank.nearest()
    assert (a.tf, a.own) == (b.tf, b.own) == ("SP1", True) and a.bias == pytest.approx(b.bias, abs=1e-2)
