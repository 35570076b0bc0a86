"""Changes of a zoo: entries added, all of them or none, and taken out."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from kipoi_tfb.zoo.card import CARD_FILE, read_card
from kipoi_tfb.zoo.entry import Entry, locate_base, open_entry, zoo_folder
from kipoi_tfb.zoo.find import entry_names, group_names
from kipoi_tfb.zoo.verify import verify_entry
from tfb_matrix_data.errors import EntryError, UnknownNameError
from tfb_matrix_data.files import atomic_folder, remove_folder

__all__ = ["add_entries", "install_entry", "remove_entry"]


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
        If one does not pass `kipoi_tfb.zoo.verify.verify_entry`; a name is taken, given twice, that of a group, or
        leads into another entry; or a base would not be there.
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


def install_entry(source: Entry, zoo: Path) -> Entry:
    """Copy an entry's folder into a zoo under its card's name, whole or not at all.

    Raises
    ------
    EntryError
        If there is one of that name, also where another process has put it there in the meantime.
    """
    name = source.card.name
    target = zoo / name
    if target.exists():
        raise EntryError(f"{name} is in the zoo already; `tfb zoo remove {name}` takes it out")
    with atomic_folder(target) as temporary:
        shutil.copytree(source.folder, temporary, dirs_exist_ok=True, symlinks=True)
    installed = open_entry(target, name)
    if installed.card != source.card:  # of two that are added at once, `atomic_folder` keeps the first
        raise EntryError(f"another {name} was added to the zoo at the same time; `tfb zoo show {name}` shows it")
    return installed


def remove_entry(name: str, zoo: Path | None = None) -> Path:
    """Take an entry out of a zoo, whole or not at all; return where its folder was.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    EntryError
        If other entries of the zoo were fine-tuned from it.
    """
    zoo = zoo or zoo_folder()
    names = entry_names(zoo)
    if name not in names:
        raise UnknownNameError("zoo entry", name, names)
    resting = [other for other in names if other != name and read_card(zoo / other).base == name]
    if resting:
        shown = ", ".join(resting[:3]) + (f" and {len(resting) - 3} more" if len(resting) > 3 else "")
        raise EntryError(f"{name} is the base of {shown}, which are nothing without it; remove them first")
    folder = zoo / name
    remove_folder(folder)
    if folder.parent != zoo and not any(folder.parent.iterdir()):
        folder.parent.rmdir()
    return folder


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
