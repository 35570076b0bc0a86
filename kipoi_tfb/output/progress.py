"""Progress of long work: a bar with an ETA on a terminal, nothing when piped."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["no_bar", "progress_bar", "progress_each", "progress_within"]

_Item = TypeVar("_Item")


@contextmanager
def no_bar() -> Iterator[Callable[..., None]]:
    """Give a function as `progress_bar` does, for those who have nothing to show."""
    yield lambda n=1, text="": None


@contextmanager
def progress_bar(description: str, total: int | Callable[[], int | None] | None) -> Iterator[Callable[..., None]]:
    """Give a function ``advance(n, text="")`` that moves a bar on stderr, if that is a terminal; n may be a part.

    Parameters
    ----------
    description
        What is going on.
    total
        How much there is to do, roughly; None if nobody knows. A function is only called if there is a bar to show.
    """
    # `tfb --quiet`, and who sets the logger above INFO, wants no bar; a logger that nobody has set says nothing of it.
    if not sys.stderr.isatty() or logging.getLogger("kipoi_tfb").level > logging.INFO:
        with no_bar() as advance:
            yield advance
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total() if callable(total) else total, text="")

        def advance(n: float = 1, text: str = "") -> None:
            bar.update(task, advance=n, text=text)

        yield advance


def progress_each(description: str, items: Collection[_Item]) -> Iterator[_Item]:
    """Yield items, with a bar of how many were worked through."""
    with progress_bar(description, len(items)) as advance:
        for item in items:
            yield item
            advance()


@contextmanager
def progress_within(advance: Callable[..., None], n: float) -> Iterator[Callable[[float], None]]:
    """Give a function that moves a bar by a share of n; at the end it has moved by n, whatever shares there were.

    Parameters
    ----------
    advance
        As `progress_bar` gives it.
    n
        How much the work in this context is.
    """
    moved = 0.0

    def share(part: float) -> None:
        nonlocal moved
        step = min(part * n, n - moved)
        moved += step
        advance(step)

    yield share
    advance(n - moved)
