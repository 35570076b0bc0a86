"""Importing published matrices: one TF's two .npz, and matrix3d.npz; seconds and memory, in a fresh process each."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

INDEXES = ("tfs_idx.pickle.gz", "samples_idx.pickle.gz")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", required=True, help="folder of published files (matrix2d.*.npz, *_idx.pickle.gz)")
    parser.add_argument("--tf", default="SP1")
    parser.add_argument(
        "--cube", help="a binding matrix to publish as matrix3d.npz, as large as the authors', and import (minutes)"
    )
    parser.add_argument("--one", nargs="+", help="(internal) NAME and the files to import in this process")
    parser.add_argument("--publish", nargs=2, help="(internal) a matrix and the folder to publish its cube in")
    arguments = parser.parse_args()
    folder = Path(arguments.upstream)
    if arguments.publish:
        publish_cube(arguments.publish[0], folder, Path(arguments.publish[1]))
        return
    if arguments.one:
        measure(arguments.one[0], arguments.one[1:])
        return
    pair = [folder / f"matrix2d.{arguments.tf}.ReMap+UniBind.{kind}.npz" for kind in ("sparse", "less-sparse")]
    run(arguments, f"import one TF's two .npz ({arguments.tf})", [*pair, *(folder / name for name in INDEXES)])
    if arguments.cube:
        with tempfile.TemporaryDirectory() as scratch:
            # In a process of its own: what this one held would count as the next one's peak memory.
            publish = ["--publish", arguments.cube, scratch]
            subprocess.run([sys.executable, __file__, "--upstream", arguments.upstream, *publish], check=True)
            run(arguments, "import matrix3d.npz", sorted(Path(scratch).iterdir()))


def run(arguments: argparse.Namespace, name: str, files: list[Path]) -> None:
    command = [sys.executable, __file__, "--upstream", arguments.upstream, "--one", name, *map(str, files)]
    subprocess.run(command, check=True)


def measure(name: str, files: list[str]) -> None:
    from tfb_matrix_data.importers import import_published

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        events = import_published(files, Path(folder) / "matrix.h5")
        seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    shape = f"{len(events.tfs)} TF(s) x {events.attrs['n_regions']:,} regions x {len(events.cell_types)} cell types"
    print(f"| {name} | {seconds:.1f} s | {shape}, checked and written, peak memory {memory:.0f} MiB |")


def publish_cube(path: str, indexes: Path, folder: Path) -> None:
    """Write a matrix as the authors wrote theirs: int64 coords and codes of a sorted sparse.COO, compressed."""
    import shutil

    import numpy as np

    from tfb_matrix_data.indexes import read_index
    from tfb_matrix_data.layout import open_events

    for name in INDEXES:
        shutil.copy(indexes / name, folder / name)
    tf_index = read_index(folder / INDEXES[0])
    file, events = open_events(path)
    n_regions = int(events.attrs["n_regions"])
    parts = []
    with file:
        pairs = {
            code: [getattr(events, kind).of(t) for t in range(len(events.tfs))]
            for kind, code in (("bound", 4), ("ambiguous", 2))
        }
        for cell in range(len(events.cell_types)):
            tfs = [t for t in range(len(events.tfs)) if events.profiled[t, cell] and events.accessible_known[cell]]
            if not tfs:
                continue
            tfs.sort(key=lambda t: tf_index[events.tfs[t]])
            is_open = np.flatnonzero(np.unpackbits(events.accessible[cell], count=n_regions))
            codes = np.ones((n_regions, len(tfs)), np.int64)
            for column, t in enumerate(tfs):
                for code in (2, 4):
                    region, cells = pairs[code][t]
                    codes[region[cells == cell], column] = code
            numbers = [tf_index[events.tfs[t]] for t in tfs]
            shape = (len(is_open), len(tfs))
            coords = np.stack(
                [np.full(shape, cell), np.broadcast_to(is_open[:, None], shape), np.broadcast_to(numbers, shape)]
            ).reshape(3, -1)
            parts.append((coords, codes[is_open].reshape(-1)))
    arrays = {
        "data": np.concatenate([codes for _, codes in parts]),
        "coords": np.concatenate([coords for coords, _ in parts], axis=1),
        "shape": np.array([len(events.cell_types), n_regions, len(tf_index)]),
        "fill_value": np.int64(0),
    }
    print(f"{len(arrays['data']):,} entries", file=sys.stderr)
    np.savez_compressed(folder / "matrix3d.npz", **arrays)


if __name__ == "__main__":
    main()
