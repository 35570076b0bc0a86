"""What was measured, as a table for programs, and as Markdown for docs/variant-truth.md."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from benchmarks.truth.statistics import Row
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import atomic_path

START, END = "<!-- written by python -m benchmarks.truth -->", "<!-- end of what is written -->"
MARKS = (START, END)
"""Between these stand the figures of `benchmarks.truth`."""
SIZE_MARKS = (
    "<!-- written by python -m benchmarks.truth.choose_size -->",
    "<!-- end of what choose_size writes -->",
)
CUT_MARKS = ("<!-- written by python -m benchmarks.truth.cuts -->", "<!-- end of what cuts writes -->")

RANKS = 1.5
"""What is larger is no share, area or correlation."""


@dataclass(frozen=True)
class Mark:
    """A published or computed figure of others, or a target of ours.

    Attributes
    ----------
    subset, statistic
        As in `Row`; the statistic as it begins.
    value
        What is to be reached.
    said
        What it is.
    """

    subset: str
    statistic: str
    value: float
    said: str


def write_rows(rows: Mapping[str, Sequence[Row]], path: Path) -> None:
    """Write the rows of each entry as TSV."""
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, "excel-tab", lineterminator="\n")
        writer.writerow(["entry", *(field.name for field in fields(Row))])
        for entry, own in rows.items():
            writer.writerows([entry, *map(_cell, astuple(row))] for row in own)


def pivot(rows: Sequence[Row], main: str, reference: str) -> list[str]:
    """Return a table: a line per subset and statistic, a column per method, then what `main` adds to `reference`."""
    methods = list(dict.fromkeys(row.method for row in rows))
    lines = _header(["", "statistic", "rows", *methods, f"{main} minus {reference}"])
    by_key = {(row.subset, row.statistic, row.method): row for row in rows}
    before = None
    for subset, statistic in dict.fromkeys((row.subset, row.statistic) for row in rows):
        own = [by_key[subset, statistic, method] for method in methods]
        count = " / ".join(dict.fromkeys(_count(row) for row in own))
        shown = subset if subset != before else ""
        lines.append(_line([shown, statistic, count, *map(_interval, own), _signed(by_key[subset, statistic, main])]))
        before = subset
    return lines


def by_method(rows: Sequence[Row], reference: str) -> list[str]:
    """Return a table: a line per subset and method, a column per statistic and for what it adds to `reference`."""
    statistics = list(dict.fromkeys(row.statistic for row in rows))
    heads = [head for statistic in statistics for head in (statistic, f"minus {reference}'s")]
    lines = _header(["", "rows", "score", *heads])
    by_key = {(row.subset, row.statistic, row.method): row for row in rows}
    before = None
    for subset, method in dict.fromkeys((row.subset, row.method) for row in rows):
        own = [by_key[subset, statistic, method] for statistic in statistics]
        shown = [subset, _count(own[0])] if subset != before else ["", ""]
        lines.append(_line([*shown, method, *(cell for row in own for cell in (_interval(row), _signed(row)))]))
        before = subset
    return lines


def wide(rows: Sequence[Row], statistics: Sequence[str], more: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return a table with a line per method, without intervals: statistics of one subset, and more values by method."""
    lines = _header(["", *statistics, *more])
    found = {(row.method, row.statistic): row.value for row in rows}
    for method in dict.fromkeys(row.method for row in rows):
        values = [*(found[method, statistic] for statistic in statistics), *(by[method] for by in more.values())]
        lines.append(_line([method, *map(_number, values)]))
    return lines


def shares(table: Mapping[str, Mapping[str, tuple[float, float, float]]]) -> list[str]:
    """Return a table in per cent: a line per cut, a column per part; from {cut: {part: (value, low, high)}}."""
    parts = list(dict.fromkeys(part for cells in table.values() for part in cells))
    lines = _header(["passes", *parts])
    for name, cells in table.items():
        said = ("{:.2%} ({:.2%} to {:.2%})".format(*cells[part]) for part in parts)
        lines.append(_line([name, *said]))
    return lines


def per_tf(rows: Sequence[Row]) -> list[str]:
    """Return a table with a line per subset (a TF): its statistics by method, without intervals."""
    methods = list(dict.fromkeys(row.method for row in rows))
    statistics = list(dict.fromkeys(row.statistic for row in rows))
    heads = [f"{statistic}, {method}" for statistic in statistics for method in methods]
    lines = _header(["TF", "SNVs", "ASB", *heads])
    by_key = {(row.subset, row.statistic, row.method): row for row in rows}
    for subset in dict.fromkeys(row.subset for row in rows):
        own = [by_key[subset, statistic, method] for statistic in statistics for method in methods]
        lines.append(_line([subset, str(own[0].n), str(own[0].n_positive), *(_number(row.value) for row in own)]))
    return lines


def counts(title: str, tables: Mapping[str, Counter[str]]) -> list[str]:
    """Return a table of what became of everything: a line per kind of outcome, a column per table."""
    kinds = list(dict.fromkeys(kind for counter in tables.values() for kind in counter))
    lines = _header([title, *tables])
    lines += [_line([kind, *(f"{counter[kind]:,}" for counter in tables.values())]) for kind in kinds]
    totals = (f"{sum(counter.values()):,}" for counter in tables.values())
    return [*lines, _line(["all", *totals])]


def against_marks(rows: Iterable[Row], method: str, marks: Iterable[Mark]) -> list[str]:
    """Return a table of a method's figures beside those of others, and beside our targets."""
    rows = [row for row in rows if row.method == method]
    lines = _header(["", "statistic", "", "mark", method])
    for mark in marks:
        found = [row for row in rows if row.subset == mark.subset and row.statistic.startswith(mark.statistic)]
        lines.append(
            _line([mark.subset, mark.statistic, mark.said, f"{mark.value:g}", _interval(found[0]) if found else "–"])
        )
    return lines


def around_figures(path: Path, marks: tuple[str, str] = MARKS) -> tuple[str, str]:
    """Return what a document says before and after its figures.

    Raises
    ------
    InputError
        If it is missing, or lacks one of the two marks.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})") from None
    before, start, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not start or not end:
        raise InputError(path, f"lacks the lines {marks[0]} and {marks[1]}, between which the figures go")
    return before, after


def put_figures(path: Path, lines: Sequence[str], marks: tuple[str, str] = MARKS) -> None:
    """Replace the figures of a document that stand between two marks."""
    before, after = around_figures(path, marks)
    with atomic_path(path) as temporary:
        temporary.write_text(before + "\n".join([marks[0], "", *lines, "", marks[1]]) + after, encoding="utf-8")


def _header(names: Sequence[str]) -> list[str]:
    return [_line(names), "|---" * len(names) + "|"]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _count(row: Row) -> str:
    return f"{row.n:,}" if row.n == row.n_positive else f"{row.n:,} ({row.n_positive:,})"


def _interval(row: Row) -> str:
    return f"{_number(row.value)} ({_number(row.low)} to {_number(row.high)})"


def _signed(row: Row) -> str:
    if row.difference is None or row.difference_low is None or row.difference_high is None:
        return ""
    digits = 3 if row.value < RANKS else 1
    cells = (f"{value:+.{digits}f}" for value in (row.difference, row.difference_low, row.difference_high))
    return "{} ({} to {})".format(*cells)


def _number(value: float) -> str:
    """Return shares and areas with three digits, ranks with one."""
    return "–" if math.isnan(value) else f"{value:.3f}" if value < RANKS else f"{value:.1f}"


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
