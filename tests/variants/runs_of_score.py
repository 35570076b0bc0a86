"""Runs of `score_variants` on a small VCF."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants import score as scoring
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from tests.entries import CONTIGS, TFS
from tfb_matrix_data.genome import Genome

HEADER = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def write_vcf(path: Path, rows: list[tuple]) -> Path:
    path.write_text(HEADER + "".join("\t".join(map(str, row)) + "\t.\t.\t.\n" for row in rows))
    return path


def base(pos: int, n: int = 1, chrom: str = "chr1") -> str:
    """Return n bases from a 1-based position on."""
    return CONTIGS[chrom][pos - 1 : pos - 1 + n].upper()


def other(letters: str) -> str:
    """Return the complement: other letters, all of them."""
    return letters.translate(str.maketrans("ACGT", "TGCA"))


def run(
    predictor: Predictor, genome: Genome, tmp_path: Path, rows: list[tuple], **options: object
) -> tuple[dict, scoring.ScoringSummary]:
    vcf = write_vcf(tmp_path / "a.vcf", rows)
    summary = score_variants(predictor, vcf, genome, tmp_path / "out.parquet", ScoringOptions(**options))
    return pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pydict(), summary


def values(table: dict, score: str, tfs: tuple[str, ...] = TFS) -> np.ndarray:
    return np.array([table[f"{tf}_{score}"] for tf in tfs], np.float64).T


MIXED = [
    ("chr1", 500, "snv", base(500), f"{other(base(500))},{base(500)}G"),
    ("chr1", 700, "sym", base(700), "<DEL>,*"),
    ("chr1", 710, "wrong", other(base(710)), "A" if base(710) != "A" else "C"),
    ("chr1", 720, "none", base(720), "."),
    ("chr2", 950, "del", base(950, 4, "chr2"), base(950, 1, "chr2")),
    ("chr1", 300, "mnv", base(300, 3), other(base(300, 3))),
    ("chr1", 300, "twice", base(300, 3), other(base(300, 3))),
    ("chr1", 5, "edge", base(5), other(base(5))),
    ("chr1", 800, "long", base(800), "A" * 101),
    ("chr9", 800, "where", "A", "C"),
    ("chr1", 2999, "past", base(2999, 2) + "A", "C"),
]
