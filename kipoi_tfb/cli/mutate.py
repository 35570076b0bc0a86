"""`tfb mutate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.options import (
    DeviceOption,
    InCellsOption,
    ModelsOption,
    PrecisionOption,
    TfsOption,
    ThreadsOption,
    TopOption,
    entry_titles,
    n_strongest,
    open_genome,
    predictor_of,
    say,
)


def mutate(
    region: Annotated[
        str, typer.Argument(help="chr19:11089200-11089300 (1-based, both ends included), or the name of a sequence.")
    ],
    genome: Annotated[Path, typer.Option("--genome", help="FASTA: a genome, or sequences of your own.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="OUT.tsv, OUT.parquet or OUT.h5.")],
    models: ModelsOption = "multi163",
    tfs: TfsOption = "",
    cells: InCellsOption = "",
    plot: Annotated[
        Path | None, typer.Option("--plot", help=".png, .svg or .pdf: logo and heatmap of the --tfs, or of the --top.")
    ] = None,
    top: TopOption = None,
    window: Annotated[
        str,
        typer.Option(
            "--window", help="variant: each substitution amid its own window, as tfb score has it; region: one window."
        ),
    ] = "variant",
    tidy: Annotated[bool, typer.Option("--tidy", help="Long form: a row per substitution and TF.")] = False,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    threads: ThreadsOption = 0,
) -> None:
    """Score every single substitution of a region (saturation mutagenesis), and draw them.

    Example: tfb mutate chr19:11089200-11089300 --genome hg38.fa -o ldlr.tsv --plot ldlr.svg
    """
    from kipoi_tfb.output.figures import check_format
    from kipoi_tfb.output.tables import table_format
    from tfb_matrix_data.files import check_output

    table_format(check_output(output))
    if plot is not None:
        check_format(check_output(plot))
    reference = open_genome(genome)
    from kipoi_tfb.variants.mutagenesis import find_region, mutate_region, strongest, write_mutations

    found = find_region(region, reference)
    predictor = predictor_of(models, tfs, device, precision, threads, cells)
    top = n_strongest(top, tfs)
    if plot is not None:
        from kipoi_tfb.variants.plot_mutations import check_drawable, plot_mutations

        check_drawable(found, len(predictor.columns[:top]), plot)
    mutations = mutate_region(predictor, reference, found, window)  # type: ignore[arg-type]
    rows = write_mutations(mutations, output, tidy)
    n_unknown = int((mutations.codes > 3).sum())
    unknown = f"; {n_unknown} unknown bases left out" if n_unknown else ""
    say(f"{found}: {rows} rows, {len(predictor.columns)} TFs -> {output}{unknown}")
    if plot is not None:
        drawn = list(range(len(predictor.columns))) if top is None else strongest(mutations.impact, top)
        plot_mutations(mutations.of(drawn), plot, f"{found}, {entry_titles(predictor)}: every single substitution")
        say(f"{plot}: {', '.join(predictor.columns[i] for i in drawn)}")
