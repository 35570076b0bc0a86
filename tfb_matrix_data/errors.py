"""Exceptions that name the file, line or field at fault and say what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "AssemblyError",
    "ChecksumError",
    "ConfigError",
    "CutOffError",
    "DivergedError",
    "DownloadError",
    "EntryError",
    "InputError",
    "LayoutError",
    "LockedError",
    "MissingExtraError",
    "TfbError",
    "UnfinishedError",
    "UnknownNameError",
    "few",
]


class TfbError(Exception):
    """Base of every error that this project raises on purpose."""


class InputError(TfbError):
    """A file that a user gave cannot be read as what it should be.

    Parameters
    ----------
    path
        The file at fault.
    problem
        What was found, what was expected and what to do.
    line
        1-based line number, where the format has lines.
    """

    def __init__(self, path: object, problem: str, line: int | None = None) -> None:
        where = f"{path}" if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {problem}")
        self.path, self.line = path, line


class CutOffError(InputError):
    """The end of a file is missing; everything before it was handed on."""


class AssemblyError(TfbError):
    """Coordinates or alleles do not belong to the genome they are used with."""


class LayoutError(TfbError):
    """A binding-matrix file is cut off, of another kind or of another layout version."""


class LockedError(TfbError):
    """Another process is at work where this one would write.

    Parameters
    ----------
    problem
        What it does, and what to do about that.
    holder
        Which process it is, where that is known.
    """

    def __init__(self, problem: str, holder: str = "") -> None:
        super().__init__(f"{problem} ({holder})" if holder else problem)
        self.holder = holder


class ChecksumError(TfbError):
    """A file's sha256 is not the recorded one."""


class DownloadError(TfbError):
    """A published file cannot be had over the network; the message says how to put it in place by hand."""


class EntryError(TfbError):
    """A zoo entry is missing, incomplete or not valid."""


class ConfigError(TfbError):
    """A configuration asks for something that does not exist or does not fit together."""


class MissingExtraError(ConfigError):
    """A package that an extra of this one brings cannot be imported; the message says what to install.

    Parameters
    ----------
    what
        Is not there.
    extra
        Brings it.
    error
        Of the import.
    """

    def __init__(self, what: str, extra: str, error: ImportError) -> None:
        super().__init__(f"{what} is not installed ({error}): pip install 'kipoi-tfb[{extra}]'")


class DivergedError(TfbError):
    """The loss or the weights of a training are not finite any more."""


class UnfinishedError(TfbError):
    """Some parts of an output could not be made; those that could be are kept for the next try."""


class UnknownNameError(TfbError):
    """A name is not among the valid ones; the message lists the nearest of them.

    Parameters
    ----------
    kind
        What the name should have been, such as ``"TF"``.
    name
        The name that was given.
    choices
        Every valid name.
    """

    def __init__(self, kind: str, name: object, choices: Iterable[str]) -> None:
        valid = list(choices)
        near = get_close_matches(str(name).upper(), valid, n=3) or get_close_matches(str(name), valid, n=3)
        if near:
            hint = f"Did you mean {' or '.join(near)}?"
        else:
            shown = ", ".join(valid[:12]) + (f", ... ({len(valid)} in all)" if len(valid) > 12 else "")
            hint = f"Valid: {shown or 'none'}."
        super().__init__(f"unknown {kind} {name!r}. {hint}")
        self.choices = valid


def few(names: Iterable[str], most: int = 4) -> str:
    """Return some names for a message, and how many there are.

    Examples
    --------
    >>> few(["chr2", "chr1"]), few("abcdefg")
    ('chr2, chr1', 'a, b, c, d, ... (7)')
    """
    every = list(names)
    return ", ".join(every[:most]) + (f", ... ({len(every)})" if len(every) > most else "")
