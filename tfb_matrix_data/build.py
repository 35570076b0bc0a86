"""A binding matrix from raw tracks: open regions, ChIP-seq summits and binding sites, tied together by a sample sheet.

Source of the method: Novakovsky et al. 2021, Methods, "TF binding matrices", doi:10.1186/s13059-021-02499-5.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.contigs import Spelling
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import check_output, file_name
from tfb_matrix_data.layout import BindingEvents, EventList, write_events
from tfb_matrix_data.open_regions import LENGTH, OpenRegions, place, regions_of_clusters, regions_of_tracks
from tfb_matrix_data.samples import Sample, check_cell_types, read_samples
from tfb_matrix_data.sizes import Sizes, read_sizes
from tfb_matrix_data.tracks import TrackCount, iter_track

__all__ = ["BuildReport", "TrackReport", "build_matrix"]

logger = logging.getLogger(__name__)

_MOST_CONTIGS = 127  # readers keep the contig of a region in a signed byte
_SOURCE = "built from raw tracks by tfb data build"


@dataclass(frozen=True)
class TrackReport:
    """How a track of peaks or sites met the regions.

    Attributes
    ----------
    sample
        The row of the sample sheet.
    n
        Intervals in the file.
    in_region
        Of these, how many have their summit (or centre) in a region.
    in_open_region
        Of these, how many have it in a region that is open in the track's cell type.
    n_summits
        How many of the intervals were taken by their summit, the others by their centre.
    n_off
        Intervals that were left out, since they are not on the genome's contigs.
    """

    sample: Sample
    n: int
    in_region: int
    in_open_region: int
    n_summits: int = 0
    n_off: int = 0

    @property
    def unmatched(self) -> float:
        """Share of the intervals that are in no region."""
        return 1 - self.in_region / self.n


@dataclass(frozen=True)
class BuildReport:
    """What was built, and from what.

    Attributes
    ----------
    n_regions, n_tfs, n_cell_types, n_experiments
        The matrix; an experiment is a TF in a cell type.
    codes
        How many (TF, cell type, region) triples have code 1, 2, 3 and 4.
    bound_rule
        What makes a region bound, as recorded in the file.
    n_intervals, n_merged, n_duplicates, n_beyond
        Accessible intervals read, merged into another one, dropped as duplicates after resizing, dropped because
        they reach beyond an end of their contig (see `tfb_matrix_data.open_regions.OpenRegions`).
    n_off
        Accessible intervals that were left out, since they are not on the genome's contigs.
    n_overlapping
        Regions that share a base with another one; a summit in both counts in both.
    tracks
        One per row of peaks or sites, by kind, TF, cell type and path.
    """

    n_regions: int
    n_tfs: int
    n_cell_types: int
    n_experiments: int
    codes: dict[int, int]
    bound_rule: str
    n_intervals: int
    n_merged: int
    n_duplicates: int
    n_beyond: int
    n_off: int
    n_overlapping: int
    tracks: tuple[TrackReport, ...]


def build_matrix(
    sheet: str | Path,
    output: str | Path,
    genome: str | Path | None = None,
    assembly: str = "unknown",
    source: str = _SOURCE,
    strict: bool = False,
    each: Callable[[Collection[Any]], Iterable[Any]] = iter,
) -> BuildReport:
    """Build a binding matrix from the tracks of a sample sheet, write it, and report what was found.

    The regions are the accessible ones of all cell types, resized to 200 bp around their centres. In a cell type
    where a TF has peaks, a region has code 1 if it is open, 2 if also a peak's summit lies in it, 3 if also a
    site's centre does, 4 if both do, and 0 if it is not open. Where a TF has no sites in a cell type, an open
    region with a summit has code 4; the file's ``bound_rule`` says so.

    Track files are streamed: memory grows with the regions, not with peaks and sites. The bytes written depend on
    the intervals alone, not on their order, on that of the rows, or on compression.

    Parameters
    ----------
    sheet
        Sample sheet; see `tfb_matrix_data.samples.read_samples`.
    output
        HDF5 file to write; complete or not there at all.
    genome
        FASTA, ``chrom.sizes`` or ``.fai``: intervals that do not lie on its contigs are left out, and counted.
    assembly, source
        Recorded in the file.
    strict
        Refuse such an interval.
    each
        Goes through the experiments, such as with a progress bar.

    Raises
    ------
    InputError
        If the sheet or a track is at fault, or a track shares no contig with the regions; the message names the
        file and, where there is one, the line.
    """
    output = check_output(output)
    samples = read_samples(sheet)
    sizes = None if genome is None else read_sizes(genome)
    regions = _open_regions(Path(sheet), samples, sizes, strict)
    experiments = _experiments(samples)
    logger.info("%s regions; %d experiments", f"{len(regions):,}", len(experiments))
    tfs = sorted({tf for tf, _ in experiments})
    found: dict[int, list[list[tuple[int, NDArray[np.uint32]]]]] = {2: [[] for _ in tfs], 4: [[] for _ in tfs]}
    codes = dict.fromkeys((1, 2, 3, 4), 0)
    reports: list[TrackReport] = []
    profiled = np.zeros((len(tfs), len(regions.cell_types)), bool)
    for (tf, cell_type), tracks in each(experiments.items()):
        t, c = tfs.index(tf), regions.cell_types.index(cell_type)
        code, track_reports = _codes(regions, c, tracks, sizes, strict)
        reports += track_reports
        profiled[t, c] = True
        for value in codes:
            codes[value] += int(np.count_nonzero(code == value))
        found[4][t].append((c, np.flatnonzero(code == 4).astype(np.uint32)))
        found[2][t].append((c, np.flatnonzero((code == 2) | (code == 3)).astype(np.uint32)))
        logger.info("%s in %s: %d of %d peaks in open regions", tf, cell_type, *_peaks(track_reports))
    rule = _bound_rule(experiments)
    events = BindingEvents(
        tfs=tfs,
        cell_types=regions.cell_types,
        profiled=profiled,
        accessible=regions.accessible,
        accessible_known=np.ones(len(regions.cell_types), bool),
        bound=_event_list(found[4]),
        ambiguous=_event_list(found[2]),
        region_id=np.arange(len(regions), dtype=np.uint32),
        region_chrom=regions.contig.astype(np.uint8),
        region_start=regions.start.astype(np.uint32),
        chrom_names=regions.contigs,
        attrs={
            "n_regions": len(regions),
            "region_length": LENGTH,
            "assembly": assembly,
            "source": source,
            "bound_rule": rule,
        },
    )
    write_events(events, output)
    return BuildReport(
        n_regions=len(regions),
        n_tfs=len(tfs),
        n_cell_types=len(regions.cell_types),
        n_experiments=len(experiments),
        codes=codes,
        bound_rule=rule,
        n_intervals=regions.n_intervals,
        n_merged=regions.n_merged,
        n_duplicates=regions.n_duplicates,
        n_beyond=regions.n_beyond,
        n_off=regions.n_off,
        n_overlapping=regions.n_overlapping,
        tracks=tuple(sorted(reports, key=lambda r: (r.sample.kind, r.sample.tf, r.sample.cell_type, r.sample.path))),
    )


def _open_regions(sheet: Path, samples: list[Sample], sizes: Sizes | None, strict: bool) -> OpenRegions:
    clusters = [sample for sample in samples if sample.kind == "clusters"]
    if clusters:
        (sources,) = (sample for sample in samples if sample.kind == "sources")
        regions = regions_of_clusters(clusters[0].path, sources.path, sizes, strict)
        check_cell_types(sheet, samples, regions.cell_types)
    else:
        regions = regions_of_tracks([sample for sample in samples if sample.kind == "accessible"], sizes, strict)
    if not len(regions):
        raise InputError(sheet, f"no region is left: all {regions.n_beyond} reach beyond an end of their contig")
    if len(regions.contigs) > _MOST_CONTIGS:
        raise InputError(
            sheet,
            f"its regions lie on {len(regions.contigs)} contigs, a matrix holds {_MOST_CONTIGS}; "
            "leave small contigs out of the accessible tracks",
        )
    return regions


def _experiments(samples: list[Sample]) -> dict[tuple[str, str], list[Sample]]:
    """Return the tracks of each (TF, cell type), by TF, then cell type."""
    experiments: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.tf:
            experiments[sample.tf, sample.cell_type].append(sample)
    return dict(sorted(experiments.items()))


def _codes(
    regions: OpenRegions, cell: int, tracks: list[Sample], sizes: Sizes | None, strict: bool
) -> tuple[NDArray[np.uint8], list[TrackReport]]:
    """Return the code of every region for one TF in one cell type, and how its tracks met the regions."""
    is_open = regions.is_open(cell)
    hit = {"peaks": np.zeros(len(regions), bool), "sites": np.zeros(len(regions), bool)}
    reports = [_match(sample, regions, is_open, hit[sample.kind], sizes, strict) for sample in tracks]
    if not any(sample.kind == "sites" for sample in tracks):
        hit["sites"] = hit["peaks"]
    peaks, sites = hit["peaks"].view(np.uint8), hit["sites"].view(np.uint8)
    return is_open.view(np.uint8) * (1 + peaks + 2 * sites), reports


def _match(
    sample: Sample,
    regions: OpenRegions,
    is_open: NDArray[np.bool_],
    hit: NDArray[np.bool_],
    sizes: Sizes | None,
    strict: bool,
) -> TrackReport:
    """Mark in `hit` the regions in which a point of a track lies."""
    contigs = {name: i for i, name in enumerate(regions.contigs)}
    names: set[str] = set()
    spelling = Spelling(contigs, sample.path)
    count, in_region, in_open_region = TrackCount(), 0, 0
    for track in iter_track(sample.path, sizes, sample.anchor if sample.kind == "peaks" else "centre", strict):
        spelt = spelling.of(track.names)
        contig = np.array([contigs.get(name, -1) for name in spelt], np.int64)[track.chrom]
        names.update(spelt)
        point = place(contig, track.point)[contig >= 0]
        count.add(track)
        matched, opened = _mark(point, regions.key, is_open, hit)
        in_region, in_open_region = in_region + matched, in_open_region + opened
    if names.isdisjoint(contigs):
        raise InputError(
            sample.path,
            f"lies on {_few(names)}, where no accessible region is (these are on {_few(contigs)}); "
            "is it of the same assembly, with the same contig names?",
        )
    logger.info(
        "%s: %s of %s %s%s", file_name(sample.path), count.anchor(), f"{count.n:,}", sample.kind, count.left_out()
    )
    return TrackReport(sample, count.n, in_region, in_open_region, count.n_summits, count.n_off)


def _mark(
    point: NDArray[np.int64], key: NDArray[np.int64], is_open: NDArray[np.bool_], hit: NDArray[np.bool_]
) -> tuple[int, int]:
    """Mark the regions that hold the points; return how many points are in a region, and in an open one.

    Regions have one length and are sorted by start, so those that hold a point are the last one that starts at or
    before it and, where regions overlap, some before that one.
    """
    point = np.sort(point)  # several times as fast as searching in disorder
    last = np.searchsorted(key, point, side="right") - 1
    in_open = np.zeros(len(point), bool)
    matched, rows = 0, np.arange(len(point))
    while True:
        inside = (last >= 0) & (key[last] > point - LENGTH)
        rows, point, last = rows[inside], point[inside], last[inside]
        if not len(rows):
            return matched, int(in_open.sum())
        matched = matched or len(rows)
        hit[last] = True
        in_open[rows] |= is_open[last]
        last = last - 1


def _few(names: Iterable[str]) -> str:
    some = sorted(names)
    return ", ".join(some[:4]) + (f", ... ({len(some)} contigs)" if len(some) > 4 else "")


def _peaks(reports: list[TrackReport]) -> tuple[int, int]:
    peaks = [report for report in reports if report.sample.kind == "peaks"]
    return sum(report.in_open_region for report in peaks), sum(report.n for report in peaks)


def _bound_rule(experiments: dict[tuple[str, str], list[Sample]]) -> str:
    """Return "peaks and sites", "peaks alone", or the first with the experiments of the second listed."""
    alone = {key for key, tracks in experiments.items() if all(sample.kind == "peaks" for sample in tracks)}
    if not alone:
        return "peaks and sites"
    if len(alone) == len(experiments):
        return "peaks alone"
    listed = []
    for tf in sorted({tf for tf, _ in alone}):
        cells = sorted(cell for name, cell in alone if name == tf)
        every = len(cells) == sum(name == tf for name, _ in experiments)
        listed.append(tf if every else f"{tf} in {', '.join(cells)}")
    return "peaks and sites; peaks alone: " + "; ".join(listed)


def _event_list(found: list[list[tuple[int, NDArray[np.uint32]]]]) -> EventList:
    """Join the regions of each TF's cell types, given as (cell type, regions)."""
    region = [np.concatenate([regions for _, regions in cells]) for cells in found]
    cell = [np.concatenate([np.full(len(regions), c, np.uint8) for c, regions in cells]) for cells in found]
    indptr = np.cumsum([0, *map(len, region)])
    return EventList(indptr.astype(np.int64), np.concatenate(region), np.concatenate(cell))
