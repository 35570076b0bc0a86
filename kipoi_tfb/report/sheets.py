"""Pages of one table: what an entry's evaluation found per TF, and which TFs are predicted to bind regions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kipoi_tfb.report.contents import Column, Facts, Sheet
from kipoi_tfb.variants.reasons import PREDICTED
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.measured import metrics_rows
from tfb_matrix_data.cells import from_cell
from tfb_matrix_data.errors import EntryError, InputError

__all__ = ["MOST_REGIONS", "about_of", "evaluation_sheet", "is_regions", "read_regions", "regions_sheet", "tfs_of"]

MOST_REGIONS = 10_000
_MOST_NAMED, _MOST_OFTEN = 12, 5
_MOST_HEADER = 1 << 20
_PLACE = ("chrom", "start", "end", "name", "n_unknown", "flags")

_METRICS = {
    "bound_train": Column("Bound, training", "bound regions that the model learnt from", 0),
    "bound": Column("Bound, tested", "bound regions that were held out", 0),
    "unbound": Column("Unbound, tested", "unbound regions that were held out", 0),
    "auprc": Column("AUPRC", "area under the precision-recall curve, bound and unbound in equal numbers", 3),
    "auprc_low": Column("AUPRC, low", "lower end of its 95 % interval", 3),
    "auprc_high": Column("AUPRC, high", "upper end of its 95 % interval", 3),
    "auroc": Column("AUROC", "chance that a bound region has a higher probability than an unbound one", 3),
    "auprc_natural": Column("AUPRC, natural", "the same area where bound regions are as rare as they are", 3),
    "ece": Column("Calibration error", "mean distance of predicted probabilities from observed shares", 4),
}

_EVALUATION_LIMITS = (
    "Areas at equal numbers flatter: where binding is rare, more of what is called bound is not.",
    "TFs with few bound regions have wide intervals.",
    "Regions of the same kind as those of training: other cells and other assays may differ.",
)
_REGION_LIMITS = (
    "Binding in at least one of the cell types that the model learnt from, not in one of yours.",
    "Sequence only, one window per region; what binds elsewhere in a long region is not seen.",
    "TFs of one family share motifs; the model tells them apart poorly.",
)


def evaluation_sheet(entry: Entry, facts: Facts) -> Sheet:
    """Return how good an entry is for each of its TFs, as its own table says.

    Raises
    ------
    EntryError
        If it has not been evaluated.
    """
    metrics = entry.card.metrics
    if metrics is None:
        raise EntryError(f"{entry.name} has no metrics: it has not been evaluated (`tfb evaluate --record`)")
    table = metrics_rows(entry)
    if not table:
        raise EntryError(f"{entry.name} has no table of metrics ({entry.folder / metrics.table}); evaluate it again")
    there = [name for name in _METRICS if name in table[0]]
    table.sort(key=lambda row: -(_number(row.get("auprc")) or 0))
    rows = [[row["tf"], *(_number(row[name]) for name in there)] for row in table]
    how = "split at random" if entry.card.split_at_random else "never trained on"
    return Sheet(
        facts,
        "evaluation report",
        f"How good is {entry.name}?",
        f"On {' and '.join(metrics.chromosomes)}, {how}: mean AUPRC {metrics.auprc:.3f} and AUROC "
        f"{metrics.auroc:.3f} over the {metrics.n_tfs} TFs with at least {metrics.min_bound} bound regions.",
        [Column("TF", "transcription factor"), *(_METRICS[name] for name in there)],
        rows,
        _EVALUATION_LIMITS,
        "TFs",
    )


def is_regions(path: Path) -> bool:
    """Return whether a file looks like what `tfb predict` writes for regions, by the names of its columns."""
    from pyarrow import parquet

    try:
        if path.suffix == ".parquet":
            names = parquet.read_schema(path).names
        else:
            with open(path, "rb") as stream:
                names = stream.readline(_MOST_HEADER).decode(errors="replace").rstrip("\n").split("\t")
    except (OSError, pa.ArrowException):
        return False
    return {"start", "end", "n_unknown"} <= set(names)


def read_regions(path: Path) -> pa.Table:
    """Read the table that `tfb predict` wrote for regions.

    Raises
    ------
    InputError
        If it is none, or of another format than TSV and Parquet.
    """
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    if path.suffix not in {".tsv", ".parquet"}:
        raise InputError(path, "predictions are read as .tsv or .parquet")
    try:
        if path.suffix == ".parquet":
            table = parquet.read_table(path)
        else:
            options = arrow_csv.ConvertOptions(column_types={"chrom": pa.string(), "name": pa.string()})
            parse = arrow_csv.ParseOptions(delimiter="\t", quote_char=False)
            table = arrow_csv.read_csv(path, parse_options=parse, convert_options=options)
    except (OSError, pa.ArrowException) as error:
        raise InputError(path, f"cannot be read as predictions: {error}") from None
    lacking = [name for name in _PLACE if name not in table.column_names]
    if lacking or len(table.column_names) == len(_PLACE):
        raise InputError(
            path, f"is no table of `tfb predict --regions`: it has no column {', '.join(lacking) or 'of a TF'}"
        )
    return table


def tfs_of(table: pa.Table) -> list[str]:
    """Return the columns of TFs."""
    return [name for name in table.column_names if name not in _PLACE]


def about_of(table: pa.Table) -> dict[str, str]:
    """Return what the file says of itself; nothing of a TSV."""
    said = table.schema.metadata or {}
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, value in said.items()}


def regions_sheet(table: pa.Table, facts: Facts) -> Sheet:
    """Return which TFs are predicted to bind each region."""
    tfs = tfs_of(table)
    shown = table.slice(0, MOST_REGIONS)
    p = np.stack([shown[tf].cast(pa.float32()).to_numpy() for tf in tfs], 1)
    place = shown.select(["chrom", "start", "end", "name", "flags"]).to_pylist()
    rows = [_region(where, p[i], tfs) for i, where in enumerate(place)]
    bound = sum(bool(row[3]) for row in rows)
    often = _most_often(p, tfs)
    first = f" Shown are the first {len(rows):,} of {table.num_rows:,}." if len(rows) < table.num_rows else ""
    return Sheet(
        facts,
        "region report",
        "Which transcription factors bind these regions?",
        f"Of {len(rows):,} regions, {bound:,} are predicted to be bound by at least one of {len(tfs)} TFs{often}."
        f"{first}",
        [
            Column("Region", "first and last base, from 1"),
            Column("Name", "as in the file of regions"),
            Column("Flags", "remarks of tfb predict on places that are not as they should be"),
            Column("TFs bound", f"TFs with a probability of at least {PREDICTED:g}", 0),
            Column("Top TF", "the TF of the highest probability, bound or not"),
            Column("P of top TF", "its probability", 2, "probability"),
            Column("Bound", "the TFs that are bound, the most probable first"),
        ],
        rows,
        _REGION_LIMITS,
        "regions",
    )


def _most_often(p: NDArray[np.float32], tfs: Sequence[str]) -> str:
    """Return which TFs bind most of the regions, as the end of a sentence; empty where none binds."""
    counts = (p >= PREDICTED).sum(0)
    most = [i for i in np.argsort(-counts, kind="stable").tolist()[:_MOST_OFTEN] if counts[i]]
    return f"; most often by {', '.join(f'{tfs[i]} ({counts[i]:,})' for i in most)}" if most else ""


def _region(place: dict[str, Any], p: NDArray[np.float32], tfs: Sequence[str]) -> list[str | float | None]:
    said = (place["name"], place["flags"])
    where = [f"{place['chrom']}:{place['start'] + 1:,}-{place['end']:,}", *map(_text, said)]
    if np.isnan(p).all():
        return [*where, None, None, None, None]
    order = np.argsort(-np.nan_to_num(p), kind="stable")
    bound = [tfs[i] for i in order if p[i] >= PREDICTED]
    more = f" and {len(bound) - _MOST_NAMED} more" if len(bound) > _MOST_NAMED else ""
    return [*where, len(bound), tfs[order[0]], float(p[order[0]]), ", ".join(bound[:_MOST_NAMED]) + more or None]


def _text(value: str | None) -> str | None:
    return None if value in (None, ".") else from_cell(value)


def _number(text: str | None) -> float | None:
    value = float(text or "nan")
    return None if np.isnan(value) else value
