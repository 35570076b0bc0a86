"""Tables of measured effects."""

from __future__ import annotations

from pathlib import Path

from tests.entries import base

ASB_HEADER = ["chrom", "pos", "ref", "alt", "cell", "TF", "ref_tf_dp", "alt_tf_dp", "ref_dnase_dp", "alt_dnase_dp"]
ASB_HEADER += ["ASB", "region"]
MPRA_HEADER = ["chrom", "pos", "ref", "alt", "barcodes", "coefficient", "pvalue", "element"]


def write_table(path: Path, header: list[str], rows: list[list[object]]) -> Path:
    path.write_text("".join("\t".join(map(str, line)) + "\n" for line in [header, *rows]))
    return path


def snv(pos: int, step: int = 1) -> tuple[str, int, str, str]:
    """Return an SNV of the fixture's chr1."""
    return "chr1", pos, base(pos), "ACGT"[("ACGT".index(base(pos)) + step) % 4]
