"""`tfb pretrain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.options import (
    DeviceOption,
    MatrixOption,
    PrecisionOption,
    RequiredGenomeOption,
    RunFolderOption,
    ThreadsOption,
    say,
    set_threads,
)


def pretrain(
    config: Annotated[Path, typer.Argument(help="Configuration, as in experiments/.")],
    matrix: MatrixOption,
    genome: RequiredGenomeOption,
    out: RunFolderOption,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = 0,
    processes: Annotated[
        int, typer.Option("--processes", min=1, help="Share each batch among these: GPUs, one each, or CPU cores.")
    ] = 1,
) -> None:
    """Train a multi-task model and write it as a zoo entry, OUT/entry.

    Example: tfb pretrain experiments/multi163.yaml --matrix matrix.h5 --genome hg38.fa -o runs/multi163
    """
    from kipoi_tfb.zoo.config import read_config
    from tfb_matrix_data.files import check_kept

    check_kept(config, "a training reads its configuration more than once")
    read_config(config)  # what is wrong with it is said once and at once, before torch and processes start
    set_threads(threads)
    from kipoi_tfb.training.job import pretrain_from_files
    from kipoi_tfb.training.processes import is_main, launch
    from kipoi_tfb.zoo.entry import open_entry

    command = f"tfb pretrain {config} --matrix {matrix.name} --genome {genome.name} -o {out}"
    command += f" --processes {processes}" if processes > 1 else ""
    before = (out / "entry").exists()
    arguments = (config, matrix, genome, out, device, precision, command)
    if processes == 1:
        entry = pretrain_from_files(*arguments)
    else:
        launch(processes, device, pretrain_from_files, *arguments)
        entry = open_entry(out / "entry")
    if not is_main():
        return
    say(f"best epoch {entry.card.training.best_epoch + 1}, validation loss {entry.card.training.validation_loss}")
    done = " was finished before, and nothing was left to do" if before else ""
    say(
        f"{entry.folder}{done}\nnext: tfb evaluate {entry.name} --matrix {matrix} --genome {genome} --record\n"
        f"then: tfb zoo add {entry.name}"
    )
