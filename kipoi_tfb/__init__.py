"""Kipoi plugin for transcription factor binding: models, prediction, variant effects, a model zoo."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

__all__ = ["load"]
__version__ = "0.1.0"

if TYPE_CHECKING:
    from torch import nn

    from kipoi_tfb.zoo.card import Card


# Kipoi finds the classes that a model.yaml names by importing this package and asking for one attribute after the
# other: these two are imported when it does.
_ON_DEMAND = ("dataloaders", "serving")


def __getattr__(name: str) -> ModuleType:
    if name in _ON_DEMAND:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load(name: str) -> tuple[nn.Module, Card]:
    """Return the network of a zoo entry (float32, evaluation mode, on the CPU) and its card.

    Entries that differ from one base only in the output layer share the base's tensors: there is one copy of these in
    memory, however many are loaded. Moving a network leaves the others where they are; changing its weights in place
    does not. To train further, `copy.deepcopy` it.

    Parameters
    ----------
    name
        Name of the entry (``multi163``, ``tf/JUND``), or the path of its folder.

    Raises
    ------
    UnknownNameError, EntryError, ChecksumError
        If there is no such entry, it is not valid, or its weights are not those of its card.
    """
    from kipoi_tfb.zoo.find import find_entry
    from kipoi_tfb.zoo.networks import load_network

    entry = find_entry(name)
    return load_network(entry), entry.card
