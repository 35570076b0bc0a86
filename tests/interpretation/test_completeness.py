"""The bound is relative where much is explained, and absolute where little is."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.interpretation.completeness import completeness_error, is_complete


def test_the_error_is_that_of_the_sum():
    values = np.array([[[0.5, 0.25, -1.0]], [[1.0, 1.0, 1.0]]], np.float32)
    error = completeness_error(values, np.array([[1.0], [2.0]]), np.array([[1.5], [-1.5]]))
    assert error.tolist() == [[0.25], [0.5]]


@pytest.mark.parametrize(("method", "bound"), [("deeplift", 1e-4), ("ig", 1e-3)])
def test_bounds(method, bound):
    output, reference = np.array([0.1, 0.1, 30.0, -30.0, np.nan]), np.zeros(5)
    error = bound * np.array([0.99, 1.01, 29, 31, np.nan])
    assert is_complete(error, output, reference, method).tolist() == [True, False, True, False, True]


def test_nothing_is_known_of_ism():
    assert is_complete(np.array([5.0]), np.array([1.0]), np.array([0.0]), "ism").all()
