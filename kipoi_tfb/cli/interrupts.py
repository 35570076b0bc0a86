"""Ctrl-C: an exception while a command works, wherever in it that comes."""

from __future__ import annotations

import signal
import sys
import threading

__all__ = ["raise_interrupts"]

_AGAIN = 0.05
"""Seconds after which an interrupt that was lost is raised again."""


def raise_interrupts() -> None:
    """Let Ctrl-C raise `KeyboardInterrupt`, again and again until it is not lost.

    Python drops what is raised in a finaliser or in the callback of a weak reference, of which h5py has many: the
    command would go on as if nothing had been.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # nohup, and what a shell starts in the background
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.unraisablehook = _lost


def _lost(raised: sys.UnraisableHookArgs) -> None:
    if raised.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(raised)
        return
    # A signal, which also wakes what waits.
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(_AGAIN, signal.pthread_kill, (main, signal.SIGINT))
    timer.daemon = True
    timer.start()
