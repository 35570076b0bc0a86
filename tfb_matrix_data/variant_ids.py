"""Identifiers of dbSNP, looked up in a VCF of the user's own by reading it: no index of a VCF knows identifiers."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from tfb_matrix_data.fasta_index import file_identity
from tfb_matrix_data.files import atomic_path, cache_folder

__all__ = ["Allele", "KnownIds", "find_ids"]

logger = logging.getLogger(__name__)

Allele = tuple[str, int, str, str]
"""Contig, 1-based position, REF and ALTs (separated by commas) of a record."""

_HEAD = re.compile(rb"^([^\t\n]*)\t([0-9]+)\t([^\t\n]*)\t([^\t\n]*)\t([^\t\n]*)\t", re.MULTILINE)


def find_ids(blocks: Iterable[bytes], wanted: Iterable[str], advance: Callable[[int], None]) -> dict[str, list[Allele]]:
    """Return the records of each identifier, an empty list for one that has none.

    Parameters
    ----------
    blocks
        Whole lines of a VCF, some thousand together (`tfb_matrix_data.variant_lines.VariantLines.blocks`).
    wanted
        Identifiers.
    advance
        Told how many bytes have been read.
    """
    found: dict[str, list[Allele]] = {name: [] for name in wanted}
    keys = {name.encode() for name in found}
    for block in blocks:
        for chrom, pos, names, ref, alt in _HEAD.findall(block):
            if names in keys or (b";" in names and not keys.isdisjoint(names.split(b";"))):
                allele = (chrom.decode(), int(pos), ref.decode(errors="replace"), alt.decode(errors="replace"))
                for name in keys.intersection(names.split(b";")):
                    found[name.decode()].append(allele)
        advance(len(block))
    return found


class KnownIds:
    """What was found of identifiers in a file before, so that it is read again for new ones only.

    Parameters
    ----------
    path
        The file; another one of that name, or one that was changed, is known to have nothing yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = cache_folder() / "identifiers" / f"{path.name}-{file_identity(path)}.json"
        self.found: dict[str, list[Allele]] = {}
        if self._path.is_file():
            try:
                read = json.loads(self._path.read_text())
                self.found = {name: [(c, p, r, a) for c, p, r, a in alleles] for name, alleles in read.items()}
            except (ValueError, AttributeError, TypeError):
                logger.info("%s is damaged and made again", self._path)

    def add(self, found: dict[str, list[Allele]]) -> None:
        """Keep what was found."""
        self.found |= found
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(self._path) as temporary:
            temporary.write_text(json.dumps(self.found))
