"""A zoo entry on disk: its card, its checked weights, its network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from kipoi_tfb.models.sizes import LONGEST_WINDOW, MOST_TFS
from kipoi_tfb.zoo.card import CARD_FILE, Card, read_card
from kipoi_tfb.zoo.strict import explain
from tfb_matrix_data.bounded import check_file, read_at_most
from tfb_matrix_data.errors import ChecksumError, ConfigError, EntryError, InputError
from tfb_matrix_data.files import sha256
from tfb_matrix_data.names import shown

if TYPE_CHECKING:  # torch takes a second to import, and cards are read, listed and refused without it
    from torch import Tensor, nn

__all__ = [
    "GOLDEN_FILE",
    "Entry",
    "blank_network",
    "entry_titles",
    "locate_base",
    "open_entry",
    "own_file",
    "zoo_folder",
]

GOLDEN_FILE = "golden.json"
_HEAD = {"head.weight", "head.bias"}
_MOTIFS = {"own_motifs.weight", "own_motifs.share"}
_MOST_GOLDEN, _MOST_GOLDEN_BYTES = 256, 8 << 20
_LEVELS = 3
"""Folders above an entry's own in which its base may be: the zoo of a group's entry is two up."""


@dataclass(frozen=True)
class Entry:
    """A folder of the zoo.

    Attributes
    ----------
    name
        Name in the zoo, or the folder as given.
    folder
        Where it is.
    card
        What it says of itself.
    """

    name: str
    folder: Path
    card: Card

    @property
    def weights_path(self) -> Path:
        """Return the path of the file of weights."""
        return self.folder / self.card.weights.file

    def state_dict(self) -> dict[str, Tensor]:
        """Load the weights, after checking their sha256; those of a fine-tuned entry are laid on its base's.

        Raises
        ------
        EntryError
            If there is no such file, or it is not a state_dict; or as `locate_base`.
        ChecksumError
            If its sha256 is not the card's.
        """
        if self.card.finetuned is None:
            return self._own_state()
        return {**self.find_base().state_dict(), **self._own_state()}

    def own_outputs(self) -> dict[str, Tensor] | None:
        """Return the tensors of an entry that differs from its base in its outputs only, or None.

        They are the output layer, and the motifs beside the base (`kipoi_tfb.models.motif_cnn.OwnMotifs`) if it has
        some.
        """
        own = {} if self.card.finetuned is None else self._own_state()
        return own if set(own) == (_HEAD | _MOTIFS if self.card.sizes.get("own_motifs") else _HEAD) else None

    def own_names(self) -> tuple[str, ...] | None:
        """Return the names of the tensors in which a fine-tuned entry differs from its base; None if it is not one."""
        return None if self.card.finetuned is None else tuple(self._own_state())

    def find_base(self) -> Entry:
        """Return the entry that this one was fine-tuned from; see `locate_base`."""
        card = self.card
        if card.base is None:
            raise EntryError(f"{self.name}: is not fine-tuned, it has no base")
        wanted = None if card.finetuned is None else card.finetuned.base_weights_sha256
        return locate_base(self.folder, card.base, wanted, self.name)

    def _own_state(self) -> dict[str, Tensor]:
        try:
            found = sha256(own_file(self.folder, self.card.weights.file))
        except FileNotFoundError:
            raise EntryError(f"{self.name}: {self.weights_path} is missing") from None
        if found != self.card.weights.sha256:
            raise ChecksumError(
                f"{self.weights_path}: sha256 is {found[:12]}..., the card of {self.name} says "
                f"{self.card.weights.sha256[:12]}...; the file is damaged or not the one the card describes"
            )
        from kipoi_tfb.models.tensors import load_state

        try:
            return load_state(self.weights_path)
        except ValueError as error:
            raise EntryError(f"{self.weights_path}: is not a state_dict of tensors: {error}") from None

    def network(self) -> nn.Module:
        """Return the network in float32 on the CPU as it was trained: to be trained further."""
        card = self.card
        try:
            network = blank_network(card, len(card.tasks))
            network.load_state_dict(self.state_dict())
        except ConfigError as error:
            raise EntryError(f"{self.name}: {error}") from None
        except RuntimeError as error:
            raise EntryError(f"{self.name}: weights do not fit {card.architecture}: {error}") from None
        return network

    @cached_property
    def golden(self) -> dict[str, Any]:
        """``sequences`` and the ``probability`` of each task for each, as recorded when the entry was written."""
        path = self.folder / GOLDEN_FILE
        try:
            text = read_at_most(own_file(self.folder, GOLDEN_FILE), _MOST_GOLDEN_BYTES)
            return _Golden.model_validate_json(text).model_dump()
        except ValidationError as error:
            raise EntryError(f"{path}: golden predictions are missing or damaged: {explain(error)}") from None
        except (OSError, InputError) as error:
            raise EntryError(f"{path}: golden predictions are missing or damaged ({error})") from None


class _Golden(BaseModel):
    """What is in ``golden.json``; the TFs, which are there too, are those of the card."""

    sequences: Annotated[list[Annotated[str, Field(max_length=LONGEST_WINDOW)]], Field(max_length=_MOST_GOLDEN)]
    probability: Annotated[list[Annotated[list[float], Field(max_length=MOST_TFS)]], Field(max_length=_MOST_GOLDEN)]


def blank_network(card: Card, n_outputs: int) -> nn.Module:
    """Return a freshly initialised network of a card's architecture and sizes.

    Raises
    ------
    UnknownNameError, ConfigError
        See `kipoi_tfb.models.build.build_network`.
    """
    from kipoi_tfb.models.build import build_network

    members = None if card.members is None else [member.sizes for member in card.members]
    return build_network(card.architecture, n_outputs, card.window_length, card.sizes, members)


def own_file(folder: Path, name: str) -> Path:
    """Return the path of a file of an entry, checked to be one: no named pipe, no device, and no link.

    A link could lead to any file of whoever reads the entry. In the installed zoo they are what an installer made.

    Raises
    ------
    EntryError
        If it is one of these.
    FileNotFoundError
        If there is none.
    """
    installed = folder.is_relative_to(zoo_folder())
    part = folder
    for piece in Path(name).parts:
        part /= piece
        if part.is_symlink() and not installed:
            raise EntryError(f"{part.relative_to(folder)} is a link; an entry holds its files itself")
    try:
        return check_file(part)
    except InputError as error:
        raise EntryError(str(error)) from None


def entry_titles(entries: Sequence[Entry]) -> list[str]:
    """Return what tells entries apart in the name of a column: their names, or their folders where these are the same.

    Raises
    ------
    EntryError
        If one is there twice.
    """
    titles = [entry.card.name for entry in entries]
    if len(set(titles)) < len(titles):  # folders of entries that call themselves the same
        titles = [shown(os.path.normpath(entry.name)) for entry in entries]
    twice = next((title for number, title in enumerate(titles) if title in titles[:number]), None)
    if twice is not None:
        raise EntryError(f"{twice} is given twice; leave one of them out")
    return titles


def zoo_folder() -> Path:
    """Return the folder of the zoo that was installed with this package."""
    return Path(str(files("kipoi_tfb.model_zoo")))


def open_entry(folder: str | Path, name: str | None = None) -> Entry:
    """Open an entry by its folder; weights are read when they are asked for.

    Raises
    ------
    EntryError
        If the folder holds no valid entry.
    """
    folder = Path(folder)
    with suppress(FileNotFoundError):  # which `read_card` says better
        own_file(folder.absolute(), CARD_FILE)
    return Entry(name or str(folder), folder.absolute(), read_card(folder))


def locate_base(folder: Path, base: str, wanted: str | None, of: str) -> Entry:
    """Return the base of an entry: in one of the folders above the entry's own, or in the installed zoo.

    Parameters
    ----------
    folder
        The entry's own, absolute; it need not exist yet.
    base
        Name of the base.
    wanted
        The sha256 of its weights; None: any.
    of
        Name of the entry, for errors.

    Raises
    ------
    EntryError
        If there is none of that name, or only one with other weights.
    """
    others = []
    for place in (*folder.parents[:_LEVELS], zoo_folder()):
        if not (place / base / CARD_FILE).is_file() or place / base == folder:
            continue
        found = open_entry(place / base, base)
        if wanted in {None, found.card.weights.sha256} and found.card.finetuned is None:
            return found
        others.append(f"{found.folder} has weights {found.card.weights.sha256[:12]}...")
    if others and wanted is not None:
        raise EntryError(
            f"{of}: was fine-tuned from {base} with weights {wanted[:12]}..., but {'; '.join(others)}; get the version "
            "of the base that the card names, or fine-tune again"
        )
    raise EntryError(
        f"{of}: its base {base} is neither in a folder above {folder} nor in the installed zoo; `tfb zoo ls` lists "
        "what is there, `tfb zoo add FOLDER` adds it"
    )
