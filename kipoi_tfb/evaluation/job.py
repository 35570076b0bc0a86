"""How well scorers tell bound from unbound regions, per TF, on regions they have not seen: one table for them all."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from kipoi_tfb.evaluation.areas import Areas, calibration_error, draw_weights, interval, natural_areas, weighted_areas
from kipoi_tfb.evaluation.metrics import MIN_BOUND, REPLICATES, Summary, TfMetrics, summarise
from kipoi_tfb.evaluation.regions import LabelledRegions
from kipoi_tfb.evaluation.scorers import Scorer, TableScorer, seen_chromosomes
from kipoi_tfb.models.run import heard
from kipoi_tfb.output.progress import progress_bar, progress_within
from tfb_matrix_data.contigs import plain_name
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.sampling import balanced_sample, seed_of
from tfb_matrix_data.sequence import gc_content

__all__ = ["Evaluation", "check_held_out", "evaluate"]

logger = logging.getLogger(__name__)

_CHUNK = 8192
_WEIGHTS = 1 << 22  # of regions x replicates at once


@dataclass(frozen=True)
class Evaluation:
    """What came of scorers on one set of regions.

    Attributes
    ----------
    data
        The regions.
    seed
        Of the draws of GC-matched regions and of the bootstrap.
    replicates
        Bootstrap replicates; 0 if there was none.
    tables
        {scorer: rows}, a row per TF.
    bootstrapped
        {scorer: {TF: areas of the replicates}} at 1:1. The regions resampled are the same for all scorers, so that
        differences are paired.
    bootstrapped_natural
        The same at natural prevalence; empty where there is one scorer, and so nothing to pair.
    """

    data: LabelledRegions
    seed: int
    replicates: int
    tables: dict[str, list[TfMetrics]]
    bootstrapped: dict[str, dict[str, Areas]]
    bootstrapped_natural: dict[str, dict[str, Areas]] = field(default_factory=dict)

    def summary(self, scorer: str, min_bound: int = MIN_BOUND) -> Summary:
        """Return the averages of a scorer."""
        return summarise(self.tables[scorer], min_bound, self.replicates, self.seed)

    def content(self, min_bound: int = MIN_BOUND) -> dict[str, Any]:
        """Return everything as plain values, for JSON: per scorer the summary and the rows."""
        data = self.data
        return {
            "data": {"source": data.source, "windows": len(data), "chromosomes": list(data.chromosomes)},
            "seed": self.seed,
            "replicates": self.replicates,
            "min_bound": min_bound,
            "scorers": {
                name: {"summary": asdict(self.summary(name, min_bound)), "tfs": [asdict(row) for row in rows]}
                for name, rows in self.tables.items()
            },
        }


def evaluate(
    scorers: Sequence[Scorer | TableScorer],
    data: LabelledRegions,
    seed: int = 0,
    replicates: int = REPLICATES,
    bound_train: Mapping[str, Mapping[str, int]] | None = None,
) -> Evaluation:
    """Test scorers on the same regions, in one pass over their windows.

    Whether a scorer was trained on them is for `check_held_out` to say.

    Parameters
    ----------
    scorers
        Of names that differ. TFs without labels are left out of a scorer's table, which is logged.
    data
        Windows and labels.
    seed
        For the draw of GC-matched unbound regions and for the bootstrap; each TF has its own streams, so that its row
        does not depend on the other TFs or scorers.
    replicates
        Of the bootstrap: bound and unbound regions are resampled apart. 0: no intervals.
    bound_train
        {scorer: {TF: bound regions that trained it}}, for the table.

    Raises
    ------
    UnknownNameError
        If no TF of a scorer has labels.
    ConfigError
        If two scorers have the same name, no TF has a bound region, or a score is not finite.
    """
    names = [scorer.name for scorer in scorers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{twice[0]} is given twice; there is nothing to compare in that")
    if not (data.labels == 1).any():
        raise ConfigError(f"{data.source}: no region is bound by any TF; a test needs some (label 1)")
    common = {scorer.name: _common(scorer, data) for scorer in scorers}
    scores = _score(scorers, data)
    gc = gc_content(data.codes)
    tables: dict[str, list[TfMetrics]] = {name: [] for name in names}
    bootstrapped: dict[str, dict[str, Areas]] = {name: {} for name in names}
    bootstrapped_natural: dict[str, dict[str, Areas]] = {name: {} for name in names}
    order = list(dict.fromkeys(tf for name in names for tf in common[name]))
    with progress_bar("bootstrapping" if replicates else "counting", len(order)) as advance:
        for tf in order:
            place = data.tfs.index(tf)
            test = _Test(tf, data.labels[:, place], gc, seed_of(seed, data.streams[place]), replicates)
            columns = {
                scorer.name: scores[scorer.name][:, scorer.tfs.index(tf)]
                for scorer in scorers
                if tf in common[scorer.name]
            }
            for name, column in columns.items():
                test.check_finite(column, name)
            areas, natural = test.bootstrap(columns)
            paired = test.paired_natural(columns) if len(columns) > 1 else {}
            for scorer in scorers:
                name = scorer.name
                if name in columns:
                    known = (bound_train or {}).get(name, {}).get(tf)
                    probability = _probability(scorer, columns[name])
                    tables[name].append(
                        test.metrics(columns[name], probability, known, areas.get(name), natural.get(name))
                    )
                if name in areas:
                    bootstrapped[name][tf] = areas[name]
                if name in paired:
                    bootstrapped_natural[name][tf] = paired[name]
            advance(1, tf)
    # Rows in the order of the scorer's own TFs.
    for name in names:
        tables[name].sort(key=lambda row: common[name].index(row.tf))
    _say_where_unbound_are_few(tables)
    return Evaluation(data, seed, replicates, tables, bootstrapped, bootstrapped_natural)


def check_held_out(scorers: Sequence[object], chromosomes: Sequence[str], advice: str = "") -> None:
    """Refuse chromosomes that trained or validated a scorer (``chr1`` and ``1`` are the same).

    Parameters
    ----------
    scorers
        Scorers, or zoo entries, whose networks are not loaded.
    chromosomes
        To be tested on.
    advice
        Put behind the message.

    Raises
    ------
    ConfigError
        If there is one.
    """
    plain = {plain_name(name): name for name in chromosomes}
    for scorer in scorers:
        seen = {plain_name(name) for name in seen_chromosomes(scorer)} & set(plain)
        if seen:
            names = ", ".join(sorted(plain[name] for name in seen))
            name = getattr(scorer, "name", "the scorer")
            raise ConfigError(f"{name} was trained or validated on {names}; test it on other chromosomes{advice}")


class _Test:
    """The regions that one TF is tested on: the same for all scorers."""

    def __init__(self, tf: str, labels: NDArray[np.int8], gc: NDArray[np.float64], seed: int, replicates: int) -> None:
        self.tf, self.seed, self.replicates = tf, seed, replicates
        self.sample = balanced_sample(labels, gc, seed)
        self.unbound = np.flatnonzero(labels == 0)
        self.every = np.concatenate([self.sample.bound, self.unbound])
        self.truth = labels[self.every] == 1

    @property
    def has_areas(self) -> bool:
        return bool(len(self.sample.bound) and len(self.sample.unbound))

    def check_finite(self, scores: NDArray[np.float32], name: str) -> None:
        wrong = int((~np.isfinite(scores[self.every])).sum())
        if wrong:
            raise ConfigError(
                f"{name} gives {wrong:,} of {len(self.every):,} tested regions no finite score for {self.tf}"
            )

    def bootstrap(self, columns: Mapping[str, NDArray[np.float32]]) -> tuple[dict[str, Areas], dict[str, Areas]]:
        """Return the areas of the replicates per scorer, at 1:1 and at natural prevalence."""
        if not (self.replicates and self.has_areas):
            return {}, {}
        bound, matched = self.sample.bound, self.sample.unbound
        at_once = max(1, _WEIGHTS // len(self.sample))
        parts: dict[str, list[tuple[Areas, Areas]]] = {name: [] for name in columns}
        for start in range(0, self.replicates, at_once):
            n = min(at_once, self.replicates - start)
            rng = np.random.default_rng([self.seed, 1, start])
            weights, matched_weights = draw_weights(rng, len(bound), n), draw_weights(rng, len(matched), n)
            for name, scores in columns.items():
                balanced = weighted_areas(scores[bound], scores[matched], weights, matched_weights)
                # A stream of its own: what a scorer draws does not depend on those before it.
                stream = np.random.default_rng([self.seed, 2, start])
                natural = natural_areas(scores[bound], scores[self.unbound], weights, stream)
                parts[name].append((balanced, natural))
        joined = {name: [_joined(both) for both in zip(*found, strict=True)] for name, found in parts.items()}
        return {name: both[0] for name, both in joined.items()}, {name: both[1] for name, both in joined.items()}

    def paired_natural(self, columns: Mapping[str, NDArray[np.float32]]) -> dict[str, Areas]:
        """Return the areas of the replicates per scorer at natural prevalence, all on the very same resampled regions.

        Unlike `bootstrap`, which draws how many unbound regions fall between two bound ones of a scorer, it draws the
        regions, as only they are the same for all scorers: the cost grows with the unbound regions.
        """
        if not (self.replicates and self.has_areas):
            return {}
        bound, unbound = self.sample.bound, self.unbound
        at_once = max(1, _WEIGHTS // len(self.every))
        parts: dict[str, list[Areas]] = {name: [] for name in columns}
        for start in range(0, self.replicates, at_once):
            n = min(at_once, self.replicates - start)
            rng = np.random.default_rng([self.seed, 3, start])
            weights, unbound_weights = draw_weights(rng, len(bound), n), draw_weights(rng, len(unbound), n)
            for name, scores in columns.items():
                parts[name].append(weighted_areas(scores[bound], scores[unbound], weights, unbound_weights))
        return {name: _joined(found) for name, found in parts.items()}

    def metrics(
        self,
        scores: NDArray[np.float32],
        probability: NDArray[np.floating] | None,
        bound_train: int | None,
        areas: Areas | None,
        natural: Areas | None,
    ) -> TfMetrics:
        sample = self.sample
        counts = (self.tf, bound_train, sample.bound_available, sample.unbound_available, len(sample.unbound))
        ece = None
        if probability is not None and len(self.every):
            ece = calibration_error(probability[self.every], self.truth)
        intervals: dict[str, Any] = {}
        for found, names in ((areas, ("auprc", "auroc_matched")), (natural, ("auprc_natural", "auroc"))):
            for name, values in zip(names, found or (), strict=False):
                intervals[f"{name}_low"], intervals[f"{name}_high"] = interval(values)
        auprc, auroc_matched = _areas(sample.labels == 1, scores[sample.regions])
        # Where no unbound region is of a fitting GC content, there are still the areas at natural prevalence.
        auprc_natural, auroc = _areas(self.truth, scores[self.every])
        return TfMetrics(*counts, auprc, auroc, auprc_natural, auroc_matched, ece, **intervals)


def _areas(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> tuple[float, float]:
    """Return (AUPRC, AUROC), NaN where there is only one label."""
    if truth.all() or not truth.any():
        return math.nan, math.nan
    return float(average_precision_score(truth, scores)), float(roc_auc_score(truth, scores))


def _say_where_unbound_are_few(tables: Mapping[str, Sequence[TfMetrics]]) -> None:
    """Warn of TFs with fewer unbound than bound regions: no such share is found in a genome."""
    few = {row.tf: row for rows in tables.values() for row in rows if 0 < row.unbound < row.bound}
    if few:
        row = next(iter(few.values()))
        more = f" (and {len(few) - 1} more TFs)" if len(few) > 1 else ""
        logger.warning(
            "%s%s: %s unbound regions for %s bound ones; figures at natural prevalence mean the share of these files, "
            "which flatters them. Give all unbound regions, not a sample",
            row.tf, more, f"{row.unbound:,}", f"{row.bound:,}",
        )  # fmt: skip


def _common(scorer: Scorer | TableScorer, data: LabelledRegions) -> list[str]:
    """Return the scorer's TFs that have labels; what is left out on either side is logged."""
    common = [tf for tf in scorer.tfs if tf in data.tfs]
    if not common:
        raise UnknownNameError(f"TF (of {scorer.name}, in {data.source})", scorer.tfs[0], data.tfs)
    for what, names in (
        (f"TFs of {scorer.name} without labels in {data.source}", [tf for tf in scorer.tfs if tf not in data.tfs]),
        (f"TFs of {data.source} that {scorer.name} has no scores for", [tf for tf in data.tfs if tf not in common]),
    ):
        if names:
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            logger.info("%d %s, left out: %s", len(names), what, shown)
    return common


def _score(scorers: Sequence[Scorer | TableScorer], data: LabelledRegions) -> dict[str, NDArray[np.float32]]:
    """Return {scorer: scores (windows, TFs)}, in one pass over the windows."""
    scores = {s.name: s.join(data) for s in scorers if isinstance(s, TableScorer)}
    live = [scorer for scorer in scorers if not isinstance(scorer, TableScorer)]
    for scorer in live:
        length = getattr(scorer, "window_length", None)
        if length is not None and length != data.codes.shape[1]:
            raise ConfigError(
                f"{scorer.name} takes windows of {length} bp, {data.source} has windows of {data.codes.shape[1]} bp"
            )
        scores[scorer.name] = np.empty((len(data), len(scorer.tfs)), np.float32)
    with progress_bar("scoring", len(data) if live else 0) as advance:
        for start in range(0, len(data), _CHUNK):
            part = slice(start, start + _CHUNK)
            with progress_within(advance, len(data.codes[part])) as share, heard(share, of=len(live)):
                for scorer in live:
                    scores[scorer.name][part] = scorer.scores(data.codes[part])
    return scores


def _probability(scorer: Scorer | TableScorer, scores: NDArray[np.float32]) -> NDArray[np.floating] | None:
    """Return probabilities, or None where scores are on a scale of their own."""
    if getattr(scorer, "probabilities", False):
        return scores
    if getattr(scorer, "calibrated", False):
        return 1 / (1 + np.exp(-np.clip(scores.astype(np.float64), -700, 700)))
    return None


def _joined(parts: Sequence[Areas]) -> Areas:
    return Areas(*(np.concatenate(column) for column in zip(*parts, strict=True)))
