"""A scored VCF of which some alleles are kept, with their ranks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.variants.tables import effect_format
from kipoi_tfb.variants.vcf import add_info, bgzip, declare
from kipoi_tfb.variants.vcf_index import SortCheck, write_index
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import BGZIP_END, atomic_path
from tfb_matrix_data.variant_lines import open_variants
from tfb_matrix_data.variants import iter_chunks

__all__ = ["RankedVcf"]

_RANK = "TFB_RANK"


class RankedVcf:
    """The records with a ranked allele, as they are, in their order; their ranks at the end of INFO.

    Parameters
    ----------
    path
        The scored VCF.
    row
        int64: the places of the alleles among all of the file, from 0, in the order of their ranks.
    """

    def __init__(self, path: Path, row: NDArray[np.int64]) -> None:
        self.path = path
        self._rows = np.sort(row)
        self._ranks = np.argsort(row) + 1

    def write(self, output: Path) -> list[str]:
        """Write the file, and its index if it is bgzipped; return what was wrong with the index.

        Raises
        ------
        ConfigError
            If the VCF has been ranked before.
        """
        compress = effect_format(output) == ".vcf.gz"
        sorting = SortCheck()
        with atomic_path(output) as temporary, open(temporary, "wb") as stream:
            for text in self._texts(sorting):
                stream.write(bgzip(text) if compress else text)
            if compress:
                stream.write(BGZIP_END)
        return write_index(output, sorting) if compress else []

    def _texts(self, sorting: SortCheck) -> Iterator[bytes]:
        source = open_variants(self.path)
        header = list(source.header)
        if f"ID={_RANK},".encode() in b"".join(header):
            raise ConfigError(f"{self.path} has been ranked before: its header has {_RANK}; start from the scores")
        said = declare(_RANK, "A", "Integer", "Place of each ALT in the order of tfb rank, from 1; dot: not kept")
        yield b"".join([*header[:-1], f"{said}\n".encode(), header[-1]])
        start = 0
        for chunk in iter_chunks(source):
            sorting.update(chunk.variants)
            kept = []
            for line, n in zip(chunk.lines, chunk.n_alleles, strict=True):
                first, last = np.searchsorted(self._rows, [start, start + n])
                if last > first:
                    ranks = dict(zip(self._rows[first:last].tolist(), self._ranks[first:last].tolist(), strict=True))
                    said = ",".join(str(ranks.get(row, ".")) for row in range(start, start + n))
                    kept.append(add_info(line, f"{_RANK}={said}".encode()))
                start += n
            if kept:
                yield b"".join(kept)
