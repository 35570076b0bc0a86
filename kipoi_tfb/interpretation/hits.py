"""Where known motifs are used: places that match one, and that the contributions say matter."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from kipoi_tfb.interpretation.files import ReadContributions
from kipoi_tfb.motifs.profiles import Motif, log_odds
from kipoi_tfb.motifs.scan import MATCH, StripedWindows
from kipoi_tfb.output.logos import information
from kipoi_tfb.output.progress import progress_each
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["Hit", "HitOptions", "Place", "find_hits", "used_places", "write_hits"]

_BITS = 2.0
_HEAD = (
    "chrom", "start", "end", "name", "score", "strand",
    "motif", "contribution", "log_odds", "p", "q", "window", "allele",
)  # fmt: skip


@dataclass(frozen=True)
class HitOptions:
    """When a place that matches a motif is a hit.

    Attributes
    ----------
    match
        Natural log-odds from which a place matches.
    q
        Largest q-value of its contribution, over all places that match.
    shuffles
        Orders of a window's contributions that the null is made of.
    seed
        Of these.
    """

    match: float = MATCH
    q: float = 0.05
    shuffles: int = 999
    seed: int = 0


class Hit(NamedTuple):
    """A place where a motif is used.

    Attributes
    ----------
    chrom, start, end, strand
        Where: 0-based, half-open; of a sequence, its name, and places in it.
    motif
        Which.
    contribution
        What its bases contribute to the log-odds of binding, each weighed by the information of its column (2 bits: 1).
    share
        Of the difference between the window and its references; NaN where that is not above 0, or not known.
    log_odds
        How well the place matches, natural logarithm.
    p, q
        Of the contribution: the share of shuffles with as much, and over all places that match.
    window, allele
        Of which window.
    """

    chrom: str
    start: int
    end: int
    strand: str
    motif: Motif
    contribution: float
    share: float
    log_odds: float
    p: float
    q: float
    window: str
    allele: str


class Place(NamedTuple):
    """A place in windows that matches a motif; see `Hit`.

    Attributes
    ----------
    window, start
        Which window, and the index of the first base in it.
    reverse
        Whether the motif is on the reverse strand.
    motif, log_odds, contribution, p, q
        As of a hit.
    """

    window: int
    start: int
    reverse: bool
    motif: Motif
    log_odds: float
    contribution: float
    p: float = 1.0
    q: float = 1.0


def find_hits(
    contributions: ReadContributions, motifs: Sequence[Motif], options: HitOptions | None = None
) -> list[Hit]:
    """Return where motifs are used, by place.

    A place that matches a motif is tested against the same window with its contributions in another order: would as
    many of its bases, drawn at random, contribute as much? Of hits that share more than half of the shorter, the one
    with more contribution stands.

    Parameters
    ----------
    contributions
        Of `kipoi_tfb.interpretation.read_contributions`.
    motifs
        Known ones.
    options
        Default `HitOptions`.

    Raises
    ------
    ConfigError
        If there is no motif, one is wider than the windows, or options make no sense.
    """
    values = (contributions.hypothetical * contributions.one_hot).sum(1).astype(np.float64)
    places = used_places(contributions.codes, values, motifs, options, progress_each)
    hits = [_hit(place, contributions) for place in places]
    return sorted(hits, key=lambda hit: (hit.chrom, hit.start, hit.end, hit.strand, hit.motif.matrix_id, hit.window))


def used_places(
    codes: NDArray[np.uint8],
    values: NDArray[np.float64],
    motifs: Sequence[Motif],
    options: HitOptions | None = None,
    each: Callable[[str, Collection[Any]], Iterable[Any]] = lambda _, items: items,
) -> list[Place]:
    """Return the places of windows where motifs are used, window by window, that of most contribution first.

    Parameters
    ----------
    codes
        uint8 (windows, length).
    values
        float64 (windows, length): contributions of the bases that are there.
    motifs, options
        See `find_hits`.
    each
        Goes through what is worked on, as `kipoi_tfb.output.progress.progress_each`; default without a word.

    Raises
    ------
    ConfigError
        See `find_hits`.
    """
    options = options or HitOptions()
    _check(motifs, codes.shape[1], options)
    striped = StripedWindows(codes)
    scanned = (_scanned(striped, codes, values, motif, options) for motif in each("scanning", motifs))
    places = _tested([place for some in scanned for place in some], codes, values, options, each)
    if not places:
        return []
    q = false_discovery_control([place.p for place in places]).tolist()
    tested = (place._replace(q=value) for place, value in zip(places, q, strict=True))
    return _apart([place for place in tested if place.q <= options.q])


def write_hits(hits: Sequence[Hit], path: str | Path) -> int:
    """Write hits as BED6 with further columns, and return how many.

    The score is 1000 times the share of the window's difference, between 0 and 1000.
    """
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write("#" + "\t".join(_HEAD) + "\n")
        for hit in hits:
            score = 0 if np.isnan(hit.share) else round(1000 * min(max(hit.share, 0.0), 1.0))
            place = (hit.chrom, hit.start, hit.end, hit.motif.tf or hit.motif.name, score, hit.strand)
            numbers = (f"{value:.4g}" for value in (hit.contribution, hit.log_odds, hit.p, hit.q))
            cells = (*place, hit.motif.matrix_id, *numbers, hit.window, hit.allele)
            file.write("\t".join(map(str, cells)) + "\n")
    return len(hits)


def _check(motifs: Sequence[Motif], length: int, options: HitOptions) -> None:
    if not motifs:
        raise ConfigError("no motif to look for; name TFs with a JASPAR profile, or give a file of motifs")
    wide = next((motif for motif in motifs if motif.width > length), None)
    if wide is not None:
        raise ConfigError(f"windows of {length} bp are shorter than motif {wide.matrix_id} ({wide.width} bp)")
    if not 0 < options.q <= 1 or options.shuffles < 99:
        raise ConfigError(
            f"q {options.q:g}, {options.shuffles} shuffles: q is between 0 and 1, of shuffles there are 99 or more"
        )


def _scanned(
    striped: StripedWindows,
    codes: NDArray[np.uint8],
    values: NDArray[np.float64],
    motif: Motif,
    options: HitOptions,
) -> list[Place]:
    """Return the places that match a motif, of known bases only, with their contribution; p is not known yet."""
    found = striped.matches(log_odds(motif.pfm), options.match)
    weights = _weights(motif)
    at = found.window[:, None], found.start[:, None] + np.arange(motif.width)
    own = np.where(found.reverse[:, None], weights[::-1], weights)
    sums = (values[at] * own).sum(1)
    known = (codes[at] < UNKNOWN).all(1)
    columns = (column[known].tolist() for column in (*found, sums))
    return [
        Place(window, start, reverse, motif, score, total)
        for window, start, reverse, score, total in zip(*columns, strict=True)
    ]


def _weights(motif: Motif) -> NDArray[np.float64]:
    """Return how much each column counts, float64 (width,): its information over the most that there is."""
    return information(log_odds(motif.pfm)).sum(1) / _BITS


def _tested(
    places: Sequence[Place],
    codes: NDArray[np.uint8],
    values: NDArray[np.float64],
    options: HitOptions,
    each: Callable[[str, Collection[Any]], Iterable[Any]],
) -> list[Place]:
    """Return the places with the p-value of their contribution, window by window."""
    by_window: dict[int, list[Place]] = {}
    for place in places:
        by_window.setdefault(place.window, []).append(place)
    tested = []
    for window in each("testing", sorted(by_window)):
        known = values[window][codes[window] < UNKNOWN]
        digest = hashlib.sha256(codes[window].tobytes()).digest()
        rng = np.random.default_rng([options.seed, *np.frombuffer(digest, np.uint32).tolist()])
        orders = rng.permuted(np.tile(known, (options.shuffles, 1)), axis=1)
        nulls: dict[str, NDArray[np.float64]] = {}
        for place in by_window[window]:
            key = place.motif.matrix_id
            if key not in nulls:
                nulls[key] = np.sort(orders[:, : place.motif.width] @ _weights(place.motif))
            as_much = options.shuffles - int(np.searchsorted(nulls[key], place.contribution, "left"))
            tested.append(place._replace(p=(1 + as_much) / (1 + options.shuffles)))
    return tested


def _apart(kept: Sequence[Place]) -> list[Place]:
    """Return the hits that stand: of two that share more than half of the shorter, that with more contribution."""
    standing: dict[int, list[Place]] = {}
    for place in sorted(kept, key=lambda one: (-one.contribution, one.motif.matrix_id, one.start)):
        others = standing.setdefault(place.window, [])
        if not any(_share(place, other) > 0.5 for other in others):
            others.append(place)
    return [one for window in sorted(standing) for one in standing[window]]


def _share(one: Place, other: Place) -> float:
    widths = one.motif.width, other.motif.width
    both = min(one.start + widths[0], other.start + widths[1]) - max(one.start, other.start)
    return max(both, 0) / min(widths)


def _hit(place: Place, contributions: ReadContributions) -> Hit:
    window = place.window
    name, chrom = str(contributions.name[window]), str(contributions.chrom[window])
    start = int(contributions.start[window]) + place.start
    difference = float(contributions.output[window] - contributions.reference[window])
    return Hit(
        name if chrom == "." else chrom,
        start,
        start + place.motif.width,
        "-" if place.reverse else "+",
        place.motif,
        place.contribution,
        place.contribution / difference if difference > 0 else float("nan"),
        place.log_odds,
        place.p,
        place.q,
        name,
        str(contributions.allele[window]),
    )
