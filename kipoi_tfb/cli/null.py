"""`tfb null`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.common import listed, say
from kipoi_tfb.cli.models import DeviceOption, EntryArgument, MatrixOption, PrecisionOption, ThreadsOption, predictor_of


def null(
    entry: EntryArgument,
    matrix: MatrixOption,
    genome: Annotated[Path, typer.Option("--genome", help="FASTA of the matrix's assembly, plain or bgzip.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Default: null.npz in the entry's folder, where score looks.")
    ] = None,
    chromosomes: Annotated[
        str, typer.Option(help="Comma-separated; default: those the entry holds out for validation and test.")
    ] = "",
    positions: Annotated[int, typer.Option(min=1, help="Places to draw, five variants at each.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 1,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    threads: ThreadsOption = 0,
) -> None:
    """Make the null of an entry: effects of random variants, for the percentiles of `tfb score --scores percentile`.

    Example: tfb null multi163 --matrix matrix.h5 --genome hg38.fa
    """
    from kipoi_tfb.null import NULL_FILE, write_null
    from kipoi_tfb.zoo import find_entry
    from tfb_matrix_data.files import check_output
    from tfb_matrix_data.genome import Genome
    from tfb_matrix_data.matrix import BindingMatrix

    found = find_entry(entry)
    path = check_output(output or found.folder / NULL_FILE)
    predictor = predictor_of(entry, "", device, precision, threads)
    from kipoi_tfb.make_null import make_null

    command = f"tfb null {found.card.name} --matrix {matrix.name} --genome {genome.name}"
    command += f" --chromosomes {chromosomes}" if chromosomes else ""
    command += f" --positions {positions} --seed {seed}"
    started = time.monotonic()
    made = make_null(
        found, predictor, BindingMatrix(matrix), Genome(genome), listed(chromosomes), positions, seed, command
    )
    write_null(made, path)
    say(
        f"{made.counts.sum()} variants on {', '.join(made.record.chromosomes)}, {made.counts.min()} to "
        f"{made.counts.max()} per class and GC bin, {time.monotonic() - started:.0f} s -> {path} "
        f"({path.stat().st_size / 1000:.0f} kB)"
    )
