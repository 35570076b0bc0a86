"""`tfb zoo export` and `tfb zoo import`: entries as others take them, and entries that others give."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.options import EntryArgument, say


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


def import_(
    source: Annotated[
        str, typer.Argument(help="A folder that `tfb zoo export --to` wrote, or the http(s) address of one.")
    ],
    name: Annotated[str, typer.Option("--name", help="What it is called in the zoo; default as its card says.")] = "",
) -> None:
    """Check an exported entry as `tfb zoo verify` does, and take it into the zoo.

    Weights are read as safetensors, every file is checked by its sha256, and Kipoi's files are written anew. Needs the
    extra `hub`: pip install 'kipoi-tfb[hub]'.

    Example: tfb zoo import CTCF --name mine/CTCF
    Example: tfb zoo import https://example.org/models/CTCF
    """
    from kipoi_tfb.zoo.entry import zoo_folder
    from kipoi_tfb.zoo.hub_import import import_entry

    imported = import_entry(source, zoo_folder(), name)
    print(imported.entry.folder)
    if imported.before is not None:
        say(
            f"its file of weights has other bytes here for the same tensors: sha256 "
            f"{imported.entry.card.weights.sha256[:12]}..., was {imported.before[:12]}..."
        )
