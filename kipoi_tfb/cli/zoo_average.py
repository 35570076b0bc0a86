"""`tfb zoo average`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.options import EntriesArgument, command_line


def average(
    entries: EntriesArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the new entry; must not exist.")],
    name: Annotated[str, typer.Option("--name", help="Of the new entry.")],
    summary: Annotated[str, typer.Option("--summary", help="One line; default what it is the mean of.")] = "",
) -> None:
    """Make one entry of several: its logits are the mean of theirs. Nothing is trained.

    The entries are of architecture motif-cnn, for the same TFs, from the same data.

    Example: tfb zoo average multi163-3 multi163-fast --name mean-of-two -o runs/mean-of-two
    """
    from kipoi_tfb.zoo.average import average as average_entries
    from kipoi_tfb.zoo.find import find_entry

    found = [find_entry(entry) for entry in entries]
    said = summary or f"The mean of {', '.join(entry.card.name for entry in found)}."
    print(average_entries(found, name, said, output, command_line()).folder)
