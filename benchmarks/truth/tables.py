"""The measured effects: tables of allele-specific binding and of saturation mutagenesis, as alleles of a VCF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tfb_matrix_data.errors import InputError, UnknownNameError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.lines import read_lines
from tfb_matrix_data.sequence import decode

_READS = ("ref_tf_dp", "alt_tf_dp", "ref_dnase_dp", "alt_dnase_dp")

ASB_FILE, MPRA_FILE = "asb_shi2016.tsv.gz", "mpra_kircher2019.tsv.gz"

ASB_COLUMNS = ("chrom", "pos", "ref", "alt", "cell", "TF", *_READS, "ASB", "region")
MPRA_COLUMNS = ("chrom", "pos", "ref", "alt", "barcodes", "coefficient", "pvalue", "element")
_NUMBERS = ("pos", *_READS, "region", "barcodes", "coefficient", "pvalue")

DELETED = "-"
"""ALT of a deleted base in the table of saturation mutagenesis."""
MIN_BARCODES, SIGNIFICANT = 10, 1e-5
"""What Kircher et al. 2019 (doi:10.1038/s41467-019-11526-w) take for measured, and for significant."""
BLOCK = 10
"""Neighbouring positions of an element, in bp, that are resampled together: they share a motif."""


@dataclass(frozen=True)
class Bindings:
    """Heterozygous SNVs with the reads of either allele, one row per SNV, TF and cell.

    Attributes
    ----------
    alleles
        (chrom, pos, ref, alt) per row, as in a VCF.
    tf, cell
        TF and cell per row.
    imbalanced
        bool: called allele-specific (ASB).
    favoured
        float: 1 where ALT has more of the TF's reads, -1 where REF has, 0 where both have as many.
    open
        The same for the reads of DNase-seq: the allele on which chromatin is more open, or of which there are more.
    group
        int: DHS region; its SNVs share windows, peaks and reads, so that they are resampled together.
    """

    alleles: list[tuple]
    tf: NDArray[np.str_]
    cell: NDArray[np.str_]
    imbalanced: NDArray[np.bool_]
    favoured: NDArray[np.float64]
    open: NDArray[np.float64]
    group: NDArray[np.int64]

    @property
    def chrom(self) -> NDArray[np.str_]:
        """Return the chromosome of each row."""
        return np.array([chrom for chrom, *_ in self.alleles])

    def take(self, rows: NDArray[np.int64]) -> Bindings:
        """Return some rows."""
        alleles = [self.alleles[row] for row in rows.tolist()]
        names = ("tf", "cell", "imbalanced", "favoured", "open", "group")
        return Bindings(alleles, **{name: getattr(self, name)[rows] for name in names})


@dataclass(frozen=True)
class Mutations:
    """Variants of regulatory elements with the measured change of expression, one row per variant and experiment.

    Attributes
    ----------
    alleles
        (chrom, pos, ref, alt) per row, as in a VCF: a deletion begins with the base before it.
    element
        Experiment per row.
    coefficient
        log2 change of expression; positive: ALT raises it.
    significant
        bool: p below `SIGNIFICANT`.
    deletion
        bool: a base is deleted.
    measured
        bool: seen with at least `MIN_BARCODES` barcodes.
    group
        int: block of `BLOCK` neighbouring positions.
    """

    alleles: list[tuple]
    element: NDArray[np.str_]
    coefficient: NDArray[np.float64]
    significant: NDArray[np.bool_]
    deletion: NDArray[np.bool_]
    measured: NDArray[np.bool_]
    group: NDArray[np.int64]


def read_asb(path: str | Path) -> Bindings:
    """Read a table of allele-specific binding.

    Raises
    ------
    InputError
        If the file is none, lacks a column (`ASB_COLUMNS`), or has a value that is none.
    """
    table = _read(path, ASB_COLUMNS)
    calls = table["ASB"].to_numpy(str)
    _check(path, ~np.isin(calls, ["ASB", "nonASB"]), "ASB", calls, "ASB or nonASB")
    return Bindings(
        list(zip(table["chrom"], table["pos"].tolist(), table["ref"], table["alt"], strict=True)),
        table["TF"].to_numpy(str),
        table["cell"].to_numpy(str),
        calls == "ASB",
        np.sign(table["alt_tf_dp"] - table["ref_tf_dp"]).to_numpy(float),
        np.sign(table["alt_dnase_dp"] - table["ref_dnase_dp"]).to_numpy(float),
        table["region"].to_numpy(np.int64),
    )


def read_mpra(path: str | Path, genome: Genome) -> Mutations:
    """Read a table of saturation mutagenesis; the base before a deleted one is the genome's.

    Raises
    ------
    InputError
        If the file is none, lacks a column (`MPRA_COLUMNS`), or has a value that is none.
    """
    table = _read(path, MPRA_COLUMNS)
    chrom, pos, deletion = table["chrom"].tolist(), table["pos"].to_numpy(np.int64), table["alt"] == DELETED
    try:
        before = decode(genome.windows(chrom, pos - 2, 1).codes.ravel())
    except UnknownNameError as error:
        raise InputError(path, str(error)) from None
    alleles = [
        (c, p - 1, base + ref, base) if deleted else (c, p, ref, alt)
        for c, p, ref, alt, deleted, base in zip(
            chrom, pos.tolist(), table["ref"], table["alt"], deletion, before, strict=True
        )
    ]
    return Mutations(
        alleles,
        table["element"].to_numpy(str),
        table["coefficient"].to_numpy(float),
        table["pvalue"].to_numpy(float) < SIGNIFICANT,
        deletion.to_numpy(bool),
        table["barcodes"].to_numpy(float) >= MIN_BARCODES,
        pos // BLOCK,
    )


def write_alleles(alleles: Sequence[tuple], path: Path) -> None:
    """Write alleles as a table that `tfb score` reads."""
    with atomic_path(path) as temporary:
        lines = ["\t".join(map(str, allele)) + "\n" for allele in alleles]
        temporary.write_text("chrom\tpos\tref\talt\n" + "".join(lines))


def _read(path: str | Path, columns: Sequence[str]) -> pd.DataFrame:
    header = next(text for _, text in read_lines(path)).split("\t")
    missing = [name for name in columns if name not in header]
    if missing:
        raise InputError(path, f"lacks the column(s) {', '.join(missing)}; its header has {', '.join(header)}", 1)
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, usecols=list(columns))
    if not len(table):
        raise InputError(path, "has a header but no row")
    for name in columns:
        if name in _NUMBERS:
            numbers = pd.to_numeric(table[name], errors="coerce")
            _check(path, ~np.isfinite(numbers.to_numpy(float)), name, table[name].to_numpy(str), "a number")
            table[name] = numbers
        else:
            _check(path, (table[name] == "").to_numpy(), name, table[name].to_numpy(str), "a value")
    return table


def _check(path: str | Path, wrong: NDArray[np.bool_], column: str, values: NDArray, expected: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(path, f"column {column}: found {str(values[row])!r}, expected {expected}", row + 2)
