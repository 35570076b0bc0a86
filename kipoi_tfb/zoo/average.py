"""The mean of entries as an entry of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from kipoi_tfb.models.build import build_network
from kipoi_tfb.models.ensemble import Ensemble, join
from kipoi_tfb.models.sizes import ENSEMBLE, MEMBERS
from kipoi_tfb.zoo.card import Card, MemberCard, TrainingCard, today
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.write import CITATION, write_entry
from tfb_matrix_data.errors import ConfigError

__all__ = ["average"]

_SAME = (
    "matrix_sha256",
    "assembly",
    "train_chromosomes",
    "validation_chromosomes",
    "test_chromosomes",
    "excluded_chromosomes",
)
"""What members must have in common of their data: else what one holds out another has seen."""


def average(entries: Sequence[Entry], name: str, summary: str, folder: str | Path, command: str = "") -> Entry:
    """Write an entry whose logits are the mean of those of others, and return it.

    Nothing is trained. The new entry holds the weights of all members: it needs them no more.

    Parameters
    ----------
    entries
        Two to eight of architecture ``motif-cnn``, for the same TFs, with windows of one length, made from the same
        data.
    name, summary
        Of the new entry.
    folder
        Where to; must not exist.
    command
        For the card.

    Raises
    ------
    ConfigError
        If they cannot be averaged; the message says why.
    EntryError
        If the folder exists already, or weights are missing or damaged.
    """
    first = entries[0].card
    for entry in entries:
        _check(entry, first)
    hashes = [entry.card.weights.sha256 for entry in entries]
    if not MEMBERS[0] <= len(entries) <= MEMBERS[1] or len(set(hashes)) < len(hashes):
        raise ConfigError(f"a mean is of two to eight different entries, not of {len(entries)}, or of one given twice")
    sizes = [entry.card.sizes for entry in entries]
    network = build_network(ENSEMBLE, len(first.tasks), first.window_length, members=sizes)
    join(cast(Ensemble, network), [entry.state_dict() for entry in entries])
    cards = [entry.card for entry in entries]
    fields = {
        "name": name,
        "summary": summary,
        "architecture": ENSEMBLE,
        "window_length": first.window_length,
        "tasks": first.tasks,
        "members": tuple(
            MemberCard(name=card.name, weights_sha256=card.weights.sha256, sizes=card.sizes) for card in cards
        ),
        "data": first.data.model_copy(update={"n_train": max(card.data.n_train for card in cards)}),
        "training": _training(command, first.training),
        "citation": (CITATION,),
    }
    return write_entry(folder, network.eval(), fields)


def _check(entry: Entry, first: Card) -> None:
    card = entry.card
    if card.architecture != "motif-cnn" or card.finetuned is not None:
        kind = "is fine-tuned" if card.finetuned is not None else f"is a {card.architecture}"
        raise ConfigError(f"{entry.name} {kind}; a mean is of pretrained entries of architecture motif-cnn")
    if card.tasks != first.tasks or card.window_length != first.window_length:
        raise ConfigError(f"{entry.name} is of other TFs, or of windows of another length, than {first.name}")
    other = [field for field in _SAME if getattr(card.data, field) != getattr(first.data, field)]
    if other:
        raise ConfigError(
            f"{entry.name} and {first.name} differ in {', '.join(other)} of their data: what one holds out, the other "
            "may have seen"
        )


def _training(command: str, first: TrainingCard) -> TrainingCard:
    return TrainingCard(
        command=command,
        config=None,
        best_epoch=0,
        validation_loss=None,
        device=first.device,
        precision=first.precision,
        torch=first.torch,
        date=today(),
    )
