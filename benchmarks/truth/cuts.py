"""Measure which cuts of what `tfb score` says pass how many random variants that the null was not made of.

    python -m benchmarks.truth.cuts --model multi163 --matrix matrix.h5 --genome hg38.fa.gz

Draws random variants as `tfb null` does, at other positions, scores them, prints which share passes each cut, with
intervals of a bootstrap that draws positions, and writes that between the marks of docs/scoring-variants.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.truth.command import add_options, replace_figures
from benchmarks.truth.report import CUT_MARKS, shares
from benchmarks.truth.statistics import SEED, group_weights
from kipoi_tfb.evaluation.areas import interval
from kipoi_tfb.models.logits import BOUND, NOTABLE
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.effects import EffectScorer
from kipoi_tfb.variants.make_null import PER_POSITION, draw_variants
from kipoi_tfb.zoo.card import today
from kipoi_tfb.zoo.find import find_entry
from kipoi_tfb.zoo.null import CLASSES, EffectNull, allele_classes
from tfb_matrix_data.alleles import allele_windows
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import sha256
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.variants import Variants

DOCS = Path(__file__).parents[2] / "docs" / "scoring-variants.md"
CUTS = (90, 95, 99, 99.25, 99.5, 99.75, 99.9)
TWO_ENDED, END = ("percentile", "impact_percentile"), 0.5
"""Percentiles per TF, and how near either end: what one would cut without `variant_percentile`."""
MOST = 0.01
"""Share of random variants that may pass the recommended cut."""

_AT_ONCE = 1024

Share = tuple[float, float, float]
"""Estimate and ends of its interval."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="zoo entry with a null")
    parser.add_argument("--matrix", required=True, type=Path, help="that the null was made of")
    parser.add_argument("--genome", required=True, type=Path, help="FASTA of its assembly")
    parser.add_argument("--variants", type=int, default=20_000, help="how many")
    parser.add_argument("--seed", type=int, default=2, help="of the draw; not the null's")
    add_options(parser, DOCS)
    return replace_figures(parser.parse_args(arguments), CUT_MARKS, run)


def run(options: argparse.Namespace) -> list[str]:
    """Draw, score, count; return what the document says."""
    entry, genome, matrix = find_entry(options.model), Genome(options.genome), BindingMatrix(options.matrix)
    predictor = Predictor([entry])
    scorer = EffectScorer(predictor, genome, ("ref", "alt", *TWO_ENDED), line=True, top=3)
    if scorer.percentiles is None:
        raise ConfigError(scorer.notice)
    null = scorer.percentiles.parts[0].null
    variants = draw_others(null, matrix, genome, predictor.window_length, options.variants, options.seed)
    hits = scored(scorer, variants, genome)
    kinds = np.array(CLASSES)[allele_classes(variants.ref, variants.alt)]
    parts = {"all": np.ones(len(kinds), bool), "SNVs": np.char.find(kinds, ">") > 0}
    parts |= {f"{kind}s": kinds == kind for kind in CLASSES if ">" not in kind}
    weights = group_weights(np.arange(len(variants)) // PER_POSITION, options.replicates)
    table = {name: {part: share(hit[on], weights[on]) for part, on in parts.items()} for name, hit in hits.items()}
    return [
        f"`{entry.card.name}`, {today()}, {len(variants):,} random variants on {', '.join(null.record.chromosomes)} "
        f"(seed {options.seed}) at none of the {null.record.positions:,} positions of the null; {options.replicates} "
        f"replicates of the bootstrap (seed {SEED}).",
        "",
        *shares(table),
        "",
        recommended({cut: table[title(cut)]["all"] for cut in CUTS}),
    ]


def draw_others(null: EffectNull, matrix: BindingMatrix, genome: Genome, length: int, n: int, seed: int) -> Variants:
    """Return n random variants, drawn as those of a null are, at none of its positions.

    Raises
    ------
    ConfigError
        If the seed is the null's, or the matrix is not the one that it was made of.
    """
    record = null.record
    if seed == record.seed:
        raise ConfigError(f"the null was drawn with seed {seed}, too; choose another")
    if sha256(matrix.path) != record.matrix_sha256:
        raise ConfigError(f"{matrix.path} is not the matrix that the null was made of ({record.command})")
    its = draw_variants(matrix, genome, record.chromosomes, record.positions, length, record.seed)
    used = {*zip(its.chrom, its.pos.tolist(), strict=True)}
    # A twentieth more than needed: few positions are drawn twice.
    more = draw_variants(matrix, genome, record.chromosomes, 1 + n * 21 // (20 * PER_POSITION), length, seed)
    places = zip(more.chrom, more.pos.tolist(), strict=True)
    free = np.flatnonzero([place not in used for place in places])[:n]
    if len(free) < n:
        raise ConfigError(
            f"only {len(free)} of {n} random variants are at other positions than the null's; ask for fewer"
        )
    return more.take(free)


def scored(scorer: EffectScorer, variants: Variants, genome: Genome) -> dict[str, NDArray[np.bool_]]:
    """Return which variants pass each cut, by its name."""
    found: dict[str, list[NDArray[np.bool_]]] = {}
    for start in range(0, len(variants), _AT_ONCE):
        part = variants.take(np.arange(start, min(start + _AT_ONCE, len(variants))))
        effects = scorer(part, allele_windows(part, genome, scorer.predictor.window_length))
        line, better = effects.line, np.fmax(effects.values["ref"], effects.values["alt"])
        hits = {title(cut): line["variant_percentile"] >= cut for cut in CUTS}
        hits[f"`n_gained + n_lost > 0` (impact of {NOTABLE:g})"] = line["n_gained"] + line["n_lost"] > 0
        for score in TWO_ENDED:
            either = np.abs(effects.values[score] - 50) > 50 - END
            hits[f"`{score} < {END:g} or {score} > {100 - END:g}` for any TF"] = either.any(1)
        hits["a TF is named"] = (line["top_gained"] != ".") | (line["top_lost"] != ".")
        hits[f"no TF has P of at least {BOUND:g}"] = (better < BOUND).all(1)
        for name, hit in hits.items():
            found.setdefault(name, []).append(hit)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def title(cut: float) -> str:
    return f"`variant_percentile >= {cut:g}`"


def share(hit: NDArray[np.bool_], weights: NDArray[np.float32]) -> Share:
    """Return the share of variants that pass, and the ends of its interval, from weights (variants, 1 + replicates)."""
    counted = hit.astype(np.float64) @ weights / weights.sum(0, dtype=np.float64)
    return float(counted[0]), *interval(counted[1:])


def recommended(passing: Mapping[float, Share]) -> str:
    """Return the sentence that recommends the lowest cut whose interval says that few random variants pass."""
    few = [cut for cut, (_, _, high) in passing.items() if high <= MOST]
    if not few:
        return f"None of these cuts passes at most {MOST:.0%} of random variants."
    value, low, high = passing[min(few)]
    return (
        f"Recommended: **{title(min(few))}**, the lowest of these whose interval ends at or below {MOST:.0%}: it "
        f"passes {value:.2%} of random variants ({low:.2%} to {high:.2%})."
    )


if __name__ == "__main__":
    sys.exit(main())
