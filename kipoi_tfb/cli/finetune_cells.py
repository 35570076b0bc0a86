"""`tfb finetune-cells`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.completion import complete_entries
from kipoi_tfb.cli.options import (
    EXIT_REFUSED,
    DeviceOption,
    MatrixOption,
    RequiredGenomeOption,
    command_line,
    open_genome,
    say,
    set_threads,
)


def finetune_cells(
    matrix: MatrixOption,
    genome: RequiredGenomeOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the entry, OUT/entry.")],
    name: Annotated[str, typer.Option("--name", help="Name of the zoo entry.")],
    base: Annotated[
        str, typer.Option("--base", help="Zoo entry to start from.", autocompletion=complete_entries)
    ] = "multi163",
    min_bound: Annotated[
        int, typer.Option("--min-bound", min=1, help="Bound training regions that a TF must have in a cell type.")
    ] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of regions, and of the test.")] = 0,
    device: DeviceOption = "auto",
    threads: Annotated[int, typer.Option("--threads", help="CPU threads; the last bits depend on them.")] = 1,
) -> None:
    """Make an entry whose outputs are TFs in cell types (JUND@K562), each fitted to the regions open there.

    The base's layers stay as they are. The entry is tested beside the base's output of each TF; the exit code is 3
    where it is no better. Given again when it is finished, it says so and does nothing; what was stopped begins again.

    Example: tfb finetune-cells --matrix matrix.h5 --genome hg38.fa --name my-cells -o runs/my-cells
    """
    set_threads(threads)
    from kipoi_tfb.evaluation.comparison import describe
    from kipoi_tfb.finetuning.cells_job import finetune_cells as run
    from tfb_matrix_data.matrix import BindingMatrix

    with BindingMatrix(matrix) as opened:
        made = run(base, opened, open_genome(genome), output, name, min_bound, seed, device, command_line())
    for comparison in made.comparisons:
        print(describe(comparison))
    gate = made.entry.card.gate
    print(made.entry.folder)
    if gate is not None and gate.verdict == "refused":
        say(gate.words)
        raise typer.Exit(EXIT_REFUSED)
