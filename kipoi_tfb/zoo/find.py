"""The entries of the zoo, of a group, of a folder: found by name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from kipoi_tfb.zoo.card import CARD_FILE
from kipoi_tfb.zoo.entry import Entry, open_entry, zoo_folder
from tfb_matrix_data.errors import EntryError, UnknownNameError

__all__ = [
    "entries_in",
    "entry_names",
    "find_entries",
    "find_entry",
    "group_names",
    "is_group",
    "refused_in",
]

ACCEPTED, REFUSED, CANDIDATE = "entry", "refused", "candidate"
"""Folders below the ``OUT`` of a fine-tune: the entry, or what did not become one, and what is not judged yet."""


def entry_names(zoo: Path | None = None) -> list[str]:
    """Return the names of all entries of a zoo, sorted."""
    zoo = zoo or zoo_folder()
    names = (str(card.parent.relative_to(zoo)) for card in zoo.rglob(CARD_FILE))
    return sorted(name for name in names if not any(part.startswith(".") for part in name.split("/")))


def group_names(zoo: Path | None = None) -> dict[str, int]:
    """Return {group: how many entries} of a zoo: a group is a folder of entries, such as ``tf`` of ``tf/JUND``."""
    return dict(Counter(name.rpartition("/")[0] for name in entry_names(zoo) if "/" in name))


def members_of(group: str) -> list[str]:
    """Return the names of the entries of a group in the zoo; none where there is no such group, but an entry maybe."""
    return _members(group, entry_names())


def _members(group: str, names: list[str]) -> list[str]:
    return [] if group in names else [each for each in names if each.rpartition("/")[0] == group]


def is_group(name: str) -> bool:
    """Return whether a name is that of a group in the zoo, or the path of a folder of entries."""
    return _is_group(name, entry_names())


def _is_group(name: str, names: list[str]) -> bool:
    return name not in names and bool(_members(name, names) or _in_folder(name))


def find_entry(name: str) -> Entry:
    """Return an entry by its name in the zoo, or by the path of its folder.

    Raises
    ------
    UnknownNameError
        If there is none.
    EntryError
        If it is not valid, or a group of entries.
    """
    return _find_entry(name, entry_names())


def _find_entry(name: str, names: list[str]) -> Entry:
    if name in names:
        return open_entry(zoo_folder() / name, name)
    if _is_group(name, names):
        entries = find_entries(name)
        raise EntryError(f"{name} is a group of {len(entries)} entries; name one of them, such as {entries[0].name}")
    if Path(name).is_dir():
        return open_entry(name)
    # A message shows the first few: not the hundred members of a group.
    alone = [each for each in names if "/" not in each]
    members = [each for each in names if "/" in each]
    raise UnknownNameError("zoo entry (and no such folder)", name, [*alone, *group_names(), *members])


def find_entries(names: str) -> list[Entry]:
    """Return the entries of a comma-separated list of names; a group stands for all of its own, ``all`` for the zoo.

    A folder of entries is a group too: one of a zoo, or the ``OUT`` of ``tfb finetune --all``, those refused left out.

    Raises
    ------
    UnknownNameError, EntryError
        If there is no such entry, or it is not valid.
    """
    zoo, installed = zoo_folder(), entry_names()
    found: dict[str, Entry] = {}
    for wanted in filter(None, map(str.strip, names.split(","))):
        entries = [
            open_entry(zoo / name, name) for name in installed if wanted in {"all", name, name.rpartition("/")[0]}
        ] or [open_entry(folder) for folder in _in_folder(wanted)]
        for entry in entries or [_find_entry(wanted, installed)]:
            found.setdefault(entry.name, entry)
    return list(found.values())


def entries_in(folder: str | Path) -> list[Entry]:
    """Return the entry of a folder, or the entries in it: those accepted of the ``OUT`` of ``tfb finetune --all``.

    Raises
    ------
    EntryError
        If it is not there, or holds none.
    """
    found = _in_folder(str(folder))
    return [open_entry(each) for each in found] if found else [open_entry(folder)]


def _in_folder(name: str) -> list[Path]:
    """Return the folders of the entries in a folder that is none itself: its own sub-folders, or their ``entry``."""
    folder = Path(name)
    if not folder.is_dir() or (folder / CARD_FILE).is_file():
        return []
    cards = [*folder.glob(f"[!.]*/{CARD_FILE}"), *folder.glob(f"[!.]*/{ACCEPTED}/{CARD_FILE}")]
    return sorted(card.parent for card in cards if card.parent.name not in (CANDIDATE, REFUSED))


def refused_in(name: str) -> list[Entry]:
    """Return what was refused of a group, where it is the ``OUT`` of ``tfb finetune --all``."""
    return [open_entry(card.parent) for card in sorted(Path(name).glob(f"[!.]*/{REFUSED}/{CARD_FILE}"))]
