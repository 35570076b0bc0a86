"""The index of a FASTA file: found, made where it is missing or old, and compared with the file."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyfaidx
from Bio import bgzf

from tfb_matrix_data.errors import InputError, TfbError
from tfb_matrix_data.files import atomic_path, check_bgzip_end, locked
from tfb_matrix_data.lines import ends_in_cr
from tfb_matrix_data.temporary import temporary_name

__all__ = ["Contig", "IndexedFasta", "file_identity"]

logger = logging.getLogger(__name__)

_BOM = b"\xef\xbb\xbf"
_HEAD = 4096
"""Bytes that tell what kind of file it is; a header line is hardly ever longer."""
_SAMPLES, _SAMPLE = 16, 1 << 12
_CHECKED, _CHECKED_COMPRESSED = 1000, 64
"""Contigs that are compared with the index when a file is opened; each is again when it is read."""
_HEADER = 1 << 16
"""Bytes in which a header line must end."""


class Contig(NamedTuple):
    """Where a contig is in its FASTA: a line of the ``.fai``.

    Attributes
    ----------
    length
        In bp.
    offset
        Byte of its first base, of the file before compression.
    bases, width
        Bases, and bytes with the line's end, of each line.
    """

    length: int
    offset: int
    bases: int
    width: int

    @property
    def end(self) -> int:
        """Return the byte behind its last base."""
        lines = max(self.length - 1, 0) // self.bases if self.bases else 0
        return self.offset + self.length + lines * (self.width - self.bases)


def file_identity(path: Path) -> str:
    """Return what changes when a file is replaced or edited, its time of modification kept or not.

    Of all names of the file it is the same.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        stat = os.fstat(stream.fileno())
        # The time of the last change of anything (ctime) cannot be set, but is coarse on some file systems.
        digest.update(repr((stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)).encode())
        for number in range(_SAMPLES):
            stream.seek(max(stat.st_size - _SAMPLE, 0) * number // (_SAMPLES - 1))
            digest.update(stream.read(_SAMPLE))
    return digest.hexdigest()[:24]


class IndexedFasta:
    """A FASTA file, plain or bgzip, that can be read at random.

    A missing ``.fai`` is made, and so is one that is older than the file, which may be another's: beside the FASTA, or
    in `cache` if that folder is read-only.

    Parameters
    ----------
    path
        The file; what it is is told by its content, not by its name.
    cache
        Folder for what belongs to this very file.

    Attributes
    ----------
    contigs
        By name, in the order of the index.

    Raises
    ------
    InputError
        If the file is no FASTA, is compressed by plain gzip, or has an index that is not its own.
    """

    def __init__(self, path: Path, cache: Path) -> None:
        self.path, self._cache = path, cache
        with open(path, "rb") as stream:
            head = stream.read(_HEAD)
        self._compressed = head[:2] == b"\x1f\x8b"
        if self._compressed:
            if head[12:14] != b"BC":
                raise InputError(path, "is compressed by gzip; recompress it: gunzip -c IN | bgzip > OUT.fa.gz")
            check_bgzip_end(path)
        elif head.removeprefix(_BOM)[:1] != b">":
            raise InputError(path, "is not FASTA (its first character is not '>')")
        elif b"\r" in head.partition(b"\n")[0].removesuffix(b"\r"):
            raise ends_in_cr(path)
        self._indices = self._current() or self._made()
        self.contigs = self._read()
        if not self.contigs:
            raise InputError(path, "holds no sequence")
        self._check_some()

    @contextmanager
    def open(self) -> Iterator[pyfaidx.Faidx]:
        """Open the file through pyfaidx."""
        if not all(index.is_file() for index in self._indices):  # on another machine, with a cache of its own
            self._indices = self._current() or self._made()
        fai, gzi = map(str, (*self._indices, "")[:2])
        with closing(pyfaidx.Faidx(self._name(), fai, as_raw=True, rebuild=False, gzi_indexname=gzi)) as fasta:
            yield fasta

    def check(self, name: str) -> None:
        """Compare a contig's line of the index with the file.

        Raises
        ------
        InputError
            If it is not of this file.
        """
        with self._bytes() as read:
            self._check(name, read)

    def _check_some(self) -> None:
        names = list(self.contigs)
        most = _CHECKED_COMPRESSED if self._compressed else _CHECKED
        if len(names) > most:
            names = [names[at] for at in np.linspace(0, len(names) - 1, most).astype(int)]
        with self._bytes() as read:
            for name in names:
                self._check(name, read)

    def _check(self, name: str, read: Callable[[int, int], bytes]) -> None:
        contig = self.contigs[name]
        try:
            fault = _fault(name, contig, read)
        except Exception as error:  # zlib and Biopython raise what they like where a .gzi is another file's
            fault = str(error)
        if fault:
            which = " and ".join(index.name for index in self._indices)
            raise InputError(
                self._indices[0],
                f"is not of this FASTA ({name}: {fault}); delete {which}, and it is made again"
                + ("" if self._compressed else f" (or is {self.path.name} cut off?)"),
            )

    def _read(self) -> dict[str, Contig]:
        try:
            with self.open() as fasta:
                return {name: _contig(record) for name, record in fasta.index.items()}
        except TfbError:
            raise
        except Exception as error:  # pyfaidx raises what it likes on damaged files
            raise InputError(
                self._indices[0], f"cannot be read as the index of {self.path.name} ({error}); delete it"
            ) from None

    def _beside(self, path: Path) -> tuple[Path, ...]:
        suffixes = (".fai", ".gzi") if self._compressed else (".fai",)
        return tuple(path.with_name(f"{path.name}{suffix}") for suffix in suffixes)

    def _current(self) -> tuple[Path, ...] | None:
        """Return the indices that are not older than the file, if there are such."""
        changed = self.path.stat().st_mtime_ns
        for indices in (self._beside(self.path), self._beside(self._cache / "index")):
            if all(index.is_file() and index.stat().st_mtime_ns >= changed for index in indices):
                return indices
        return None

    def _made(self) -> tuple[Path, ...]:
        """Make the indices, unless another process does while this one waits."""
        held = f"{self.path.name}: another process is indexing it"
        with locked(self._cache / ".index.lock", wait=True, held=held):
            indices = self._current()
            if indices is not None:
                return indices
            beside = _can_write(self.path.parent)
            indices = self._beside(self.path if beside else self._cache / "index")
            if not beside:
                name, place = self.path.name, self._cache
                logger.info("%s has no current .fai and its folder is read-only: indexing in %s", name, place)
            changed = self.path.stat().st_mtime_ns
            with ExitStack() as stack:
                # Renamed in the order of the alphabet turned round: whoever sees the .fai sees the .gzi, too.
                new = [stack.enter_context(atomic_path(index)) for index in indices]
                try:
                    _Faidx(self._name(), str(new[0]), as_raw=True, gzi_indexname=str(new[-1])).close()
                except TfbError:
                    raise
                except Exception as error:  # as above
                    raise InputError(self.path, f"cannot be indexed: {error}") from None
                for index in new:  # a file from the future has a current index, too
                    os.utime(index, ns=(max(index.stat().st_mtime_ns, changed),) * 2)
            return indices

    def _name(self) -> str:
        """Return a name of the file that tells pyfaidx whether it is compressed."""
        lower = self.path.name.lower()
        if lower.endswith((".gz", ".bgz")) == self._compressed and not lower.endswith((".bz2", ".zip")):
            return str(self.path)
        link = self._cache / ("genome.fa.gz" if self._compressed else "genome.fa")
        if not link.is_symlink() or link.readlink() != self.path:
            link.parent.mkdir(parents=True, exist_ok=True)
            new = temporary_name(link)
            new.symlink_to(self.path)
            os.replace(new, link)
        return str(link)

    @contextmanager
    def _bytes(self) -> Iterator[Callable[[int, int], bytes]]:
        """Give a function that reads (offset, number) bytes of the file before compression."""
        with open(self.path, "rb") as stream:
            if not self._compressed:
                yield lambda at, number: os.pread(stream.fileno(), number, at)
                return
            # (compressed, uncompressed) start of each block but the first.
            starts = np.fromfile(self._indices[1], "<u8", offset=8).reshape(-1, 2).tolist()
            blocks = [(0, 0), *((plain, packed) for packed, plain in starts)]
            reader = bgzf.BgzfReader(fileobj=stream, mode="rb")

            def read(at: int, number: int) -> bytes:
                plain, packed = blocks[bisect_right(blocks, (at, 1 << 63)) - 1]
                reader.seek(bgzf.make_virtual_offset(packed, at - plain))
                return reader.read(number)

            yield read


class _Faidx(pyfaidx.Faidx):
    """Indexes a file that begins with a byte order mark, too."""

    file: Any

    def build_index(self) -> None:
        whole, self.file = self.file, _Unmarked(self.file)
        try:
            super().build_index()
        finally:
            self.file = whole


class _Unmarked:
    """The lines of a file, with a blank one of as many bytes in place of a byte order mark."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.tell, self.seek = stream.tell, stream.seek

    def __iter__(self) -> Iterator[bytes]:
        for number, line in enumerate(self._stream):
            if not number and line.startswith(_BOM):
                yield b"  \n"
                line = line.removeprefix(_BOM)
            yield line


def _contig(record: pyfaidx.IndexRecord) -> Contig:
    contig = Contig(record.rlen, record.offset, record.lenc, record.lenb)
    if min(contig) < 0 or contig.width < contig.bases or (contig.length and not contig.bases):
        raise ValueError(f"{contig.length} bases from byte {contig.offset} in lines of {contig.bases}")
    return contig


def _fault(name: str, contig: Contig, read: Callable[[int, int], bytes]) -> str:
    """Return what of a contig is not as its line of the index says; empty if all is."""
    for width in (256, _HEADER):  # few headers are long
        start = max(0, contig.offset - width)
        before = read(start, contig.offset - start)
        if not start:
            before = before.removeprefix(_BOM)
        header = before[before.rstrip(b"\r\n").rfind(b"\n") + 1 :]
        if header.startswith(b">"):
            break
    if header[:1] != b">" or header[1:].split()[:1] != [name.encode()]:
        return "its header is not where the index says"
    if not contig.length:
        return ""
    if not header.endswith(b"\n"):
        return "its first base is not where the index says"
    if contig.length > contig.bases and read(contig.offset + contig.bases, 1) not in (b"\r", b"\n"):
        return "its lines are not as long as the index says"
    tail = read(contig.end - 1, 64)
    if not tail.strip() or tail[:1] in b"\r\n>":
        return "it is shorter than the index says"
    rest = tail[1:]
    if rest and (rest[:1] not in b"\r\n" or rest.lstrip()[:1] not in (b"", b">")):
        return "it is longer than the index says"
    return ""


def _can_write(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
