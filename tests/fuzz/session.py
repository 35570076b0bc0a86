"""Many trials, each seeded by its number, so that one can be run again by itself."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from tests.fuzz.targets import TARGETS
from tests.fuzz.world import World

__all__ = ["faults"]

_SECONDS = 30
"""After which a trial hangs: a thousand times what it takes."""


class _Hangs(BaseException):
    """Raised in a trial that does not end."""


def _hang(_signal: int, _frame: FrameType | None) -> None:
    raise _Hangs


def faults(folder: Path, seed: int, n_mutants: int, only: str = "") -> Iterator[tuple[int, str, str]]:
    """Yield (number, target, what is wrong with what came of it, or nothing) of each mutant.

    Parameters
    ----------
    folder
        Empty.
    seed, n_mutants
        Of the damage, and how many.
    only
        The number of one, or the name of a target.
    """
    (folder / "world").mkdir()
    world = World(folder / "world")
    names = [name for name, (share, _) in TARGETS.items() for _ in range(share)]
    signal.signal(signal.SIGALRM, _hang)
    for number in range(n_mutants):
        rng = random.Random(f"{seed} {number}")
        target = rng.choice(names)
        if only not in {"", target, str(number)}:
            continue
        trial = folder / f"{number}"
        trial.mkdir()
        signal.alarm(_SECONDS)
        try:
            problem = TARGETS[target][1](world, trial, rng)
        except _Hangs:
            problem = f"hangs ({_SECONDS} s)"
        finally:
            signal.alarm(0)
        yield number, target, problem
        shutil.rmtree(trial)
