"""`tfb data export` and `tfb data sample`: labels and samples as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.completion import complete_tfs
from kipoi_tfb.cli.options import CellsOption, listed, open_genome, say

MatrixArgument = Annotated[Path, typer.Argument(help="A file of `tfb data import`.")]
KindOption = Annotated[str, typer.Option(help="sparse or less_sparse.")]


def export(
    matrix: MatrixArgument,
    tfs: Annotated[
        str,
        typer.Argument(
            metavar="TF", help="A TF; for a table several, comma-separated, or all.", autocompletion=complete_tfs
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="OUT.bed, .bedGraph, .bw (a track), .parquet, .tsv or .h5 (a table)."),
    ],
    kind: KindOption = "sparse",
    label: Annotated[
        str | None, typer.Option(help="Of a track: bound, unbound or unresolved regions; default bound.")
    ] = None,
    cell_types: Annotated[
        str, typer.Option("--cell-types", help="Only these cell types, comma-separated; default all.")
    ] = "",
    genome: Annotated[Path | None, typer.Option("--genome", help="FASTA, for the lengths a bigWig needs.")] = None,
    sizes: Annotated[
        Path | None, typer.Option("--sizes", help="The same from a table of names and lengths (chrom.sizes, .fai).")
    ] = None,
) -> None:
    """Export the bound regions of a TF as a track, or the labels of TFs as a table.

    In bedGraph and bigWig, regions that overlap or touch become one interval of value 1. Tracks have only the regions
    with coordinates; how many have none is said.

    Example: tfb data export matrix.h5 JUND --genome hg38.fa -o JUND.bw
    """
    if genome is not None and sizes is not None:
        raise typer.BadParameter("give either --genome or --sizes")
    from kipoi_tfb.output.labels import TRACKS, export_labels, export_track, is_table
    from tfb_matrix_data.errors import InputError
    from tfb_matrix_data.matrix import BindingMatrix
    from tfb_matrix_data.sizes import read_sizes

    chosen = listed(cell_types)
    with BindingMatrix(matrix) as opened:
        names = opened.tfs if tfs == "all" else listed(tfs) or []
        if is_table(output):
            if label is not None:
                raise typer.BadParameter("--label is for tracks: a table has all labels")
            done = export_labels(opened, names, output, kind, chosen)  # type: ignore[arg-type]
            say(f"{done.regions:,} regions x {len(names)} TFs -> {output}")
            say(f"without coordinates: {done.without_coordinates:,} (chrom empty, start and end -1)")
            return
        if len(names) > 1:
            raise InputError(output, f"a track ({', '.join(TRACKS)}) is of one TF; for several give .parquet")
        given = open_genome(genome).lengths if genome else read_sizes(sizes).lengths if sizes else None
        lengths = given and _as_named(given, opened.regions.chrom_names)
        done = export_track(opened, names[0], output, label or "bound", kind, chosen, lengths)  # type: ignore[arg-type]
        say(f"{done.regions:,} {label or 'bound'} regions of {names[0]} in {done.intervals:,} intervals -> {output}")
        say(f"without coordinates, and so not in the file: {done.without_coordinates:,}")


def _as_named(lengths: Mapping[str, int], names: list[str]) -> dict[str, int]:
    """Return the lengths of contigs by the names that the matrix has for them."""
    from tfb_matrix_data.contigs import find_contig

    here = {find_contig(name, lengths): name for name in names}
    return {here.get(contig, contig): length for contig, length in lengths.items()}


def sample(
    matrix: MatrixArgument,
    tf: Annotated[str, typer.Argument(help="Name of a TF.", autocompletion=complete_tfs)],
    genome: Annotated[Path, typer.Option("--genome", help="Genome FASTA, plain or bgzip.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="OUT.tsv, OUT.parquet or OUT.h5.")],
    seed: Annotated[int, typer.Option(min=0, help="Decides which regions are drawn.")] = 0,
    n_bound: Annotated[
        int | None, typer.Option("--n-bound", help="Bound regions to train with; default all. Sizes are nested.")
    ] = None,
    exclude: Annotated[
        Path | None,
        typer.Option("--exclude", help="Table with a column `region` (a sample, say): these are never chosen."),
    ] = None,
    split: Annotated[str, typer.Option(help="chromosome, or paper: 80/10/10 at random, which leaks.")] = "chromosome",
    validation: Annotated[str, typer.Option(help="Chromosomes that validate, comma-separated.")] = "",
    test: Annotated[str, typer.Option(help="Chromosomes that test, comma-separated.")] = "",
    kind: KindOption = "sparse",
    cells: CellsOption = "",
) -> None:
    """Draw bound regions and GC-matched unbound ones of a TF, split into train, validation and test.

    Example: tfb data sample matrix.h5 JUND --genome hg38.fa --n-bound 500 -o sample.tsv
    """
    if split not in ("chromosome", "paper"):
        raise typer.BadParameter(f"unknown split {split!r}; chromosome or paper")
    if split == "paper" and (validation or test):
        raise typer.BadParameter("--validation and --test are for the split by chromosome")
    import numpy as np

    from kipoi_tfb.output.labels import read_regions_column, write_sample
    from kipoi_tfb.output.tables import table_format
    from tfb_matrix_data.matrix import BindingMatrix
    from tfb_matrix_data.sampling import GC_BINS, describe, sample_tf
    from tfb_matrix_data.splits import TEST, VALIDATION, split_by_chromosome, split_randomly

    table_format(output)
    with BindingMatrix(matrix) as opened:
        chosen_cells = listed(cells)
        opened.labels([tf], regions=[], kind=kind, cell_types=chosen_cells)  # type: ignore[arg-type]
        left_out = read_regions_column(exclude) if exclude else None
        if split == "paper":
            parts = split_randomly(np.flatnonzero(opened.regions.start >= 0), seed)
        else:
            uses = [
                chosen.split(",") if chosen else list(own) for chosen, own in ((validation, VALIDATION), (test, TEST))
            ]
            parts = split_by_chromosome(opened.regions, validation=uses[0], test=uses[1])
        reference = open_genome(genome)
        drawn = sample_tf(opened, reference, tf, parts, seed, n_bound, left_out, kind, chosen_cells)  # type: ignore[arg-type]
        n_rows = write_sample(opened, drawn, output)
    rows = describe(drawn.parts)
    print("\t".join(rows[0]._fields))
    for row in rows:
        print(*row, sep="\t")
    for name, part in drawn.parts.items():
        for gc_bin, missing in part.short.items():
            low, high = gc_bin / GC_BINS, (gc_bin + 1) / GC_BINS
            say(f"{name}: {missing} unbound regions too few of GC {low:.1f} to {high:.1f}")
    say(f"windows with an N, left out: {drawn.with_n:,}")
    say(f"{n_rows:,} regions of {tf} -> {output}")
