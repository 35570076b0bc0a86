"""A first answer sooner: most of a short command is the import of torch, and much of that is for compilers."""

from __future__ import annotations

import atexit
import gc
import importlib
import importlib.abc
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

__all__ = ["keep_what_is_there", "start_quickly"]

_FOR_COMPILERS = "torch._meta_registrations"
"""Says what shape every operator would give, for tracing and `torch.compile`, in a quarter of torch's import."""
_COMPILER = "torch._dynamo"
"""Which optimisers import too; it fails where the former was not imported before it."""
_OBJECTS = 50_000
"""Objects between two looks for cyclic garbage; Python's default of some hundred looks all the time in an import."""


class _OnDemand(ModuleType):
    """A module that is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


class _BeforeTheCompiler(importlib.abc.MetaPathFinder):
    """Finds nothing, but imports what was left out when the compiler is imported."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == _COMPILER:
            sys.meta_path.remove(self)
            if isinstance(sys.modules.get(_FOR_COMPILERS), _OnDemand):
                del sys.modules[_FOR_COMPILERS]
                importlib.import_module(_FOR_COMPILERS)


def start_quickly() -> None:
    """Let torch, where it is not imported yet, leave out what a command line never needs; for the whole process.

    Its end is quick too: Python does not look through a million objects for garbage that ends with the process anyway.
    """
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    if "torch" not in sys.modules:
        sys.modules[_FOR_COMPILERS] = _OnDemand(_FOR_COMPILERS)
        sys.meta_path.insert(0, _BeforeTheCompiler())


def keep_what_is_there() -> None:
    """Leave modules and networks out of every later look for cyclic garbage: they stay to the end of the command."""
    gc.freeze()
