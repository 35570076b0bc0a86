"""The index beside a bgzipped VCF, and whether the file's order allows one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.variants import Variants

__all__ = ["SortCheck", "write_index"]

_TBI_END = 1 << 29
"""A .tbi index knows positions below this; beyond, a .csi is made."""


class SortCheck:
    """Looks whether records come as an index needs them: each contig in one piece, positions ascending.

    Attributes
    ----------
    fault
        The first place where they do not; empty if there is none.
    last
        The highest position.
    """

    def __init__(self) -> None:
        self.fault = ""
        self.last = 0
        self._chrom: str | None = None
        self._pos = 0
        self._seen: set[str] = set()

    def update(self, variants: Variants) -> None:
        """Look at a chunk."""
        if self.fault or not len(variants):
            return
        self.last = max(self.last, int(variants.pos.max()))
        ascending = (np.diff(variants.pos, prepend=self._pos) >= 0).all()
        if ascending and variants.chrom.count(self._chrom) == len(variants):  # type: ignore[arg-type]
            self._pos = int(variants.pos[-1])
            return
        for chrom, pos in zip(variants.chrom, variants.pos.tolist(), strict=True):
            if chrom != self._chrom:
                if chrom in self._seen:
                    self.fault = f"{chrom}:{pos} stands after {self._chrom}:{self._pos}"
                self._seen.add(chrom)
            elif pos < self._pos:
                self.fault = f"{chrom}:{pos} stands after {chrom}:{self._pos}"
            if self.fault:
                return
            self._chrom, self._pos = chrom, pos


def write_index(path: Path, sorting: SortCheck) -> list[str]:
    """Make the index of a bgzipped VCF; return what prevented it, if anything did."""
    for suffix in (".tbi", ".csi"):  # of an older file of this name
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if sorting.fault:
        return [
            f"{path}: is written in the input's order, without an index, since that is not sorted ({sorting.fault}); "
            f"sort it: bcftools sort -Oz -o SORTED.vcf.gz {path.name}"
        ]
    import pysam

    csi = sorting.last >= _TBI_END
    try:
        # Beside a whole VCF stands a whole index or none.
        with atomic_path(path.with_name(f"{path.name}{'.csi' if csi else '.tbi'}")) as temporary:
            pysam.tabix_index(str(path), preset="vcf", force=True, index=str(temporary), csi=csi)
    except (OSError, ValueError, InputError) as error:
        return [f"{path}: is written, but could not be indexed ({error})"]
    return []
