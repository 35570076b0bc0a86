"""The real matrix comes back from tracks that are made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from tests.tfb_matrix_data.lab import HEADER
from tfb_matrix_data.build import build_matrix
from tfb_matrix_data.layout import open_events
from tfb_matrix_data.matrix import BindingMatrix

pytest_plugins = ("tests.tfb_matrix_data.lab",)


@pytest.mark.shared_data
@pytest.mark.parametrize("form", ["accessible", "clusters"])
def test_the_real_matrix_comes_back_from_its_tracks(real_matrix: Path, tmp_path: Path, form: str) -> None:
    file, events = open_events(real_matrix)
    with file, BindingMatrix(real_matrix) as matrix:
        tfs = ["ATF4", "CTCF", "JUND", "SP1", "SREBF2"]
        regions = matrix.regions
        rows = np.flatnonzero(regions.start >= 0)
        rows = rows[np.lexsort((regions.start[rows], regions.chrom[rows]))]
        # Each region gets its events at its first base that is in no other region; the few without one stay out.
        gap = np.diff(regions.chrom[rows].astype(int) << 40 | regions.start[rows])
        first, last = np.maximum(0, 200 - np.append(999, gap)), np.minimum(200, np.append(gap, 999))
        rows, point = rows[first < last], (regions.start[rows] + first)[first < last]
        chrom = np.array(regions.chrom_names)[regions.chrom[rows]]
        row_of = np.full(len(matrix), -1)
        row_of[rows] = np.arange(len(rows))
        profiled = matrix.profiled[[matrix.tfs.index(tf) for tf in tfs]] & events.accessible_known
        cells = np.flatnonzero(profiled.any(axis=0)).tolist()
        rng = np.random.default_rng(3)
        is_open = np.array([np.unpackbits(events.accessible[c], count=len(matrix))[rows] for c in cells]).astype(bool)
        sheet = _write_open(tmp_path, form, chrom, regions.start[rows], is_open, [matrix.cell_types[c] for c in cells])
        for tf, in_cells in zip(tfs, profiled, strict=True):
            t = matrix.tfs.index(tf)
            for c in np.flatnonzero(in_cells).tolist():
                bound, ambiguous = (row_of[r[k == c]] for r, k in (events.bound.of(t), events.ambiguous.of(t)))
                bound, ambiguous = bound[bound >= 0], rng.permutation(ambiguous[ambiguous >= 0])
                half = len(ambiguous) // 2
                closed = np.flatnonzero(~is_open[cells.index(c)])[:50]
                for kind, part in (("peaks", ambiguous[:half]), ("sites", ambiguous[half:])):
                    at = rng.permutation(np.concatenate([bound, part, closed]))
                    _write_bed(tmp_path / f"{kind}.{tf}.{c}.bed", chrom[at], point[at] - 4, point[at] + 5)
                    sheet += f"{kind}\t{kind}.{tf}.{c}.bed\t{tf}\t{matrix.cell_types[c]}\n"
        (tmp_path / "samples.tsv").write_text(sheet)
        build_matrix(tmp_path / "samples.tsv", tmp_path / "m.h5", assembly="hg38")
        with BindingMatrix(tmp_path / "m.h5") as built:
            names = np.array(built.regions.chrom_names)[built.regions.chrom]
            place = dict(
                zip(zip(names.tolist(), built.regions.start.tolist(), strict=True), range(len(built)), strict=True)
            )
            new = np.array(
                [place.get(key, -1) for key in zip(chrom.tolist(), regions.start[rows].tolist(), strict=True)]
            )
            assert (new >= 0).sum() == len(built) == is_open.any(axis=0).sum() > 50_000
            for kind in ("sparse", "less_sparse"):
                for cell in (None, "K562", "GM12878"):
                    only = {"kind": kind, "cell_types": [matrix.cell_types[c] for c in cells] if not cell else [cell]}
                    expected = matrix.labels(tfs, rows, **only)
                    assert (expected == 1).any()
                    assert (expected[new < 0] == -1).all()
                    assert np.array_equal(built.labels(tfs, new[new >= 0], **only), expected[new >= 0])


def _write_open(
    folder: Path, form: str, chrom: np.ndarray, start: np.ndarray, is_open: np.ndarray, cells: list[str]
) -> str:
    """Write the open regions in one of the two forms, the clusters with their true ends or nearly; return the sheet."""
    if form == "accessible":
        for number, bits in enumerate(is_open):
            at = np.flatnonzero(bits)
            _write_bed(folder / f"open{number}.bed", chrom[at], start[at] + 99, start[at] + 101)
        rows = [f"accessible\topen{number}.bed\t\t{cell}\n" for number, cell in enumerate(cells)]
        return HEADER + "".join(rows)
    (folder / "sources.tsv").write_text("".join(f"{3 * i}\t{cell}\n" for i, cell in enumerate(cells)))
    ids = np.array([str(3 * i) for i in range(len(cells))])
    with open(folder / "clusters.bed", "w") as out:
        for row in np.flatnonzero(is_open.any(axis=0)).tolist():
            mine = ",".join(ids[is_open[:, row]].tolist())
            out.write(f"585\t{chrom[row]}\t{start[row]}\t{start[row] + 200}\t.\t9\t1\t{mine},\t1,\n")
    return HEADER + "clusters\tclusters.bed\t\t\nsources\tsources.tsv\t\t\n"


def _write_bed(path: Path, chrom: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
    options = pyarrow.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    pyarrow.csv.write_csv(pa.table({"chrom": chrom, "start": start, "end": end}), path, options)
