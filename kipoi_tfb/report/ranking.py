"""Scores sorted and filtered: the alleles that a person should look at first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kipoi_tfb.output.progress import progress_bar
from kipoi_tfb.output.tables import Notes, open_table
from kipoi_tfb.report.annotated import RankedVcf
from kipoi_tfb.report.condition import Condition
from kipoi_tfb.report.info import with_info
from kipoi_tfb.report.scores import ScoresFile
from kipoi_tfb.variants.columns import CONTEXT_SCORES, FIXED, HAPLOTYPE, LINE, SCORES
from kipoi_tfb.variants.tables import effect_format
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.files import check_output

__all__ = ["Ranking", "RankingOptions", "rank_scores"]

_BY = "largest_impact"
_SIGNED = ("largest_impact", "sum_difference")
_SIGNED_SCORES = ("effect", "impact", "diff", "max_effect", *CONTEXT_SCORES)
_TWO_ENDED = ("percentile", "impact_percentile")
_WHOLE = 1 << 16
"""Rows with all columns that are in memory at once."""


@dataclass(frozen=True)
class RankingOptions:
    """What is kept, and in which order.

    Attributes
    ----------
    by
        Column to sort by, by magnitude where it has a sign; default ``largest_impact``, or with `tfs` the largest
        impact on one of these.
    tfs
        Only the columns of these TFs.
    where
        Conditions that all rows kept fulfil.
    top
        How many rows are kept at most; 0 for all.
    ascending
        The smallest first.
    info
        Fields of the VCF to add as columns.
    vcf
        The VCF that was scored, for `info` and conditions on it where the scores are a table.
    every
        Keep all columns; default those of the allele, and the impacts on `tfs`.
    """

    by: str | None = None
    tfs: Sequence[str] = ()
    where: Sequence[Condition] = ()
    top: int = 0
    ascending: bool = False
    info: Sequence[str] = ()
    vcf: Path | None = None
    every: bool = False


@dataclass(frozen=True)
class Ranking:
    """Rows in their order.

    Attributes
    ----------
    table
        The columns that were asked for; without those of all TFs.
    row
        int64: the place of each in the file of scores, from 0.
    read
        How many rows the file has.
    passed
        How many fulfil the conditions.
    """

    table: pa.Table
    row: NDArray[np.int64]
    read: int
    passed: int


def rank_scores(scores: ScoresFile, output: str | Path, options: RankingOptions) -> Ranking:
    """Write scores sorted and filtered; memory does not grow with the number of TFs.

    A table gets a column ``rank`` and is in the order of the ranks. A VCF stays in the order of its records (or no
    index could be made); it keeps those with an allele that is kept, and their ranks are a field of INFO.

    Parameters
    ----------
    scores
        See `kipoi_tfb.report.scores.open_scores`.
    output
        ``.tsv``, ``.parquet`` or ``.h5``; ``.vcf`` or ``.vcf.gz`` where the scores are a VCF.
    options
        What is kept.

    Raises
    ------
    InputError, UnknownNameError
        If a column or field does not exist, or the VCF is not the one that was scored.
    ConfigError
        If a condition does not fit its column, or a VCF is to be made of a table.
    """
    ending = effect_format(check_output(output))
    if ending.startswith(".vcf") and not effect_format(scores.path).startswith(".vcf"):
        raise ConfigError(f"{scores.path.name} is a table: a VCF can be made of a scored VCF only")
    ranking = rank(scores, options)
    if ending.startswith(".vcf"):
        RankedVcf(scores.path, ranking.row).write(Path(output))
        return ranking
    parts = _whole(scores, ranking) if options.every else _narrow(ranking.table)
    with open_table(output, _notes(scores)) as table:
        start = 1
        for part in parts:
            columns = {name: _numpy(column) for name, column in zip(part.column_names, part.columns, strict=True)}
            table.write({"rank": np.arange(start, start + part.num_rows), **columns})
            start += part.num_rows
    return ranking


def rank(scores: ScoresFile, options: RankingOptions) -> Ranking:
    """Return the rows that fulfil the conditions, in order; those without a value to sort by come last.

    Parameters
    ----------
    scores, options
        See `rank_scores`.

    Raises
    ------
    InputError, UnknownNameError, ConfigError
        See there.
    """
    _check_tfs(scores, options.tfs)
    impacts = [f"{tf}_impact" for tf in options.tfs]
    by = [options.by] if options.by else impacts or [_BY]
    shown = [name for name in (*FIXED, *HAPLOTYPE, *LINE) if name in scores.columns] + impacts
    shown += [name for name in options.info if name not in shown]
    wanted = list(dict.fromkeys([*shown, *by, *(condition.column for condition in options.where)]))
    chunks = _chunks(scores, wanted, options)
    kept: list[tuple[pa.Table, NDArray[np.int64], NDArray[np.float64]]] = []
    read = passed = n_kept = 0
    with progress_bar("ranking", None) as advance:
        for chunk in chunks:
            good = np.ones(chunk.num_rows, bool)
            for condition in options.where:
                good &= condition.holds(chunk[condition.column])
            at = np.flatnonzero(good)
            kept.append((chunk.select(shown).take(at), read + at, _key(chunk, by, options.ascending)[at]))
            read, passed, n_kept = read + chunk.num_rows, passed + len(at), n_kept + len(at)
            if options.top and n_kept > 4 * max(options.top, _WHOLE):
                kept = [_sorted(kept, options.top)]
                n_kept = len(kept[0][1])
            advance(chunk.num_rows)
    if not kept:
        raise ConfigError(f"{scores.path} has no rows")
    table, row, _ = _sorted(kept, options.top)
    return Ranking(table, row, read, passed)


def _check_tfs(scores: ScoresFile, tfs: Sequence[str]) -> None:
    for tf in tfs:
        if tf not in scores.tfs:
            raise UnknownNameError(f"TF in {scores.path.name}", tf, scores.tfs)


def _chunks(scores: ScoresFile, wanted: Sequence[str], options: RankingOptions) -> Iterator[pa.Table]:
    if options.vcf is None:
        scores.check(wanted)
        return scores.chunks(wanted)
    return with_info(scores, wanted, options.vcf)


def _key(chunk: pa.Table, by: Sequence[str], ascending: bool) -> NDArray[np.float64]:
    """Return what rows are sorted by, ascending; NaN sorts last."""
    if any(pa.types.is_string(chunk[name].type) for name in by):
        raise ConfigError(f"{by[0]} is a column of text: it cannot be sorted by")
    sizes = np.stack([_size(name, _numpy(chunk[name]).astype(np.float64)) for name in by])
    size = np.fmax.reduce(sizes)
    return size if ascending else -size


def _size(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if name in _SIGNED or (name not in LINE and _score_of(name) in _SIGNED_SCORES):
        return np.abs(values)
    # A percentile of a signed score has two ends.
    return np.abs(values - 50) if name not in LINE and _score_of(name) in _TWO_ENDED else values


def _score_of(name: str) -> str:
    return max((score for score in SCORES if name.endswith(f"_{score}")), key=len, default="")


def _sorted(
    kept: list[tuple[pa.Table, NDArray[np.int64], NDArray[np.float64]]], top: int
) -> tuple[pa.Table, NDArray[np.int64], NDArray[np.float64]]:
    """Return the parts as one, in order; equals stay in the order of the file."""
    table = pa.concat_tables([part for part, _, _ in kept], promote_options="permissive")
    row, key = (np.concatenate([part[i] for part in kept]) for i in (1, 2))
    order = np.lexsort((row, key))[: top or None]
    return table.take(order), row[order], key[order]


def _narrow(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, max(table.num_rows, 1), _WHOLE):
        yield table.slice(start, _WHOLE)


def _whole(scores: ScoresFile, ranking: Ranking) -> Iterator[pa.Table]:
    """Yield the ranked rows with all columns, reading the file once for each `_WHOLE` of them."""
    extra = [name for name in ranking.table.column_names if name not in scores.columns]
    for start in range(0, max(len(ranking.row), 1), _WHOLE):
        rows = ranking.row[start : start + _WHOLE]
        order = np.argsort(rows)
        table = scores.take(rows[order]).take(np.argsort(order))
        for name in extra:
            table = table.append_column(name, ranking.table[name].slice(start, _WHOLE))
        yield table


def _numpy(column: pa.ChunkedArray) -> NDArray:
    if pa.types.is_string(column.type):
        texts = np.empty(len(column), object)
        texts[:] = ["." if text is None else text for text in column.to_pylist()]
        return texts
    if column.null_count:
        column = column.cast(pa.float64() if pa.types.is_integer(column.type) else column.type)
    return column.to_numpy()


def _notes(scores: ScoresFile) -> Notes:
    said = {f"{tf}_{name}": f"{tf}: {text}" for tf in scores.tfs for name, text in SCORES.items()}
    about = {key: value for key, value in scores.about.items() if key.startswith("tfb_")}
    return Notes(about, {"rank": "place in this order, from 1"} | FIXED | HAPLOTYPE | LINE | said)
