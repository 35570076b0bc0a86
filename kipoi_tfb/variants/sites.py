"""Sites: where known motifs match the alleles of a variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from kipoi_tfb.motifs.profiles import Motif, log_odds
from kipoi_tfb.motifs.scan import BestHits, StripedWindows

__all__ = ["RegionSite", "Site", "best_site", "covering_hits", "region_sites"]

_LIKENESS = 0.8  # of the way from a profile's lowest to its highest log-odds
_SUPPORT = 1.0  # log-odds
_SITES = 3  # of one TF


@dataclass(frozen=True, eq=False)
class Site:
    """The best match of a known motif.

    Attributes
    ----------
    motif
        The profile.
    pwm
        float64 (4, width): its natural log-odds on the strand of the match, read on the forward strand.
    allele
        0 if the match is on REF, 1 on ALT.
    start
        Index of its first base among that allele's shown bases.
    reverse
        Whether it is on the reverse strand.
    scores
        Log-odds (natural) of the profile's best match on REF and on ALT, of those considered.
    covers
        Whether only matches that cover the variant were considered.
    """

    motif: Motif
    pwm: NDArray[np.float64]
    allele: int
    start: int
    reverse: bool
    scores: tuple[float, float]
    covers: bool

    @property
    def matches(self) -> bool:
        """Whether it is better than chance: with negative log-odds, the best of a profile is no match of it."""
        return max(self.scores) > 0

    @property
    def place(self) -> tuple[str, int, int, bool]:
        """What is equal of two TFs' sites that are one: profile, allele, start, strand."""
        return self.motif.matrix_id, self.allele, self.start, self.reverse


@dataclass(frozen=True, eq=False)
class RegionSite:
    """A match of a known motif in a stretch of sequence, in which the model sees something too.

    Attributes
    ----------
    motif
        The profile.
    start
        Index of its first base.
    reverse
        Whether it is on the reverse strand.
    log_odds
        Of the match, natural.
    support
        What its bases give to binding together: the sum of their contributions, log-odds.
    """

    motif: Motif
    start: int
    reverse: bool
    log_odds: float
    support: float

    @property
    def end(self) -> int:
        """Index behind its last base."""
        return self.start + self.motif.width


def covering_hits(codes: NDArray[np.uint8], pwm: NDArray[np.float64], first: int, last: int) -> BestHits | None:
    """Return the best match of each sequence among those that cover a stretch of it; None where none fits in.

    Parameters
    ----------
    codes
        uint8 (sequences, bases).
    pwm
        Natural log-odds (4, width).
    first, last
        The stretch is bases first to last - 1; where it has none, a match has to cover the seam before `first`.
    """
    width = pwm.shape[1]
    start, end = max(0, first - width + 1), min(codes.shape[1], last + width - 1)
    if end - start < width:
        return None
    hits = StripedWindows(codes[:, start:end]).best_hits(pwm)
    return hits._replace(start=start + hits.start)


def best_site(
    motifs: Sequence[Motif], codes: Sequence[NDArray[np.uint8]], own: Sequence[tuple[int, int]]
) -> Site | None:
    """Return the best match of any of some motifs, on either strand of REF or ALT.

    Of the matches that cover the allele's own bases, if one has positive log-odds; else of all.

    Parameters
    ----------
    motifs
        Profiles; those wider than the sequences are passed over.
    codes
        uint8 (bases,) of REF and of ALT.
    own
        Where in each the allele's own bases are, see `kipoi_tfb.variants.view.ShownAllele`.
    """
    for covers in (True, False):
        found = [site for motif in motifs if (site := _match(motif, codes, own if covers else None)) is not None]
        best = max(found, key=lambda site: max(site.scores), default=None)
        if best is not None and (max(best.scores) > 0 or not covers):
            return best
    return None


def region_sites(
    motifs: Sequence[Motif], codes: NDArray[np.uint8], contribution: NDArray[np.float32]
) -> list[RegionSite]:
    """Return where some motifs match a stretch of sequence and the model sees something too, the best supported first.

    A match has at least 80 % of the way from its profile's lowest to its highest log-odds, and its bases together give
    at least 1 (log-odds) to binding. Of those that overlap the one with the highest log-odds stays; at most three are
    returned.

    Parameters
    ----------
    motifs
        Profiles of one TF; those wider than the sequence are passed over.
    codes
        uint8 (bases,).
    contribution
        float32 (bases,): what each base gives to the binding of that TF.
    """
    found: list[RegionSite] = []
    for motif in motifs:
        if motif.width > len(codes):
            continue
        pwm = log_odds(motif.pfm)
        low, high = pwm.min(0).sum(), pwm.max(0).sum()
        hits = StripedWindows(sliding_window_view(codes, motif.width)).best_hits(pwm)
        support = sliding_window_view(contribution, motif.width).sum(1)
        for at in np.flatnonzero((hits.score >= low + _LIKENESS * (high - low)) & (support >= _SUPPORT)).tolist():
            found.append(RegionSite(motif, at, bool(hits.reverse[at]), float(hits.score[at]), float(support[at])))
    chosen: list[RegionSite] = []
    for site in sorted(found, key=lambda site: -site.log_odds):
        if all(site.end <= other.start or other.end <= site.start for other in chosen):
            chosen.append(site)
    return sorted(chosen, key=lambda site: -site.support)[:_SITES]


def _match(motif: Motif, codes: Sequence[NDArray[np.uint8]], own: Sequence[tuple[int, int]] | None) -> Site | None:
    """Return the best match of one motif; of those that cover an allele's own bases, where these are given."""
    pwm = log_odds(motif.pfm)
    hits = []
    for number, bases in enumerate(codes):
        hit = covering_hits(bases[None], pwm, *((0, len(bases)) if own is None else own[number]))
        if hit is None:
            return None
        hits.append((float(hit.score[0]), int(hit.start[0]), bool(hit.reverse[0])))
    allele = int(hits[1][0] > hits[0][0])
    _, start, reverse = hits[allele]
    scores = (hits[0][0], hits[1][0])
    return Site(motif, pwm[::-1, ::-1] if reverse else pwm, allele, start, reverse, scores, own is not None)
