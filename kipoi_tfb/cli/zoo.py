"""`tfb zoo`: the entries of the model zoo."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kipoi_tfb.cli import zoo_average, zoo_share
from kipoi_tfb.cli.completion import complete_entries, complete_tfs
from kipoi_tfb.cli.options import (
    ENTRIES,
    EntriesArgument,
    EntryArgument,
    GenomeOption,
    command_line,
    fitted,
    open_genome,
    say,
    terminal_width,
)

if TYPE_CHECKING:
    from kipoi_tfb.zoo.card import Card

_LEFT_OUT_FIRST = ("from scratch", "de novo", "JASPAR", "bound, train", "95 %", "bound, test", "base", "verdict")

app = typer.Typer(
    help="Zoo entries: list, show, verify, add, remove; share them, make them known to Kipoi.", no_args_is_help=True
)


@app.command()
def ls(
    group: Annotated[
        str, typer.Option("--group", help="The entries of this group, such as tf; or of an OUT of tfb finetune --all.")
    ] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table (those in the docs).")] = False,
) -> None:
    """List the entries of the installed zoo, a group in one line; or those of a group, with what they were compared to.

    Example: tfb zoo ls
    Example: tfb zoo ls --group tf --markdown
    """
    if group:
        _ls_group(group, markdown)
        return
    from kipoi_tfb.zoo.entry import open_entry, zoo_folder
    from kipoi_tfb.zoo.find import entry_names, group_names
    from kipoi_tfb.zoo.measured import measured

    groups = group_names()
    alone = [name for name in entry_names() if name.rpartition("/")[0] not in groups]
    cards = {name: measured(open_entry(zoo_folder() / name, name)) for name in alone}
    if markdown:
        _print_markdown(cards, groups)
        return
    width = max(map(len, (*alone, *groups, "entry")), default=0)
    print(fitted(f"{'entry':<{width}}   TFs  AUPRC 1:1  natural  what"))
    for name, card in cards.items():
        m = card.metrics
        auprc, natural = ("", "") if m is None else (f"{m.auprc:.3f}", _three(m.auprc_natural))
        print(fitted(f"{name:<{width}}  {len(card.tasks):>4}  {auprc:>9}  {natural:>7}  {card.summary}"))
    for name, n in sorted(groups.items()):
        what = f"A group of {n} entries; `tfb zoo ls --group {name}` lists them."
        print(fitted(f"{name:<{width}}  {n:>4}  {'':>9}  {'':>7}  {what}"))


def _print_markdown(cards: Mapping[str, Card], groups: Mapping[str, int]) -> None:
    print(
        "| entry | TFs | AUPRC, 1:1 | AUPRC, natural | AUROC | TFs in the mean | what |\n|---|---|---|---|---|---|---|"
    )
    for name, card in cards.items():
        m = card.metrics
        areas = (m.auprc, m.auprc_natural, m.auroc) if m else (None, None, None)
        values = (*("" if area is None else f"{area:.4f}" for area in areas), m.n_tfs if m else "")
        print("|", " | ".join(map(str, (f"`{name}`", len(card.tasks), *values, card.summary))), "|")
    for name, n in sorted(groups.items()):
        print(f"| `{name}` | {n} | | | | | A group of {n} entries; `tfb zoo ls --group {name}` lists them. |")


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _ls_group(group: str, markdown: bool) -> None:
    from kipoi_tfb.zoo import table
    from kipoi_tfb.zoo.find import find_entries, is_group, refused_in
    from kipoi_tfb.zoo.measured import measured
    from tfb_matrix_data.errors import EntryError

    refused = refused_in(group)
    accepted = find_entries(group) if is_group(group) or not refused else []
    if not refused and not is_group(group):
        raise EntryError(f"{group} is an entry, not a group of entries; `tfb zoo show {group}` shows its card")
    cards = sorted((measured(entry) for entry in (*accepted, *refused)), key=lambda card: card.name)
    rows = table.group_table(cards)
    summary = table.summary(cards)
    if markdown:
        print("\n".join([table.markdown(rows), *(f"\n{line}" for line in summary)]))
        return
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    shown = _columns_that_fit(widths)
    for row in ({name: name for name in widths}, *rows):
        print("  ".join(f"{row[name]:<{widths[name]}}" for name in shown).rstrip())
    if len(shown) < len(widths):
        say(f"no room for {', '.join(name for name in widths if name not in shown)}: a wider terminal, or --markdown")
    for line in summary:
        print(line)


def _columns_that_fit(widths: Mapping[str, int]) -> list[str]:
    """Return the columns that the terminal has room for, those that are missed most left to the last."""
    shown, room = list(widths), terminal_width()
    for name in _LEFT_OUT_FIRST:
        if room is None or sum(widths[each] + 2 for each in shown) - 2 <= room:
            break
        shown.remove(name)
    return shown


@app.command()
def show(
    entry: EntryArgument,
    full: Annotated[bool, typer.Option("--full", help="The whole card, as YAML.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Instead, a page of one entry: OUT.html.")] = None,
    regions: Annotated[
        Path | None, typer.Option("--regions", help="For the page: bound regions (BED), to show what it reads in them.")
    ] = None,
    genome: GenomeOption = None,
    tf: Annotated[
        str, typer.Option("--tf", help="For the page: of which TF; default the first.", autocompletion=complete_tfs)
    ] = "",
) -> None:
    """Say what an entry is worth, of what and from what it was made; of a group, of all its entries.

    Example: tfb zoo show multi163
    Example: tfb zoo show tf/JUND --full
    Example: tfb zoo show tf/JUND --html card.html --regions jund.bed --genome hg38.fa
    """
    if html is not None:
        _page(entry, html, regions, genome, tf)
        return
    if regions is not None or genome is not None or tf:
        raise typer.BadParameter("--regions, --genome and --tf are for the page: give --html")
    from kipoi_tfb.zoo.card import CARD_FILE
    from kipoi_tfb.zoo.describe import describe
    from kipoi_tfb.zoo.find import find_entries

    for number, found in enumerate(find_entries(entry)):
        if full:
            print(f"{'---' if number else ''}\n# {found.folder}".lstrip())
            print((found.folder / CARD_FILE).read_text(), end="")
        else:
            print("\n".join(["", *describe(found, terminal_width() or 80)][not number :]))


def _page(name: str, html: Path, regions: Path | None, genome: Path | None, tf: str) -> None:
    """Write the page of an entry."""
    from kipoi_tfb.report.page import check_page, write_page

    check_page(html)
    if (regions is None) != (genome is None) or (tf and regions is None):
        raise typer.BadParameter("what it reads is shown in --regions of a --genome: give both")
    from kipoi_tfb.zoo.card import today
    from kipoi_tfb.zoo.find import find_entry

    found = find_entry(name)
    from kipoi_tfb.report.card_page import card_leaflet, learnt_picture
    from kipoi_tfb.report.facts import facts_of

    learnt = None
    if regions is not None and genome is not None:
        from kipoi_tfb.interpretation.sources import Source

        learnt = learnt_picture(found, Source(regions=regions, genome=open_genome(genome)), tf or None)
    facts = facts_of(f"Card of {found.name}", {"Regions": regions}, [found], command_line(), today())
    size = write_page(card_leaflet(found, facts, learnt), html)
    say(f"{found.name} -> {html} ({size / 1e6:.1f} MB)")


@app.command()
def verify(
    entries: Annotated[
        list[str] | None, typer.Argument(help=ENTRIES, metavar="ENTRY", autocompletion=complete_entries)
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All entries of the installed zoo, its size, and that there is nothing else.")
    ] = False,
) -> None:
    """Check entries: files, checksums, held-out rule, verdict, golden predictions, Kipoi's files, size.

    Example: tfb zoo verify --all
    """
    from kipoi_tfb.zoo.find import find_entries

    if not (entries or every):
        raise typer.BadParameter("name an entry, or give --all")
    failed = 0
    found = find_entries(",".join([*(entries or []), *(["all"] if every else [])]))
    from kipoi_tfb.zoo.verify import verify_entry, verify_nothing_else, verify_size  # torch: cards come first

    for entry in found:
        for check in verify_entry(entry):
            failed += not check.passed
            print(f"{'ok  ' if check.passed else 'FAIL'}  {entry.name}  {check.what}: {check.detail}")
    for check in (verify_nothing_else(), verify_size()) if every else ():
        failed += not check.passed
        print(f"{'ok  ' if check.passed else 'FAIL'}  the zoo  {check.what}: {check.detail}")
    if failed:
        say(f"{failed} checks failed")
        raise typer.Exit(1)


@app.command()
def render(entries: EntriesArgument) -> None:
    """Write the Kipoi files of entries anew, as the templates of this version give them.

    Example: tfb zoo render tf
    """
    from kipoi_tfb.zoo.find import find_entries
    from kipoi_tfb.zoo.specs import render_specs

    for entry in find_entries(",".join(entries)):
        render_specs(entry.card, entry.folder)
        print(entry.folder)


@app.command()
def register(
    name: Annotated[str, typer.Option(help="Name of the Kipoi source.")] = "tfb",
    undo: Annotated[bool, typer.Option("--undo", help="Take the source out again.")] = False,
) -> None:
    """Make the zoo known to Kipoi (in ~/.kipoi/config.yaml), for `kipoi predict multi163 --source tfb`.

    Example: tfb zoo register
    """
    from kipoi_tfb.zoo.entry import zoo_folder
    from kipoi_tfb.zoo.register import config_path, register_source, unregister_source
    from kipoi_tfb.zoo.verify import check_specs

    if undo:
        changed = unregister_source(name)
        print(f"source {name!r} {'removed from' if changed else 'was not in'} {config_path()}")
    else:
        check_specs()
        register_source(name, zoo_folder())
        print(f"source {name!r} -> {zoo_folder()} in {config_path()}")
        print(
            f"now: kipoi predict multi163 --source {name} "
            "--dataloader_args intervals_file=IN.bed fasta_file=GENOME.fa -o OUT.tsv"
        )


app.command()(zoo_average.average)


@app.command()
def add(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders of entries, or the OUT of `tfb finetune --all`: what was accepted.")
    ],
) -> None:
    """Verify entries and copy them into the zoo: all of them, or none.

    Example: tfb zoo add runs/multi163/entry
    Example: tfb zoo add runs/tf
    """
    from kipoi_tfb.zoo.change import add_entries
    from kipoi_tfb.zoo.entry import zoo_folder
    from kipoi_tfb.zoo.find import entries_in

    for entry in add_entries([entry for folder in folders for entry in entries_in(folder)], zoo_folder()):
        print(entry.folder)


@app.command()
def remove(
    names: Annotated[
        list[str],
        typer.Argument(help="Names of entries, or of groups.", metavar="ENTRY", autocompletion=complete_entries),
    ],
) -> None:
    """Take entries out of the zoo; the name of a group stands for all of its entries.

    Example: tfb zoo remove tf/JUND
    """
    from kipoi_tfb.zoo.change import remove_entry
    from kipoi_tfb.zoo.find import members_of

    for name in names:
        for one in members_of(name) or [name]:
            print(f"removed {remove_entry(one)}")


app.command()(zoo_share.export)
app.command("import")(zoo_share.import_)
