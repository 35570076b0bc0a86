"""A VCF, scored as VCF and as a table: ``pytest_plugins = ("tests.variants.scored_vcf",)``.

PYTEST_DONT_REWRITE: it asserts nothing, and test modules import it before they make it a plugin.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet
import pytest

from kipoi_tfb.variants.score import score_variants
from tests.entries import base

HEAD = """##fileformat=VCFv4.2
##contig=<ID=chr1>
##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2
"""


def other(letter: str) -> str:
    return letter.translate(str.maketrans("ACGT", "TGCA"))


def line(pos: int, alt: str, info: str = ".", ref: str = "") -> str:
    # A quality that a parser writes another way.
    return f"chr1\t{pos}\trs{pos}\t{ref or base(pos)}\t{alt}\t29.50\tq10;s50\t{info}\tGT:XX\t0/1:a\t./.:b\n"


LINES = [
    line(500, other(base(500))),
    line(510, f"{other(base(510))},<DEL>,{base(510)}C", "DP=7;YY"),
    line(520, "<DEL>", "DP=3;"),
    line(530, "."),
    line(540, "A" if base(540) != "A" else "C", "DP=1", ref=other(base(540)) if base(540) in "AT" else "A"),
]


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


@pytest.fixture(scope="module")
def scored(tmp_path_factory, predictor, genome) -> tuple[Path, dict]:
    """Return the annotated VCF of `LINES`, and the same as columns."""
    folder = tmp_path_factory.mktemp("scored")
    vcf = write(folder / "in.vcf", HEAD + "".join(LINES))
    score_variants(predictor, vcf, genome, folder / "out.vcf")
    score_variants(predictor, vcf, genome, folder / "out.parquet")
    return folder / "out.vcf", pyarrow.parquet.read_table(folder / "out.parquet").to_pydict()


def body(text: str) -> list[list[str]]:
    return [row.split("\t") for row in text.splitlines() if not row.startswith("#")]
