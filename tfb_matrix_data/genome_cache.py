"""The cache of genomes: codes of contigs as files that are mapped into memory, named by what they hold."""

from __future__ import annotations

import hashlib
import json
import logging
import mmap
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tfb_matrix_data.errors import InputError, TfbError
from tfb_matrix_data.fasta_index import IndexedFasta, file_identity
from tfb_matrix_data.files import atomic_path, cache_folder, locked
from tfb_matrix_data.sequence import encode

__all__ = ["CachedContig", "GenomeCache"]

logger = logging.getLogger(__name__)

_VERSION = 2
_PIECE = 1 << 20
_AMBIGUOUS = re.compile(rb"[^ACGTUNacgtun-]")


class CachedContig(NamedTuple):
    """A contig, read-only and mapped into memory.

    Attributes
    ----------
    codes
        uint8 (length,).
    ambiguous
        int64 (n,), ascending: the bases that are IUPAC letters of some bases (R, Y, ...), all of which have the code of
        N, as 256 times their 0-based position plus the letter (upper case, ASCII).
    """

    codes: NDArray[np.uint8]
    ambiguous: NDArray[np.int64]

    def letters(self, positions: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the IUPAC letters at 0-based positions; N at all others."""
        letters = np.full(len(positions), ord("N"), np.uint8)
        if len(self.ambiguous):
            at = np.minimum(np.searchsorted(self.ambiguous, positions << 8), len(self.ambiguous) - 1)
            found = self.ambiguous[at]
            there = found >> 8 == positions
            letters[there] = found[there] & 255
        return letters

    def let_go(self) -> None:
        """Unmap the pages of the codes that were read; those that are read again are mapped again."""
        mapped = self.codes.base
        if isinstance(mapped, mmap.mmap):
            mapped.madvise(mmap.MADV_DONTNEED)


class GenomeCache:
    """The contigs of one FASTA file, read once.

    Under `tfb_matrix_data.files.cache_folder`, ``genomes/files`` has a folder for each file as it is (its inode, size,
    times, and samples of its content) that says of each contig, by its line of the ``.fai``, what was read: a hash.
    ``genomes/contigs`` has the codes by that hash, so files and names of files that hold the same share them, and
    nothing there is ever written over.

    Parameters
    ----------
    path
        The FASTA file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._contigs = cache_folder() / "genomes" / "contigs"
        self.fasta = IndexedFasta(path, self._own_folder())

    def contig(self, name: str) -> CachedContig:
        """Return a contig, read from the FASTA if it is not in the cache.

        Raises
        ------
        InputError
            If the FASTA cannot be read there, changes meanwhile, or there is no room for the cache.
        """
        folder, contig = self._own_folder(), self.fasta.contigs[name]
        key = hashlib.sha256(json.dumps([name, *contig, _VERSION]).encode()).hexdigest()[:16]
        record = folder / key
        found = self._open(record, key, contig.length)
        if found is None:
            # Beside what it keeps others from: `tfb_matrix_data.cache` asks for it before it removes that.
            held = f"{self.path.name}: another process reads {name} into the cache"
            with locked(self._contigs / f".{key}.lock", True, held):
                found = self._open(record, key, contig.length)
                if found is None:
                    self._fill(name, key, folder)
                    found = self._open(record, key, contig.length)
        if found is None:
            raise InputError(record, "the cache does not keep what is written to it; set TFB_DATA to another folder")
        return found

    def _own_folder(self) -> Path:
        """Return the folder for what is known of the file as it is now."""
        return cache_folder() / "genomes" / "files" / file_identity(self.path)

    def _open(self, record: Path, key: str, length: int) -> CachedContig | None:
        """Return a contig that is in the cache whole."""
        try:
            path = self._contigs / f"{key}-{record.read_text().strip()}.npy"
            codes = np.load(path, mmap_mode="r")
            ambiguous = np.load(path.with_suffix(".iupac.npy"), mmap_mode="r")
        except (OSError, ValueError, EOFError):  # not there, or cut off
            return None
        whole = _is(codes, np.uint8, length) and _is(ambiguous, np.int64, len(ambiguous))
        return CachedContig(codes, ambiguous) if whole else None

    def _fill(self, name: str, key: str, folder: Path) -> None:
        logger.info("reading %s of %s into the cache (once)", name, self.path.name)
        self._check_room(name)
        codes, ambiguous = self._read(name)
        if self._own_folder() != folder:
            raise InputError(self.path, "was changed while it was read; give the same command again")
        digest = hashlib.sha256(codes.data)
        digest.update(ambiguous.tobytes())
        path = self._contigs / f"{key}-{digest.hexdigest()[:24]}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        for array, place in ((ambiguous, path.with_suffix(".iupac.npy")), (codes, path)):
            with atomic_path(place) as temporary:
                np.save(temporary, array)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / key) as temporary:
            temporary.write_text(digest.hexdigest()[:24] + "\n")

    def _read(self, name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the codes of a contig, and its IUPAC letters."""
        self.fasta.check(name)
        codes = np.empty(self.fasta.contigs[name].length, np.uint8)
        letters = [np.empty(0, np.int64)]
        try:
            with self.fasta.open() as fasta:
                # In pieces: Biopython's bgzip reader takes quadratic time in the length of one read.
                for start in range(0, len(codes), _PIECE):
                    end = min(start + _PIECE, len(codes))
                    text = fasta.fetch(name, start + 1, end)
                    if len(text) != end - start:
                        raise EOFError("it is shorter than its index says; delete an old .fai")
                    codes[start:end] = encode(text)
                    letters.append(_ambiguous(text, start))
        except TfbError as error:
            raise InputError(self.path, f"contig {name}: {error}") from None
        except Exception as error:  # pyfaidx, Biopython and zlib raise what they like on damaged files
            raise InputError(self.path, f"contig {name} cannot be read (damaged or cut off?): {error}") from None
        return codes, np.concatenate(letters)

    def _check_room(self, name: str) -> None:
        needed, place = self.fasta.contigs[name].length, cache_folder()
        free = shutil.disk_usage(place).free
        if free < needed + (1 << 20):
            raise InputError(place, f"{free:,} bytes free, {needed:,} needed for {name}; set TFB_DATA to another disk")


def _ambiguous(text: str, start: int) -> NDArray[np.int64]:
    raw = text.encode()
    found = [match.start() for match in _AMBIGUOUS.finditer(raw)]
    return (np.array(found, np.int64) + start << 8) + np.frombuffer(raw.upper(), np.uint8)[found]


def _is(array: NDArray, dtype: DTypeLike, length: int) -> bool:
    return array.dtype == dtype and array.shape == (length,)
