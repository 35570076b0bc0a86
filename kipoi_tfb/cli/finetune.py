"""`tfb finetune`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kipoi_tfb.cli.finetune_group import finetune_all
from kipoi_tfb.cli.options import (
    DeviceOption,
    PrecisionOption,
    RequiredGenomeOption,
    RunFolderOption,
    listed,
    open_genome,
    say,
    set_threads,
    takes,
)
from kipoi_tfb.zoo.controls import CONTROLS

if TYPE_CHECKING:
    from kipoi_tfb.finetuning.config import FinetuneConfig
    from kipoi_tfb.finetuning.data import FinetuneData
    from tfb_matrix_data.genome import Genome
    from tfb_matrix_data.matrix import BindingMatrix

_EXIT_REFUSED = 3
_BASE = "multi163"


@dataclass(frozen=True)
class FinetuneOptions:
    """What `tfb finetune` is given, an option per field."""

    genome: RequiredGenomeOption
    out: RunFolderOption
    tf: Annotated[str, typer.Argument(help="The TF: one of the matrix, or any name with --peaks.")] = ""
    every: Annotated[
        bool, typer.Option("--all", help="All TFs of the matrix with --min-bound regions: an entry each, a group.")
    ] = False
    from_matrix: Annotated[
        Path | None, typer.Option("--from-matrix", help="Learn from the TF's labels in a file of `tfb data import`.")
    ] = None
    peaks: Annotated[Path | None, typer.Option("--peaks", help="Learn from these peaks: BED or narrowPeak.")] = None
    open_regions: Annotated[
        Path | None, typer.Option("--open", help="With --peaks: BED of open regions, where unbound ones are drawn.")
    ] = None
    matrix: Annotated[
        Path | None, typer.Option("--matrix", help="With --peaks: take the regions of this matrix as open ones.")
    ] = None
    anchor: Annotated[
        str, typer.Option(help="With --peaks: summit, centre, or auto (summits where there are any).")
    ] = "auto"
    assembly: Annotated[str, typer.Option("--assembly", help="With --peaks: for the card, such as hg38.")] = ""
    base: Annotated[str, typer.Option("--base", help="Zoo entry to start from.")] = _BASE
    relevant: Annotated[
        str,
        typer.Option(
            "--relevant",
            metavar="RELATION",
            help="With --from-matrix: make the base first, of TFs that are to this one: binding_mode, cofactors, "
            "cofactors_any, non_cofactors, random.",
        ),
    ] = ""
    relatives: Annotated[int, typer.Option("--relatives", min=1, help="With --relevant: so many of them.")] = 5
    arm: Annotated[
        str,
        typer.Option(
            help="What starts from the base: everything, conv, first-conv, frozen-conv, frozen-dense, head, "
            "motif-head, scratch, jaspar (docs/finetuning.md)."
        ),
    ] = "everything"
    head: Annotated[
        str, typer.Option(help="The output layer: copied from the base's nearest one, or new, at random (the paper).")
    ] = "copied"
    exclude_base: Annotated[
        bool, typer.Option("--exclude-base", help="With --from-matrix: leave out regions that the base was made from.")
    ] = False
    split: Annotated[
        str,
        typer.Option(
            help="chromosomes; or paper: 80/10/10 at random, each seed another split, all reported, and no entry for a "
            "zoo; with --exclude-base."
        ),
    ] = "chromosomes"
    cells: Annotated[
        str, typer.Option("--cells", help="With --from-matrix: labels of these cell types alone, comma-separated.")
    ] = ""
    controls: Annotated[
        str,
        typer.Option(
            help="What to compare with: base, jaspar, denovo, scratch. Give more of them later with the same command: "
            "nothing is trained again."
        ),
    ] = ",".join(CONTROLS)
    seeds: Annotated[
        int, typer.Option(help="Networks to train, the best on validation is kept; draws to fit to, with --arm head.")
    ] = 5
    seed: Annotated[int, typer.Option(help="The first seed; also decides which regions are drawn.")] = 0
    n_bound: Annotated[int | None, typer.Option("--n-bound", help="Bound regions to train with; default all.")] = None
    epochs: Annotated[int, typer.Option(help="Epochs; the best on validation is kept.")] = 10
    batch_size: Annotated[int, typer.Option("--batch-size", help="Windows per step.")] = 100
    patience: Annotated[
        int, typer.Option(min=0, help="Stop after so many epochs without a lower validation loss; 0: never before.")
    ] = 4
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="Default that of the arm: 3e-4, or 3e-3 from scratch.")
    ] = None
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Try 0.3, 1 and 3 times that rate with the first seed; the best is for all.")
    ] = False
    kind: Annotated[str, typer.Option(help="Labels of --from-matrix: sparse or less_sparse.")] = "sparse"
    name: Annotated[str, typer.Option("--name", help="Name of the zoo entry; default tf/TF.")] = ""
    group: Annotated[str, typer.Option("--group", help="With --all: name of the group in the zoo.")] = "tf"
    min_bound: Annotated[
        int, typer.Option("--min-bound", min=1, help="With --all: bound regions that a TF must have.")
    ] = 250
    tfs: Annotated[str, typer.Option("--tfs", help="With --all: only these TFs, comma-separated.")] = ""
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, help="With --all: TFs at a time, a process each; no entry depends on it.")
    ] = 1
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --all: say which TFs have how many regions, and stop.")
    ] = False
    licence: Annotated[str, typer.Option("--licence", help="Of the entry; the peaks' may ask for it.")] = "MIT"
    device: DeviceOption = "auto"
    precision: PrecisionOption = "auto"
    threads: Annotated[int, typer.Option("--threads", help="CPU threads; default all, or with --all one per TF.")] = 0

    def check(self) -> None:
        """Refuse options that do not go together."""
        if self.every == bool(self.tf):
            raise typer.BadParameter("name one TF, or give --all")
        if self.every and (self.from_matrix is None or self.name):
            raise typer.BadParameter("--all goes with --from-matrix, and with --group instead of --name")
        if (self.from_matrix is None) == (self.peaks is None):
            raise typer.BadParameter("give either --from-matrix or --peaks")
        if self.from_matrix is not None and (self.open_regions or self.matrix):
            raise typer.BadParameter("--open and --matrix go with --peaks; --from-matrix has its own unbound regions")
        if self.from_matrix is None and (self.exclude_base or self.cells or self.split != "chromosomes"):
            raise typer.BadParameter("--exclude-base, --split paper and --cells go with --from-matrix")
        if self.every and self.split != "chromosomes":
            raise typer.BadParameter("--split paper goes with one TF: --all makes entries for a zoo")
        if self.open_regions is not None and self.matrix is not None:
            raise typer.BadParameter("give one of --open and --matrix")
        if self.relevant and (self.from_matrix is None or self.every):
            raise typer.BadParameter("--relevant goes with --from-matrix and one TF")
        if self.relevant and self.base != _BASE:
            raise typer.BadParameter("--relevant makes a base of its own: leave out --base")
        if not self.assembly.isprintable():
            raise typer.BadParameter("--assembly is a name such as hg38, on one line")

    def config(self) -> FinetuneConfig:
        """Return the configuration that the options ask for."""
        from kipoi_tfb.finetuning.config import make_config

        return make_config(
            tf=self.tf or "all", name=self.name or None, base=self.base, arm=self.arm, labels=self.kind,
            learning_rate=self.learning_rate, sweep=self.sweep, epochs=self.epochs, batch_size=self.batch_size,
            patience=self.patience, seeds=self.seeds, seed=self.seed, n_bound=self.n_bound, licence=self.licence,
            head=self.head, exclude_base=self.exclude_base, split=self.split, cell_types=listed(self.cells),
        )  # fmt: skip


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
        raise typer.Exit(_EXIT_REFUSED)
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
    raise typer.Exit(_EXIT_REFUSED)


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
