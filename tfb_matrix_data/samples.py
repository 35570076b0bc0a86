"""The sample sheet: which file is which experiment, as one TSV."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tfb_matrix_data.errors import InputError, UnknownNameError
from tfb_matrix_data.lines import read_lines
from tfb_matrix_data.names import CELL_TYPE, TF
from tfb_matrix_data.summits import AnyAnchor

__all__ = ["COLUMNS", "KINDS", "Sample", "check_cell_types", "read_samples"]

COLUMNS = ("kind", "path", "tf", "cell_type")
ANCHORS: tuple[AnyAnchor, ...] = ("auto", "summit", "centre")
# What each kind of file says of a TF and of a cell type: the columns that its row fills.
KINDS: dict[str, tuple[str, ...]] = {
    "accessible": ("cell_type",),
    "clusters": (),
    "sources": (),
    "peaks": ("tf", "cell_type"),
    "sites": ("tf", "cell_type"),
}

_RULES = {"tf": TF, "cell_type": CELL_TYPE}


@dataclass(frozen=True)
class Sample:
    """One row of a sample sheet.

    Attributes
    ----------
    kind
        One of `KINDS`.
    path
        The file, relative paths resolved against the sheet's folder, or of a sheet from a pipe against the current one.
    tf, cell_type
        Names, empty where the kind has none.
    line
        1-based line in the sheet.
    anchor
        Of peaks: which point of an interval counts, see `tfb_matrix_data.tracks.iter_track`.
    """

    kind: str
    path: Path
    tf: str
    cell_type: str
    line: int
    anchor: AnyAnchor = "auto"


def read_samples(sheet: str | Path) -> list[Sample]:
    """Return the rows of a sample sheet, checked, in an order that does not depend on theirs.

    The sheet is tab-separated with a header that names at least `COLUMNS`, and may name ``anchor``; lines that
    are blank or begin with ``#`` are skipped. Several rows of one kind, TF and cell type are replicates.

    Raises
    ------
    InputError
        If a column is missing, a kind is unknown, a file is missing, a name is missing or spelt in two ways, a
        row is there twice, peaks are of a cell type without an accessible track, sites have no peaks, or there
        is nothing to build from. The message names the line or lines.
    """
    sheet = Path(sheet)
    samples = sorted(_rows(sheet), key=lambda s: (s.kind, s.tf, s.cell_type, str(s.path)))
    for what in ("tf", "cell_type"):
        _check_spelling(sheet, what, sorted(samples, key=lambda s: s.line))
    for one, other in pairwise(samples):
        if (one.kind, one.tf, one.cell_type, one.path) == (other.kind, other.tf, other.cell_type, other.path):
            first, second = sorted((one.line, other.line))
            raise InputError(sheet, f"is the same row as line {first}; remove one", second)
    _check_kinds(sheet, samples)
    return samples


def _rows(sheet: Path) -> Iterable[Sample]:
    header: list[str] | None = None
    for number, line in read_lines(sheet):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("\t")]
        if header is None:
            header = fields
            missing = [name for name in COLUMNS if name not in header]
            if missing:
                hint = "; expected a header of tab-separated columns: " + ", ".join(COLUMNS)
                raise InputError(sheet, f"has no column {', '.join(missing)}{hint}", number)
            continue
        if len(fields) > len(header):
            raise InputError(sheet, f"{len(fields)} columns under a header of {len(header)}", number)
        row = dict.fromkeys(COLUMNS, "") | dict(zip(header, fields, strict=False))
        yield _sample(sheet, number, row)
    if header is None:
        raise InputError(sheet, "has no header, only comments or blank lines")


def _sample(sheet: Path, number: int, row: dict[str, str]) -> Sample:
    if row["kind"] not in KINDS:
        raise InputError(sheet, str(UnknownNameError("kind", row["kind"], KINDS)), number)
    for name in ("tf", "cell_type"):
        if (name in KINDS[row["kind"]]) != bool(row[name]):
            wanted = "needs a value" if name in KINDS[row["kind"]] else f"must be empty, not {row[name]!r}"
            raise InputError(sheet, f"column {name} of a row of kind {row['kind']} {wanted}", number)
        if row[name] and (fault := _RULES[name].fault(row[name])):
            raise InputError(sheet, f"column {name}: {fault}", number)
    # A sheet that comes from a pipe lies in no folder of the user's.
    path = (sheet.parent if sheet.is_file() else Path()) / row["path"]
    if not row["path"] or not path.exists() or path.is_dir():
        raise InputError(sheet, f"no such file: {row['path'] or '(column path is empty)'} (looked for {path})", number)
    return Sample(row["kind"], path, row["tf"], row["cell_type"], number, _anchor(sheet, number, row))


def _anchor(sheet: Path, number: int, row: dict[str, str]) -> AnyAnchor:
    wanted = row.get("anchor", "") or "auto"
    if wanted not in ANCHORS:
        raise InputError(sheet, str(UnknownNameError("anchor", wanted, ANCHORS)), number)
    if wanted != "auto" and row["kind"] != "peaks":
        raise InputError(sheet, f"column anchor of a row of kind {row['kind']} must be empty, not {wanted!r}", number)
    return wanted


def _check_spelling(sheet: Path, what: str, samples: list[Sample]) -> None:
    """Refuse names that differ by case alone: they would become two TFs or two cell types."""
    seen: dict[str, Sample] = {}
    for sample in samples:
        name = getattr(sample, what)
        first = seen.setdefault(name.casefold(), sample)
        if getattr(first, what) != name:
            raise InputError(
                sheet,
                f"{what} {name!r} is spelt {getattr(first, what)!r} in line {first.line}; use one spelling",
                sample.line,
            )


def _check_kinds(sheet: Path, samples: list[Sample]) -> None:
    """Check that the rows make a matrix together."""
    by_kind: dict[str, list[Sample]] = {kind: [s for s in samples if s.kind == kind] for kind in KINDS}
    clusters, sources, accessible = by_kind["clusters"], by_kind["sources"], by_kind["accessible"]
    if clusters and accessible:
        raise InputError(
            sheet,
            f"line {accessible[0].line} is of kind accessible; use either clusters or accessible",
            clusters[0].line,
        )
    if not clusters and not accessible:
        raise InputError(sheet, "has no row of kind accessible (or clusters): nothing says which regions are open")
    if len(clusters) > 1 or len(clusters) != len(sources):
        found = f"{len(clusters)} row(s) of kind clusters and {len(sources)} of kind sources"
        raise InputError(sheet, f"{found}; the two go together, one of each")
    if not by_kind["peaks"]:
        raise InputError(sheet, "has no row of kind peaks: nothing says where a TF binds")
    if accessible:
        check_cell_types(sheet, samples, sorted({s.cell_type for s in accessible}))
    with_peaks = {(s.tf, s.cell_type) for s in by_kind["peaks"]}
    for sample in by_kind["sites"]:
        if (sample.tf, sample.cell_type) not in with_peaks:
            raise InputError(
                sheet,
                f"sites of {sample.tf} in {sample.cell_type}, but no peaks of it there: a site alone is no experiment",
                sample.line,
            )


def check_cell_types(sheet: Path, samples: Iterable[Sample], known: list[str]) -> None:
    """Check that every experiment is of a cell type whose accessible regions are known.

    Raises
    ------
    InputError
        If one is not; the message names the line of the sheet and the nearest names.
    """
    for sample in sorted(samples, key=lambda s: s.line):
        if sample.tf and sample.cell_type not in known:
            unknown = UnknownNameError("cell type", sample.cell_type, known)
            raise InputError(
                sheet, f"{unknown} It has {sample.kind} of {sample.tf}, but no accessible track", sample.line
            )
