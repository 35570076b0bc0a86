"""`tfb score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.options import (
    SHIFT_STEP,
    DeviceOption,
    IdsOption,
    InCellsOption,
    ModelsOption,
    PrecisionOption,
    TfsOption,
    ThreadsOption,
    listed,
    open_genome,
    predictor_of,
    say,
    shifts_of,
)
from kipoi_tfb.cli.quick_start import keep_what_is_there


def score(
    variants: Annotated[
        list[str],
        typer.Argument(
            help="VCF, VCF.gz, BCF, a table or list of variants, - for stdin; or variants: chr19:11089231:A>G ..."
        ),
    ],
    genome: Annotated[Path, typer.Option("--genome", help="FASTA of the variants' assembly, plain or bgzip.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="OUT.vcf.gz, OUT.vcf, OUT.tsv, OUT.parquet or OUT.h5.")
    ],
    models: ModelsOption = "multi163",
    tfs: TfsOption = "",
    cells: InCellsOption = "",
    region: Annotated[str, typer.Option(help="Only records that overlap chr1:1-1000; needs an index.")] = "",
    ids: IdsOption = None,
    scores: Annotated[
        str,
        typer.Option(
            help="Which are written: ref,alt,effect,impact (default), diff, disagreement, percentile, "
            "impact_percentile, activity, max_effect."
        ),
    ] = "",
    shifts: Annotated[
        str,
        typer.Option(
            metavar="BP[,STEP]",
            help=f"Also the largest effect over shifts of the window by up to BP (max_effect); step {SHIFT_STEP} bp.",
        ),
    ] = "",
    top: Annotated[int, typer.Option(min=0, help="Name so many TFs gained and lost per allele; 0 for none.")] = 3,
    columns: Annotated[str, typer.Option(help="Names of a table's columns: tfb or kipoi-veff2.")] = "tfb",
    tidy: Annotated[bool, typer.Option("--tidy", help="Tables in long form: a row per allele and TF.")] = False,
    index: Annotated[bool, typer.Option(help="Make an index of OUT.vcf.gz.")] = True,
    allele_swap: Annotated[
        bool, typer.Option("--allele-swap", help="Score where the genome has ALT instead of REF: status swapped.")
    ] = False,
    phased: Annotated[
        str | None,
        typer.Option(
            "--phased", metavar="SAMPLE", help="Also score together what this sample has on one haplotype (GT 0|1, PS)."
        ),
    ] = None,
    ignore_assembly: Annotated[
        bool, typer.Option("--ignore-assembly", help="Go on where REF is mostly not what the genome has.")
    ] = False,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    threads: ThreadsOption = 0,
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Score in so many processes of this machine (dask).")
    ] = 0,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Or on the workers of this dask scheduler.")
    ] = None,
) -> None:
    """Score the effect of every ALT allele on every TF: one row per ALT, each with a status.

    Example: tfb score variants.vcf.gz --genome hg38.fa --models multi163 -o effects.vcf.gz
    """
    source = _variants(variants)
    from kipoi_tfb.variants.tables import effect_format

    effect_format(output)
    largest_and_step = shifts_of(shifts)
    if scheduler is not None and not scheduler.strip():  # of a file that is not there yet: not a run without workers
        raise typer.BadParameter("--scheduler is empty; an address looks like tcp://10.0.0.1:8786")
    if workers and scheduler:
        raise typer.BadParameter("give either --workers or --scheduler")
    from kipoi_tfb.output.workers import Cluster, check_dask

    cluster = Cluster(workers, scheduler or "", threads) if workers or scheduler else None
    if cluster is not None:
        check_dask()
    predictor = predictor_of(models, tfs, device, precision, threads, cells)
    from kipoi_tfb.variants.score import ScoringOptions, score_variants

    options = ScoringOptions(
        region=region or None,
        ids=ids,
        allele_swap=allele_swap,
        phased=phased,
        ignore_assembly=ignore_assembly,
        scores=listed(scores),
        shifts=largest_and_step,
        top=top,
        columns=columns,
        tidy=tidy,
        index=index,
    )
    keep_what_is_there()
    summary = score_variants(predictor, source, open_genome(genome), output, options, cluster)
    say(f"{summary.alleles} alleles x {len(predictor.columns)} TFs -> {output} ({summary.records} records)")
    if summary.taken_over:
        say(f"{summary.taken_over} pieces were there already, from a run that was stopped")
    for kind in ("status", "flags"):
        for name, count in getattr(summary, kind).most_common():
            say(f"  {kind:<7} {name:<20} {count:>9}")
    if summary.alleles and not summary.status["ok"] + summary.status["swapped"]:
        say("warning: no allele could be scored; is this the VCF's genome?")
    for notice in summary.notices:
        say(notice)
    for warning in summary.warnings:
        say(f"warning: {warning}")
    for problem in summary.problems:
        say(f"error: {problem}")
    wrong = summary.status["ref_mismatch"] if isinstance(source, list) else 0
    if wrong:
        say(
            f"error: {wrong} of the {summary.alleles} alleles have a REF that is not what {genome.name} has there, and "
            f"no score (status ref_mismatch in {output}); is it this assembly, and this strand? --allele-swap scores "
            "where the genome has ALT"
        )
    if summary.problems or wrong:
        raise typer.Exit(1)


def _variants(arguments: list[str]) -> str | list[str]:
    """Return the file that the arguments name, or the variants that they are."""
    from tfb_matrix_data.variant_names import FORMS, is_identifier, is_variant_string

    wrong = [text for text in arguments if not (is_variant_string(text) or is_identifier(text))]
    if len(arguments) == 1 and (wrong or Path(arguments[0]).exists()):
        return arguments[0]
    if wrong:
        raise typer.BadParameter(f"give one file, or variants like {FORMS}; found {wrong[0]!r}")
    return arguments
