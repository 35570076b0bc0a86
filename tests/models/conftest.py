"""What the tests of networks share besides `tests.models.parts`."""

from __future__ import annotations

import pytest

_SMALL_DANQ = {"_FILTERS": 24, "_HIDDEN": 16, "_DENSE": 30}
"""Instead of 320, 320 and 925: every filter of it is left out in turn in a second."""


@pytest.fixture
def small_danq(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every DanQ of the test small; in use it has one size, which no configuration changes."""
    for name, size in _SMALL_DANQ.items():
        monkeypatch.setattr(f"kipoi_tfb.models.danq.{name}", size)
