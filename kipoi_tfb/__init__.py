"""Kipoi plugin for transcription factor binding: models, prediction, variant effects, a model zoo.

What scripts need stands here, and is imported when it is asked for; more of it in the rooms (`kipoi_tfb.zoo`,
`kipoi_tfb.variants`, ...). Modules within a room are internal and may move.
"""

import os
import signal
import sys

_command = os.path.basename(sys.argv[0]) == "tfb" and "--multiprocessing-fork" not in sys.orig_argv
if _command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until the command does something (`kipoi_tfb.cli.interrupts`), Ctrl-C just ends it, whatever is being imported.
    signal.signal(signal.SIGINT, lambda number, _frame: os._exit(128 + number))

import lazy_loader  # noqa: E402

__version__ = "0.1.0"

# Kipoi finds the classes that a model.yaml names by importing this package and asking for one attribute after the
# other: `dataloaders` and `serving` are imported when it does.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
