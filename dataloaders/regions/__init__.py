"""Windows around the regions of a BED file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from kipoi.metadata import GenomicRanges
from numpy.typing import NDArray

from kipoi_tfb.dataloaders.batches import WindowDataset, described, whole_number
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import Anchor, check_contigs, read_intervals
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
        # A region that does not fit the genome is an error now, not in the middle of a prediction.
        check_contigs(self.intervals, self.genome)
        self.starts = window_start(self.intervals.anchor(anchor), self.window)

    def __len__(self) -> int:
        """Return the number of regions."""
        return len(self.intervals)

    def batch(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Return the one-hot windows float32 (rows, 4, window) and the metadata of the given rows."""
        part = self.intervals
        windows = self.genome.windows(part.chrom[rows], self.starts[rows], self.window)
        return {
            "inputs": one_hot(windows.codes),
            "metadata": {
                "ranges": GenomicRanges(
                    chr=part.chrom[rows],
                    start=self.starts[rows],
                    end=self.starts[rows] + self.window,
                    id=rows.astype(str),
                    strand=np.full(len(rows), "*"),
                ),
                "name": np.array([part.name[i] for i in rows]),
                "region_start": part.start[rows],
                "region_end": part.end[rows],
                "n_unknown": windows.n_unknown,
            },
        }
