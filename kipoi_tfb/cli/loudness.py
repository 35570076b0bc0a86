"""How much a command says beside its output: `--quiet` and `--verbose`, which all commands have."""

from __future__ import annotations

import functools
import inspect
import logging
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer

__all__ = ["is_quiet", "is_verbose", "say_as_usual", "use_everywhere"]

_PACKAGES = ("kipoi_tfb", "tfb_matrix_data")
"""The loggers whose level says how much is said."""
_TOLD = ("kipoi-tfb", "torch", "numpy", "h5py", "kipoi")
_QUIET = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but the output, warnings and errors.")]
_VERBOSE = Annotated[
    bool, typer.Option("-v", "--verbose", help="Say what is used, when and where from; the traceback of an error.")
]


def use_everywhere(*apps: typer.Typer) -> None:
    """Give all commands of some apps the two options, as their last."""
    for app in apps:
        for command in app.registered_commands:
            if command.callback is not None:
                command.callback = _with_both(command.callback)


def say_as_usual() -> None:
    """Go back to what is said without either option."""
    _set(logging.INFO, "%(message)s")


def is_quiet() -> bool:
    """Return whether remarks are not wanted."""
    return logging.getLogger(_PACKAGES[0]).level > logging.INFO


def is_verbose() -> bool:
    """Return whether all is wanted."""
    return 0 < logging.getLogger(_PACKAGES[0]).level < logging.INFO


def _with_both(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def command(*, quiet: bool, verbose: bool, **options: Any) -> Any:
        if quiet and verbose:
            raise typer.BadParameter("give --quiet or --verbose, not both")
        if quiet:
            _set(logging.WARNING, "%(message)s")
        elif verbose:
            _set(logging.DEBUG, "%(asctime)s %(name)s: %(message)s")
            logging.getLogger(__name__).debug(_versions())
        return function(**options)

    own = inspect.signature(function, eval_str=True)
    both = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
        for name, annotation in (("quiet", _QUIET), ("verbose", _VERBOSE))
    ]
    command.__signature__ = own.replace(parameters=[*own.parameters.values(), *both])  # type: ignore[attr-defined]
    return command


def _versions() -> str:
    found = []
    for name in _TOLD:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join([*found, f"Python {platform.python_version()}", platform.platform()])


def _set(level: int, form: str) -> None:
    for package in _PACKAGES:
        logging.getLogger(package).setLevel(level)
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:  # that of `main`: others are whose they are
            handler.setFormatter(logging.Formatter(form))
