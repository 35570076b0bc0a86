"""What the shell offers on Tab: entries, TFs and chromosomes (`tfb --install-completion`)."""

from __future__ import annotations

from collections.abc import Iterable

import typer

__all__ = ["complete_chromosomes", "complete_entries", "complete_tfs"]

_DEFAULT = "multi163"


def complete_entries(incomplete: str) -> list[str]:
    """Return the entries and groups of the installed zoo that go on from what was typed, a list of names or one."""
    from kipoi_tfb.zoo.find import entry_names, group_names

    names = entry_names()
    groups = group_names()
    # Members of a group are many: they are offered to those who have typed its name.
    inside = "/" in incomplete.rpartition(",")[2]
    shown = names if inside else [name for name in names if name.rpartition("/")[0] not in groups]
    return _continued(incomplete, [*shown, *groups, "all"])


def complete_tfs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the TFs of the entries that the command was given, or of the default one."""
    from kipoi_tfb.zoo.find import find_entries
    from tfb_matrix_data.errors import TfbError

    given = ctx.params.get("models") or ctx.params.get("entry") or ctx.params.get("scorer") or _DEFAULT
    try:
        entries = find_entries(str(given))
    except TfbError:  # not one of ours: the command will say so
        return []
    return _continued(incomplete, dict.fromkeys(tf for entry in entries for tf in entry.card.tasks))


def complete_chromosomes(incomplete: str) -> list[str]:
    """Return the names of the human chromosomes, as the published matrices have them."""
    return _continued(incomplete, [f"chr{name}" for name in (*range(1, 23), "X", "Y")])


def _continued(incomplete: str, names: Iterable[str]) -> list[str]:
    """Return a comma-separated list as far as it is, with each of the names that its last one may become."""
    before, comma, last = incomplete.rpartition(",")
    there = set(before.split(","))
    return [f"{before}{comma}{name}" for name in names if name.startswith(last) and name not in there]
