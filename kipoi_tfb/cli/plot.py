"""`tfb plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.options import (
    DeviceOption,
    HitsOption,
    IdsOption,
    InCellsOption,
    ModelsOption,
    PrecisionOption,
    TfsOption,
    ThreadsOption,
    TopOption,
    entry_titles,
    motifs_of,
    n_strongest,
    open_genome,
    predictor_of,
    say,
)


def plot(
    variant: Annotated[str, typer.Argument(help="chr19:11089231:A>G, 19-11089231-A-G, ...; rs688 with --ids.")],
    genome: Annotated[Path, typer.Option("--genome", help="FASTA of the variant's assembly, plain or bgzip.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="OUT.png, OUT.svg or OUT.pdf.")],
    models: ModelsOption = "multi163",
    tfs: TfsOption = "",
    cells: InCellsOption = "",
    top: TopOption = None,
    ids: IdsOption = None,
    table: Annotated[Path | None, typer.Option("--table", help="What is drawn, as .tsv, .parquet or .h5.")] = None,
    hits: HitsOption = "",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    threads: ThreadsOption = 0,
) -> None:
    """Draw a variant: what each base around it gives to binding, with REF and with ALT, and the known motif.

    Example: tfb plot 'chr19:11089231:A>G' --genome hg38.fa -o variant.svg
    """
    from kipoi_tfb.output.figures import check_format
    from tfb_matrix_data.files import check_output
    from tfb_matrix_data.variant_names import FORMS, is_identifier, is_variant_string

    if not (is_variant_string(variant) or is_identifier(variant)):
        raise typer.BadParameter(
            f"give a variant like {FORMS}; found {variant!r} (files of variants are for `tfb score`)"
        )
    check_format(check_output(output))
    if table is not None:
        from kipoi_tfb.output.tables import table_format

        table_format(check_output(table))
    reference = open_genome(genome)
    motifs = motifs_of(hits) if hits else []
    predictor = predictor_of(models, tfs, device, precision, threads, cells)
    from kipoi_tfb.output.logos import check_tfs
    from kipoi_tfb.variants.plot_view import plot_variant
    from kipoi_tfb.variants.view import view_variant, write_view

    top = n_strongest(top, tfs)
    check_tfs(len(predictor.columns[:top]))
    view = view_variant(predictor, variant, reference, top, ids=ids)
    title, marks, sentences = f"{view}, {entry_titles(predictor)}", None, []
    if motifs:
        from kipoi_tfb.report.used import marks_of, used_in_view
        from kipoi_tfb.report.words import used_sentence

        used = used_in_view(predictor, view, reference, motifs)
        marks = marks_of(view, used, predictor.window_length)
        pairs = zip(view.tfs, used, strict=True)
        sentences = [used_sentence(tf, [one.record for one in some]) for tf, some in pairs]
    plot_variant(view, output, title, marks)
    say(f"{output}: {', '.join(view.tfs)}")
    for sentence in sentences:
        say(sentence)
    if table is not None:
        say(f"{table}: {write_view(view, table)} rows")
