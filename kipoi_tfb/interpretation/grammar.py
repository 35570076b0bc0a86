"""Grammar: what one motif does to a TF's binding, alone and beside another, by putting sites in and taking them out.

Sites are put into shuffled sequence, where nothing else is, and taken out of real regions, where everything else is.
Each number stands beside a null: the same with a site of the same bases in another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.interpretation.references import dinucleotide_shuffles
from kipoi_tfb.motifs.profiles import Motif, log_odds
from kipoi_tfb.motifs.scan import MATCH, StripedWindows
from kipoi_tfb.output.progress import progress_bar
from kipoi_tfb.output.tables import Notes, open_table
from kipoi_tfb.prediction.predictor import Predictor
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import Anchor, read_intervals
from tfb_matrix_data.placing import place_windows
from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["Grammar", "GrammarOptions", "GrammarRow", "consensus", "known_windows", "write_grammar"]

_INTERVAL = (2.5, 97.5)

_MEANING = {
    "tf": "the TF whose binding is asked about",
    "question": "alone: a site put into shuffled sequence; beside: the site put in at a distance from the TF's, less "
    "what it does without that; taken out: a site of real regions, its bases put into another order",
    "site": "whose motif",
    "distance": "from the centre of the TF's motif to that of the other, bp, positive to the right; 0 for no pair",
    "orientation": "strand of the other motif, the TF's being on the forward one: same, opposite, or a dot for no pair",
    "n": "regions, or as many shuffled sequences",
    "effect": "mean change of the TF's log-odds of binding, natural logarithm",
    "low": "lower end of the 95 % interval of the effect, of a bootstrap over regions",
    "high": "its upper end",
    "null": "the effect of the motif's bases in another order; of what is taken out, that of a place elsewhere",
    "null_low": "lower end of the 95 % interval of the null",
    "null_high": "its upper end",
}


@dataclass(frozen=True)
class GrammarOptions:
    """How much is asked.

    Attributes
    ----------
    farthest, step
        Distances between the centres of the two motifs, in bp: multiples of `step` up to `farthest`, to both sides.
    regions
        At most so many regions, drawn by the seed; each gives one shuffled background.
    seed
        Of draws, shuffles, and of the bootstrap over regions.
    replicates
        Of the bootstrap.
    """

    farthest: int = 70
    step: int = 5
    regions: int = 100
    seed: int = 0
    replicates: int = 1000


class GrammarRow(NamedTuple):
    """A measurement.

    Attributes
    ----------
    question
        ``alone``: a site put into shuffled sequence. ``beside``: the partner's site put in at a distance from the TF's,
        less what it does without that. ``taken out``: a site of real regions replaced.
    site
        Whose motif.
    distance
        From the centre of the TF's motif to that of the partner's, in bp, positive to the right, the TF's being on the
        forward strand; None where there is no pair.
    orientation
        ``same`` or ``opposite``: the partner's strand; empty where there is no pair.
    n
        Regions, or backgrounds.
    effect, low, high
        Mean change of the TF's log-odds of binding (natural logarithm), with its 95 % interval over regions.
    null, null_low, null_high
        The same with the bases of the site in a random order; of ``taken out``, elsewhere in the same regions.
    """

    question: str
    site: str
    distance: int | None
    orientation: str
    n: int
    effect: float
    low: float
    high: float
    null: float
    null_low: float
    null_high: float


def consensus(motif: Motif) -> NDArray[np.uint8]:
    """Return the likeliest base of each column of a motif, uint8 (width,) codes."""
    return motif.pfm.argmax(0).astype(np.uint8)


class Grammar:
    """What motifs do to the binding of one TF, by a model.

    Parameters
    ----------
    predictor
        With one column.
    motif
        Of the TF.
    windows
        uint8 (regions, length): real ones, without unknown bases.
    options
        Default `GrammarOptions`.

    Raises
    ------
    ConfigError
        If the predictor has several columns, or a distance goes beyond the window.
    """

    def __init__(
        self, predictor: Predictor, motif: Motif, windows: NDArray[np.uint8], options: GrammarOptions | None = None
    ) -> None:
        self.options = options = options or GrammarOptions()
        if len(predictor.columns) != 1:
            raise ConfigError(f"grammar is about one TF's output; found {', '.join(predictor.columns[:5])}")
        if not len(windows):
            raise ConfigError("grammar needs regions without unknown bases (N); there is none")
        if options.step < 1 or options.farthest < options.step:
            raise ConfigError(f"distances of up to {options.farthest} bp in steps of {options.step}: at least one step")
        rng = np.random.default_rng(options.seed)
        chosen = np.sort(rng.permutation(len(windows))[: options.regions])
        self.predictor, self.motif, self.windows = predictor, motif, windows[chosen]
        self.backgrounds = np.concatenate([dinucleotide_shuffles(one, 1, options.seed) for one in self.windows])

    def alone(self, motif: Motif) -> GrammarRow:
        """Return what a motif does alone, in the middle of shuffled sequence."""
        site, half = consensus(motif), self.windows.shape[1] // 2
        before = self._logits(self.backgrounds)
        effects = [self._logits(_with(self.backgrounds, one, half)) - before for one in (site, self._scrambled(site))]
        return self._row("alone", motif.tf, None, "", *effects)

    def beside(self, partner: Motif) -> Iterator[GrammarRow]:
        """Yield what the partner's motif adds beside the TF's, at each distance and in both orientations.

        Of its effect beside the TF's motif the effect at the same place without that is taken away: what is left is
        what the two do together.
        """
        own, half = consensus(self.motif), self.windows.shape[1] // 2
        other = consensus(partner)
        with_own = _with(self.backgrounds, own, half)
        bare = self._logits(self.backgrounds), self._logits(with_own)
        ways = [(d, way) for d in self._distances(len(own), len(other)) for way in ("same", "opposite")]
        with progress_bar(f"{partner.tf} beside {self.motif.tf}", len(ways)) as advance:
            for distance, way in ways:
                effects = []
                for one in (other, self._scrambled(other)):
                    site = one if way == "same" else (3 - one[..., ::-1]).astype(np.uint8)
                    joint, single = (_with(codes, site, half + distance) for codes in (with_own, self.backgrounds))
                    effects.append((self._logits(joint) - bare[1]) - (self._logits(single) - bare[0]))
                yield self._row("beside", partner.tf, distance, way, *effects)
                advance(1)

    def taken_out(self, motif: Motif) -> GrammarRow | None:
        """Return what it does to take the best site of a motif out of the regions that have one; None if none has.

        The site's bases are put into a random order. For the null so many bases elsewhere are, at a place drawn in each
        region that touches neither this site nor the TF's own best one.
        """
        width = motif.width
        hits = StripedWindows(self.windows).best_hits(log_odds(motif.pfm))
        own = StripedWindows(self.windows).best_hits(log_odds(self.motif.pfm))
        rng = np.random.default_rng([self.options.seed, 1])
        rows, places = [], []
        for row in np.flatnonzero(hits.score >= MATCH).tolist():
            taken = [(int(hits.start[row]), width), (int(own.start[row]), self.motif.width)]
            free = [
                start
                for start in range(self.windows.shape[1] - width + 1)
                if all(start + width <= at or at + size <= start for at, size in taken)
            ]
            if free:
                rows.append(row)
                places.append((int(hits.start[row]), int(rng.choice(free))))
        if not rows:
            return None
        windows = self.windows[rows]
        before = self._logits(windows)
        effects = []
        for which in (0, 1):
            changed = windows.copy()
            for codes, place in zip(changed, places, strict=True):
                part = slice(place[which], place[which] + width)
                codes[part] = rng.permutation(codes[part])
            effects.append(self._logits(changed) - before)
        return self._row("taken out", motif.tf, None, "", *effects)

    def _distances(self, own: int, other: int) -> list[int]:
        """Return the distances at which two sites neither touch nor leave the window."""
        half, step = self.windows.shape[1] // 2, self.options.step
        apart = (own + other + 1) // 2 + 1
        farthest = min(self.options.farthest, half - (other + 1) // 2)
        found = [d for d in range(step, farthest + 1, step) if d >= apart]
        if not found:
            raise ConfigError(
                f"no distance of up to {self.options.farthest} bp in steps of {step} keeps motifs of {own} and {other} "
                f"bp apart and within {2 * half} bp; give farther ones"
            )
        return [-d for d in reversed(found)] + found

    def _scrambled(self, site: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the bases of a site in another random order for each background."""
        rng = np.random.default_rng([self.options.seed, *site.tolist()])
        return rng.permuted(np.tile(site, (len(self.backgrounds), 1)), axis=1)

    def _logits(self, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        return self.predictor.logits(codes)[:, 0].astype(np.float64)

    def _row(
        self,
        question: str,
        site: str,
        distance: int | None,
        orientation: str,
        effects: NDArray[np.float64],
        null: NDArray[np.float64],
    ) -> GrammarRow:
        told = (*self._interval(effects), *self._interval(null))
        return GrammarRow(question, site, distance, orientation, len(effects), *told)

    def _interval(self, values: NDArray[np.float64]) -> tuple[float, float, float]:
        draws = np.random.default_rng(self.options.seed).integers(
            len(values), size=(self.options.replicates, len(values))
        )
        low, high = np.percentile(values[draws].mean(1), _INTERVAL)
        return float(values.mean()), float(low), float(high)


def _with(codes: NDArray[np.uint8], site: NDArray[np.uint8], centre: int) -> NDArray[np.uint8]:
    """Return windows with a site, or one for each, around a position."""
    changed = codes.copy()
    start = centre - site.shape[-1] // 2
    changed[:, start : start + site.shape[-1]] = site
    return changed


def known_windows(
    regions: str | Path, genome: Genome, length: int, anchor: Anchor = "centre"
) -> tuple[NDArray[np.uint8], int]:
    """Return the windows around regions that have no unknown base, uint8 (windows, length), and how many were left out.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    intervals = read_intervals(regions)
    placed, _ = place_windows(intervals, genome, length, anchor)
    whole = (placed.codes < UNKNOWN).all(1)
    return placed.codes[whole], int((~whole).sum())


def write_grammar(tf: str, rows: Sequence[GrammarRow], path: str | Path) -> int:
    """Write a row per measurement, with the columns of `GrammarRow` after the TF; return how many.

    A distance that there is none of is 0 in the table, where `orientation` is a dot.
    """
    texts = {"tf": [tf] * len(rows), "question": [row.question for row in rows], "site": [row.site for row in rows]}
    columns: dict[str, NDArray] = {name: np.array(values, object) for name, values in texts.items()}
    columns["distance"] = np.array([row.distance or 0 for row in rows], np.int64)
    columns["orientation"] = np.array([row.orientation or "." for row in rows], object)
    columns["n"] = np.array([row.n for row in rows], np.int64)
    for name in ("effect", "low", "high", "null", "null_low", "null_high"):
        columns[name] = np.array([getattr(row, name) for row in rows], np.float32)
    with open_table(path, Notes({}, _MEANING)) as table:
        table.write(columns)
    return len(rows)
