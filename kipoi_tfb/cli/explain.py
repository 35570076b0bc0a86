"""`tfb explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.options import (
    AnchorOption,
    DeviceOption,
    EntryArgument,
    GenomeOption,
    TfsOption,
    ThreadsOption,
    listed,
    open_genome,
    say,
    set_threads,
)


def explain(
    entry: EntryArgument,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="OUT.tsv, OUT.parquet; per TF: OUT.{tf}.h5 (TF-MoDISco, finemo), OUT.{tf}.bw, .bedgraph.",
        ),
    ],
    regions: Annotated[Path | None, typer.Option("--regions", help="BED3 to BED12 or narrowPeak.")] = None,
    sequences: Annotated[Path | None, typer.Option("--sequences", help="FASTA, one sequence per item.")] = None,
    variants: Annotated[Path | None, typer.Option("--variants", help="VCF, BCF or table: both alleles.")] = None,
    genome: GenomeOption = None,
    method: Annotated[
        str, typer.Option("--method", help="deeplift, ig (integrated gradients) or ism (mutagenesis).")
    ] = "deeplift",
    shuffles: Annotated[
        int | None, typer.Option("--shuffles", help="References: dinucleotide shuffles of a window; deeplift has 10.")
    ] = None,
    references: Annotated[
        Path | None, typer.Option("--references", help="Instead, the sequences of a FASTA, as long as the windows.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help=".png, .svg or .pdf: logos of the first windows.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the shuffles.")] = 0,
    anchor: AnchorOption = "centre",
    tfs: TfsOption = "",
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Say what every base contributes to the log-odds of binding, and by how much the contributions do not add up.

    The exit code is 1 where they miss the difference of the logits by more than they may.

    Example: tfb explain multi163 --regions peaks.bed --genome hg38.fa --tfs CTCF,JUND -o out.{tf}.h5
    """
    from kipoi_tfb.interpretation.sources import Source

    reference_genome = None if genome is None else open_genome(genome)
    source = Source(regions, sequences, variants, reference_genome, anchor)  # type: ignore[arg-type]
    set_threads(threads)
    from kipoi_tfb.interpretation.attributions import Explainer
    from kipoi_tfb.interpretation.job import explain as write_contributions
    from kipoi_tfb.interpretation.references import read_references
    from kipoi_tfb.models.device import describe
    from kipoi_tfb.zoo.find import find_entry

    found = find_entry(entry)
    own = None if references is None else read_references(references, found.card.window_length)
    explainer = Explainer(found, listed(tfs), method, own, shuffles, seed, device)  # type: ignore[arg-type]
    say(f"device: {describe(explainer.device, 'fp32')}")
    summary = write_contributions(explainer, source, output, plot)
    say(f"{summary.windows} windows x {len(explainer.tfs)} TFs by {method} -> {', '.join(map(str, summary.files[:3]))}")
    if plot is not None:
        say(f"{plot}: the first {summary.drawn} windows")
    if summary.taken_over:
        say(f"{summary.taken_over} pieces were there from an earlier run")
    if summary.unscored:
        say(f"windows without a known base, which have no contributions: {summary.unscored}")
    if method == "ism":
        say("ism has no completeness: its values have no sum that they should have")
    else:
        say(f"largest completeness error: {summary.largest_error:.2g} ({summary.worst})")
    for problem in summary.problems:
        say(f"error: {problem}")
    if summary.problems:
        raise typer.Exit(1)
