"""Ctrl-C and SIGTERM: an exception while a command works, wherever in it that comes."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType

__all__ = ["raise_ends", "raise_interrupts"]

_AGAIN = 0.05
"""Seconds after which an interrupt that was lost is raised again."""


class _EndError(SystemExit):
    """The end of the process, asked for by a signal."""


def raise_interrupts() -> None:
    """Let Ctrl-C raise `KeyboardInterrupt`, again and again until it is not lost.

    Python drops what is raised in a finaliser or in the callback of a weak reference, of which h5py has many: the
    command would go on as if nothing had been.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # nohup, and what a shell starts in the background
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.unraisablehook = _lost


def raise_ends() -> None:
    """Let SIGTERM and SIGHUP end the command as Ctrl-C does: temporary files are removed, finished pieces kept."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # not where it is ignored: nohup
            signal.signal(number, _end)
    sys.unraisablehook = _lost


def _end(number: int, frame: FrameType | None) -> None:
    raise _EndError(128 + number)


def _lost(raised: sys.UnraisableHookArgs) -> None:
    if issubclass(raised.exc_type, KeyboardInterrupt):
        number = int(signal.SIGINT)
    elif isinstance(raised.exc_value, _EndError):
        number = int(raised.exc_value.code) - 128  # type: ignore[arg-type]
    else:
        sys.__unraisablehook__(raised)
        return
    # A signal, which also wakes what waits.
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(_AGAIN, signal.pthread_kill, (main, number))
    timer.daemon = True
    timer.start()
