"""Adding entries to a zoo: all of them, or none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from kipoi_tfb.zoo.card import CARD_FILE
from kipoi_tfb.zoo.entry import Entry, locate_base
from kipoi_tfb.zoo.find import entry_names, group_names, remove_entry, verify_entry
from kipoi_tfb.zoo.write import install_entry
from tfb_matrix_data.errors import EntryError

__all__ = ["add_entries"]


def add_entries(entries: Sequence[Entry], zoo: Path) -> list[Entry]:
    """Verify entries and copy them into a zoo; where one cannot be, none is.

    Parameters
    ----------
    entries
        Each goes where its card's name says.
    zoo
        Its folder.

    Raises
    ------
    EntryError
        If one does not pass `kipoi_tfb.zoo.find.verify_entry`; a name is taken, given twice, that of a group, or leads
        into another entry; or a base would not be there.
    """
    _check_names(entries, zoo)
    _check_bases(entries, zoo)
    for entry in entries:
        failed = [check for check in verify_entry(entry) if not check.passed]
        if failed:
            problems = "; ".join(f"{check.what}: {check.detail}" for check in failed)
            raise EntryError(f"{entry.folder} is not fit for the zoo: {problems}")
    added: list[Entry] = []
    try:
        for entry in entries:
            added.append(install_entry(entry, zoo))
    except BaseException:  # a full disk, Ctrl-C
        for entry in reversed(added):
            remove_entry(entry.name, zoo)
        for entry in entries:
            with suppress(OSError):  # it is not empty, or was never made
                (zoo / entry.card.name).parent.rmdir()
        raise
    return added


def _check_names(entries: Sequence[Entry], zoo: Path) -> None:
    taken, groups = set(entry_names(zoo)), set(group_names(zoo))
    given: dict[str, Entry] = {}
    for entry in entries:
        name = entry.card.name
        if name in given:
            raise EntryError(f"{given[name].folder} and {entry.folder} are both called {name}; add one of them")
        if name in taken:
            raise EntryError(
                f"{name} is in the zoo already; `tfb zoo remove {name}` takes it out. To have both, write another "
                f"`name` into {entry.folder / CARD_FILE}, and run `tfb zoo render {entry.folder}`"
            )
        given[name] = entry
    for name, entry in given.items():
        if name in groups or any(other.startswith(f"{name}/") for other in given):
            raise EntryError(f"{entry.folder}: {name} is the name of a group of entries; give it another `name`")
        parts = name.split("/")
        above = {"/".join(parts[:n]) for n in range(1, len(parts))} & (taken | set(given))
        if above:
            raise EntryError(f"{entry.folder}: {name} would lie within the entry {above.pop()}; give it another `name`")


def _check_bases(entries: Sequence[Entry], zoo: Path) -> None:
    """Check that each will find its base in the zoo: where it is now, that may lie beside it."""
    weights = {entry.card.name: entry.card.weights.sha256 for entry in entries}
    for entry in entries:
        card = entry.card
        if card.finetuned is None or card.base is None:
            continue
        wanted = card.finetuned.base_weights_sha256
        if weights.get(card.base) != wanted:
            try:
                locate_base((zoo / card.name).absolute(), card.base, wanted, card.name)
            except EntryError as error:
                at = entry.find_base().folder
                raise EntryError(
                    f"{error}; it was made from {at}: `tfb zoo add {at} {entry.folder}` adds both"
                ) from None
