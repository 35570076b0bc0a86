"""Motifs as scorers of windows, and which profile of a TF is its scorer.

A window's score for a motif is its *sum occupancy*: the log of the summed odds of all positions on both strands, the
measure of the paper's motif baseline (Novakovsky et al. 2021, Methods) and of GOMER (Granek & Clarke 2005,
doi:10.1186/gb-2005-6-10-r87). The best hit is there as a second measure.

Positions are scored by lightmotif: on one core it takes a third of the time of a loop compiled by numba, and less of
that of torch's conv1d, which multiplies with four rows of which three are zero (`experiments/baselines.py speed`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from kipoi_tfb.motifs.jaspar import jaspar_motifs
from kipoi_tfb.motifs.profiles import PSEUDOCOUNT, Motif, log_odds
from kipoi_tfb.motifs.scan import StripedWindows
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sampling import balanced_sample, seed_of
from tfb_matrix_data.sequence import gc_content

__all__ = ["Measure", "MotifScorer", "choose_profiles", "jaspar_scorer", "score_motifs"]

Measure = Literal["occupancy", "best"]

_CHUNK = 2048  # windows scored at once: the scores of all their positions stay in the cache


def score_motifs(
    motifs: Sequence[Motif],
    codes: NDArray[np.uint8],
    measure: Measure = "occupancy",
    pseudocount: float = PSEUDOCOUNT,
) -> NDArray[np.float32]:
    """Score windows with motifs on both strands.

    Parameters
    ----------
    motifs
        Profiles.
    codes
        uint8 (windows, length); an N has the odds of background, 1.
    measure
        ``occupancy``: log of the sum of the odds over all positions and both strands; ``best``: the highest log-odds.
    pseudocount
        See `kipoi_tfb.motifs.profiles.log_odds`.

    Returns
    -------
    numpy.ndarray
        float32 (windows, motifs), natural logarithms.

    Raises
    ------
    ConfigError
        If windows are shorter than a motif.
    """
    length = codes.shape[1]
    for motif in motifs:
        if motif.width > length:
            raise ConfigError(f"windows of {length} bp are shorter than motif {motif.matrix_id} ({motif.width} bp)")
    pwms = [log_odds(motif.pfm, pseudocount) for motif in motifs]
    scores = np.empty((len(codes), len(motifs)), np.float32)
    for start in range(0, len(codes), _CHUNK):
        windows = StripedWindows(codes[start : start + _CHUNK])
        score = windows.best if measure == "best" else windows.occupancy
        for column, pwm in enumerate(pwms):
            scores[start : start + _CHUNK, column] = score(pwm)
    return scores


def choose_profiles(
    motifs: Mapping[str, Sequence[Motif]],
    codes: NDArray[np.uint8],
    labels: NDArray[np.int8],
    seed: int = 0,
    at_most: int | None = 2000,
    measure: Measure = "occupancy",
) -> dict[str, Motif]:
    """Choose the profile of each TF that tells its bound windows best from GC-matched unbound ones, by AUPRC.

    On windows of the training chromosomes this is an honest choice; on those of the test it is the *oracle*, which no
    other choice of profiles can beat: a generous baseline, and no more than that.

    Parameters
    ----------
    motifs
        {TF: its profiles}; the order is that of the columns of `labels`.
    codes
        uint8 (windows, length).
    labels
        int8 (windows, TFs): 1 bound, 0 unbound, -1 unresolved.
    seed
        Of the draw; `tfb_matrix_data.sampling.seed_of` gives each column its own.
    at_most
        Bound windows looked at per TF; None: all.
    measure
        What the profiles are ranked by, see `score_motifs`.

    Returns
    -------
    dict
        {TF: profile}; the first of a TF's profiles where it has but one, or no bound or unbound windows.
    """
    if labels.shape != (len(codes), len(motifs)):
        raise ConfigError(f"labels of shape {labels.shape} for {len(codes)} windows and {len(motifs)} TFs")
    gc = gc_content(codes)
    chosen = {}
    for column, (tf, profiles) in enumerate(motifs.items()):
        best = profiles[0]
        if len(profiles) > 1:
            sample = balanced_sample(labels[:, column], gc, seed_of(seed, column), at_most=at_most)
            if len(sample.bound) and len(sample.unbound):
                scores = score_motifs(profiles, codes[sample.regions], measure)
                best = profiles[int(np.argmax([average_precision_score(sample.labels, s) for s in scores.T]))]
        chosen[tf] = best
    return chosen


@dataclass(frozen=True, eq=False)
class MotifScorer:
    """A scorer, one motif per TF: what `kipoi_tfb.evaluation.job` tests in one table with models.

    Attributes
    ----------
    name
        Of the scorer, for tables.
    motifs
        {TF: its motif}.
    measure
        See `score_motifs`.
    """

    name: str
    motifs: Mapping[str, Motif]
    measure: Measure = "occupancy"
    calibrated = False

    @property
    def tfs(self) -> tuple[str, ...]:
        """Names of the columns of the scores."""
        return tuple(self.motifs)

    def scores(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 (windows, TFs), higher: more likely bound, of uint8 windows (windows, length)."""
        return score_motifs(list(self.motifs.values()), codes, self.measure)


def jaspar_scorer(
    tfs: Sequence[str],
    codes: NDArray[np.uint8] | None = None,
    labels: NDArray[np.int8] | None = None,
    seed: int = 0,
    at_most: int | None = 2000,
    name: str = "jaspar",
    measure: Measure = "occupancy",
    profiles: Mapping[str, Sequence[str]] | None = None,
) -> MotifScorer:
    """Return the scorer of TFs by their JASPAR 2020 profiles.

    With windows and labels each TF has the profile that `choose_profiles` takes, else the first of
    `kipoi_tfb.motifs.jaspar.jaspar_motifs`.
    The parameters are those of `choose_profiles`, `MotifScorer` and `kipoi_tfb.motifs.jaspar.jaspar_motifs`.
    """
    motifs = jaspar_motifs(tfs, profiles=profiles)
    if codes is None or labels is None:
        return MotifScorer(name, {tf: profiles[0] for tf, profiles in motifs.items()}, measure)
    return MotifScorer(name, choose_profiles(motifs, codes, labels, seed, at_most, measure), measure)
