"""TF x DHS x cell-type binding matrices with sequence access: the data package, without torch and kipoi."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["BindingMatrix", "Genome", "Regions", "TfbError", "example"]

if TYPE_CHECKING:
    from tfb_matrix_data.errors import TfbError
    from tfb_matrix_data.examples import example
    from tfb_matrix_data.genome import Genome
    from tfb_matrix_data.matrix import BindingMatrix, Regions

# On demand, since the command line imports this package for its errors alone.
_HOMES = {
    "BindingMatrix": "matrix",
    "Genome": "genome",
    "Regions": "matrix",
    "TfbError": "errors",
    "example": "examples",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
