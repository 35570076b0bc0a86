"""Alleles the plain way, base by base in strings: what the vectorised ones are compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfb_matrix_data.variants import Variants

__all__ = ["FIRST", "change", "normal_form", "variants", "windows"]

FIRST = {"R": "A", "Y": "C", "K": "G", "M": "A", "S": "C", "W": "A", "B": "C", "D": "A", "H": "A", "V": "A"}
"""VCF 4.3's base for each IUPAC letter of a genome."""


def normal_form(contig: str, pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Return (1-based pos, ref, alt) by the algorithm of Tan et al. 2015, as ``bcftools norm`` does at the start."""
    pos, ref, alt = _aligned(contig, pos, ref, alt)
    if ref[0] == "N":  # taken from the contig
        base = FIRST.get(contig[pos - 1].upper(), "N")
        ref, alt = base + ref[1:], base + alt[1:]
    return pos, ref, alt


def _aligned(contig: str, pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    contig = "".join(base if base in "ACGT" else "N" for base in contig.upper())
    ref, alt = ref.upper(), alt.upper()
    if ref == alt:
        return pos, ref, alt
    while True:
        if ref[-1] == alt[-1] and not (pos == 1 and min(len(ref), len(alt)) == 1):
            ref, alt = ref[:-1], alt[:-1]
        elif ref and alt:
            break
        if not ref or not alt:
            pos -= 1
            ref, alt = contig[pos - 1] + ref, contig[pos - 1] + alt
    while ref[0] == alt[0] and min(len(ref), len(alt)) > 1:
        pos, ref, alt = pos + 1, ref[1:], alt[1:]
    return pos, ref, alt


def change(contig: str, pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Return (0-based start, ref, alt) of the normal form without the base that an indel shares with its REF."""
    pos, ref, alt = _aligned(contig, pos, ref, alt)
    if ref != alt:
        while ref and alt and ref[-1] == alt[-1]:
            ref, alt = ref[:-1], alt[:-1]
        while ref and alt and ref[0] == alt[0]:
            pos, ref, alt = pos + 1, ref[1:], alt[1:]
    return pos - 1, ref, alt


def windows(contig: str, pos: int, ref: str, alt: str, length: int, shift: int = 0) -> tuple[str, str]:
    """Return both windows: spell out both haplotypes, pad them with N, and cut at the same place."""
    start, ref, alt = change(contig, pos, ref, alt)
    before, after = contig[:start], contig[start + len(ref) :]
    left = start - length // 2 + shift
    pad = "N" * length
    found = [(pad + before + allele + after + pad)[length + left :][:length] for allele in (ref, alt)]
    ref_window, alt_window = ("".join(base if base in "ACGT" else "N" for base in one.upper()) for one in found)
    return ref_window, alt_window


def variants(*rows: tuple, duplicate: tuple[int, ...] = ()) -> Variants:
    """Return variants of rows (chrom, 1-based pos, ref, alt)."""
    chrom, pos, ref, alt = (list(column) for column in zip(*rows, strict=True))
    flagged = np.isin(np.arange(len(rows)), duplicate)
    return Variants(chrom, np.array(pos, np.int64), ["."] * len(rows), ref, alt, flagged, Path("test.vcf"))
