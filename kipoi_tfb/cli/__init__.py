"""The command line: parse, call, print. Everything heavy is imported inside the commands."""

from __future__ import annotations

import errno
import logging
import signal
import sys
import traceback
from typing import Annotated

import typer

from kipoi_tfb.cli import (
    cache,
    data,
    demo,
    evaluate,
    explain,
    finetune,
    finetune_cells,
    grammar,
    motifs,
    mutate,
    null,
    plot,
    predict,
    pretrain,
    rank,
    report,
    score,
    zoo,
)
from kipoi_tfb.cli.interrupts import raise_ends, raise_interrupts
from kipoi_tfb.cli.loudness import is_verbose, say_as_usual, use_everywhere
from kipoi_tfb.cli.quick_start import start_quickly
from tfb_matrix_data.errors import TfbError

__all__ = ["app", "main"]

app = typer.Typer(
    name="tfb",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app, name="data")
app.add_typer(zoo.app, name="zoo")
app.add_typer(motifs.app, name="motifs")
app.add_typer(cache.app, name="cache")
for _command in (
    predict.predict,
    score.score,
    rank.rank,
    report.report,
    explain.explain,
    grammar.grammar,
    mutate.mutate,
    plot.plot,
    pretrain.pretrain,
    finetune.finetune,
    finetune_cells.finetune_cells,
    evaluate.evaluate,
    null.null,
    demo.demo,
):
    app.command()(_command)
use_everywhere(app, data.app, zoo.app, motifs.app, cache.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from kipoi_tfb import __version__

        print(f"tfb {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Which transcription factors does this sequence, region or variant affect?"""  # noqa: D400
    raise_interrupts()


def main() -> None:
    """Run the command line; the exit code is 0 on success, 1 on an error, 2 on wrong usage, 130 on Ctrl-C.

    It is 143 on SIGTERM and 129 on SIGHUP; `tfb finetune` and `tfb finetune-cells` have 3 for an entry that is refused.
    """
    start_quickly()
    raise_ends()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    say_as_usual()
    try:
        app()
    except KeyboardInterrupt:  # where typer does not see it
        sys.exit(128 + signal.SIGINT)
    except TfbError as error:
        _fail(str(error))
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone (`tfb ... | head`): nothing to say, and nobody to say it to
        sys.exit(141)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _fail("the disk is full; nothing was written. Free some space, or set TFB_DATA or the output elsewhere")
        if error.errno == errno.EROFS:
            _fail(f"{error.filename}: the file system is read-only; set TFB_DATA or the output to another place")
        _fail(str(error))


def _fail(message: str) -> None:
    if is_verbose():
        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)
