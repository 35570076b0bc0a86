"""`tfb null`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.completion import complete_chromosomes
from kipoi_tfb.cli.options import (
    DeviceOption,
    EntryArgument,
    MatrixOption,
    PrecisionOption,
    ThreadsOption,
    listed,
    open_genome,
    predictor_of,
    say,
)


def null(
    models: EntryArgument,
    matrix: MatrixOption,
    genome: Annotated[Path, typer.Option("--genome", help="FASTA of the matrix's assembly, plain or bgzip.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Default: null.npz in the entry's folder, where score looks.")
    ] = None,
    chromosomes: Annotated[
        str,
        typer.Option(
            help="Comma-separated; default: those the entry holds out for validation and test.",
            autocompletion=complete_chromosomes,
        ),
    ] = "",
    positions: Annotated[int, typer.Option(min=1, help="Places to draw, six variants at each.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 1,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    threads: ThreadsOption = 0,
) -> None:
    """Make the null of entries: what random variants do, for the percentiles of `tfb score`.

    Example: tfb null multi163 --matrix matrix.h5 --genome hg38.fa
    """
    from kipoi_tfb.zoo.null import NULL_FILE, write_null
    from tfb_matrix_data.errors import ConfigError
    from tfb_matrix_data.files import check_output
    from tfb_matrix_data.matrix import BindingMatrix

    if output:
        check_output(output)
    predictor = predictor_of(models, "", device, precision, threads)
    if output and len({id(entry) for entry in predictor.sources}) > 1:
        raise ConfigError("--output is for one entry; without it each null goes into its entry's folder")
    from kipoi_tfb.variants.make_null import make_nulls

    command = f"tfb null {models} --matrix {matrix.name} --genome {genome.name}"
    command += f" --chromosomes {chromosomes}" if chromosomes else ""
    command += f" --positions {positions} --seed {seed}"
    started = time.monotonic()
    opened, reference = BindingMatrix(matrix), open_genome(genome)
    made = make_nulls(predictor, opened, reference, listed(chromosomes), positions, seed, command)
    for entry, null in made:
        path = output or entry.folder / NULL_FILE
        write_null(null, path)
        say(f"{path} ({path.stat().st_size / 1000:.0f} kB)")
    counts = null.counts
    say(
        f"{counts.sum()} variants on {', '.join(null.record.chromosomes)}, {counts.min()} to {counts.max()} per class "
        f"and GC bin, {time.monotonic() - started:.0f} s"
    )
