"""`tfb cache`: what is kept between commands, and clearing it."""

from __future__ import annotations

from typing import Annotated

import typer

from kipoi_tfb.cli.options import say

app = typer.Typer(help="What is kept between commands: list and clear.", no_args_is_help=True)


def _kinds(incomplete: str) -> list[str]:
    from tfb_matrix_data.cache import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


@app.command()
def ls() -> None:
    """List what is kept, where, and how much room it takes.

    Example: tfb cache ls
    """
    from tfb_matrix_data.cache import KINDS, kept
    from tfb_matrix_data.files import cache_folder

    print(f"{cache_folder()} (TFB_DATA chooses another folder)")
    found = kept()
    for each in found:
        print(f"{each.kind:<12} {_room(each.size):>9} {each.files:>6} files  {KINDS[each.kind]}")
        if each.names:
            more = f", and {len(each.names) - 3} more" if len(each.names) > 3 else ""
            print(f"{'':<12} of {', '.join(each.names[:3])}{more}")
    print(f"{'all':<12} {_room(sum(each.size for each in found)):>9} {sum(each.files for each in found):>6} files")


@app.command()
def clear(
    kinds: Annotated[
        list[str] | None, typer.Argument(help="What to clear, as `tfb cache ls` names it.", autocompletion=_kinds)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All of it.")] = False,
) -> None:
    """Remove what is kept; it is made or downloaded again when it is needed.

    Other commands may be running: what they read stays until they end, and what they are writing is left.

    Example: tfb cache clear genomes
    Example: tfb cache clear --all
    """
    if bool(kinds) == every:
        raise typer.BadParameter("name what to clear, or give --all")
    from tfb_matrix_data.cache import KINDS, clear

    found = clear(list(KINDS) if every else kinds or [])
    print(f"removed {found.files} files, {_room(found.size)}")
    if found.in_use:
        say(
            f"error: {len(found.in_use)} files were left, as another process is making them, such as "
            f"{found.in_use[0]}; give the command again when it has ended"
        )
        raise typer.Exit(1)


def _room(size: int) -> str:
    """Return bytes for people.

    >>> _room(793_000_000), _room(2_500), _room(12_000_000_000)
    ('793.0 MB', '2.5 kB', '12.0 GB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1e3:.1f} kB"
