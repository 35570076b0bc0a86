"""Kipoi dataloaders: regions (BED), variants (VCF) and sequences (FASTA)."""

import importlib
from types import ModuleType

import numpy as np

# Kipoi 0.8.6 writes HDF5 with two names that numpy 2 took away. This module loads before any writer does.
for _name, _type in (("string_", np.bytes_), ("unicode_", np.str_)):
    if _name not in np.__dict__:
        setattr(np, _name, _type)

_ON_DEMAND = ("regions", "sequences", "variants")


def __getattr__(name: str) -> ModuleType:
    # Kipoi imports the top package only, and asks for the rest attribute by attribute.
    if name in _ON_DEMAND:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
