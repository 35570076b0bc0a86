"""Windows beside a window, and the mean over them."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.prediction.shifts import mean_over_shifts, window_shifts
from tfb_matrix_data.errors import ConfigError

pytest_plugins = ("tests.entries",)


def test_shifts_are_multiples_of_the_step_within_the_window():
    assert window_shifts(40, 20, 200) == (-20, 20, -40, 40)
    assert window_shifts(99, 99, 200) == (-99, 99)
    for largest, step in ((0, 0), (10, 0), (10, 20), (100, 10)):
        with pytest.raises(ConfigError, match=f"shifts of up to {largest} bp in steps of {step}: .* at most 99"):
            window_shifts(largest, step, 200)


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(1).integers(0, 4, (5, 240), np.uint8)


def test_the_mean_is_of_what_is_known(codes):
    codes = codes.copy()
    codes[1, :220] = 4

    def read(windows):
        return np.where((windows == 4).all(1), np.nan, windows[:, 0])[:, None].astype(np.float32)

    found = mean_over_shifts(read, codes, (-20, 20), 200)[:, 0]
    own = codes.astype(float)
    np.testing.assert_allclose(found[0], own[0, [20, 0, 40]].mean(), rtol=1e-6)
    assert found[1] == own[1, 40]  # the only one of the three that has a known base
    codes[2] = 4
    assert np.isnan(mean_over_shifts(read, codes, (-20, 20), 200)[2, 0])


def test_a_predictor_of_several_windows_says_their_mean(entry, codes):
    plain, shifted = Predictor([entry]), Predictor([entry], shifts=(20, 10))
    assert (plain.window_length, shifted.window_length) == (200, 240)
    parts = [codes[:, 20 + shift : 220 + shift] for shift in (0, -10, 10, -20, 20)]
    wanted = np.mean([plain.logits(part) for part in parts], axis=0)
    np.testing.assert_allclose(shifted.logits(codes), wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(shifted.strand_logits(codes).mean(1), wanted, rtol=1e-5, atol=1e-5)
    alt = codes.copy()
    alt[:, 110] = (alt[:, 110] + 1) % 4
    for found, of in zip(shifted.allele_logits(codes, alt), (codes, alt), strict=True):
        np.testing.assert_allclose(found, shifted.logits(of), rtol=1e-4, atol=1e-4)
    again = copy.copy(shifted)
    assert again.window_length == 240 and (again.logits(codes) == shifted.logits(codes)).all()
    assert shifted.logits(codes[:0]).shape == (0, len(plain.columns))
