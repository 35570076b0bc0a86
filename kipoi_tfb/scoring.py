"""Effects of variants on binding: one row per ALT allele, in the VCF's order, every one accounted for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb.predictor import Predictor
from kipoi_tfb.progress import progress_bar
from kipoi_tfb.scores import effect, probability
from kipoi_tfb.tables import Table, open_table
from tfb_matrix_data.alleles import AlleleWindows, AssemblyCheck, allele_windows
from tfb_matrix_data.files import count_lines
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.variants import Variants, iter_variants

__all__ = ["SCORES", "ScoringSummary", "score_variants"]

SCORES = ("ref", "alt", "effect")
"""Columns per TF: probability with REF, with ALT, and the log-odds of ALT minus REF (`kipoi_tfb.scores.effect`)."""


@dataclass
class ScoringSummary:
    """What became of the alleles: how many of each status, and of each flag."""

    alleles: int = 0
    status: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)

    def count(self, windows: AlleleWindows) -> None:
        """Add a chunk."""
        self.alleles += len(windows.status)
        self.status.update(windows.status)
        for flags in windows.flags:
            self.flags.update(flag.partition("=")[0] for flag in flags.split(";") if flag != ".")


def score_variants(predictor: Predictor, vcf: str | Path, genome: Genome, output: str | Path) -> ScoringSummary:
    """Write one row per ALT allele: chrom, pos, id, ref, alt, status, flags, then `SCORES` for each TF.

    Alleles that cannot be scored keep their row, with a status that says why and empty scores.

    Raises
    ------
    AssemblyError
        If REF mostly differs from the genome.
    InputError
        If the VCF cannot be read; nothing is written then.
    """
    summary = ScoringSummary()
    check = AssemblyCheck()
    with open_table(output) as table, progress_bar("scoring", lambda: count_lines(vcf)) as advance:
        for variants in iter_variants(vcf):
            windows = allele_windows(variants, genome, predictor.window_length, check)
            table.write(_rows(variants, windows, predictor))
            summary.count(windows)
            advance(len(variants))
    return summary


def _rows(variants: Variants, windows: AlleleWindows, predictor: Predictor) -> Table:
    columns: dict[str, NDArray] = {
        "chrom": np.array(variants.chrom),
        "pos": variants.pos,
        "id": np.array(variants.id),
        "ref": np.array(variants.ref),
        "alt": np.array(variants.alt),
        "status": np.array(windows.status),
        "flags": np.array(windows.flags),
    }
    scored = windows.scored
    shape = (len(variants), len(predictor.columns))
    values = {name: np.full(shape, np.nan, np.float32) for name in SCORES}
    if len(scored):
        both = predictor.logits(np.concatenate([windows.ref[scored], windows.alt[scored]]))
        ref, alt = torch.from_numpy(both).chunk(2)
        values["ref"][scored] = probability(ref).numpy()
        values["alt"][scored] = probability(alt).numpy()
        values["effect"][scored] = effect(ref, alt).numpy()
    for i, tf in enumerate(predictor.columns):
        columns |= {f"{tf}_{name}": values[name][:, i] for name in SCORES}
    return columns
