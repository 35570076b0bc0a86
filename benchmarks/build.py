"""Building a matrix at the scale of UCSC's DHS clusters: seconds, lines per second and peak memory, fresh process.

    python benchmarks/build.py --summits 5000000            # full scale: 50000000, some 3 GB of tracks in $TMPDIR

The tracks are made up: clusters over hg38-like contigs with source ids, and one ReMap-like BED (unsorted, nine columns)
per experiment, half of its summits in clusters.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

N_CONTIGS, CONTIG, N_CELL_TYPES = 24, 125_000_000, 50
PER_EXPERIMENT = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--regions", type=int, default=2_000_000)
    parser.add_argument("--summits", type=int, default=5_000_000)
    parser.add_argument("--gzip", action="store_true", help="compress the tracks of summits")
    parser.add_argument("--sheet", type=Path, help="(internal) build from this sheet in this process")
    arguments = parser.parse_args()
    if arguments.sheet is not None:
        measure(arguments.sheet, arguments.gzip)
        return
    with tempfile.TemporaryDirectory() as folder:
        sheet = write_tracks(Path(folder), arguments.regions, arguments.summits, arguments.gzip)
        command = [sys.executable, __file__, "--sheet", str(sheet), *(["--gzip"] if arguments.gzip else [])]
        subprocess.run(command, check=True)


def measure(sheet: Path, gzip: bool) -> None:
    from tfb_matrix_data.build import build_matrix

    started = time.perf_counter()
    report = build_matrix(sheet, sheet.with_name("matrix.h5"), assembly="made-up")
    seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    summits = sum(track.n for track in report.tracks)
    per_second = (summits + report.n_intervals) / seconds
    what = f"{report.n_regions:,} regions, {summits:,} summits"
    how = f"{per_second:,.0f} lines/s, {report.n_experiments} {'gzip ' if gzip else ''}tracks, unsorted"
    print(f"| tfb data build, {what} | {seconds:.1f} s | {how}, one process, peak memory {memory:.0f} MiB |")


def write_tracks(folder: Path, n_regions: int, n_summits: int, gzip: bool) -> Path:
    """Write clusters, sources, summits and the sheet."""
    rng = np.random.default_rng(0)
    contigs = np.array([f"chr{i + 1}" for i in range(N_CONTIGS)])
    # In cells of equal size, so that clusters do not overlap.
    cell = N_CONTIGS * CONTIG // n_regions
    place = np.arange(n_regions) * cell + rng.integers(0, cell - 400, n_regions)
    contig, start = place // CONTIG, place % CONTIG
    end = start + rng.integers(150, 400, n_regions)
    n_ids = rng.geometric(0.15, n_regions)
    ids = [",".join(map(str, i)) for i in np.split(rng.integers(0, N_CELL_TYPES, n_ids.sum()), np.cumsum(n_ids)[:-1])]
    write(folder / "clusters.bed", contigs[contig], start, end, np.full(n_regions, "."), n_ids * 9, n_ids, ids, ids)
    (folder / "sources.tsv").write_text("".join(f"{i}\tcell {i}\n" for i in range(N_CELL_TYPES)))
    sheet = "kind\tpath\ttf\tcell_type\nclusters\tclusters.bed\t\t\nsources\tsources.tsv\t\t\n"
    for number in range(max(1, n_summits // PER_EXPERIMENT)):
        n = min(PER_EXPERIMENT, n_summits)
        near = rng.integers(0, n_regions, n)
        away = rng.random(n) < 0.5
        at = np.where(
            away, rng.integers(0, CONTIG - 1000, n), (start[near] + end[near]) // 2 + rng.integers(-90, 90, n)
        )
        at = np.maximum(at, 200)
        name = f"summits{number}.bed" + (".gz" if gzip else "")
        constant = (np.full(n, f"TF{number // 5}.cell"), np.full(n, 100), np.full(n, "."))
        left, right = rng.integers(50, 200, (2, n))
        on = contigs[contig[near]]
        write(folder / name, on, at - left, at + right, *constant, at, at + 1, np.full(n, "128,62,31"))
        sheet += f"peaks\t{name}\tTF{number // 5}\tcell {number % 5 * 10}\n"
    (folder / "samples.tsv").write_text(sheet)
    return folder / "samples.tsv"


def write(path: Path, *columns: object) -> None:
    table = pa.table({str(i): column for i, column in enumerate(columns)})
    options = pyarrow.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    with pa.output_stream(path, compression="gzip" if path.suffix == ".gz" else None) as stream:
        pyarrow.csv.write_csv(table, stream, options)


if __name__ == "__main__":
    main()
