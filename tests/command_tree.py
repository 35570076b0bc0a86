"""All commands of `tfb`, as typer has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from kipoi_tfb import cli


def commands(command: Any = None, path: str = "tfb") -> Iterator[tuple[str, Any]]:
    """Go through all commands, those of groups too: name, and what typer made of it."""
    command = typer.main.get_command(cli.app) if command is None else command
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from commands(child, f"{path} {name}")
    else:
        yield path, command
