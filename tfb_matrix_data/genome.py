"""The genome: FASTA read once through pyfaidx into memory-mapped uint8 codes, and windows cut from them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyfaidx
from numpy.typing import ArrayLike, NDArray

from tfb_matrix_data.errors import AssemblyError, InputError, TfbError, UnknownNameError
from tfb_matrix_data.files import atomic_path, cache_folder, check_bgzip_end
from tfb_matrix_data.sequence import UNKNOWN, encode

if TYPE_CHECKING:
    from tfb_matrix_data.matrix import BindingMatrix

__all__ = ["Genome", "Windows", "region_windows"]

logger = logging.getLogger(__name__)

_CACHE_VERSION = 1
_PIECE = 1 << 20
_MITOCHONDRION = ("chrM", "MT", "M", "chrMT")


class Windows(NamedTuple):
    """Sequence windows of one length.

    Attributes
    ----------
    codes
        uint8 of shape (windows, length).
    n_unknown
        int64 (windows,): bases that are not A, C, G or T, those beyond the contig's ends included.
    edge_padded
        bool (windows,): the window reaches beyond an end of its contig.
    """

    codes: NDArray[np.uint8]
    n_unknown: NDArray[np.int64]
    edge_padded: NDArray[np.bool_]


class Genome:
    """A FASTA file (plain or bgzip) as memory-mapped uint8 codes.

    Each contig is read through pyfaidx when it is first asked for, and from a cache file after that; the cache
    (1 byte per base, under `tfb_matrix_data.files.cache_folder`) is keyed by the file's path, size and
    modification time. A missing ``.fai`` is made: beside the FASTA, or in the cache if that folder is read-only.

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
        If the file is missing, empty, not FASTA, or compressed by plain gzip.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(os.path.abspath(Path(path).expanduser()))
        if not self.path.is_file():
            raise InputError(path, "no such FASTA file")
        stat = self.path.stat()
        if stat.st_size == 0:
            raise InputError(path, "is empty; expected FASTA")
        key = json.dumps([str(self.path.resolve()), stat.st_size, stat.st_mtime_ns, _CACHE_VERSION])
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        self._cache = cache_folder() / "genomes" / f"{self.path.name}-{digest}"
        self.lengths: dict[str, int] = {name: record.rlen for name, record in self._index().items()}
        self._codes: dict[str, NDArray[np.uint8]] = {}
        self._told = False

    def __repr__(self) -> str:
        return f"<Genome {self.path.name}: {len(self.lengths)} contigs, {sum(self.lengths.values()):,} bp>"

    def __getstate__(self) -> dict:
        # Memory maps are opened again in a worker process instead of being copied into it.
        return {**self.__dict__, "_codes": {}}

    def contig(self, name: str) -> str:
        """Return this FASTA's name of a contig: as given, or with ``chr`` added or removed (``chrM`` is ``MT``).

        The first name that is spelt another way here is logged.

        Raises
        ------
        UnknownNameError
            If there is none under either name.
        """
        if name in self.lengths:
            return name
        other = name[3:] if name.startswith("chr") else f"chr{name}"
        for candidate in (other, *(_MITOCHONDRION if name in _MITOCHONDRION else ())):
            if candidate in self.lengths:
                if not self._told:
                    logger.info("contig names differ, reconciled: %s is %s", name, candidate)
                    self._told = True
                return candidate
        raise UnknownNameError(f"contig (in {self.path.name})", name, self.lengths)

    def codes(self, name: str) -> NDArray[np.uint8]:
        """Return the read-only codes of a whole contig, memory-mapped, of shape (contig length,)."""
        name = self.contig(name)
        if name not in self._codes:
            path = self._cache / f"{list(self.lengths).index(name)}.npy"
            if not path.is_file():
                self._write_codes(name, path)
            self._codes[name] = np.load(path, mmap_mode="r")
        return self._codes[name]

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
        return Windows(codes, _count_unknown(codes), padded)

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
        position = starts[:, None] + np.arange(length)
        inside = (position >= 0) & (position < len(contig))
        return np.where(inside, contig[np.clip(position, 0, len(contig) - 1)], np.uint8(UNKNOWN)), padded

    def _write_codes(self, name: str, path: Path) -> None:
        logger.info("reading %s of %s into the cache (once)", name, self.path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
        if free < self.lengths[name] + (1 << 20):
            raise InputError(
                path.parent,
                f"{free:,} bytes free, {self.lengths[name]:,} needed for {name}; set TFB_DATA to another disk",
            )
        try:
            codes = np.empty(self.lengths[name], np.uint8)
            with self._fasta() as fasta:
                # In pieces: Biopython's bgzip reader takes quadratic time in the length of one read.
                for start in range(0, len(codes), _PIECE):
                    end = min(start + _PIECE, len(codes))
                    piece = encode(fasta.faidx.fetch(name, start + 1, end))
                    if len(piece) != end - start:
                        raise EOFError("it is shorter than its index says; delete an old .fai")
                    codes[start:end] = piece
        except TfbError as error:
            raise InputError(self.path, f"contig {name}: {error}") from None
        except Exception as error:  # pyfaidx, Biopython and zlib raise what they like on damaged files
            raise InputError(self.path, f"contig {name} cannot be read (damaged or cut off?): {error}") from None
        with atomic_path(path) as temporary, open(temporary, "wb") as stream:
            np.save(stream, codes)

    def _index(self) -> dict:
        with open(self.path, "rb") as stream:
            head = stream.read(16)
        if head[:2] == b"\x1f\x8b":
            if head[12:14] != b"BC":
                raise InputError(self.path, "is compressed by gzip; recompress it: gunzip -c IN | bgzip > OUT.fa.gz")
            check_bgzip_end(self.path)
        elif head[:1] != b">":
            raise InputError(self.path, "is not FASTA (its first character is not '>')")
        try:
            with self._fasta() as fasta:
                index = dict(fasta.faidx.index)
        except TfbError:
            raise
        except Exception as error:  # see _write_codes
            raise InputError(self.path, f"cannot be indexed: {error}") from None
        if not index:
            raise InputError(self.path, "holds no sequence")
        return index

    def _fasta(self) -> pyfaidx.Fasta:
        """Open through pyfaidx, with the index in the cache folder where none can be written beside the FASTA."""
        suffixes = (".fai", ".gzi") if self.path.suffix == ".gz" else (".fai",)
        indices = [Path(f"{self.path}{suffix}") for suffix in suffixes]
        # An index older than its FASTA may belong to another file of that name: pyfaidx makes it again.
        changed = self.path.stat().st_mtime_ns
        usable = all(index.is_file() and index.stat().st_mtime_ns >= changed for index in indices)
        if usable or _can_write(self.path.parent):
            return pyfaidx.Fasta(str(self.path), as_raw=True)
        self._cache.mkdir(parents=True, exist_ok=True)
        link = self._cache / self.path.name
        if not link.is_symlink():
            link.symlink_to(self.path)
        logger.info("%s has no current .fai and its folder is read-only: indexing in %s", self.path.name, self._cache)
        return pyfaidx.Fasta(str(link), as_raw=True)


def _count_unknown(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how many unknown bases each window has."""
    # Truth values are added up three times as fast in bytes, which hold the counts of windows of usual length.
    small = codes.shape[1] < 256
    return (codes == UNKNOWN).sum(1, dtype=np.uint8 if small else np.int64).astype(np.int64)


def _can_write(folder: Path) -> bool:
    probe = folder / f".tfb-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def region_windows(matrix: BindingMatrix, genome: Genome, index: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the codes of regions of the matrix, uint8 of shape (regions, region length)."""
    regions = matrix.regions
    names = np.array(regions.chrom_names)[regions.chrom[index]]
    return genome.windows(names, regions.start[index], regions.length).codes
