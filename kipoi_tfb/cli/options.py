"""What the commands share: options, what options name, and what is said beside the output."""

from __future__ import annotations

import functools
import inspect
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from kipoi_tfb.cli.completion import complete_entries, complete_tfs
from kipoi_tfb.cli.loudness import is_quiet

if TYPE_CHECKING:
    from kipoi_tfb.motifs.profiles import Motif
    from kipoi_tfb.prediction.predictor import Predictor
    from tfb_matrix_data.genome import Genome

__all__ = [
    "ENTRIES",
    "EXIT_REFUSED",
    "SHIFT_STEP",
    "AnchorOption",
    "CellsOption",
    "DeviceOption",
    "EntriesArgument",
    "EntryArgument",
    "GenomeOption",
    "HitsOption",
    "IdsOption",
    "InCellsOption",
    "MatrixOption",
    "ModelsOption",
    "PrecisionOption",
    "RequiredGenomeOption",
    "RunFolderOption",
    "ShiftsOption",
    "TfsOption",
    "ThreadsOption",
    "TopOption",
    "command_line",
    "entry_titles",
    "fitted",
    "listed",
    "motifs_of",
    "n_strongest",
    "open_genome",
    "predictor_of",
    "say",
    "set_threads",
    "shifts_of",
    "takes",
    "terminal_width",
]

SHIFT_STEP = 10
"""By how many bp windows are moved where it is not said."""
EXIT_REFUSED = 3
"""Of a command whose entry is written, and is no better than what there was before."""
ENTRIES = "Zoo entries or groups of them (`tfb zoo ls`), their folders, comma-separated; or all."
"""What ENTRY is, wherever it stands."""
EntryArgument = Annotated[str, typer.Argument(help=ENTRIES, metavar="ENTRY", autocompletion=complete_entries)]
EntriesArgument = Annotated[list[str], typer.Argument(help=ENTRIES, metavar="ENTRY", autocompletion=complete_entries)]
ModelsOption = Annotated[str, typer.Option("--models", help=ENTRIES, metavar="ENTRY", autocompletion=complete_entries)]
GenomeOption = Annotated[Path | None, typer.Option("--genome", help="Genome FASTA, plain or bgzip.")]
RequiredGenomeOption = Annotated[Path, typer.Option("--genome", help="Genome FASTA, plain or bgzip.")]
MatrixOption = Annotated[Path, typer.Option("--matrix", help="A file of `tfb data import`.")]
RunFolderOption = Annotated[
    Path, typer.Option("-o", "--output", help="Folder for checkpoints and the entry; resumed if it has some.")
]
AnchorOption = Annotated[str, typer.Option(help="Centre windows on the centre or the summit of the regions.")]
ShiftsOption = Annotated[
    str,
    typer.Option(
        "--shifts",
        metavar="BP[,STEP]",
        help="The mean over windows that are moved by up to BP to either side, besides the one in the middle; step "
        f"{SHIFT_STEP} bp. It costs as many times as there are windows.",
    ),
]
TfsOption = Annotated[
    str, typer.Option("--tfs", help="Only these TFs, comma-separated, in this order.", autocompletion=complete_tfs)
]
CellsOption = Annotated[
    str,
    typer.Option("--cells", "--cell-types", help="Labels of the matrix in these cell types alone, comma-separated."),
]
InCellsOption = Annotated[
    str,
    typer.Option("--cells", help="Of an entry with outputs of cell types: of these alone, comma-separated."),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N.")]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="fp32, bf16 (faster where the hardware has it), auto.")
]
IdsOption = Annotated[
    Path | None, typer.Option("--ids", help="VCF such as dbSNP's, read through to look up identifiers (rs688).")
]
HitsOption = Annotated[
    str,
    typer.Option(
        "--hits",
        metavar="MOTIFS",
        help="Mark where these motifs are in use: TFs with a JASPAR profile, comma-separated; all; or a file of them.",
    ),
]
ThreadsOption = Annotated[int, typer.Option("--threads", help="CPU threads; 0 for all.")]

_MOST_DRAWN = 3
TopOption = Annotated[
    int | None,
    typer.Option("--top", min=1, help=f"Draw the TFs of the largest impact; default all --tfs, or {_MOST_DRAWN}."),
]


Record = TypeVar("Record")


def takes(record: type[Record]) -> Callable[[Callable[[Record], None]], Callable[..., None]]:
    """Make a command of a function of a record: typer sees the record's fields as the parameters of the function.

    Parameters
    ----------
    record
        A dataclass whose fields are annotated as a command's parameters are.
    """

    def decorate(function: Callable[[Record], None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(**options: Any) -> None:
            function(record(**options))

        command.__signature__ = inspect.signature(record, eval_str=True)  # type: ignore[attr-defined]
        return command

    return decorate


def listed(names: str) -> list[str] | None:
    """Return the names of a comma-separated option, one that is given twice once; None where it was not given.

    >>> listed("SP1, JUND,SP1")
    ['SP1', 'JUND']
    """
    return list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip())) or None


def say(message: str) -> None:
    """Tell the user something that is not the output: on stderr, and not at all with ``--quiet``."""
    if not is_quiet():
        print(message, file=sys.stderr)


def command_line() -> str:
    """Return the command line without the folders of its files: a page does not tell where its author keeps them."""
    # An entry's name may have a slash, too: tf/JUND.
    bare = [Path(one).name if "/" in one and Path(one).parent.is_dir() else one for one in sys.argv[1:]]
    return shlex.join(["tfb", *bare])


def terminal_width() -> int | None:
    """Return how many letters a line may have; None where the output is no terminal, and lines are as long as they are.

    ``COLUMNS`` says so, too.
    """
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return None
    return shutil.get_terminal_size().columns


def fitted(line: str) -> str:
    """Return a line cut to what the terminal has room for."""
    width = terminal_width()
    return line.rstrip() if width is None or len(line) <= width else f"{line[: width - 3].rstrip()}..."


def set_threads(threads: int) -> None:
    """Let torch have so many threads; 0 leaves it as it is."""
    if threads:
        import torch

        torch.set_num_threads(threads)


def motifs_of(named: str) -> list[Motif]:
    """Return the motifs that an option names."""
    from kipoi_tfb.motifs.jaspar import jaspar_motifs, vertebrate_motifs
    from kipoi_tfb.motifs.profiles import read_motifs

    if named == "all":
        return vertebrate_motifs()
    # A file that is not there is not a TF either: `read_motifs` says so.
    if Path(named).is_file() or Path(named).suffix.lower() in {".gz", ".jaspar", ".meme", ".pfm", ".txt"}:
        return read_motifs(named)
    every = [motif for profiles in jaspar_motifs(listed(named)).values() for motif in profiles]
    return list({motif.matrix_id: motif for motif in every}.values())


def shifts_of(text: str) -> tuple[int, int] | None:
    """Return (largest, step) of ``40`` or ``40,5``."""
    if not text:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > 2 or not all(part.isdecimal() for part in parts):
        raise typer.BadParameter(f"--shifts is BP or BP,STEP, such as 40 or 40,5; found {text!r}")
    return int(parts[0]), int(parts[1]) if len(parts) == 2 else SHIFT_STEP


def open_genome(path: Path) -> Genome:
    """Return the genome of a FASTA file."""
    from tfb_matrix_data.genome import Genome

    return Genome(path)


def predictor_of(
    models: str,
    tfs: str,
    device: str,
    precision: str,
    threads: int,
    cells: str = "",
    shifts: tuple[int, int] | None = None,
) -> Predictor:
    """Return the predictor that options ask for, saying on which device."""
    # Called after what is cheap to check: from here on it is slow.
    set_threads(threads)
    from kipoi_tfb.models.device import describe
    from kipoi_tfb.prediction.predictor import Predictor
    from kipoi_tfb.zoo.find import find_entries

    predictor = Predictor(find_entries(models), listed(tfs), device, precision, cells=listed(cells), shifts=shifts)
    say(f"device: {describe(predictor.device, predictor.precision)}")
    return predictor


def n_strongest(top: int | None, tfs: str) -> int | None:
    """Return how many TFs are drawn, those of the largest impact; None for all that were named."""
    return top or (None if tfs else _MOST_DRAWN)


def entry_titles(predictor: Predictor) -> str:
    """Return what a title calls the entries: groups have more than it can hold."""
    names = list(dict.fromkeys(entry.card.name for entry in predictor.sources))
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} entries"
