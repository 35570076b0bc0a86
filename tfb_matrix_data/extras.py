"""Packages that an extra of this one brings: imported where they are needed, or said how to install."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from tfb_matrix_data.errors import MissingExtraError

__all__ = ["import_extra"]


def import_extra(name: str, what: str, extra: str) -> ModuleType:
    """Return a module that an extra of this package brings.

    Parameters
    ----------
    name
        Of the module.
    what
        Is not there without it, for the message.
    extra
        Brings it.

    Raises
    ------
    MissingExtraError
        If it cannot be imported.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(what, extra, error) from None
