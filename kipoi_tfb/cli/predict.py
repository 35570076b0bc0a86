"""`tfb predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.options import (
    AnchorOption,
    DeviceOption,
    EntryArgument,
    GenomeOption,
    InCellsOption,
    PrecisionOption,
    ShiftsOption,
    TfsOption,
    ThreadsOption,
    open_genome,
    predictor_of,
    say,
    shifts_of,
)


def predict(
    entry: EntryArgument,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="OUT.tsv, OUT.parquet, OUT.h5; tracks: OUT.bw, OUT.bedgraph, OUT.{tf}.bw."),
    ],
    regions: Annotated[Path | None, typer.Option("--regions", help="BED3 to BED12 or narrowPeak.")] = None,
    sequences: Annotated[Path | None, typer.Option("--sequences", help="FASTA, one sequence per item.")] = None,
    genome: GenomeOption = None,
    anchor: AnchorOption = "centre",
    tile: Annotated[
        int | None, typer.Option("--tile", min=1, metavar="BP", help="Tracks: a value per BP of the regions.")
    ] = None,
    shifts: ShiftsOption = "",
    strict: Annotated[bool, typer.Option("--strict", help="Refuse regions that are not on the genome.")] = False,
    tfs: TfsOption = "",
    cells: InCellsOption = "",
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
    largest_and_step = shifts_of(shifts)
    if largest_and_step and sequences is not None:
        raise typer.BadParameter("--shifts is for --regions: beside a sequence nothing is known")
    predictor = predictor_of(entry, tfs, device, precision, threads, cells, largest_and_step)
    from kipoi_tfb.prediction.tables import predict_regions, predict_sequences
    from kipoi_tfb.prediction.tracks import predict_tracks
    from tfb_matrix_data.placing import OFF_GENOME

    if regions is not None and genome is not None and is_track(output):
        summary = predict_tracks(predictor, regions, open_genome(genome), output, anchor, tile, strict)  # type: ignore[arg-type]
    elif regions is not None and genome is not None:
        summary = predict_regions(predictor, regions, open_genome(genome), output, anchor, strict)  # type: ignore[arg-type]
    else:
        summary = predict_sequences(predictor, sequences, output)  # type: ignore[arg-type]
    say(f"{summary.rows} rows x {len(predictor.columns)} TFs -> {output}")
    if summary.partly_unknown or summary.unscored or summary.edge_padded:
        say(
            f"windows with unknown bases: {summary.partly_unknown} (column n_unknown), wholly unknown and not scored: "
            f"{summary.unscored}, reaching beyond their contig or sequence: {summary.edge_padded}"
        )
    if summary.first_off is not None:
        say(f"regions not wholly on {genome.name}, the first in line {summary.first_off} (--strict refuses them):")  # type: ignore[union-attr]
        for flag in OFF_GENOME:
            if summary.flags[flag]:
                say(f"  flags   {flag:<20} {summary.flags[flag]:>9}")
