"""`tfb report`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.options import (
    DeviceOption,
    ModelsOption,
    PrecisionOption,
    RequiredGenomeOption,
    TfsOption,
    ThreadsOption,
    listed,
    open_genome,
    predictor_of,
    say,
)


def report(
    scores: Annotated[Path, typer.Argument(help="What `tfb score` wrote: .tsv, .parquet, .h5, .vcf or .vcf.gz.")],
    genome: RequiredGenomeOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="OUT.html.")],
    top: Annotated[
        int, typer.Option("--top", min=0, help="Details of so many alleles, those of the largest impact.")
    ] = 200,
    variants: Annotated[
        str,
        typer.Option("--variants", help="Only these, all with details: a file of variants, or some, comma-separated."),
    ] = "",
    info: Annotated[str, typer.Option("--info", help="INFO fields to show, comma-separated: GENE,CLNSIG.")] = "",
    vcf: Annotated[
        Path | None, typer.Option("--vcf", help="The VCF that was scored: has the INFO fields, if SCORES is a table.")
    ] = None,
    igv: Annotated[
        Path | None, typer.Option("--igv", help="igv.min.js of npm's package igv: a genome browser in the page.")
    ] = None,
    models: ModelsOption = "multi163",
    tfs: TfsOption = "",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    threads: ThreadsOption = 0,
) -> None:
    """Make a page of scored variants: which TFs each affects, and why. One file, which loads and sends nothing.

    Example: tfb report effects.vcf.gz --genome hg38.fa --info GENE,CLNSIG -o report.html
    """
    from kipoi_tfb.report.facts import facts_of
    from kipoi_tfb.report.igv import read_igv
    from kipoi_tfb.report.job import ReportOptions, make_report
    from kipoi_tfb.report.page import check_page, write_page
    from kipoi_tfb.report.scores import open_scores
    from kipoi_tfb.zoo.card import today

    check_page(output)
    browser = read_igv(igv) if igv else None
    file, reference = open_scores(scores), open_genome(genome)
    # The TFs that the scores are of: `tfb score --tfs` leaves the others out.
    predictor = predictor_of(models, tfs or ",".join(file.tfs), device, precision, threads)
    options = ReportOptions(top, _named(variants), predictor.columns if tfs else (), listed(info) or (), vcf, browser)
    files = {"Scores": scores, "Variants": vcf, "Genome": genome}
    facts = facts_of(f"Transcription factors affected: {scores.name}", files, predictor, _command(), today())
    made = make_report(file, reference, predictor, facts, options)
    size = write_page(made, output)
    say(f"{len(made.rows)} alleles, {len(made.details)} with details -> {output} ({size / 1e6:.1f} MB)")


def _named(variants: str) -> Path | list[str] | None:
    if not variants:
        return None
    return Path(variants) if Path(variants).is_file() else listed(variants)


def _command() -> str:
    """Return the command line without the folders of its files: a report does not tell where its author keeps them."""
    return shlex.join(["tfb", *(Path(argument).name if "/" in argument else argument for argument in sys.argv[1:])])
