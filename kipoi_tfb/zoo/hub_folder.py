"""An entry as a folder for model hubs, which works without the zoo that it is from."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from kipoi_tfb.models.safe_tensors import save_safetensors
from kipoi_tfb.zoo.card import CARD_FILE, Card
from kipoi_tfb.zoo.entry import GOLDEN_FILE, Entry, own_file
from kipoi_tfb.zoo.manifest import (
    CONFIG_FILE,
    LOADER_FILE,
    MANIFEST_FILE,
    PICTURES,
    README_FILE,
    TENSORS_FILE,
    HubConfig,
    manifest_of,
)
from kipoi_tfb.zoo.model_card import model_card
from kipoi_tfb.zoo.null import NULL_FILE
from kipoi_tfb.zoo.verify import CONTROLS_FILE, SPLITS_FILE
from tfb_matrix_data.bounded import read_at_most
from tfb_matrix_data.errors import EntryError
from tfb_matrix_data.files import atomic_folder

__all__ = ["carried_names", "config_of", "export_entry"]

_MOST_BYTES = 32 << 20
"""Of a file beside the weights; an entry has 25 MB."""


def export_entry(entry: Entry, folder: str | Path) -> Path:
    """Write an entry as a folder for model hubs, whole or not at all; return the folder.

    There are all weights, those of the base included, as safetensors; ``config.json`` to build the network, a model
    card (``README.md``), the golden predictions, a loader, the entry's own card, tables, null and pictures, and
    ``manifest.json`` with the sha256 of each. Kipoi's files are not there: `kipoi_tfb.zoo.hub_import` writes them anew.

    Parameters
    ----------
    entry
        Of the zoo.
    folder
        Where to; must not exist, or be empty.

    Raises
    ------
    EntryError
        If there is something in the folder already, or the entry is not whole.
    ConfigError
        If safetensors is not installed.
    """
    folder = Path(folder).resolve()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise EntryError(f"{folder} exists already; remove it or choose another name")
    golden = entry.golden  # a damaged one is to be told of here, and not to others
    if len(golden["probability"]) != len(golden["sequences"]):
        raise EntryError(f"{entry.folder / GOLDEN_FILE}: golden predictions are missing or damaged")
    with atomic_folder(folder) as temporary:
        save_safetensors(entry.state_dict(), temporary / TENSORS_FILE)
        config = config_of(entry.card, entry.own_names())
        (temporary / CONFIG_FILE).write_text(config.model_dump_json(indent=2) + "\n")
        others = [name for name in carried_names(entry.card, entry.folder) if name not in {CARD_FILE, GOLDEN_FILE}]
        for name in (CARD_FILE, GOLDEN_FILE, *others):
            (temporary / name).write_bytes(read_at_most(own_file(entry.folder, name), _MOST_BYTES))
        (temporary / README_FILE).write_text(model_card(entry, others), encoding="utf-8")
        loader = files("kipoi_tfb.templates") / "hub" / LOADER_FILE
        (temporary / LOADER_FILE).write_bytes(loader.read_bytes())
        manifest = json.dumps(manifest_of(temporary).model_dump(), indent=2) + "\n"
        (temporary / MANIFEST_FILE).write_text(manifest)
    if (folder / MANIFEST_FILE).read_text() != manifest:  # `atomic_folder` keeps what is there first
        raise EntryError(f"another process wrote {folder} at the same time; remove it or choose another name")
    return folder


def config_of(card: Card, own: tuple[str, ...] | None) -> HubConfig:
    """Return what is needed to build the network of a card.

    Parameters
    ----------
    card
        Of the entry.
    own
        See `HubConfig`.
    """
    from kipoi_tfb import __version__

    return HubConfig(
        name=card.name,
        architecture=card.architecture,
        sizes=card.sizes,
        members=None if card.members is None else tuple(member.sizes for member in card.members),
        window_length=card.window_length,
        tfs=card.tasks,
        weights_sha256=card.weights.sha256,
        own=own,
        kipoi_tfb=__version__,
    )


def carried_names(card: Card, folder: Path) -> list[str]:
    """Return the names of the files of an entry that go with it as they are, of those that there are."""
    known = {CARD_FILE, GOLDEN_FILE, NULL_FILE, CONTROLS_FILE, SPLITS_FILE}
    known |= {card.metrics.table} if card.metrics else set()
    return sorted(path.name for path in folder.iterdir() if path.name in known or path.suffix in PICTURES)
