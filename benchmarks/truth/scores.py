"""Effects of alleles per TF: by a zoo entry, through the path of `tfb score`, and by the JASPAR site at the variant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb.models.logits import difference, effect, impact
from kipoi_tfb.motifs.jaspar import jaspar_motifs
from kipoi_tfb.motifs.profiles import Motif, log_odds
from kipoi_tfb.motifs.scan import StripedWindows
from kipoi_tfb.output.progress import progress_bar
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from kipoi_tfb.zoo.entry import Entry
from tfb_matrix_data.alleles import SCORED, AlleleWindows, allele_windows
from tfb_matrix_data.errors import UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.modes import read_profiles
from tfb_matrix_data.variant_lines import open_variants
from tfb_matrix_data.variants import Variants, iter_chunks

HIT = 0.80
"""Relative score from which a JASPAR site counts as one."""


@dataclass(frozen=True)
class Effects:
    """Effects of alleles, one row per allele, one column per TF; NaN where there is none.

    Attributes
    ----------
    log_odds
        Log-odds of binding with ALT minus with REF: `tfb score`'s column ``TF_effect``.
    impact
        Size of the effect: column ``TF_impact``.
    probability
        Probability with ALT minus with REF.
    status
        Of each allele.
    """

    tfs: list[str]
    log_odds: NDArray[np.float32]
    impact: NDArray[np.float32]
    probability: NDArray[np.float32]
    status: NDArray[np.str_]

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Return which alleles have effects: those of a scored status whose windows have a known base."""
        return np.isin(self.status, SCORED) & np.isfinite(self.log_odds).all(1)


@dataclass(frozen=True)
class Sites:
    """The best JASPAR sites that overlap a variant, one row per allele, one column per TF; NaN where not scored.

    Attributes
    ----------
    difference
        Log-odds of the best site with ALT minus with REF.
    clipped
        The same where a site below `HIT` counts as one at `HIT`: 0 where neither allele has a site.
    relative
        The better allele's relative score: 0 for the worst word of a profile, 1 for the best.
    """

    tfs: list[str]
    difference: NDArray[np.float32]
    clipped: NDArray[np.float32]
    relative: NDArray[np.float32]


def score_entry(entry: Entry, alleles: Path, genome: Genome, output: Path) -> Effects:
    """Score a table of alleles with an entry into `output` (Parquet), and return the effects in the table's order."""
    from pyarrow.parquet import read_table

    predictor = Predictor([entry])
    score_variants(predictor, alleles, genome, output, ScoringOptions())
    table = read_table(output)

    def columns(score: str) -> NDArray[np.float32]:
        return np.stack([table[f"{tf}_{score}"].to_numpy() for tf in predictor.columns], 1)

    status = np.array(table["status"].to_pylist())
    return Effects(predictor.columns, columns("effect"), columns("impact"), columns("alt") - columns("ref"), status)


def score_shifts(
    entry: Entry, alleles: Path, genome: Genome, centred: Effects, shifts: Sequence[int]
) -> tuple[Effects, Effects]:
    """Return the mean effects, and those of largest size, over windows moved by `shifts` (bp), the centred one too.

    Parameters
    ----------
    entry, alleles, genome
        As for `score_entry`.
    centred
        What that returned.
    shifts
        Other than 0, of less than half a window.
    """
    predictor = Predictor([entry])
    length, most = predictor.window_length, max(map(abs, shifts))
    # Alleles are applied once, to a window that is wide enough for all shifts.
    wide = allele_windows(read_alleles(alleles), genome, length + 2 * most)
    rows = np.flatnonzero(centred.scored)
    found = [(centred.log_odds[rows], centred.impact[rows], centred.probability[rows])]
    with progress_bar("moved windows", lambda: len(shifts)) as advance:
        for shift in shifts:
            at = slice(most + shift, most + shift + length)
            logits = [torch.from_numpy(predictor.logits(codes[rows, at])) for codes in (wide.ref, wide.alt)]
            found.append(tuple(size(*logits).numpy() for size in (effect, impact, difference)))
            advance(1)
    sizes = [np.stack(values) for values in zip(*found, strict=True)]

    def put(choose: Callable[[NDArray], NDArray]) -> Effects:
        values = np.full((len(sizes), *centred.log_odds.shape), np.nan, np.float32)
        for own, of_windows in zip(values, sizes, strict=True):
            own[rows] = choose(of_windows)
        return Effects(centred.tfs, *values, centred.status)

    return put(lambda values: values.mean(0)), put(_largest_of_first)


def _largest_of_first(values: NDArray) -> NDArray:
    return np.take_along_axis(values, np.abs(values).argmax(0)[None], 0)[0]


def read_alleles(alleles: Path) -> Variants:
    """Read a table of `benchmarks.truth.tables.write_alleles`, a variant per row."""
    (chunk,) = iter_chunks(open_variants(alleles), chunk_size=1 << 62, max_bytes=1 << 62)
    return chunk.variants


def score_sites(tfs: Sequence[str], alleles: Path, genome: Genome, length: int) -> Sites:
    """Score a table of alleles with the TFs' JASPAR 2020 profiles (of several the first of `jaspar_motifs`).

    Parameters
    ----------
    tfs
        Columns; a TF without a profile has NaN.
    alleles
        Table of `benchmarks.truth.tables.write_alleles`.
    genome
        Their genome.
    length
        Of the windows that the alleles are applied to, as the entries': the statuses are the same then.

    Raises
    ------
    UnknownNameError
        If no TF has a profile.
    """
    variants = read_alleles(alleles)
    windows = allele_windows(variants, genome, length)
    known = read_profiles()
    if not any(tf in known for tf in tfs):
        raise UnknownNameError("TF with a JASPAR profile", tfs[0], known)
    motifs = jaspar_motifs([tf for tf in tfs if tf in known])
    found = np.full((3, len(variants), len(tfs)), np.nan, np.float32)
    for rows in _by_size(windows):
        sizes = int(windows.n_ref[rows[0]]), int(windows.n_alt[rows[0]])
        for column, tf in enumerate(tfs):
            if tf in motifs:
                found[:, rows, column] = _site(motifs[tf][0], windows.ref[rows], windows.alt[rows], sizes)
    return Sites(list(tfs), *found)


def _by_size(windows: AlleleWindows) -> list[NDArray[np.int64]]:
    """Return the scored rows, those that replace as many bases by as many together."""
    groups: dict[tuple[int, int], list[int]] = {}
    for row in windows.scored.tolist():
        groups.setdefault((int(windows.n_ref[row]), int(windows.n_alt[row])), []).append(row)
    return [np.array(rows) for rows in groups.values()]


def _site(
    motif: Motif, ref: NDArray[np.uint8], alt: NDArray[np.uint8], sizes: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return difference, clipped difference and relative score of the best site that overlaps the allele."""
    pwm = log_odds(motif.pfm)
    half, flank = ref.shape[1] // 2, motif.width - 1
    best = [
        StripedWindows(np.ascontiguousarray(codes[:, half - flank : half + size + flank])).best(pwm)
        for codes, size in zip((ref, alt), sizes, strict=True)
    ]
    least, most = pwm.min(0).sum(), pwm.max(0).sum()
    threshold = least + HIT * (most - least)
    clipped = [np.maximum(score, threshold) for score in best]
    return best[1] - best[0], clipped[1] - clipped[0], (np.maximum(*best) - least) / (most - least)


def total(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the sum over TFs per allele: of differences of probability, the change of how many TFs are bound."""
    return values.sum(1, dtype=np.float64)


def total_size(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the sum of sizes over TFs per allele, with the sign of the sum: what TFs gain and lose does not cancel."""
    return np.sign(total(values)) * np.abs(values).sum(1, dtype=np.float64)


def largest(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the effect of the TF with the largest one, whatever its sign, per allele; NaN where any is NaN."""
    at = np.abs(values).argmax(1)  # of a NaN, if there is one
    return np.take_along_axis(values, at[:, None], 1)[:, 0].astype(np.float64)
