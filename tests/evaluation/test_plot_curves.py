"""Pictures of a test say its numbers, and bins of calibration hold what they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from kipoi_tfb.evaluation.areas import calibration_bins, calibration_error
from kipoi_tfb.evaluation.plot_curves import plot_tested
from tfb_matrix_data.errors import InputError


def test_the_picture_says_its_numbers(tmp_path):
    rng = np.random.default_rng(0)
    p = rng.random(3000)
    bound = rng.random(3000) < p**2
    plot_tested(p, bound, tmp_path / "t.svg", "an entry on chr22")
    said = (tmp_path / "t.svg").read_text()
    for text in (
        f"AUPRC {average_precision_score(bound, p):.3f}",
        f"chance {bound.mean():.3f}",
        f"error {calibration_error(p, bound):.4f}",
        "an entry on chr22",
    ):
        assert f">{text}<" in said
    plot_tested(p, bound, tmp_path / "again.svg", "an entry on chr22")
    assert (tmp_path / "again.svg").read_text() == said
    with pytest.raises(InputError, match=r"ending '\.eps'"):
        plot_tested(p, bound, tmp_path / "t.eps")


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9]), st.booleans()), min_size=1, max_size=60))
def test_bins_hold_every_region_once(rows):
    p, bound = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    found = calibration_bins(p, bound, 4)
    assert found.n.sum() == len(rows) and (found.n > 0).all() and (np.diff(found.predicted) > 0).all()
    assert (found.n * found.predicted).sum() == pytest.approx(p.sum())
    assert (found.n * found.observed).sum() == pytest.approx(bound.sum())
