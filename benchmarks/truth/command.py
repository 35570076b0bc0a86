"""What the commands share: the document whose figures they replace, and how they end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.truth.report import around_figures, put_figures
from tfb_matrix_data.errors import TfbError

__all__ = ["add_options", "replace_figures"]


def add_options(parser: argparse.ArgumentParser, docs: Path) -> None:
    """Add the document, by default `docs`, and the bootstrap's size."""
    parser.add_argument("--docs", type=Path, default=docs, help="document whose figures are replaced")
    parser.add_argument("--replicates", type=int, default=1000, help="of the bootstrap")


def replace_figures(
    options: argparse.Namespace, marks: tuple[str, str], run: Callable[[argparse.Namespace], list[str]]
) -> int:
    """Print what `run` finds, and put it between the marks of the document; return the exit code.

    A document without the marks is refused before `run` takes its minutes.
    """
    try:
        around_figures(options.docs, marks)
        lines = run(options)
    except TfbError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    put_figures(options.docs, lines, marks)
    return 0
