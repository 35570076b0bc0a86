"""Windows around the regions of a BED file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from kipoi.metadata import GenomicRanges
from numpy.typing import NDArray

from kipoi_tfb.dataloaders.batches import WindowDataset, described, whole_number
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import Anchor, contig_sizes, no_contig_of, read_intervals
from tfb_matrix_data.placing import has_window, place_windows, region_flags
from tfb_matrix_data.sequence import one_hot
from tfb_matrix_data.windows import window_start

__all__ = ["Regions"]


@described(Path(__file__).parent)
class Regions(WindowDataset):
    """One-hot windows around the regions of a BED file; see ``dataloader.yaml``.

    Parameters
    ----------
    intervals_file
        BED3 to BED12 or narrowPeak; plain, gzip or bgzip.
    fasta_file
        FASTA, plain or bgzip.
    anchor
        ``centre`` of each region, or the ``summit`` of a narrowPeak.
    window
        Window length in bp; the models of this zoo take 200.
    """

    def __init__(self, intervals_file: str, fasta_file: str, anchor: Anchor = "centre", window: int = 200) -> None:
        self.window = whole_number("window", window)
        # Everything is read here: worker processes may run in another folder.
        self.genome = Genome(fasta_file)
        self.intervals = read_intervals(intervals_file)
        self.anchor = anchor
        self.starts = window_start(self.intervals.anchor(anchor), self.window)
        # Another genome is an error now, not in the middle of a prediction.
        sizes = contig_sizes(self.intervals.chrom, self.genome)
        if not has_window(region_flags(sizes, self.intervals.end, self.starts, self.window)).any():
            raise InputError(intervals_file, no_contig_of(self.genome, dict.fromkeys(self.intervals.chrom.tolist())))

    def __len__(self) -> int:
        """Return the number of regions."""
        return len(self.intervals)

    def batch(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Return the one-hot windows float32 (rows, 4, window), zero where there is none, and the metadata of rows."""
        part = self.intervals.take(rows)
        windows, flags = place_windows(part, self.genome, self.window, self.anchor)
        return {
            "inputs": one_hot(windows.codes),
            "metadata": {
                "ranges": GenomicRanges(
                    chr=part.chrom,
                    start=self.starts[rows],
                    end=self.starts[rows] + self.window,
                    id=rows.astype(str),
                    strand=np.full(len(rows), "*"),
                ),
                "name": np.array(part.name),
                "region_start": part.start,
                "region_end": part.end,
                "n_unknown": windows.n_unknown,
                "flags": flags,
            },
        }
