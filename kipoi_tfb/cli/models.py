"""`tfb predict`, `score`, `pretrain` and `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kipoi_tfb.cli.common import listed, say

if TYPE_CHECKING:
    from kipoi_tfb.prediction.predictor import Predictor

EntryArgument = Annotated[str, typer.Argument(help="Zoo entry (see `tfb zoo ls`), or the folder of one.")]
GenomeOption = Annotated[Path | None, typer.Option("--genome", help="Genome FASTA, plain or bgzip.")]
MatrixOption = Annotated[Path, typer.Option("--matrix", help="A file of `tfb data import`.")]
TfsOption = Annotated[str, typer.Option("--tfs", help="Only these TFs, comma-separated, in this order.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N.")]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="fp32, bf16 (faster where the hardware has it), auto.")
]
ThreadsOption = Annotated[int, typer.Option("--threads", help="CPU threads; 0 for all.")]

IdsOption = Annotated[
    Path | None, typer.Option("--ids", help="VCF such as dbSNP's, read through to look up identifiers (rs688).")
]

SHIFT_STEP = 10


def predict(
    entry: EntryArgument,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="OUT.tsv, OUT.parquet, OUT.h5; tracks: OUT.bw, OUT.bedgraph, OUT.{tf}.bw."),
    ],
    regions: Annotated[Path | None, typer.Option("--regions", help="BED3 to BED12 or narrowPeak.")] = None,
    sequences: Annotated[Path | None, typer.Option("--sequences", help="FASTA, one sequence per item.")] = None,
    genome: GenomeOption = None,
    anchor: Annotated[str, typer.Option(help="Centre windows on the centre or the summit of the regions.")] = "centre",
    tile: Annotated[
        int | None, typer.Option("--tile", min=1, metavar="BP", help="Tracks: a value per BP of the regions.")
    ] = None,
    tfs: TfsOption = "",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    threads: ThreadsOption = 0,
) -> None:
    """Predict the probability of binding per TF, for regions or sequences, in their order.

    Example: tfb predict multi163 --regions peaks.bed --genome hg38.fa -o out.tsv

    A track: tfb predict multi163 --regions locus.bed --genome hg38.fa --tfs JUND --tile 20 -o JUND.bw
    """
    if (regions is None) == (sequences is None):
        raise typer.BadParameter("give either --regions (with --genome) or --sequences")
    if regions is not None and genome is None:
        raise typer.BadParameter("--regions needs --genome")
    from kipoi_tfb.output.tables import table_format
    from kipoi_tfb.output.tracks import TRACKS, is_track

    if not is_track(output):
        table_format(output, TRACKS)
    if sequences is not None and is_track(output):
        raise typer.BadParameter("a track is of --regions of a genome, not of --sequences")
    if tile and not is_track(output):
        raise typer.BadParameter(f"--tile is for tracks: {', '.join(TRACKS)}")
    predictor = predictor_of(entry, tfs, device, precision, threads)
    from kipoi_tfb.prediction.tables import predict_regions, predict_sequences
    from kipoi_tfb.prediction.tracks import predict_tracks

    if regions is not None and genome is not None and is_track(output):
        summary = predict_tracks(predictor, regions, _genome(genome), output, anchor, tile)  # type: ignore[arg-type]
    elif regions is not None and genome is not None:
        summary = predict_regions(predictor, regions, _genome(genome), output, anchor)  # type: ignore[arg-type]
    else:
        summary = predict_sequences(predictor, sequences, output)  # type: ignore[arg-type]
    say(f"{summary.rows} rows x {len(predictor.columns)} TFs -> {output}")
    if summary.partly_unknown or summary.unscored or summary.edge_padded:
        say(
            f"windows with unknown bases: {summary.partly_unknown} (column n_unknown), wholly unknown and not scored: "
            f"{summary.unscored}, reaching beyond their contig or sequence: {summary.edge_padded}"
        )


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
    models: Annotated[str, typer.Option("--models", help="Zoo entries, comma-separated, or all.")] = "multi163",
    tfs: TfsOption = "",
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
    largest_and_step = _shifts(shifts)
    if scheduler is not None and not scheduler.strip():  # of a file that is not there yet: not a run without workers
        raise typer.BadParameter("--scheduler is empty; an address looks like tcp://10.0.0.1:8786")
    if workers and scheduler:
        raise typer.BadParameter("give either --workers or --scheduler")
    from kipoi_tfb.output.cluster import Cluster, check_dask

    cluster = Cluster(workers, scheduler or "", threads) if workers or scheduler else None
    if cluster is not None:
        check_dask()
    predictor = predictor_of(models, tfs, device, precision, threads)
    from kipoi_tfb.variants.score import ScoringOptions, score_variants

    options = ScoringOptions(
        region=region or None,
        ids=ids,
        allele_swap=allele_swap,
        ignore_assembly=ignore_assembly,
        scores=listed(scores),
        shifts=largest_and_step,
        top=top,
        columns=columns,
        tidy=tidy,
        index=index,
    )
    summary = score_variants(predictor, source, _genome(genome), output, options, cluster)
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
    if summary.problems:
        raise typer.Exit(1)


def pretrain(
    config: Annotated[Path, typer.Argument(help="Configuration, as in experiments/.")],
    matrix: MatrixOption,
    genome: Annotated[Path, typer.Option("--genome", help="Genome FASTA, plain or bgzip.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder for checkpoints and the entry; resumed if it has some.")
    ],
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = 0,
    processes: Annotated[
        int, typer.Option("--processes", min=1, help="Share each batch among these: GPUs, one each, or CPU cores.")
    ] = 1,
) -> None:
    """Train a multi-task model and write it as a zoo entry, OUT/entry.

    Example: tfb pretrain experiments/multi163.yaml --matrix matrix.h5 --genome hg38.fa -o runs/multi163
    """
    _set_threads(threads)
    from kipoi_tfb.training.pretrain import pretrain_from_files
    from kipoi_tfb.training.processes import is_main, launch
    from kipoi_tfb.zoo.config import read_config
    from kipoi_tfb.zoo.entry import open_entry

    command = f"tfb pretrain {config} --matrix {matrix.name} --genome {genome.name} -o {out}"
    command += f" --processes {processes}" if processes > 1 else ""
    arguments = (config, matrix, genome, out, device, precision, command)
    if processes == 1:
        entry = pretrain_from_files(*arguments)
    else:
        read_config(config)  # what is wrong with it is said once, before the processes start
        launch(processes, device, pretrain_from_files, *arguments)
        entry = open_entry(out / "entry")
    if not is_main():
        return
    say(f"best epoch {entry.card.training.best_epoch + 1}, validation loss {entry.card.training.validation_loss}")
    say(
        f"{entry.folder}\nnext: tfb evaluate {entry.name} --matrix {matrix} --genome {genome} --record\n"
        f"then: tfb zoo add {entry.name}"
    )


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for what comes out.")] = Path("demo-output"),
) -> None:
    """Run the main job on the embedded example: `kipoi predict` on its BED and its VCF.

    Example: tfb demo
    """
    from kipoi_tfb.demo import run_demo

    for line in run_demo(output):
        print(line, flush=True)


def predictor_of(models: str, tfs: str, device: str, precision: str, threads: int) -> Predictor:
    """Return the predictor that options ask for, saying on which device."""
    # Called after what is cheap to check: from here on it is slow.
    _set_threads(threads)
    from kipoi_tfb.models.device import describe
    from kipoi_tfb.prediction.predictor import Predictor
    from kipoi_tfb.zoo.find import find_entries

    predictor = Predictor(find_entries(models), listed(tfs), device, precision)
    say(f"device: {describe(predictor.device, predictor.precision)}")
    return predictor


def _shifts(text: str) -> tuple[int, int] | None:
    """Return (largest, step) of ``40`` or ``40,5``."""
    if not text:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > 2 or not all(part.isdecimal() for part in parts):
        raise typer.BadParameter(f"--shifts is BP or BP,STEP, such as 40 or 40,5; found {text!r}")
    return int(parts[0]), int(parts[1]) if len(parts) == 2 else SHIFT_STEP


def _variants(arguments: list[str]) -> str | list[str]:
    """Return the file that the arguments name, or the variants that they are."""
    from tfb_matrix_data.variant_names import FORMS, is_identifier, is_variant_string

    wrong = [text for text in arguments if not (is_variant_string(text) or is_identifier(text))]
    if len(arguments) == 1 and (wrong or Path(arguments[0]).exists()):
        return arguments[0]
    if wrong:
        raise typer.BadParameter(f"give one file, or variants like {FORMS}; found {wrong[0]!r}")
    return arguments


def _genome(path: Path):
    from tfb_matrix_data.genome import Genome

    return Genome(path)


def _set_threads(threads: int) -> None:
    if threads:
        import torch

        torch.set_num_threads(threads)
