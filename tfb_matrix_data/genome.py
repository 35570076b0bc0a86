"""The genome: a FASTA as memory-mapped uint8 codes, and windows cut from them."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tfb_matrix_data.contigs import assembly_of, find_contig
from tfb_matrix_data.errors import AssemblyError, InputError, UnknownNameError
from tfb_matrix_data.files import check_kept
from tfb_matrix_data.genome_cache import CachedContig, GenomeCache
from tfb_matrix_data.records import spans
from tfb_matrix_data.sequence import UNKNOWN, first_base
from tfb_matrix_data.windows import Windows, count_unknown, window_start

if TYPE_CHECKING:
    from tfb_matrix_data.matrix import BindingMatrix

__all__ = ["Genome", "region_windows"]

logger = logging.getLogger(__name__)

_WINDOWS = 4096
"""Windows that may be cut before pages are let go; each maps up to 64 KiB of a cache file (Linux, fault-around)."""


class Genome:
    """A FASTA file (plain or bgzip) as memory-mapped uint8 codes.

    Each contig is read through pyfaidx when it is first asked for, and from a cache file after that
    (`tfb_matrix_data.genome_cache`; 1 byte per base). A ``.fai`` that is missing, or older than the FASTA, is made:
    beside the FASTA, or in the cache if that folder is read-only.

    Parameters
    ----------
    path
        FASTA file. Gzip that is not bgzip cannot be read at random and is refused.

    Attributes
    ----------
    lengths
        Contig lengths in bp by name, in the file's order.

    Raises
    ------
    InputError
        If the file is missing, empty, not FASTA, or compressed by plain gzip, or its ``.fai`` is not its own.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(os.path.abspath(Path(path).expanduser()))
        check_kept(path, "a genome is read at random")
        if not self.path.is_file():
            raise InputError(path, "no such FASTA file")
        if self.path.stat().st_size == 0:
            raise InputError(path, "is empty; expected FASTA")
        self._cache = GenomeCache(self.path)
        self.lengths: dict[str, int] = {name: contig.length for name, contig in self._cache.fasta.contigs.items()}
        self._contigs: dict[str, CachedContig] = {}
        self._told = False
        self._n_cut = 0

    def __repr__(self) -> str:
        return f"<Genome {self.path.name}: {len(self.lengths)} contigs, {sum(self.lengths.values()):,} bp>"

    def __getstate__(self) -> dict:
        # Memory maps are opened again in a worker process instead of being copied into it.
        return {**self.__dict__, "_contigs": {}}

    def contig(self, name: str) -> str:
        """Return this FASTA's name of a contig: as given, or in another spelling (`tfb_matrix_data.contigs`).

        The first name that is spelt another way here is logged.

        Raises
        ------
        UnknownNameError
            If there is none under either name.
        """
        if name in self.lengths:
            return name
        found = find_contig(name, self.lengths)
        if found is None:
            raise UnknownNameError(f"contig (in {self.path.name})", name, self.lengths)
        if not self._told:
            of = next((f" ({assembly})" for assembly in map(assembly_of, (name, found)) if assembly), "")
            logger.info("contig names differ, reconciled: %s is %s%s", name, found, of)
            self._told = True
        return found

    def codes(self, name: str) -> NDArray[np.uint8]:
        """Return the read-only codes of a whole contig, memory-mapped, of shape (contig length,)."""
        return self._contig(name).codes

    def around(self, contigs: Sequence[str] | NDArray[np.str_], positions: ArrayLike, length: int) -> Windows:
        """Cut the window around each 0-based position p, [p - L/2, p + L/2), as `windows` does."""
        return self.windows(contigs, window_start(np.asarray(positions, np.int64), length), length)

    def windows(self, contigs: Sequence[str] | NDArray[np.str_], starts: ArrayLike, length: int) -> Windows:
        """Cut windows [start, start + length), 0-based; what lies beyond a contig's end is unknown (code 4).

        Parameters
        ----------
        contigs
            Contig name of each window, in either naming.
        starts
            0-based start of each window; may be negative.
        length
            Length of every window in bp.

        Raises
        ------
        UnknownNameError
            If a contig is not in the FASTA.
        AssemblyError
            If a window lies wholly beyond its contig.
        """
        starts = np.asarray(starts, np.int64)
        if len(contigs) != len(starts):
            raise ValueError(f"{len(contigs)} contigs for {len(starts)} starts; expected one for each window")
        codes = np.empty((len(starts), length), np.uint8)
        padded = np.zeros(len(starts), bool)
        names = contigs if isinstance(contigs, list) else np.asarray(contigs).tolist()
        # One contig for a whole batch is the commonest case, and counting is the fastest way to see it.
        if names and names.count(names[0]) == len(names):
            codes, padded = self._cut(names[0], starts, length)
        else:
            number = {name: i for i, name in enumerate(dict.fromkeys(names))}
            inverse = np.fromiter(map(number.__getitem__, names), np.int64, len(names))
            for name, i in number.items():
                at = np.flatnonzero(inverse == i)
                codes[at], padded[at] = self._cut(name, starts[at], length)
        self._let_go(len(names))
        return Windows(codes, count_unknown(codes), padded)

    def stretches(self, contigs: list[str], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the codes of stretches that lie within their contigs, one behind the other."""
        if contigs.count(contigs[0]) == len(contigs):
            return self.codes(contigs[0])[spans(starts, lengths)]
        number = {name: i for i, name in enumerate(dict.fromkeys(contigs))}
        of = np.fromiter(map(number.__getitem__, contigs), np.int64, len(contigs))
        first = np.cumsum(lengths) - lengths
        found = np.empty(lengths.sum(), np.uint8)
        for name, i in number.items():
            own = np.flatnonzero(of == i)
            found[spans(first[own], lengths[own])] = self.codes(name)[spans(starts[own], lengths[own])]
        return found

    def written(self, contigs: list[str], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return `stretches` with the base that VCF writes for each IUPAC letter; N stays unknown."""
        codes = self.stretches(contigs, starts, lengths)
        unknown = np.flatnonzero(codes == UNKNOWN)
        if len(unknown):
            of = np.repeat(np.arange(len(contigs)), lengths)[unknown]
            letters = self.letters([contigs[row] for row in of.tolist()], spans(starts, lengths)[unknown])
            codes[unknown] = first_base(letters)
        return codes

    def letters(self, contigs: Sequence[str], positions: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the letters (upper case, ASCII) of unknown bases: IUPAC's, and N for the others.

        Parameters
        ----------
        contigs
            Contig of each base, in either naming.
        positions
            0-based position of each, within its contig.
        """
        letters = np.empty(len(positions), np.uint8)
        names = np.asarray(contigs)
        for name in dict.fromkeys(contigs):
            at = np.flatnonzero(names == name)
            letters[at] = self._contig(name).letters(positions[at])
        return letters

    def _cut(self, name: str, starts: NDArray[np.int64], length: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        contig = self.codes(name)
        outside = (starts + length <= 0) | (starts >= len(contig))
        if outside.any():
            at = int(starts[outside.argmax()])
            raise AssemblyError(
                f"window {name}:{at}-{at + length} lies beyond the contig ({len(contig):,} bp in {self.path.name}); "
                "is this the right assembly?"
            )
        padded = (starts < 0) | (starts + length > len(contig))
        if not padded.any():
            # A strided view makes each window one memory copy, some ten times faster than an index per base.
            return np.lib.stride_tricks.sliding_window_view(contig, length)[starts], padded
        if not len(contig):  # a name without a sequence
            return np.full((len(starts), length), UNKNOWN, np.uint8), padded
        position = starts[:, None] + np.arange(length)
        inside = (position >= 0) & (position < len(contig))
        return np.where(inside, contig[np.clip(position, 0, len(contig) - 1)], np.uint8(UNKNOWN)), padded

    def _let_go(self, n_windows: int) -> None:
        """Count windows cut, and now and then unmap the pages they were cut from: a process grows by all it maps.

        The pages stay in the system's cache of files, and are mapped again where they are wanted again.
        """
        self._n_cut += n_windows
        if self._n_cut >= _WINDOWS:
            self._n_cut = 0
            for contig in self._contigs.values():
                contig.let_go()

    def _contig(self, name: str) -> CachedContig:
        name = self.contig(name)
        if name not in self._contigs:
            self._contigs[name] = self._cache.contig(name)
        return self._contigs[name]


def region_windows(matrix: BindingMatrix, genome: Genome, index: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the codes of regions of the matrix, uint8 of shape (regions, region length)."""
    regions = matrix.regions
    names = np.array(regions.chrom_names)[regions.chrom[index]]
    return genome.windows(names, regions.start[index], regions.length).codes
