"""`tfb zoo export` and `tfb zoo import`: entries as others take them, and entries that others give."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.options import EntryArgument


def export(
    entry: EntryArgument,
    onnx: Annotated[
        Path | None, typer.Option("--onnx", help="Probabilities of both strands as an ONNX file: FILE.onnx.")
    ] = None,
) -> None:
    """Write an entry as others take it: an ONNX file, which runs without this package.

    Needs the extra `onnx`: pip install 'kipoi-tfb[onnx]'.

    Example: tfb zoo export multi163 --onnx multi163.onnx
    """
    if onnx is None:
        raise typer.BadParameter("say what to write: --onnx FILE.onnx")
    from kipoi_tfb.zoo.find import find_entry

    found = find_entry(entry)
    if onnx is not None:
        from kipoi_tfb.zoo.onnx_file import write_onnx

        made = write_onnx(found, onnx)
        print(
            f"{found.name} -> {onnx} ({made.size / 1e6:.1f} MB; onnxruntime gives the entry's probabilities of "
            f"{made.n_compared} windows, {made.difference:.1g} away at most)"
        )
