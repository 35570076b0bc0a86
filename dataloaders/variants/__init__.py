"""Windows of both alleles of the variants of a VCF file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from kipoi.metadata import GenomicRanges
from numpy.typing import NDArray

from kipoi_tfb.dataloaders.batches import WindowDataset, described, whole_number
from tfb_matrix_data.alleles import AssemblyCheck, allele_windows, normal_texts
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import is_contig, no_contig_of
from tfb_matrix_data.sequence import one_hot
from tfb_matrix_data.variants import read_variants
from tfb_matrix_data.windows import window_start

__all__ = ["Variants"]


@described(Path(__file__).parent)
class Variants(WindowDataset):
    """One-hot windows of REF and ALT, one item per ALT of every record; see ``dataloader.yaml``.

    Parameters
    ----------
    vcf_file
        VCF, VCF.gz or BCF.
    fasta_file
        FASTA of the VCF's assembly, plain or bgzip.
    window
        Window length in bp; the models of this zoo take 200.
    """

    def __init__(self, vcf_file: str, fasta_file: str, window: int = 200) -> None:
        self.window = whole_number("window", window)
        self.genome = Genome(fasta_file)
        self.variants = read_variants(vcf_file)
        names = dict.fromkeys(self.variants.chrom)
        if not any(is_contig(self.genome, name) for name in names):
            raise InputError(vcf_file, no_contig_of(self.genome, names))
        # The wrong assembly is an error now, not in the middle of a prediction.
        sample = self.variants.take(np.arange(min(len(self), AssemblyCheck.SAMPLE)))
        allele_windows(sample, self.genome, self.window, AssemblyCheck())

    def __len__(self) -> int:
        """Return the number of ALT alleles."""
        return len(self.variants)

    def batch(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Return one-hot windows float32 (rows, 4, window) of both alleles; zero where the status is not ok."""
        part = self.variants.take(rows)
        windows = allele_windows(part, self.genome, self.window)
        start = window_start(windows.start, self.window)
        return {
            "inputs": {"ref": one_hot(windows.ref), "alt": one_hot(windows.alt)},
            "metadata": {
                "ranges": GenomicRanges(
                    chr=np.array(part.chrom),
                    start=start,
                    end=start + self.window,
                    id=rows.astype(str),
                    strand=np.full(len(rows), "*"),
                ),
                "variant": {
                    "chrom": np.array(part.chrom),
                    "pos": part.pos,
                    "id": np.array(part.id),
                    "ref": np.array(part.ref),
                    "alt": np.array(part.alt),
                },
                "normal": np.array(normal_texts(part, windows, self.genome)),
                "status": np.array(windows.status),
                "flags": np.array(windows.flags),
            },
        }
