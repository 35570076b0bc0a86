"""An exported entry taken into a zoo, through the gate of any other entry."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from kipoi_tfb.models.safe_tensors import import_safetensors, load_safetensors
from kipoi_tfb.models.tensors import save_tensors
from kipoi_tfb.zoo.card import CARD_FILE, Card, read_card, write_card
from kipoi_tfb.zoo.change import add_entries
from kipoi_tfb.zoo.entry import Entry, blank_network, locate_base, open_entry
from kipoi_tfb.zoo.find import entry_names
from kipoi_tfb.zoo.hub_folder import carried_names, config_of
from kipoi_tfb.zoo.hub_source import LEFT, take_files
from kipoi_tfb.zoo.manifest import CONFIG_FILE, TENSORS_FILE, Manifest, read_config_file
from kipoi_tfb.zoo.null import NULL_FILE, read_null, write_null
from kipoi_tfb.zoo.specs import render_specs
from tfb_matrix_data.errors import ConfigError, EntryError, TfbError
from tfb_matrix_data.files import sha256
from tfb_matrix_data.names import ENTRY
from tfb_matrix_data.temporary import temporary_folder

__all__ = ["Imported", "import_entry"]


class Imported(NamedTuple):
    """An entry that was taken in.

    Attributes
    ----------
    entry
        In the zoo.
    before
        The sha256 of the file of weights that was exported, where the one written here has other bytes for the same
        tensors, as another version of torch writes them; then the card says the new one.
    """

    entry: Entry
    before: str | None


def import_entry(source: str, zoo: Path, name: str = "") -> Imported:
    """Check an exported entry and take it into a zoo, whole or not at all.

    Files are checked against their list (`kipoi_tfb.zoo.hub_source`); weights are read as safetensors alone and written
    anew, Kipoi's files made from the templates; then it is added as by `kipoi_tfb.zoo.change.add_entries`, which
    verifies it.

    Parameters
    ----------
    source
        A folder of `kipoi_tfb.zoo.hub_folder.export_entry`, or the http or https address of one.
    zoo
        Folder of the zoo.
    name
        What it is called there; default as its card says.

    Raises
    ------
    EntryError
        If it is no exported entry, does not fit together, does not pass a check (the message says which), its name is
        taken, or its base is not in the zoo.
    ChecksumError
        If a file is not the one that its list says.
    DownloadError
        If it cannot be downloaded.
    ConfigError
        If safetensors is not installed.
    """
    if name and (fault := ENTRY.fault(name)):
        raise EntryError(fault)
    import_safetensors()  # before anything is downloaded
    with temporary_folder(Path(tempfile.gettempdir(), "tfb-import"), 0o700) as temporary:
        # So deep that no folder above, in which a base might be looked for, is anybody else's.
        given, made = (temporary / "a" / "b" / "c" / part for part in ("given", "made"))
        given.mkdir(parents=True)
        manifest = take_files(source, given)
        try:
            card = _read_card(given, manifest, name)
            if card.name in entry_names(zoo):
                raise EntryError(
                    f"{card.name} is in the zoo already; `tfb zoo remove {card.name}` takes it out, and --name gives "
                    "the other another name"
                )
            before = _write(given, made, card, zoo)
            (entry,) = add_entries([open_entry(made, card.name)], zoo)
        except TfbError as error:
            raise type(error)(_said(error, source, given, made)) if type(error) in _PLAIN else error from None
    return Imported(entry, before)


_PLAIN = {EntryError, ConfigError}
"""Errors that are made of a message alone."""


def _said(error: TfbError, source: str, *folders: Path) -> str:
    """Return what an error says, with the source in the place of folders that will be gone."""
    text = str(error)
    for folder in folders:
        text = text.replace(str(folder), source)
    return text


def _read_card(given: Path, manifest: Manifest, name: str) -> Card:
    """Return the card, checked to be that of the other files."""
    card = read_card(given)
    config = read_config_file((given / CONFIG_FILE).read_bytes(), CONFIG_FILE)
    expected = config_of(card, config.own)
    differing = [
        field
        for field in type(config).model_fields
        if field != "kipoi_tfb" and getattr(config, field) != getattr(expected, field)
    ]
    if differing:
        raise EntryError(f"{CONFIG_FILE} and {CARD_FILE} differ in {', '.join(differing)}; export the entry again")
    if (config.own is None) != (card.finetuned is None):
        raise EntryError(f"{CONFIG_FILE}: own is of fine-tuned entries, and of all of them; export the entry again")
    known = {CONFIG_FILE, TENSORS_FILE, *LEFT, *carried_names(card, given)}
    if more := sorted(manifest.files.keys() - known):
        raise EntryError(f"{more[0]} is not part of an entry; take it out")
    return card.model_copy(update={"name": name}) if name else card


def _write(given: Path, made: Path, card: Card, zoo: Path) -> str | None:
    """Write the entry; return the sha256 of its weights as exported, where they are of other bytes now."""
    made.mkdir()
    state = _read_tensors(given, card)
    if card.finetuned is not None:
        own = read_config_file((given / CONFIG_FILE).read_bytes(), CONFIG_FILE).own or ()
        base = _base_of(card, state, own, zoo)
        update = {"base_weights_sha256": base.card.weights.sha256}
        card = card.model_copy(update={"finetuned": card.finetuned.model_copy(update=update)})
        state = {key: value for key, value in state.items() if key in own}
    weights = made / card.weights.file
    save_tensors({key: value.contiguous().clone() for key, value in state.items()}, weights)
    for name in carried_names(card, given):
        if name != CARD_FILE:
            shutil.copyfile(given / name, made / name)
    new = _with_weights(card, sha256(weights))
    if new != card and (null := read_null(Entry(card.name, made, card))) is not None:
        record = null.record.model_copy(update={"weights_sha256": new.weights.sha256})
        write_null(dataclasses.replace(null, record=record), made / NULL_FILE)
    write_card(new, made)
    render_specs(new, made)
    return None if new.weights.sha256 == card.weights.sha256 else card.weights.sha256


def _read_tensors(given: Path, card: Card) -> dict[str, Tensor]:
    """Return the tensors, checked to be those of the network that the card describes, in its order."""
    wanted = blank_network(card, len(card.tasks)).state_dict()
    try:
        found = load_safetensors(given / TENSORS_FILE)
    except ValueError as error:
        raise EntryError(f"{TENSORS_FILE} {error}") from None
    if odd := sorted(wanted.keys() ^ found.keys()):
        which = "is missing" if odd[0] in wanted else "is none of this network"
        raise EntryError(f"{TENSORS_FILE}: tensor {odd[0]} {which}, which is {card.architecture} of these sizes")
    for key, value in wanted.items():
        kinds = {torch.float16, torch.float32} if value.is_floating_point() else {value.dtype}
        if found[key].shape != value.shape or found[key].dtype not in kinds:
            raise EntryError(
                f"{TENSORS_FILE}: tensor {key} is {found[key].dtype} {tuple(found[key].shape)}, expected "
                f"{' or '.join(sorted(map(str, kinds)))} {tuple(value.shape)}"
            )
    return {key: found[key] for key in wanted}


def _base_of(card: Card, state: Mapping[str, Tensor], own: tuple[str, ...], zoo: Path) -> Entry:
    """Return the base in the zoo, checked to have the tensors that the entry shares with it.

    It may have been imported too, and its file of weights have other bytes than when the entry was made from it.
    """
    assert card.finetuned is not None and card.base is not None
    place, wanted = (zoo / card.name).absolute(), card.finetuned.base_weights_sha256
    another: EntryError | None = None
    try:
        base = locate_base(place, card.base, wanted, card.name)
    except EntryError as error:
        another = error
        try:
            base = locate_base(place, card.base, None, card.name)
        except EntryError:
            raise another from None
    known = base.state_dict()
    for key in state.keys() - set(own):
        if key not in known or not torch.equal(state[key], known[key]):
            raise another or EntryError(
                f"{TENSORS_FILE}: tensor {key} is not that of the base {card.base}, and {CONFIG_FILE} does not say so"
            )
    return base


def _with_weights(card: Card, found: str) -> Card:
    """Return the card of an entry whose weights have another sha256, as files of the same tensors have."""
    before = card.weights.sha256
    changes: dict = {"weights": card.weights.model_copy(update={"sha256": found})}
    if card.metrics is not None and card.metrics.weights_sha256 == before:
        changes["metrics"] = card.metrics.model_copy(update={"weights_sha256": found})
    return card.model_copy(update=changes)
