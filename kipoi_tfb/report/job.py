"""Make the report of scores: what the file has of every allele, and details of those that change most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kipoi_tfb.motifs.profiles import Motif
from kipoi_tfb.output.progress import progress_bar
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.report.contents import Facts, Report, Status
from kipoi_tfb.report.details import details_of
from kipoi_tfb.report.igv import Igv, slice_of
from kipoi_tfb.report.named import Named, named_forms
from kipoi_tfb.report.origin import check_origin
from kipoi_tfb.report.ranking import RankingOptions, rank
from kipoi_tfb.report.record import Detail, Row
from kipoi_tfb.report.rows import TF_SCORES, rows_of
from kipoi_tfb.report.scores import ScoresFile, score_numbers
from kipoi_tfb.variants.reasons import notable
from tfb_matrix_data.alleles import SCORED, STATUSES
from tfb_matrix_data.errors import ConfigError, InputError, few
from tfb_matrix_data.genome import Genome

__all__ = ["MOST_ROWS", "ReportOptions", "make_report"]

MOST_ROWS = 10_000
"""Alleles in a page at most: a browser sorts and searches so many at once."""

_MEANING = {
    "ok": "scored",
    "swapped": "scored; the genome has ALT",
    "ref_mismatch": "REF is not what the genome has",
    "ref_unknown": "the genome has N under REF",
    "symbolic": "ALT has no sequence (<DEL>)",
    "too_long": "longer than half the window",
    "unsupported": "no ALT, another letter, or no such place",
}

_NEEDED = ("normal", "flags", "largest_impact", "n_gained", "n_lost")
_SAME_P = 0.03
"""By how much a probability may differ from that of the scores: they may be of another device or precision."""


@dataclass(frozen=True)
class ReportOptions:
    """What is shown.

    Attributes
    ----------
    top
        So many alleles of the largest impact get a detail.
    variants
        Only these, all with details: a file of variants, or variants as text.
    tfs
        Speak of these TFs alone.
    info
        Fields of INFO to show.
    vcf
        The VCF that was scored, for `info` where the scores are a table.
    igv
        A genome browser for the details, if there are any.
    motifs
        Known ones: details say where they are in use.
    """

    top: int = 200
    variants: Path | Sequence[str] | None = None
    tfs: Sequence[str] = ()
    info: Sequence[str] = ()
    vcf: Path | None = None
    igv: Igv | None = None
    motifs: Sequence[Motif] = ()


def make_report(
    scores: ScoresFile, genome: Genome, predictor: Predictor, facts: Facts, options: ReportOptions
) -> Report:
    """Return the report of a file of scores.

    Parameters
    ----------
    scores
        See `kipoi_tfb.report.scores.open_scores`.
    genome, predictor
        Those that the alleles were scored with.
    facts
        See `kipoi_tfb.report.facts.facts_of`.
    options
        What is shown.

    Raises
    ------
    InputError, UnknownNameError, ConfigError
        If the scores lack what a report needs, or are of other networks, or a field or a variant is not there.
    AssemblyError
        If the genome is another one.
    """
    check_scores(scores, predictor, options)
    tally = _tally(scores, predictor.columns, bool(options.tfs))
    ledger = [Status(name, tally.status[name], _MEANING[name]) for name in STATUSES if tally.status[name]]
    rows = list(_rows(scores, genome, predictor, options)) if ledger else []
    scored = sorted((row for row in rows if row.status in SCORED), key=lambda row: -abs(row.largest_impact or 0))
    detailed = scored if options.variants is not None else scored[: options.top]
    details = dict(_details(detailed, genome, predictor, options.motifs))
    igv = options.igv if details else None
    slices = {row.number: slice_of(row.chrom, row.pos, genome) for row in detailed} if igv else {}
    return Report(
        facts,
        ledger,
        tally.changed,
        sum(tally.status[name] for name in SCORED) - tally.changed,
        rows,
        len(predictor.columns),
        details,
        _left_out(len(rows), tally.status.total(), len(scored), len(details), options),
        options.info,
        igv,
        slices,
    )


def check_scores(scores: ScoresFile, predictor: Predictor, options: ReportOptions) -> None:
    """Refuse scores that a report cannot be made of, before anything slow.

    Raises
    ------
    InputError, ConfigError
        See `make_report`.
    """
    wanted = [*_NEEDED, *(f"{tf}_{score}" for tf in predictor.columns for score in TF_SCORES)]
    lacking = [name for name in wanted if name not in scores.columns]
    if lacking:
        raise InputError(
            scores.path,
            f"has no column {few(lacking)}: a report needs the line of each allele, and ref, alt and impact of each "
            f"TF of {', '.join(_names(predictor))}; score the variants again with this version and these --models, "
            "without --tidy, --columns and --scores",
        )
    if options.info and options.vcf is None and not scores.info and not set(options.info) <= set(scores.columns):
        raise ConfigError(f"{scores.path.name} has no fields of INFO: give the VCF that was scored (--vcf)")
    check_origin(scores.path, scores.about, predictor.sources)


@dataclass(frozen=True)
class _Tally:
    status: Counter[str]
    changed: int


def _tally(scores: ScoresFile, tfs: Sequence[str], some: bool) -> _Tally:
    """Count all alleles by status, and those that change the binding of a TF (of some of all)."""
    by_tf = [f"{tf}_{score}" for tf in tfs for score in TF_SCORES] if some else []
    status: Counter[str] = Counter()
    changed = 0
    for part in scores.chunks(["status", "n_gained", "n_lost", *by_tf]):
        status.update(part["status"].to_pylist())
        if some:
            ref, alt, impact = (
                np.stack([score_numbers(part[f"{tf}_{score}"]) for tf in tfs], 1) for score in TF_SCORES
            )
            changed += int(notable(ref, alt, impact).any(1).sum())
        else:
            gained, lost = (np.nan_to_num(score_numbers(part[name])) for name in ("n_gained", "n_lost"))
            changed += int(np.count_nonzero(gained + lost))
    return _Tally(status, changed)


def _rows(scores: ScoresFile, genome: Genome, predictor: Predictor, options: ReportOptions) -> list[Row]:
    where = []
    if options.variants is not None:
        where.append(Named(forms=named_forms(scores, options.variants, genome, predictor.window_length)))
    ranking = rank(scores, RankingOptions(None, options.tfs, where, MOST_ROWS, False, options.info, options.vcf))
    order = np.argsort(ranking.row)
    table, numbers = scores.take(ranking.row[order]), ranking.row[order] + 1
    for name in options.info:
        if name not in table.column_names:
            table = table.append_column(name, ranking.table[name].take(order))
    if options.tfs and "variant_percentile" in table.column_names:  # it is of all TFs
        table = table.drop_columns("variant_percentile")
    return list(rows_of(table, numbers, predictor.columns, options.info, genome, predictor.window_length))


def _details(
    rows: Sequence[Row], genome: Genome, predictor: Predictor, motifs: Sequence[Motif]
) -> list[tuple[int, Detail]]:
    details = []
    with progress_bar("details", len(rows)) as advance:
        for row, detail in zip(rows, details_of(rows, genome, predictor, motifs), strict=True):
            _check_same(row, detail, predictor)
            details.append((row.number, detail))
            advance()
    return details


def _check_same(row: Row, detail: Detail, predictor: Predictor) -> None:
    """Compare the numbers of the scores with those made now."""
    for line in detail.tfs:
        if line.tf == row.largest_tf and row.p_ref is not None and row.p_alt is not None:
            shift = max(abs(line.p_ref - row.p_ref), abs(line.p_alt - row.p_alt))
            if shift > _SAME_P:
                raise ConfigError(
                    f"{row.name} has P {row.p_ref:.2f} to {row.p_alt:.2f} for {line.tf} in the scores, and "
                    f"{line.p_ref:.2f} to {line.p_alt:.2f} with {', '.join(_names(predictor))} and this genome: give "
                    "--models and --genome as they were scored with"
                )


def _names(predictor: Predictor) -> list[str]:
    return list(dict.fromkeys(entry.card.name for entry in predictor.sources))


def _left_out(rows: int, all_rows: int, scored: int, details: int, options: ReportOptions) -> str:
    """Return what is not shown, in a sentence."""
    said = ""
    if options.variants is not None:
        said = f"Shown of them: the {rows:,} named by the user."
    elif rows < all_rows:
        said = f"Shown are the {rows:,} of the largest impact."
    if details < scored:
        said = f"{said} The {details:,} of the largest impact have a detail.".strip()
    return said
