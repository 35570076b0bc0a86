"""What the header of an annotated VCF says of the genome, so that other tools read it and BCF can be made of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tfb_matrix_data.errors import UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.names import shown

__all__ = ["SeenContigs"]

_CONTIG = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")
"""What VCF lets a contig be called; another name would break the header."""


class SeenContigs:
    """The contigs that records are on, as they call them, in their order.

    Attributes
    ----------
    names
        Each of them.
    """

    def __init__(self, genome: Genome) -> None:
        self.genome = genome
        self.names: dict[str, None] = {}

    def update(self, chrom: list[str]) -> None:
        """Look at the contigs of a chunk."""
        self.names |= dict.fromkeys(chrom)

    @property
    def known(self) -> bool:
        """Return whether any is one of the genome's."""
        return any(self._in_genome(name) is not None for name in self.names)

    def declared_in(self, header: Sequence[bytes]) -> list[bytes]:
        """Return a header with lines ``##reference`` and ``##contig`` for what it lacks, its own lines as they were.

        Where it declares no contig at all and the records call contigs as the genome does, all of the genome's are
        declared, in their order; else those that records are on.
        """
        text = b"".join(header).decode(errors="replace")
        declared = re.findall(r"^##contig=<(?:[^>]*,)?ID=([^,>]+)", text, re.MULTILINE)
        wanted = [name for name in self.names if name not in declared]
        if not declared and all(self._in_genome(name) in (name, None) for name in self.names):
            wanted = list(dict.fromkeys([*self.genome.lengths, *self.names]))
        lines = [self._line(name) for name in wanted if _CONTIG.fullmatch(name)]
        if not re.search(r"^##reference=", text, re.MULTILINE):
            lines.insert(0, f"##reference={shown(self.genome.path.name)}\n")
        return [*header[:-1], *(line.encode() for line in lines), header[-1]]

    def _line(self, name: str) -> str:
        own = self._in_genome(name)
        return f"##contig=<ID={name}{f',length={self.genome.lengths[own]}' if own else ''}>\n"

    def _in_genome(self, name: str) -> str | None:
        try:
            return self.genome.contig(name)
        except UnknownNameError:
            return None
