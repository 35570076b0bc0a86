"""`tfb finetune`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from kipoi_tfb.cli.finetune_group import finetune_all
from kipoi_tfb.cli.finetune_options import FinetuneOptions
from kipoi_tfb.cli.options import EXIT_REFUSED, listed, open_genome, say, set_threads, takes
from kipoi_tfb.zoo.controls import CONTROLS

if TYPE_CHECKING:
    from kipoi_tfb.finetuning.config import FinetuneConfig
    from kipoi_tfb.finetuning.data import FinetuneData
    from tfb_matrix_data.genome import Genome
    from tfb_matrix_data.matrix import BindingMatrix


@takes(FinetuneOptions)
def finetune(options: FinetuneOptions) -> None:
    """Fine-tune a model on one TF, and write it as a zoo entry if it is better than what there was before.

    The exit code is 3 where it is not: the entry is then in OUT/refused instead of OUT/entry. With --all there is such
    a folder per TF, OUT/TF; what was stopped goes on when the command is given again, and what is finished is said so.

    Example: tfb finetune JUND --from-matrix matrix.h5 --genome hg38.fa -o runs/JUND
    Example: tfb finetune MYTF --peaks peaks.narrowPeak --open open.bed --genome hg38.fa -o runs/MYTF
    Example: tfb finetune --all --from-matrix matrix.h5 --genome hg38.fa --arm head -o runs/tf
    """
    options.check()
    set_threads(options.threads)
    controls = _chosen(options.controls)
    config = options.config()
    command = _command(sys.argv[1:])
    if options.every:
        finetune_all(options, config, controls, command)
    else:
        _finetune_one(options, config, controls, command)


def _finetune_one(options: FinetuneOptions, config: FinetuneConfig, controls: Any, command: str) -> None:
    from kipoi_tfb.finetuning.job import finetune as run
    from tfb_matrix_data.matrix import BindingMatrix

    reference = open_genome(options.genome)
    if options.relevant:
        config = config.model_copy(update={"base": _base_of_relatives(options, reference, command)})
    labels = options.from_matrix or options.matrix
    with BindingMatrix(labels) if labels is not None else nullcontext() as binding:
        if config.split == "paper":
            _finetune_splits(options, config, controls, command, binding, reference)  # type: ignore[arg-type]
        data = _data(options, config, binding, reference)
        _say_counts(data.counts)
        result = run(config, data, options.out, options.device, options.precision, command, binding, controls=controls)
    for scorer, row in result.tables.items():
        ends = "" if row.auprc_low is None else f" [{row.auprc_low:.4f}, {row.auprc_high:.4f}]"
        print(f"{scorer:<40} AUPRC {row.auprc:.4f}{ends}")
    print(result.gate.words)
    say(f"{result.entry.folder}{'' if result.tables else ' was finished before, and nothing was left to do'}")
    if result.gate.verdict == "refused":
        raise typer.Exit(EXIT_REFUSED)
    say(f"next: tfb zoo add {f'{config.base} ' if options.relevant else ''}{result.entry.folder}")


def _finetune_splits(
    options: FinetuneOptions,
    config: FinetuneConfig,
    controls: Any,
    command: str,
    matrix: BindingMatrix,
    genome: Genome,
) -> None:
    """Fine-tune on random splits, and print a row for each, their mean and their spread."""
    from kipoi_tfb.finetuning.splits import finetune_splits
    from kipoi_tfb.zoo.verify import SPLITS_FILE

    given = options.out, options.device, options.precision, command
    result = finetune_splits(config, matrix, genome, *given, controls=controls)
    print((result.entry.folder / SPLITS_FILE).read_text(), end="")
    print(result.gate.words)
    say(str(result.entry.folder))
    raise typer.Exit(EXIT_REFUSED)


def _say_counts(counts: Mapping[str, Mapping[str, int]]) -> None:
    for part, each in counts.items():
        say(f"{part:<10} {each['bound']:>7,} bound {each['unbound']:>7,} unbound, of the same GC content")


def _data(
    options: FinetuneOptions, config: FinetuneConfig, binding: BindingMatrix | None, genome: Genome
) -> FinetuneData:
    """Read the TF's regions, from its labels or from its peaks."""
    from kipoi_tfb.finetuning.data import load_finetune_data
    from kipoi_tfb.finetuning.peak_data import from_peaks
    from kipoi_tfb.zoo.find import find_entry

    base = find_entry(config.base)
    if options.peaks is None:
        assert binding is not None
        return load_finetune_data(config, base, binding, genome)
    data = from_peaks(
        options.peaks, genome, options.tf, options.open_regions or binding, base.card.window_length, options.anchor,  # type: ignore[arg-type]
        options.seed, options.n_bound, options.assembly,
    )  # fmt: skip
    if options.open_regions is None and binding is None:
        say("no --open and no --matrix: unbound regions are drawn away from peaks, which is an easier task")
    return data


def _base_of_relatives(options: FinetuneOptions, genome: Genome, command: str) -> str:
    """Make the base of the TF's relatives below the output; return its folder."""
    from kipoi_tfb.finetuning.job import alone_in
    from kipoi_tfb.training.relatives import base_of_relatives, relatives_config
    from tfb_matrix_data.matrix import BindingMatrix

    assert options.from_matrix is not None
    recipe = relatives_config(options.tf, options.relevant, options.relatives, options.seed)
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    with alone_in(out), BindingMatrix(options.from_matrix) as opened:
        made = base_of_relatives(recipe, opened, genome, out, options.device, options.precision, command)
    say(f"base: {', '.join(made.card.tasks)} -> {made.folder}")
    return str(made.folder)


def _command(arguments: Sequence[str]) -> str:
    """Return the command line for the card: the same wherever it was given and whatever does not change the entry.

    Files go by their name where their path is absolute, the output is ``OUT``, and ``--jobs`` is left out.

    >>> _command(["finetune", "JUND", "--from-matrix", "/data/matrix.h5", "--output=runs/JUND", "--jobs", "2"])
    'tfb finetune JUND --from-matrix matrix.h5 -o OUT'
    """
    said, rest = ["tfb"], iter(arguments)
    for part in rest:
        option, equals, value = part.partition("=") if part.startswith("--") else (part, "", "")
        if option in ("-o", "--output", "--jobs") and not equals:
            next(rest, None)
        if option == "--output" or part.startswith("-o"):
            said += ["-o", "OUT"]
        elif option != "--jobs":
            said.append(f"{option}={_name(value)}" if equals else _name(part))
    return shlex.join(said)


def _name(value: str) -> str:
    return Path(value).name if value.startswith("/") else value


def _chosen(controls: str) -> Any:
    """Return the controls of a comma-separated list, in their usual order."""
    names = listed(controls) or []
    unknown = [name for name in names if name not in CONTROLS]
    if unknown or not names:
        found = ", ".join(map(repr, unknown)) or "none"
        raise typer.BadParameter(f"--controls are {', '.join(CONTROLS)}; found {found}")
    return tuple(name for name in CONTROLS if name in names)
