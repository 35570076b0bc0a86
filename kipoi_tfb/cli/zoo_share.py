"""`tfb zoo export` and `tfb zoo import`: entries as others take them, and entries that others give."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.options import EntryArgument


def export(
    entry: EntryArgument,
    to: Annotated[
        Path | None, typer.Option("--to", help="A new folder for a model hub: weights, model card, loader, checksums.")
    ] = None,
    onnx: Annotated[
        Path | None, typer.Option("--onnx", help="Probabilities of both strands as an ONNX file: FILE.onnx.")
    ] = None,
) -> None:
    """Write an entry as others take it: a folder for model hubs, or an ONNX file, which runs without this package.

    Needs the extra `hub` or `onnx`: pip install 'kipoi-tfb[hub,onnx]'.

    Example: tfb zoo export multi163 --to multi163
    Example: tfb zoo export multi163 --onnx multi163.onnx
    """
    if to is None and onnx is None:
        raise typer.BadParameter("say what to write: --to FOLDER, --onnx FILE.onnx, or both")
    from kipoi_tfb.zoo.find import find_entry

    found = find_entry(entry)
    if to is not None:
        from kipoi_tfb.zoo.hub_folder import export_entry

        made = export_entry(found, to)
        size = sum(path.stat().st_size for path in made.iterdir())
        print(f"{found.name} -> {to} ({size / 1e6:.1f} MB; README.md is its card, load.py loads it)")
    if onnx is not None:
        from kipoi_tfb.zoo.onnx_file import write_onnx

        file = write_onnx(found, onnx)
        print(
            f"{found.name} -> {onnx} ({file.size / 1e6:.1f} MB; onnxruntime gives the entry's probabilities of "
            f"{file.n_compared} windows, {file.difference:.1g} away at most)"
        )
