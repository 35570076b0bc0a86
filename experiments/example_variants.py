"""Variants of the embedded example: in the strongest motif match of a peak, and beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyjaspar import jaspardb

from tfb_matrix_data.sequence import encode

if TYPE_CHECKING:
    from make_example import Peak

JASPAR = "JASPAR2020"
# OCT4 binds with SOX2 in embryonic stem cells: the composite profile tells these peaks apart best.
PROFILES = {"MAFK": "MA0496.3", "OCT4": "MA0142.1"}
PEAKS_WITH_VARIANTS = 16
LEAST_LOSS = 3.0


class Site(NamedTuple):
    """The best motif match of a sequence: log2 odds, 0-based start, and the (5, width) table on the plus strand."""

    score: float
    start: int
    table: NDArray[np.float64]


class Record(NamedTuple):
    """A line of the VCF; `pos` is 1-based."""

    chrom: str
    pos: int
    name: str
    ref: str
    alts: tuple[str, ...]
    info: str


def log_odds(tf: str) -> NDArray[np.float64]:
    """Return the (5, width) table of a TF's JASPAR profile: log2 odds against 0.25, N in the last row."""
    counts = jaspardb(release=JASPAR).fetch_motif_by_id(PROFILES[tf]).counts
    pfm = np.array([counts[base] for base in "ACGT"], float)
    table = np.log2((pfm + 0.25) / (pfm.sum(0) + 1) / 0.25)
    return np.vstack([table, table.min(0)])


def strongest(sequence: str, plus: NDArray[np.float64]) -> Site:
    """Return the best match of a profile on either strand; the leftmost on `plus` of equal ones."""
    minus = plus[[3, 2, 1, 0, 4], ::-1]
    columns = np.arange(plus.shape[1])
    windows = np.lib.stride_tricks.sliding_window_view(encode(sequence), len(columns))
    sites = []
    for table in (plus, minus):
        scores = table[windows, columns].sum(1)
        sites.append(Site(float(scores.max()), int(scores.argmax()), table))
    return max(sites, key=lambda site: site.score)


def disruptions(sequence: str, site: Site, rank: int) -> Iterator[tuple[str, int, str, list[str]]]:
    """Yield (kind, 0-based position, REF, ALTs): an SNV, and one of deletion, insertion, MNV, two ALTs by `rank`.

    They hit the most informative column of the match that has its most likely base, with the least likely bases.
    """
    width = site.table.shape[1]
    odds = site.table[:4]
    information = (0.25 * 2**odds * odds).sum(0)
    codes = encode(sequence)[site.start : site.start + width]
    # Per column the other three bases, least likely first.
    worst = [["ACGT"[b] for b in odds[:, i].argsort(kind="stable") if b != codes[i]] for i in range(width)]
    kept = [i for i in range(width) if codes[i] == odds[:, i].argmax()]
    first, second = sorted(kept, key=lambda i: -information[i])[:2]
    at, n = site.start + first, 1 + rank // 4 % 3
    yield "snv", at, sequence[at], worst[first][:1]
    if rank % 4 == 0:
        yield "del", *left_aligned(sequence, at, sequence[at : at + n], "")
    elif rank % 4 == 1:
        yield "ins", *left_aligned(sequence, at, "", "".join(worst[min(first + i, width - 1)][0] for i in range(n)))
    elif rank % 4 == 2:
        i = int((information[:-1] + information[1:]).argmax())
        at = site.start + i
        yield "mnv", at, sequence[at : at + 2], [worst[i][0] + worst[i + 1][0]]
    else:
        yield "multi", site.start + second, sequence[site.start + second], worst[second][:2]


def left_aligned(sequence: str, at: int, ref: str, alt: str) -> tuple[int, str, list[str]]:
    """Return an indel with its anchor base, as far left as it goes (Tan et al. 2015, 10.1093/bioinformatics/btv112)."""
    while not ref or not alt or ref[-1] == alt[-1]:
        if ref and alt:
            ref, alt = ref[:-1], alt[:-1]
        else:
            at -= 1
            ref, alt = sequence[at] + ref, sequence[at] + alt
    return at, ref, [alt]


def control(sequence: str, site: Site, plus: NDArray[np.float64]) -> tuple[str, int, str, list[str]] | None:
    """Return a transition 60-90 bp from the match's centre that no match above 0 bits covers, of either allele."""
    width = plus.shape[1]
    for distance in sorted(range(60, 91), key=lambda d: (abs(d - 75), d)):
        for at in (site.start + width // 2 - distance, site.start + width // 2 + distance):
            if not width <= at < len(sequence) - width:
                continue
            alt = sequence[at].translate(str.maketrans("ACGT", "GTAC"))
            around = sequence[at - width + 1 : at], sequence[at + 1 : at + width]
            if all(strongest(base.join(around), plus).score < 0 for base in (sequence[at], alt)):
                return "control", at, sequence[at], [alt]
    return None


def peak_records(peak: Peak, plus: NDArray[np.float64], rank: int) -> list[Record]:
    """Return the VCF records of one peak; none if an allele leaves a match nearly as strong in the peak."""
    sequence = peak.sequence.upper()
    site = strongest(sequence, plus)
    if not (unchanged := control(sequence, site, plus)):
        return []
    records = []
    for kind, at, ref, alts in [*disruptions(sequence, site, rank), unchanged]:
        left = [strongest(sequence[:at] + alt + sequence[at + len(ref) :], plus).score for alt in alts]
        if kind != "control" and max(left) > site.score - LEAST_LOSS:
            return []
        info = f"TF={peak.tf};CLASS={'control' if kind == 'control' else 'disrupts'}"
        info += f";MOTIF_SCORE={site.score:.2f};MOTIF_ALT={','.join(f'{score:.2f}' for score in left)}"
        name = f"{peak.tf}_{rank + 1:02d}_{kind}"
        records.append(Record(peak.chrom, peak.start + at + 1, name, ref, tuple(alts), info))
    return records


def make_variants(peaks: list[Peak]) -> list[Record]:
    """Return the records in the peaks with the strongest matches of each TF, sorted by position."""
    records: list[Record] = []
    for tf in PROFILES:
        plus, rank = log_odds(tf), 0
        mine = sorted((p for p in peaks if p.tf == tf), key=lambda p: -strongest(p.sequence, plus).score)
        for peak in mine:
            if rank < PEAKS_WITH_VARIANTS and (found := peak_records(peak, plus, rank)):
                records += found
                rank += 1
    return sorted(records)
