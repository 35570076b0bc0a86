"""A pseudo-terminal in the place of stderr."""

from __future__ import annotations

import os
import pty
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["terminal"]


@contextmanager
def terminal(monkeypatch) -> Iterator[list[str]]:
    """Make stderr a pseudo-terminal for a while; afterwards the list has what it was sent."""
    master, slave = pty.openpty()
    sent: list[bytes] = []
    said: list[str] = []

    def read() -> None:
        with suppress(OSError):  # hung up
            while part := os.read(master, 4096):
                sent.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    with monkeypatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "100")
        with os.fdopen(slave, "w", encoding="utf-8") as stream:
            patch.setattr(sys, "stderr", stream)
            yield said
    reader.join(10)
    os.close(master)
    said.append(b"".join(sent).decode())
