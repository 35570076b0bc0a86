"""Rows of results: one per cell, in a file per figure that is only ever added to."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import kipoi_tfb
from tfb_matrix_data.errors import InputError

__all__ = ["FAILED", "PROTOCOL", "Results", "Row", "current_rows", "read_rows", "version_of"]

PROTOCOL = 1
"""Counted up by whoever changes what a cell measures: rows of before are kept, and not mixed with new ones."""

FAILED = "failed: "
"""How a reason begins that another run may not find again, so that the cell is run anew."""


@dataclass(frozen=True)
class Row:
    """A row; numbers as text, empty where there is none.

    Attributes
    ----------
    cells
        Cell types that labels are of; empty: all.
    base_tfs, base_regions
        The TFs of the base, and how many regions it was made from.
    n, n_train, n_test
        Bound regions asked for; windows trained and validated with, and tested on.
    split
        Seed of the random split, or ``chr22``.
    auprc, auprc_chr22
        Area on the test part of a random split; on chr22, of a cell that trained on other chromosomes.
    reason
        Why it was not run.
    """

    figure: str
    tf: str
    cells: str
    arm: str
    base: str
    base_tfs: str
    base_regions: str
    n: str
    n_train: str
    n_test: str
    split: str
    auprc: str
    auprc_chr22: str
    seconds: str
    version: str
    device: str
    reason: str

    @property
    def key(self) -> tuple[str, ...]:
        """As `experiments.paper.cell.Cell.key`."""
        return self.figure, self.tf, self.cells, self.arm, self.base, self.n, self.split

    @property
    def value(self) -> float | None:
        """The area, if there is one."""
        text = self.auprc or self.auprc_chr22
        return float(text) if text else None


COLUMNS = tuple(field.name for field in fields(Row))


def version_of(matrix_sha: str) -> str:
    """Return what rows must have in common to stand in one table: the package, the protocol and the matrix."""
    return f"{kipoi_tfb.__version__}+{PROTOCOL}.{matrix_sha[:8]}"


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file, none if there is no file; a last line that a killed run has cut off is left out.

    Raises
    ------
    InputError
        If it has other columns, or a line that is no row.
    """
    if not path.exists():
        return []
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    lines = list(csv.reader(io.StringIO(whole), "excel-tab"))
    if not lines:
        return []
    if tuple(lines[0]) != COLUMNS:
        raise InputError(path, f"has columns {', '.join(lines[0])}; expected {', '.join(COLUMNS)}", 1)
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(COLUMNS):
            raise InputError(path, f"has {len(line)} values; expected {len(COLUMNS)}", number)
    return [Row(*line) for line in lines[1:]]


def current_rows(rows: Sequence[Row], version: str | None = None) -> tuple[list[Row], str, int]:
    """Return the last row of each cell of one version, that version, and how many rows are of others.

    Parameters
    ----------
    rows
        In the order of the file.
    version
        Default that of the last row.
    """
    if not rows:
        return [], version or "", 0
    wanted = version or rows[-1].version
    own = {row.key: row for row in rows if row.version == wanted}
    return list(own.values()), wanted, sum(row.version != wanted for row in rows)


class Results:
    """The files of a folder, for one runner that adds to them.

    Parameters
    ----------
    folder
        Where ``FIGURE.tsv`` are.
    version
        Of the rows that are added; those of another are kept and do not count as done.
    """

    def __init__(self, folder: Path, version: str) -> None:
        self.folder, self.version = folder, version

    def done(self, figures: Iterable[str]) -> dict[tuple[str, ...], str]:
        """Return the cells that need not be run again, {key: TFs of the base that its row is from}."""
        found: dict[tuple[str, ...], str] = {}
        for figure in figures:
            rows, _, _ = current_rows(read_rows(self.folder / f"{figure}.tsv"), self.version)
            found.update((row.key, row.base_tfs) for row in rows if not row.reason.startswith(FAILED))
        return found

    def add(self, row: Row) -> None:
        """Add a row, on disk when this returns; what a killed run has left of a line is cut off first."""
        path = self.folder / f"{row.figure}.tsv"
        self.folder.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        writer = csv.writer(text, "excel-tab", lineterminator="\n")
        with open(path, "a+b") as stream:
            stream.seek(0)
            there = stream.read()
            whole = there.rfind(b"\n") + 1
            if whole < len(there):
                stream.truncate(whole)
            if not whole:
                writer.writerow(COLUMNS)
            writer.writerow(astuple(row))
            stream.write(text.getvalue().encode())
            stream.flush()
            os.fsync(stream.fileno())

    def other_versions(self, figure: str) -> Counter[str]:
        """Return how many rows of a figure are of each other version."""
        return Counter(r.version for r in read_rows(self.folder / f"{figure}.tsv") if r.version != self.version)
