"""`tfb mutate` and `tfb plot`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kipoi_tfb.cli.common import say
from kipoi_tfb.cli.models import DeviceOption, IdsOption, PrecisionOption, TfsOption, ThreadsOption, predictor_of

if TYPE_CHECKING:
    from kipoi_tfb.prediction.predictor import Predictor

OutputOption = Annotated[Path, typer.Option("-o", "--output", help="OUT.tsv, OUT.parquet or OUT.h5.")]
ModelsOption = Annotated[str, typer.Option("--models", help="Zoo entries, comma-separated, or all.")]
_TOP = 3
TopOption = Annotated[
    int | None,
    typer.Option("--top", min=1, help=f"Draw the TFs of the largest impact; default all --tfs, or {_TOP}."),
]


def mutate(
    region: Annotated[
        str, typer.Argument(help="chr19:11089200-11089300 (1-based, both ends included), or the name of a sequence.")
    ],
    genome: Annotated[Path, typer.Option("--genome", help="FASTA: a genome, or sequences of your own.")],
    output: OutputOption,
    models: ModelsOption = "multi163",
    tfs: TfsOption = "",
    plot: Annotated[
        Path | None, typer.Option("--plot", help=".png or .svg: logo and heatmap of the --tfs, or of the --top.")
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
    from tfb_matrix_data.genome import Genome

    table_format(check_output(output))
    if plot is not None:
        check_format(check_output(plot))
    reference = Genome(genome)
    from kipoi_tfb.variants.mutagenesis import find_region, mutate_region, strongest, write_mutations

    found = find_region(region, reference)
    predictor = predictor_of(models, tfs, device, precision, threads)
    top = _n_strongest(top, tfs)
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
        plot_mutations(mutations.of(drawn), plot, f"{found}, {_entries(predictor)}: every single substitution")
        say(f"{plot}: {', '.join(predictor.columns[i] for i in drawn)}")


def plot(
    variant: Annotated[str, typer.Argument(help="chr19:11089231:A>G, 19-11089231-A-G, ...; rs688 with --ids.")],
    genome: Annotated[Path, typer.Option("--genome", help="FASTA of the variant's assembly, plain or bgzip.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="OUT.png or OUT.svg.")],
    models: ModelsOption = "multi163",
    tfs: TfsOption = "",
    top: TopOption = None,
    ids: IdsOption = None,
    table: Annotated[Path | None, typer.Option("--table", help="What is drawn, as .tsv, .parquet or .h5.")] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    threads: ThreadsOption = 0,
) -> None:
    """Draw a variant: what each base around it gives to binding, with REF and with ALT, and the known motif.

    Example: tfb plot 'chr19:11089231:A>G' --genome hg38.fa -o variant.svg
    """
    from kipoi_tfb.output.figures import check_format
    from tfb_matrix_data.files import check_output
    from tfb_matrix_data.genome import Genome
    from tfb_matrix_data.variant_names import FORMS, is_identifier, is_variant_string

    if not (is_variant_string(variant) or is_identifier(variant)):
        raise typer.BadParameter(
            f"give a variant like {FORMS}; found {variant!r} (files of variants are for `tfb score`)"
        )
    check_format(check_output(output))
    if table is not None:
        from kipoi_tfb.output.tables import table_format

        table_format(check_output(table))
    reference = Genome(genome)
    predictor = predictor_of(models, tfs, device, precision, threads)
    from kipoi_tfb.output.logos import check_tfs
    from kipoi_tfb.variants.plot_view import plot_variant
    from kipoi_tfb.variants.view import view_variant, write_view

    top = _n_strongest(top, tfs)
    check_tfs(len(predictor.columns[:top]))
    view = view_variant(predictor, variant, reference, top, ids=ids)
    plot_variant(view, output, f"{view}, {_entries(predictor)}")
    say(f"{output}: {', '.join(view.tfs)}")
    if table is not None:
        say(f"{table}: {write_view(view, table)} rows")


def _n_strongest(top: int | None, tfs: str) -> int | None:
    """Return how many TFs are drawn, those of the largest impact; None for all that were named."""
    return top or (None if tfs else _TOP)


def _entries(predictor: Predictor) -> str:
    """Return what a title calls the entries: groups have more than it can hold."""
    names = list(dict.fromkeys(entry.card.name for entry in predictor.sources))
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} entries"
