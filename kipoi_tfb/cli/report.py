"""`tfb report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kipoi_tfb.cli.options import (
    DeviceOption,
    HitsOption,
    ModelsOption,
    PrecisionOption,
    TfsOption,
    ThreadsOption,
    command_line,
    listed,
    motifs_of,
    open_genome,
    predictor_of,
    say,
)

if TYPE_CHECKING:
    from kipoi_tfb.report.contents import Sheet


def report(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SCORES",
            help="What `tfb score` wrote (.tsv, .parquet, .h5, .vcf or .vcf.gz), or `tfb predict --regions` (.tsv or "
            ".parquet), or a zoo entry: its evaluation.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="OUT.html.")],
    genome: Annotated[Path | None, typer.Option("--genome", help="FASTA that the variants were scored with.")] = None,
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
        bool, typer.Option("--igv/--no-igv", help="A genome browser (igv.js) in the page: 0.6 MB of it.")
    ] = True,
    hits: HitsOption = "",
    models: ModelsOption = "multi163",
    tfs: TfsOption = "",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    threads: ThreadsOption = 0,
) -> None:
    """Make a page of scored variants: which TFs each affects, and why. One file, which loads and sends nothing.

    Example: tfb report effects.vcf.gz --genome hg38.fa --info GENE,CLNSIG -o report.html
    """
    from kipoi_tfb.report.page import check_page, write_page

    check_page(output)
    given = context.get_parameter_source("models")
    sheet = _sheet(source, None if given is None or given.name == "DEFAULT" else models)
    if sheet is not None:
        size = write_page(sheet, output)
        say(f"{len(sheet.rows)} rows -> {output} ({size / 1e6:.1f} MB)")
        return
    if genome is None:
        raise typer.BadParameter("a report of variants needs --genome: the FASTA that they were scored with")
    from kipoi_tfb.report.facts import facts_of
    from kipoi_tfb.report.igv import read_igv
    from kipoi_tfb.report.job import ReportOptions, make_report
    from kipoi_tfb.report.scores import open_scores
    from kipoi_tfb.zoo.card import today

    motifs = motifs_of(hits) if hits else []
    scores, reference = open_scores(source), open_genome(genome)
    # The TFs that the scores are of: `tfb score --tfs` leaves the others out.
    predictor = predictor_of(models, tfs or ",".join(scores.tfs), device, precision, threads)
    options = ReportOptions(
        top,
        _named(variants),
        predictor.columns if tfs else (),
        listed(info) or (),
        vcf,
        read_igv() if igv else None,
        motifs,
    )
    files = {"Scores": scores.path, "Variants": vcf, "Genome": genome}
    entries = list({id(entry): entry for entry in predictor.sources}.values())
    facts = facts_of(f"Transcription factors affected: {scores.path.name}", files, entries, command_line(), today())
    made = make_report(scores, reference, predictor, facts, options)
    size = write_page(made, output)
    say(f"{len(made.rows)} alleles, {len(made.details)} with details -> {output} ({size / 1e6:.1f} MB)")


def _sheet(source: str, models: str | None) -> Sheet | None:
    """Return the page of an entry or of predictions; None for what is to be read as scores of variants."""
    from kipoi_tfb.report.facts import facts_of
    from kipoi_tfb.report.origin import models_of
    from kipoi_tfb.report.sheets import about_of, evaluation_sheet, is_regions, read_regions, regions_sheet, tfs_of
    from kipoi_tfb.zoo.card import today
    from kipoi_tfb.zoo.find import find_entry

    path = Path(source)
    if path.is_file() and is_regions(path):
        table = read_regions(path)
        about = about_of(table)
        entries = models_of(path, about, tfs_of(table), models)
        title, notes = f"Transcription factors that bind: {path.name}", {"Predictions": about.get("tfb_predict", "")}
        return regions_sheet(table, facts_of(title, {"Predictions": path}, entries, command_line(), today(), notes))
    if path.is_file() or (path.suffix and not path.is_dir()):
        return None
    entry = find_entry(source)
    return evaluation_sheet(entry, facts_of(f"Evaluation of {entry.name}", {}, [entry], command_line(), today()))


def _named(variants: str) -> Path | list[str] | None:
    if not variants:
        return None
    return Path(variants) if Path(variants).is_file() else listed(variants)
