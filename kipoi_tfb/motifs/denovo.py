"""Motifs found in bound windows alone: the paper's de novo PWM baseline.

STREME (Bailey 2021, doi:10.1093/bioinformatics/btab203) finds them where it is on PATH, with the paper's settings: at
most 21 positions, 5 motifs, nothing held out. It is part of the MEME suite, which pip does not install; what pip has
are wrappers of it and of HOMER (gimmemotifs, memesuite-lite and the like), finders that want a trained network first
(modisco-lite), and ones for Python 2. Hence a finder of our own, of the same plan as STREME's:

1. Seeds: words of 6 and 8 bases, and pairs of 3 with a gap of up to 11, present in more positives than negatives.
2. Each of the best is refined: its PWM's best hit in each window, the score above which hits tell positives from
   negatives best, and a new PWM of the positives' hits above it, until that tells no better.
3. The best of them all is cut to its informative columns; its sites are masked in all windows. Then again from 1.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from kipoi_tfb.motifs.profiles import MIN_WIDTH, Motif, log_odds, trimmed
from kipoi_tfb.motifs.scan import BestHits, StripedWindows
from kipoi_tfb.motifs.scorer import MotifScorer, choose_profiles
from kipoi_tfb.motifs.streme import run_streme
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sampling import balanced_sample, seed_of
from tfb_matrix_data.sequence import UNKNOWN, gc_content, reverse_complement

__all__ = ["Engine", "FoundMotif", "denovo_scorer", "find_motifs"]

Engine = Literal["auto", "streme", "own"]

MAX_WIDTH = 21
_SHAPES = ((6, 0), (8, 0), *((3, gap) for gap in range(1, 12)))  # (bases, gap): bases, gap, as many bases if gap
_SEEDS_PER_SHAPE = 3
_REFINED = 6  # of the seeds, after one round
_ROUNDS, _SEED_SITES = 8, 4.0  # pseudocount is 1: a seed's base has odds 3.4, others 0.2
_MASKINGS = 4  # sites of one motif masked per window


class FoundMotif(NamedTuple):
    """A motif found.

    Attributes
    ----------
    motif
        Counts of bases at its sites.
    p_value
        That the most enriched word, when it was found, is as frequent in negatives: Fisher's exact test, times the
        number of words tested. In random sequence it is below 0.05 in at most one set of windows in twenty. NaN of
        STREME, which has no sound one without windows held out.
    sites
        Positives with a site.
    """

    motif: Motif
    p_value: float
    sites: int


def find_motifs(
    positives: NDArray[np.uint8],
    negatives: NDArray[np.uint8],
    n_motifs: int = 5,
    engine: Engine = "auto",
    seed: int = 0,
    tf: str = "",
) -> list[FoundMotif]:
    """Find motifs that are in positives more often than in negatives, on either strand, best first.

    Parameters
    ----------
    positives, negatives
        uint8 (windows, length), of one length of at least 30 bp.
    n_motifs
        How many to look for; fewer come back where no word is enriched any more.
    engine
        ``auto``: STREME where it is on PATH, else ``own``, which draws nothing and needs no seed.
    seed, tf
        STREME's; named in the motifs.

    Raises
    ------
    ConfigError
        If there are no windows, they differ in length or are too short, or STREME is asked for and not there.
    TfbError
        If STREME fails.
    """
    for name, codes in (("positive", positives), ("negative", negatives)):
        if not len(codes):
            raise ConfigError(f"no {name} windows to find motifs of {tf or 'a TF'} with")
    if positives.shape[1] != negatives.shape[1] or positives.shape[1] < 30:
        lengths = f"{positives.shape[1]} and {negatives.shape[1]} bp"
        raise ConfigError(f"windows of {lengths}; motifs are found in windows of one length, of 30 bp or more")
    program = shutil.which("streme")
    if engine == "streme" and not program:
        raise ConfigError("streme is not on PATH; install the MEME suite (https://meme-suite.org), or use engine='own'")
    if program and engine != "own":
        striped = StripedWindows(np.concatenate([positives, negatives]))
        motifs = run_streme(program, positives, negatives, n_motifs, MAX_WIDTH, seed, tf)
        return [FoundMotif(one, math.nan, _scored(striped, len(positives), one.pfm)[0].sites) for one in motifs]
    half = MAX_WIDTH // 2  # of the N on both sides: a site at a window's end has no flank there
    windows = np.pad(np.concatenate([positives, negatives]), ((0, 0), (half, half)), constant_values=UNKNOWN)
    found: list[FoundMotif] = []
    for number in range(1, n_motifs + 1):
        best = _best_motif(windows, len(positives))
        if best is None:
            break
        fit, p_value = best
        found.append(FoundMotif(Motif(f"denovo-{number}", f"denovo-{number}", tf, fit.pfm), p_value, fit.sites))
        windows = _masked(windows, log_odds(fit.pfm), fit.threshold)
    return found


def denovo_scorer(
    tfs: Sequence[str],
    codes: NDArray[np.uint8],
    labels: NDArray[np.int8],
    seed: int = 0,
    n_motifs: int = 5,
    at_most: int = 2000,
    engine: Engine = "auto",
    name: str = "denovo",
    report: Callable[[str], None] = lambda line: None,
) -> MotifScorer:
    """Find motifs of each TF in its bound windows, and score with the one that tells these best from unbound ones.

    Parameters
    ----------
    tfs
        Names of the columns of `labels`.
    codes, labels
        Of the training chromosomes, see `kipoi_tfb.motifs.scorer.choose_profiles`.
    seed
        Of the draws of windows, as in `tfb_matrix_data.sampling.balanced_sample`.
    n_motifs, engine
        See `find_motifs`.
    at_most
        Bound windows to use per TF; as many GC-matched unbound ones are drawn.
    name
        Of the scorer.
    report
        Called with a line when a TF is done.

    Notes
    -----
    A TF without bound or unbound windows, or in which nothing is found, has a motif that says nothing.
    """
    if labels.shape != (len(codes), len(tfs)):
        raise ConfigError(f"labels of shape {labels.shape} for {len(codes)} windows and {len(tfs)} TFs")
    gc = gc_content(codes)
    motifs: dict[str, tuple[Motif, ...]] = {}
    for column, tf in enumerate(tfs):
        sample = balanced_sample(labels[:, column], gc, seed_of(seed, column), at_most=at_most)
        found: list[FoundMotif] = []
        if len(sample.bound) and len(sample.unbound):
            found = find_motifs(codes[sample.bound], codes[sample.unbound], n_motifs, engine, seed, tf)
        motifs[tf] = tuple(one.motif for one in found) or (Motif("none", "none", tf, np.ones((4, MIN_WIDTH))),)
        report(f"{tf}: {len(found)} motifs in {len(sample.bound)} bound windows")
    return MotifScorer(name, choose_profiles(motifs, codes, labels, seed, at_most))


class _Fit(NamedTuple):
    """A PFM, the score its hits must reach, how well these tell (z), and in how many positives they are."""

    pfm: NDArray[np.float64]
    threshold: float
    z: float
    sites: int


def _best_motif(windows: NDArray[np.uint8], n_positives: int) -> tuple[_Fit, float] | None:
    """Return the motif that tells best and the p-value of the most enriched word; None where no word is enriched."""
    striped = StripedWindows(windows)
    seeds, p_value = _seeds(windows, n_positives)
    tried = [_refined(windows, striped, n_positives, pfm, rounds=1) for pfm in seeds]
    tried = sorted(tried, key=lambda fit: -fit.z)[:_REFINED]
    fits = [_refined(windows, striped, n_positives, fit.pfm, _ROUNDS) for fit in tried]
    if not fits:
        return None
    best = max(fits, key=lambda fit: fit.z)
    return _scored(striped, n_positives, trimmed(best.pfm))[0], p_value


def _seeds(windows: NDArray[np.uint8], n_positives: int) -> tuple[list[NDArray[np.float64]], float]:
    """Return the PFMs of the most enriched words, and the lowest p-value, corrected for the words tested."""
    n_negatives = len(windows) - n_positives
    n_words = sum(4**6 if gap else 4**bases for bases, gap in _SHAPES) / 2  # a word and its reverse complement are one
    seeds, p_value = [], 1.0
    for bases, gap in _SHAPES:
        columns = [*range(bases), *range(bases + gap, 2 * bases + gap)] if gap else list(range(bases))
        hits, false_hits = _presence(windows, columns, n_positives)
        z = _z(hits, false_hits, n_positives, n_negatives)
        for word in np.argsort(-z, kind="stable")[:_SEEDS_PER_SHAPE]:
            if z[word] <= 0:
                break
            both = hits[word] + false_hits[word]
            p_value = min(p_value, n_words * hypergeom.sf(hits[word] - 1, len(windows), both, n_positives))
            pfm = np.full((4, columns[-1] + 1), _SEED_SITES / 4)
            pfm[:, columns] = 0
            pfm[[int(word) >> 2 * i & 3 for i in reversed(range(len(columns)))], columns] = _SEED_SITES
            seeds.append(pfm)
    return seeds, p_value


def _presence(windows: NDArray[np.uint8], columns: Sequence[int], n_positives: int) -> NDArray[np.int64]:
    """Return the numbers of positives and of negatives with each word on either strand, int64 (2, words).

    Of a word and its reverse complement the one with the lower number counts for both.
    """
    size, span = 4 ** len(columns), columns[-1] + 1
    positions = windows.shape[1] - span + 1
    forward = np.zeros((len(windows), positions), np.int32)
    reverse, unknown = forward.copy(), np.zeros(forward.shape, bool)
    for i, column in enumerate(columns):
        base = windows[:, column : column + positions].astype(np.int32)
        unknown |= base == UNKNOWN
        forward += base << (2 * (len(columns) - 1 - i))
        reverse += (3 - base) << (2 * i)  # every shape is its own mirror image
    words = np.where(unknown, size, np.minimum(forward, reverse))
    words.sort(1)
    first = np.ones(words.shape, bool)  # of the same word in a window
    first[:, 1:] = words[:, 1:] != words[:, :-1]
    parts = (slice(None, n_positives), slice(n_positives, None))
    return np.stack([np.bincount(words[part][first[part]], minlength=size + 1)[:size] for part in parts])


def _z(hits: NDArray, false_hits: NDArray, n_positives: int, n_negatives: int) -> NDArray[np.float64]:
    """Return the z of two shares: hits among the positives, false hits among the negatives."""
    share = (hits + false_hits) / (n_positives + n_negatives)
    spread = np.sqrt(share * (1 - share) * (1 / n_positives + 1 / n_negatives))
    return (hits / n_positives - false_hits / n_negatives) / np.maximum(spread, 1e-9)


def _refined(
    windows: NDArray[np.uint8], striped: StripedWindows, n_positives: int, pfm: NDArray[np.float64], rounds: int
) -> _Fit:
    """Align a PFM's hits anew up to so many times, as long as what comes out tells better."""
    best, hits = _scored(striped, n_positives, pfm)
    for _ in range(rounds):
        used = np.flatnonzero(hits.score[:n_positives] >= best.threshold)
        fit, hits = _scored(striped, n_positives, _aligned(windows, hits, used, best.pfm.shape[1]))
        if fit.z <= best.z and best.pfm.shape[1] == MAX_WIDTH:  # a seed's own z is no measure: it was chosen by it
            break
        best = fit
    return best


def _scored(striped: StripedWindows, n_positives: int, pfm: NDArray[np.float64]) -> tuple[_Fit, BestHits]:
    """Test a PFM at the threshold that tells best."""
    hits = striped.best_hits(log_odds(pfm))
    order = np.argsort(-hits.score, kind="stable")
    positive = order < n_positives
    above, false_above = np.cumsum(positive), np.cumsum(~positive)
    z = _z(above, false_above, n_positives, len(order) - n_positives)
    scores = hits.score[order]
    z[:-1][scores[:-1] == scores[1:]] = -np.inf  # a threshold takes all that tie
    at = int(np.argmax(z))
    return _Fit(pfm, float(scores[at]), float(z[at]), int(above[at])), hits


def _aligned(windows: NDArray[np.uint8], hits: BestHits, used: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """Return base counts of the hits of some windows with flanks, `MAX_WIDTH` columns."""
    padded = np.pad(windows[used], ((0, 0), (MAX_WIDTH, MAX_WIDTH)), constant_values=UNKNOWN)
    left = (MAX_WIDTH - width) // 2
    flipped = hits.reverse[used]
    first = hits.start[used] + MAX_WIDTH - np.where(flipped, MAX_WIDTH - width - left, left)
    sites = np.take_along_axis(padded, first[:, None] + np.arange(MAX_WIDTH), 1)
    sites[flipped] = reverse_complement(sites[flipped])
    return np.stack([(sites == base).sum(0) for base in range(4)]).astype(float)


def _masked(windows: NDArray[np.uint8], pwm: NDArray[np.float64], threshold: float) -> NDArray[np.uint8]:
    """Return the windows with N for every site at or above the threshold, up to `_MASKINGS` in each."""
    windows = windows.copy()
    rows = np.arange(len(windows))
    for _ in range(_MASKINGS):
        hits = StripedWindows(windows[rows]).best_hits(pwm)
        above = hits.score >= threshold
        rows = rows[above]
        if not len(rows):
            break
        windows[rows[:, None], hits.start[above][:, None] + np.arange(pwm.shape[1])] = UNKNOWN
    return windows
