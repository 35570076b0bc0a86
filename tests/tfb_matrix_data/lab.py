"""A sample sheet and its tracks, of a case worked out by hand, as a plugin of pytest.

PYTEST_DONT_REWRITE: it asserts nothing, and test modules import it before they make it a plugin.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

HEADER = "kind\tpath\ttf\tcell_type\n"


@pytest.fixture
def lab(tmp_path: Path) -> Callable[..., Path]:
    """Write a sheet and its tracks; arguments replace files or add rows."""

    def write(rows: str = "", **files: str) -> Path:
        contents = {
            "a": "chr1\t1000\t1300\nchr1\t5000\t5100\n",
            "b": "chr1\t1200\t1400\n",
            "p": "chr1\t1190\t1200\nchr1\t5050\t5051\n",
            "s": "chr1\t1290\t1301\n",
        } | files
        for name, text in contents.items():
            (tmp_path / f"{name}.bed").write_text(text)
        default = "accessible\ta.bed\t\tK562\naccessible\tb.bed\t\tHepG2\npeaks\tp.bed\tJUND\tK562\n"
        (tmp_path / "samples.tsv").write_text(HEADER + (rows or default))
        return tmp_path / "samples.tsv"

    return write


ACCESSIBLE = "accessible\ta.bed\t\tK562\n"


ALL = ACCESSIBLE + "accessible\tb.bed\t\tHepG2\npeaks\tp.bed\tJUND\tK562\nsites\ts.bed\tJUND\tK562\n"
