"""Windows at the centres of the sequences of a FASTA file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.dataloaders.batches import WindowDataset, described, whole_number
from tfb_matrix_data.fasta import Sequences as FastaSequences
from tfb_matrix_data.fasta import read_sequences, sequence_windows
from tfb_matrix_data.sequence import one_hot

__all__ = ["Sequences"]


@described(Path(__file__).parent)
class Sequences(WindowDataset):
    """One-hot windows at the centres of FASTA sequences; see ``dataloader.yaml``.

    Parameters
    ----------
    fasta_file
        FASTA with one sequence per item; plain, gzip or bgzip.
    window
        Window length in bp; the models of this zoo take 200.
    """

    def __init__(self, fasta_file: str, window: int = 200) -> None:
        self.window = whole_number("window", window)
        self.sequences = read_sequences(fasta_file)

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.sequences)

    def batch(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Return the one-hot windows float32 (rows, 4, window) and the metadata of the given rows."""
        every = self.sequences
        part = FastaSequences([every.name[i] for i in rows], [every.codes[i] for i in rows], every.path)
        windows = sequence_windows(part, self.window)
        return {
            "inputs": one_hot(windows.codes),
            "metadata": {"id": np.array(part.name), "length": part.length, "n_unknown": windows.n_unknown},
        }
