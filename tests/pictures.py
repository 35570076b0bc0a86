"""A plugin of pytest: the figures that a test draws."""

from __future__ import annotations

from contextlib import contextmanager

import pytest


@pytest.fixture
def figures(monkeypatch):
    """All figures drawn by `kipoi_tfb.output.figures.figure_file`, as they are when they are written."""
    from kipoi_tfb.output import figures as module

    found = []
    original = module.figure_file

    @contextmanager
    def kept(path, size):
        with original(path, size) as figure:
            found.append(figure)
            yield figure

    for user in (
        "evaluation.plot", "finetuning.plot", "output.figures", "variants.plot_mutations", "variants.plot_view",
    ):  # fmt: skip
        monkeypatch.setattr(f"kipoi_tfb.{user}.figure_file", kept)
    return found
