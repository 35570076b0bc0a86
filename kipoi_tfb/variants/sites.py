"""Sites: where known motifs match the alleles of a variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.motifs.profiles import Motif, log_odds
from kipoi_tfb.motifs.scan import StripedWindows

__all__ = ["Site", "best_site"]


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


def _match(motif: Motif, codes: Sequence[NDArray[np.uint8]], own: Sequence[tuple[int, int]] | None) -> Site | None:
    """Return the best match of one motif; of those that cover an allele's own bases, where these are given."""
    width, pwm = motif.width, log_odds(motif.pfm)
    hits = []
    for number, bases in enumerate(codes):
        first, last = (0, len(bases)) if own is None else own[number]
        start, end = max(0, first - width + 1), min(len(bases), last + width - 1)
        if end - start < width:
            return None
        hit = StripedWindows(bases[None, start:end]).best_hits(pwm)
        hits.append((float(hit.score[0]), start + int(hit.start[0]), bool(hit.reverse[0])))
    allele = int(hits[1][0] > hits[0][0])
    _, start, reverse = hits[allele]
    scores = (hits[0][0], hits[1][0])
    return Site(motif, pwm[::-1, ::-1] if reverse else pwm, allele, start, reverse, scores, own is not None)
