"""Which models the numbers of a file are from: as the file says it, or as the user does where it cannot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entries, find_entry
from tfb_matrix_data.errors import ConfigError, UnknownNameError, few
from tfb_matrix_data.names import output_of, tf_of

__all__ = ["check_origin", "models_of"]


def check_origin(path: Path, about: Mapping[str, str], entries: Sequence[Entry]) -> None:
    """Refuse entries that are not those that a file says its numbers are from; a TSV says nothing.

    Parameters
    ----------
    path
        The file.
    about
        What it says of itself.
    entries
        Those that are taken for it.

    Raises
    ------
    ConfigError
        If the file names other weights.
    """
    weights = {entry.card.weights.sha256 for entry in entries}
    others = [name for name, sha256 in _told(path, about).items() if sha256 not in weights]
    if others:
        raise ConfigError(
            f"{path.name} is from other weights of {few(others)}; give --models as they were then, or make it again"
        )


def models_of(path: Path, about: Mapping[str, str], tfs: Sequence[str], models: str | None) -> list[Entry]:
    """Return the entries that a table of predictions is from.

    Parameters
    ----------
    path, about
        The file, and what it says of itself.
    tfs
        Its columns.
    models
        As the user named them; None to take those that the file names.

    Raises
    ------
    ConfigError
        If neither says it, an entry is not there, has other weights, or lacks a TF of the columns.
    UnknownNameError
        If the user names an entry that does not exist.
    """
    told = _told(path, about)
    if models is not None:
        entries = find_entries(models)
    elif told:
        entries = [_installed(path, name) for name in told]
    else:
        raise ConfigError(
            f"{path.name} does not say which models its numbers are from: give --models, or let `tfb predict` write "
            ".parquet, which says it"
        )
    check_origin(path, about, entries)
    known = {tf for entry in entries for tf in entry.card.tasks}
    lacking = [tf for tf in tfs if tf_of(output_of(tf)) not in known]
    if lacking:
        names = ", ".join(entry.card.name for entry in entries)
        raise ConfigError(f"{path.name} has columns that {names} does not predict: {few(lacking)}; give its --models")
    return entries


def _told(path: Path, about: Mapping[str, str]) -> dict[str, str]:
    """Return {entry: sha256 of its weights} as a file says it; empty where it does not."""
    try:
        return {str(model["name"]): model["weights_sha256"] for model in json.loads(about.get("tfb_models", "[]"))}
    except (ValueError, TypeError, KeyError):
        raise ConfigError(f"{path.name} says which models it is from in a way that cannot be read") from None


def _installed(path: Path, name: str) -> Entry:
    try:
        return find_entry(name)
    except UnknownNameError:
        raise ConfigError(f"{path.name} is from {name}, which is not in the zoo: give its folder (--models)") from None
