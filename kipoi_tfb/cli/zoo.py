"""`tfb zoo`: the entries of the model zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Zoo entries: list, show, verify, make known to Kipoi, add.", no_args_is_help=True)


@app.command()
def ls(
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table (the one in the README).")] = False,
) -> None:
    """List the entries of the installed zoo.

    Example: tfb zoo ls
    """
    from kipoi_tfb.card import read_card
    from kipoi_tfb.zoo import entry_names, zoo_folder

    if markdown:
        print("| entry | TFs | AUPRC | AUROC | TFs in the mean | what |\n|---|---|---|---|---|---|")
    for name in entry_names():
        card = read_card(zoo_folder() / name)
        if markdown:
            values = (card.metrics.auprc, card.metrics.auroc, card.metrics.n_tfs) if card.metrics else ("", "", "")
            print("|", " | ".join(map(str, (f"`{name}`", len(card.tasks), *values, card.summary))), "|")
            continue
        tested = f"AUPRC {card.metrics.auprc:.3f} ({card.metrics.n_tfs} TFs)" if card.metrics else "not tested"
        print(f"{name:<12} {len(card.tasks):>4} TFs  {tested:<26}  {card.summary}")


@app.command()
def show(entry: Annotated[str, typer.Argument(help="Name of an entry, or its folder.")]) -> None:
    """Print an entry's card.

    Example: tfb zoo show multi163
    """
    from kipoi_tfb.card import CARD_FILE
    from kipoi_tfb.zoo import find_entry

    found = find_entry(entry)
    print(f"# {found.folder}")
    print((found.folder / CARD_FILE).read_text(), end="")


@app.command()
def verify(
    entries: Annotated[list[str] | None, typer.Argument(help="Names or folders of entries.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All entries of the installed zoo.")] = False,
) -> None:
    """Check entries: schema, checksums, golden predictions, held-out rule, Kipoi's files, size.

    Example: tfb zoo verify --all
    """
    from kipoi_tfb.zoo import entry_names, find_entry, verify_entry

    names = [*(entries or []), *(entry_names() if every else [])]
    if not names:
        raise typer.BadParameter("name an entry, or give --all")
    failed = 0
    for name in dict.fromkeys(names):
        entry = find_entry(name)
        for check in verify_entry(entry):
            failed += not check.passed
            print(f"{'ok  ' if check.passed else 'FAIL'}  {name}  {check.what}: {check.detail}")
    if failed:
        raise typer.Exit(1)


@app.command()
def register(
    name: Annotated[str, typer.Option(help="Name of the Kipoi source.")] = "tfb",
    undo: Annotated[bool, typer.Option("--undo", help="Take the source out again.")] = False,
) -> None:
    """Make the zoo known to Kipoi (in ~/.kipoi/config.yaml), for `kipoi predict multi163 --source tfb`.

    Example: tfb zoo register
    """
    from kipoi_tfb.register import config_path, register_source, unregister_source
    from kipoi_tfb.zoo import zoo_folder

    if undo:
        changed = unregister_source(name)
        print(f"source {name!r} {'removed from' if changed else 'was not in'} {config_path()}")
    else:
        register_source(name, zoo_folder())
        print(f"source {name!r} -> {zoo_folder()} in {config_path()}")
        print(
            f"now: kipoi predict multi163 --source {name} "
            "--dataloader_args intervals_file=IN.bed fasta_file=GENOME.fa -o OUT.tsv"
        )


@app.command()
def add(folder: Annotated[Path, typer.Argument(help="Folder of an entry, as `tfb pretrain` writes it.")]) -> None:
    """Verify an entry and copy it into the zoo.

    Example: tfb zoo add runs/multi163/entry
    """
    from kipoi_tfb.entry import open_entry
    from kipoi_tfb.publish import install_entry
    from kipoi_tfb.zoo import verify_entry, zoo_folder
    from tfb_matrix_data.errors import EntryError

    entry = open_entry(folder)
    failed = [check for check in verify_entry(entry) if not check.passed]
    if failed:
        raise EntryError(f"{folder} is not fit for the zoo: {'; '.join(f'{c.what}: {c.detail}' for c in failed)}")
    print(install_entry(entry, zoo_folder()).folder)
