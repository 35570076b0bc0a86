"""Numbers of a figure that are counted, not trained: a file of their own beside its rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfb_matrix_data.files import atomic_path

__all__ = ["Fact", "facts_path", "read_facts", "write_facts"]

_COLUMNS = ("figure", "fact", "value", "n", "version")


@dataclass(frozen=True)
class Fact:
    """A number, or a text, and how many it is of."""

    name: str
    value: str
    n: int | None = None


def facts_path(folder: Path, figure: str) -> Path:
    """Return the file of a figure's facts."""
    return folder / f"{figure}.facts.tsv"


def read_facts(folder: Path, figure: str, version: str | None = None) -> list[Fact]:
    """Return the facts of a figure; none where there is no file, or its version is another."""
    path = facts_path(folder, figure)
    if not path.exists():
        return []
    rows = list(csv.DictReader(io.StringIO(path.read_text()), dialect="excel-tab"))
    if version is not None:
        rows = [row for row in rows if row["version"] == version]
    return [Fact(row["fact"], row["value"], int(row["n"]) if row["n"] else None) for row in rows]


def write_facts(folder: Path, figure: str, facts: Sequence[Fact], version: str) -> None:
    """Write the facts of a figure; those of another version are replaced, since they are counted in seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(facts_path(folder, figure)) as temporary, open(temporary, "w", newline="\n") as stream:
        writer = csv.writer(stream, "excel-tab", lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows([figure, f.name, f.value, "" if f.n is None else f.n, version] for f in facts)
