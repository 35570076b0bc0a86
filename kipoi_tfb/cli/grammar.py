"""`tfb grammar`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.completion import complete_tfs
from kipoi_tfb.cli.options import (
    AnchorOption,
    DeviceOption,
    ModelsOption,
    PrecisionOption,
    RequiredGenomeOption,
    ThreadsOption,
    listed,
    open_genome,
    predictor_of,
    say,
)


def grammar(
    tf: Annotated[str, typer.Argument(help="TF whose binding is asked about.", autocompletion=complete_tfs)],
    partners: Annotated[
        str,
        typer.Option(
            "--with", help="TFs whose motifs are put beside its own, comma-separated.", autocompletion=complete_tfs
        ),
    ],
    regions: Annotated[Path, typer.Option("--regions", help="BED or narrowPeak of regions that it binds.")],
    genome: RequiredGenomeOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="OUT.tsv, .parquet or .h5.")],
    models: ModelsOption = "multi163",
    plot: Annotated[Path | None, typer.Option("--plot", help="Picture: OUT.png, OUT.svg or OUT.pdf.")] = None,
    farthest: Annotated[int, typer.Option("--distance", min=1, metavar="BP", help="Largest distance.")] = 70,
    step: Annotated[int, typer.Option("--step", min=1, metavar="BP", help="Between distances.")] = 5,
    most: Annotated[int, typer.Option("--most", min=2, help="At most so many of the regions, drawn.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draw, shuffles and bootstrap.")] = 0,
    anchor: AnchorOption = "centre",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    threads: ThreadsOption = 0,
) -> None:
    """Ask what motifs do to a TF's binding: alone, beside its own at each distance, and when they are taken out.

    Each number has a 95 % interval over regions and a null: the same with the bases of the motif in another order.

    Example: tfb grammar JUND --with CEBPB,SP1 --regions jund.bed --genome hg38.fa -o jund.tsv --plot jund.svg
    """
    from kipoi_tfb.output.figures import check_format
    from kipoi_tfb.output.tables import table_format
    from tfb_matrix_data.files import check_output

    table_format(check_output(output))
    if plot is not None:
        check_format(check_output(plot))
    names = listed(partners)
    if not names:
        raise typer.BadParameter("give TFs, such as CEBPB,SP1", param_hint="--with")
    from kipoi_tfb.interpretation.grammar import Grammar, GrammarOptions, known_windows, write_grammar
    from kipoi_tfb.interpretation.plot_grammar import plot_grammar
    from kipoi_tfb.motifs.jaspar import jaspar_motifs

    motifs = {name: profiles[0] for name, profiles in jaspar_motifs([tf, *names]).items()}
    predictor = predictor_of(models, tf, device, precision, threads)
    windows, left_out = known_windows(regions, open_genome(genome), predictor.window_length, anchor)  # type: ignore[arg-type]
    asked = Grammar(predictor, motifs[tf], windows, GrammarOptions(farthest, step, most, seed))
    rows = [asked.alone(motif) for motif in motifs.values()]
    for name in names:
        rows += asked.beside(motifs[name])
    out = {name: asked.taken_out(motif) for name, motif in motifs.items()}
    rows += [row for row in out.values() if row is not None]
    n = write_grammar(tf, rows, output)
    if plot is not None:
        plot_grammar(tf, rows, plot, f"What a second motif adds to {tf}: {models}, {len(asked.windows)} regions")
    say(f"{len(asked.windows)} of {len(windows)} regions, {n} rows -> {output}")
    if left_out:
        say(f"regions left out, with unknown bases (N) or not on the genome: {left_out}")
    if lacking := [name for name, row in out.items() if row is None]:
        say(f"no site to take out in these regions: {', '.join(lacking)}")
