"""A zoo entry on disk: its card, its checked weights, its network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor, nn

from kipoi_tfb.models.build import build_network
from kipoi_tfb.zoo.card import CARD_FILE, Card, read_card
from tfb_matrix_data.errors import ChecksumError, EntryError
from tfb_matrix_data.files import sha256

__all__ = ["GOLDEN_FILE", "Entry", "locate_base", "open_entry", "zoo_folder"]

GOLDEN_FILE = "golden.json"
_HEAD = {"head.weight", "head.bias"}
_MOTIFS = {"own_motifs.weight", "own_motifs.share"}
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

    def find_base(self) -> Entry:
        """Return the entry that this one was fine-tuned from; see `locate_base`."""
        card = self.card
        if card.base is None:
            raise EntryError(f"{self.name}: is not fine-tuned, it has no base")
        wanted = None if card.finetuned is None else card.finetuned.base_weights_sha256
        return locate_base(self.folder, card.base, wanted, self.name)

    def _own_state(self) -> dict[str, Tensor]:
        if not self.weights_path.is_file():
            raise EntryError(f"{self.name}: {self.weights_path} is missing")
        found = sha256(self.weights_path)
        if found != self.card.weights.sha256:
            raise ChecksumError(
                f"{self.weights_path}: sha256 is {found[:12]}..., the card of {self.name} says "
                f"{self.card.weights.sha256[:12]}...; the file is damaged or not the one the card describes"
            )
        try:
            state = torch.load(self.weights_path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises RuntimeError, UnpicklingError, KeyError ...
            raise EntryError(f"{self.weights_path}: is not a state_dict of tensors: {error}") from None
        if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
            raise EntryError(f"{self.weights_path}: is not a state_dict of tensors")
        return state

    def network(self) -> nn.Module:
        """Return the network in float32 on the CPU as it was trained: to be trained further."""
        card = self.card
        network = build_network(card.architecture, len(card.tasks), card.window_length, card.sizes)
        try:
            network.load_state_dict(self.state_dict())
        except RuntimeError as error:
            raise EntryError(f"{self.name}: weights do not fit {card.architecture}: {error}") from None
        return network

    @cached_property
    def golden(self) -> dict[str, list]:
        """``sequences`` and the ``probability`` of each task for each, as recorded when the entry was written."""
        path = self.folder / GOLDEN_FILE
        try:
            golden = json.loads(path.read_text())
            return {"sequences": golden["sequences"], "probability": golden["probability"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EntryError(f"{path}: golden predictions are missing or damaged ({error})") from None


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
