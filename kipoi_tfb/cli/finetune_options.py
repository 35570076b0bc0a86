"""What `tfb finetune` is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kipoi_tfb.cli.completion import complete_entries, complete_tfs
from kipoi_tfb.cli.options import (
    CellsOption,
    DeviceOption,
    PrecisionOption,
    RequiredGenomeOption,
    RunFolderOption,
    listed,
)
from kipoi_tfb.zoo.controls import CONTROLS

if TYPE_CHECKING:
    from kipoi_tfb.finetuning.config import FinetuneConfig

__all__ = ["FinetuneOptions"]

_BASE = "multi163"


@dataclass(frozen=True)
class FinetuneOptions:
    """What `tfb finetune` is given, an option per field."""

    genome: RequiredGenomeOption
    out: RunFolderOption
    tf: Annotated[
        str, typer.Argument(help="The TF: one of the matrix, or any name with --peaks.", autocompletion=complete_tfs)
    ] = ""
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
    base: Annotated[str, typer.Option("--base", help="Zoo entry to start from.", autocompletion=complete_entries)] = (
        _BASE
    )
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
            "motif-head, scratch, jaspar, motifs (docs/finetuning.md)."
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
    cells: CellsOption = ""
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
    tfs: Annotated[
        str, typer.Option("--tfs", help="With --all: only these TFs, comma-separated.", autocompletion=complete_tfs)
    ] = ""
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, help="With --all: TFs at a time, a process each; no entry depends on it.")
    ] = 1
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --all: say which TFs have how many regions, and stop.")
    ] = False
    motif_tf: Annotated[
        str,
        typer.Option(
            "--motif-tf",
            help="TF of JASPAR whose motif is this one's, where JASPAR lacks the name.",
            autocompletion=complete_tfs,
        ),
    ] = ""
    authors: Annotated[str, typer.Option("--author", help='Who made it, for the card: "A. Name, ORCID; B. Name".')] = ""
    source: Annotated[
        str, typer.Option("--source", help="Where the data are from, for the card: an accession, a DOI.")
    ] = ""
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
        if self.every and self.motif_tf:
            raise typer.BadParameter("--motif-tf goes with one TF")
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
            authors=tuple(filter(None, map(str.strip, self.authors.split(";")))), source=self.source or None,
            motif_tf=self.motif_tf or None,
        )  # fmt: skip
