"""Lengths of a genome's contigs, from a FASTA or a list, and whether intervals lie on them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tfb_matrix_data.contigs import find_contig
from tfb_matrix_data.errors import InputError, UnknownNameError
from tfb_matrix_data.files import check_kept
from tfb_matrix_data.lines import read_lines

__all__ = ["Sizes", "check_place", "read_sizes"]


class Sizes(NamedTuple):
    """Lengths of the contigs of a genome in bp by name, and the name of the file that says so."""

    lengths: dict[str, int]
    name: str


def read_sizes(path: str | Path) -> Sizes:
    """Return the contig lengths of a FASTA (plain or bgzip), or of a ``chrom.sizes`` or ``.fai`` file.

    Raises
    ------
    InputError
        If the file is neither, or a contig has two lengths; the message names the line.
    """
    path = Path(path)
    lines = read_lines(path)
    if lines.first.startswith(">"):
        from tfb_matrix_data.genome import Genome

        check_kept(path, "contigs of a FASTA are looked up in an index")
        return Sizes(dict(Genome(path).lengths), path.name)
    lengths: dict[str, int] = {}
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) < 2 or not fields[1].isdecimal() or int(fields[1]) == 0:
            expected = "expected FASTA, or lines of contig name and length (chrom.sizes)"
            raise InputError(path, f"{expected}; {line[:60]!r} is not a chromosome and its length", number)
        if lengths.setdefault(fields[0], int(fields[1])) != int(fields[1]):
            raise InputError(path, f"{fields[0]} has another length than before", number)
    return Sizes(lengths, path.name)


def check_place(path: Path, number: int, chrom: str, start: int, end: int, sizes: Sizes | None) -> None:
    """Check that an interval, read from that line of `path`, lies on a contig of the genome.

    Raises
    ------
    InputError
        If it does not.
    """
    if sizes is None:
        return
    contig = find_contig(chrom, sizes.lengths)
    if contig is None:
        unknown = UnknownNameError("contig", chrom, sizes.lengths)
        raise InputError(path, f"{unknown} Is this the assembly of {sizes.name}?", number)
    if end > sizes.lengths[contig]:
        raise InputError(
            path,
            f"{chrom}:{start}-{end} ends beyond the contig ({sizes.lengths[contig]:,} bp in {sizes.name}); "
            "is this the right assembly?",
            number,
        )
