"""Long work in numbered pieces beside the output, so that a killed run goes on where it was."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from tfb_matrix_data.errors import InputError, TfbError, UnfinishedError
from tfb_matrix_data.files import atomic_path, check_output, check_writable, locked

__all__ = ["Joined", "Pieces"]

logger = logging.getLogger(__name__)

_LOCK = ".lock"


class Joined(Protocol):
    """What an output becomes of its pieces."""

    def add(self, piece: Path) -> None:
        """Take the next piece, in their order."""

    def finish(self) -> int:
        """Return how many rows there are, when all pieces are added."""


class Pieces:
    """The folder ``OUT.parts``: one file per piece of an output, each whole or not there.

    A context. When it ends well, the folder is removed; also with an error of ours (which the same command would run
    into again), unless an earlier run had left pieces there. When it ends otherwise (Ctrl-C, no space, kill -9),
    finished pieces stay, and a run of the same kind takes them over.

    Parameters
    ----------
    output
        The file that the pieces will become.
    run
        What the pieces depend on besides their input, as JSON: taken over only if all of it is the same.

    Raises
    ------
    InputError
        If the folder holds pieces of another run.
    LockedError
        If a run is writing there now.
    """

    def __init__(self, output: str | Path, run: Mapping[str, Any]) -> None:
        self.output = check_output(output)
        self.folder = self.output.with_name(self.output.name + ".parts")
        self.run = json.loads(json.dumps(run))
        self.paths: list[Path] = []
        self.taken_over = 0
        self._found = False

    def __enter__(self) -> Pieces:
        record = self.folder / "run.json"
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            check_writable(self.output, error)
            raise
        held = f"{self.output}: another run is writing it now; wait for it, or choose another output"
        with ExitStack() as stack:
            stack.enter_context(locked(self.folder / _LOCK, wait=False, held=held))
            self._check(record)
            self._found = bool(self._pieces())
            with atomic_path(record) as temporary:
                temporary.write_text(json.dumps(self.run, indent=1) + "\n")
            self._lock = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Pieces of an earlier run are never removed for an error of this one: the file may be mended by then.
        worth_keeping = not isinstance(error, TfbError) or isinstance(error, UnfinishedError) or self._found
        n_pieces = len(self._pieces())
        if error is not None and worth_keeping and n_pieces:
            logger.warning(
                "%d finished pieces stay in %s: the same command goes on from there (or delete the folder)",
                n_pieces,
                self.folder,
            )
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def add(self, digest: str, write: Callable[[Path], None]) -> None:
        """Add the next piece: call `write` with a path to write to, unless the piece is there already.

        Parameters
        ----------
        digest
            Hash of the piece's input.
        write
            Makes the piece.

        Raises
        ------
        InputError
            If the piece that is there was made of another input.
        """
        path, there = self.place(digest)
        if not there:
            self.write(path, write)

    @property
    def whole(self) -> Path:
        """Return where the output is made of its pieces: here, so that a killed run leaves nothing elsewhere."""
        return self.folder / self.output.name

    def publish(self) -> None:
        """Give `whole` the place of the output."""
        os.replace(self.whole, self.output)

    @staticmethod
    def write(path: Path, write: Callable[[Path], object]) -> None:
        """Write a piece to its place, whole or not at all: call `write` with a path to write to."""
        with atomic_path(path) as temporary:
            write(temporary)

    def place(self, digest: str) -> tuple[Path, bool]:
        """Return the path of the next piece, to be written by the caller, and whether it is there already.

        Raises
        ------
        InputError
            As `add`.
        """
        number = f"{len(self.paths):08d}"
        path = self.folder / f"{number}-{digest[:32]}"
        there = path.is_file()
        if there:
            self.taken_over += 1
        elif other := next(self.folder.glob(f"{number}-*"), None):
            raise InputError(
                self.output,
                f"{other} was made of other input than the file has now; delete {self.folder} to start anew",
            )
        self.paths.append(path)
        return path, there

    def _pieces(self) -> list[Path]:
        return sorted(self.folder.glob("0*-*"))

    def _check(self, record: Path) -> None:
        try:
            before = json.loads(record.read_text())
        except (OSError, ValueError):
            if any(path.name != _LOCK for path in self.folder.iterdir()):
                raise InputError(self.folder, "is in the way, and not of this program; delete or rename it") from None
            return  # killed before anything was written
        differs = sorted(key for key in {*before, *self.run} if before.get(key) != self.run.get(key))
        if differs:
            raise InputError(
                self.folder,
                f"holds pieces of another run (other {', '.join(differs)}); "
                "give the same command on the same kind of machine to go on, or delete the folder to start anew",
            )
