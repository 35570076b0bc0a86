"""`tfb evaluate`."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kipoi_tfb.cli.completion import complete_chromosomes, complete_entries, complete_tfs
from kipoi_tfb.cli.options import (
    AnchorOption,
    CellsOption,
    DeviceOption,
    GenomeOption,
    ShiftsOption,
    TfsOption,
    ThreadsOption,
    listed,
    open_genome,
    set_threads,
    shifts_of,
)

if TYPE_CHECKING:
    from kipoi_tfb.evaluation.comparison import Comparison
    from kipoi_tfb.evaluation.job import Evaluation
    from kipoi_tfb.evaluation.metrics import Summary
    from kipoi_tfb.evaluation.regions import LabelledRegions
    from tfb_matrix_data.genome import Genome
    from tfb_matrix_data.matrix import BindingMatrix

_MIN_BOUND = 40  # kipoi_tfb.evaluation.metrics.MIN_BOUND, which would import numpy
_REPLICATES = 1000
_WINDOW = 200  # of scorers that take any
_ADVICE = (
    " (--chromosomes), or give --allow-seen if this is another genome, whose chromosomes have the same names by chance"
)


def evaluate(
    scorer: Annotated[
        str,
        typer.Argument(
            help="Zoo entry or folder; jaspar, jaspar-oracle, composition, denovo; motifs (.meme, .jaspar, .pfm); "
            "a table of scores (.tsv, .parquet).",
            autocompletion=complete_entries,
        ),
    ],
    compare: Annotated[
        list[str] | None,
        typer.Option(
            "--compare", help="Another scorer on the same regions; may be repeated.", autocompletion=complete_entries
        ),
    ] = None,
    matrix: Annotated[Path | None, typer.Option("--matrix", help="A file of `tfb data import`.")] = None,
    genome: GenomeOption = None,
    chromosomes: Annotated[
        str,
        typer.Option(
            help="Comma-separated; default chr22 of a matrix, all of --regions and --positives.",
            autocompletion=complete_chromosomes,
        ),
    ] = "",
    kind: Annotated[str, typer.Option(help="Labels of the matrix: sparse or less_sparse.")] = "sparse",
    cells: CellsOption = "",
    agree: Annotated[
        int, typer.Option("--agree", min=1, help="Leave bound regions out that fewer cell types agree on.")
    ] = 1,
    regions: Annotated[Path | None, typer.Option("--regions", help="Test on this BED, with --labels.")] = None,
    sequences: Annotated[Path | None, typer.Option("--sequences", help="Test on this FASTA, with --labels.")] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="TSV or Parquet, a column per TF: 1 bound, 0 unbound, -1 or empty.")
    ] = None,
    positives: Annotated[Path | None, typer.Option("--positives", help="Test on bound regions, BED or FASTA.")] = None,
    negatives: Annotated[Path | None, typer.Option("--negatives", help="And on these unbound ones.")] = None,
    tf: Annotated[str, typer.Option("--tf", help="The TF that binds --positives.", autocompletion=complete_tfs)] = "",
    anchor: AnchorOption = "centre",
    shifts: ShiftsOption = "",
    tfs: TfsOption = "",
    seed: Annotated[int, typer.Option(min=0, help="Of the draw of GC-matched regions and of the bootstrap.")] = 0,
    bootstrap: Annotated[int, typer.Option(min=0, help="Replicates of the 95 % intervals; 0 for none.")] = _REPLICATES,
    min_bound: Annotated[int, typer.Option(min=1, help="Bound regions a TF needs to count in averages.")] = _MIN_BOUND,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="TSV, one row per TF (and scorer); default the averages only.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Everything as JSON, comparisons per TF included.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help=".png, .svg or .pdf: a dot per TF, against the first --compare or ranked."),
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Write the table and its averages into the entry.")] = False,
    allow_seen: Annotated[
        bool,
        typer.Option(
            "--allow-seen", help="Test on chromosomes an entry was trained on: of another genome or assembly."
        ),
    ] = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Test scorers of sequence: per TF, AUPRC and AUROC at 1:1 and at natural prevalence, calibration, intervals.

    On a binding matrix, on a BED or FASTA with a table of labels, or on bound against unbound regions of one TF.
    docs/evaluation.md says how each figure is made.

    Example: tfb evaluate multi163 --compare jaspar --matrix matrix.h5 --genome hg38.fa -o metrics.tsv --plot dots.png
    """
    files = _Files(matrix, genome, regions, sequences, labels, positives, negatives, tf, anchor, cells, agree)
    files.check()
    if record and (files.own or tfs or min_bound != _MIN_BOUND or allow_seen or agree > 1 or shifts):
        raise typer.BadParameter(
            f"--record is of all TFs and bound regions of an entry on a --matrix, with --min-bound "
            f"{_MIN_BOUND}, and of one window for each"
        )
    largest_and_step = shifts_of(shifts)
    if largest_and_step and genome is None:
        raise typer.BadParameter("--shifts is for regions of a --genome: beside a sequence nothing is known")
    _check_outputs(output, json, plot)
    set_threads(threads)
    from kipoi_tfb.evaluation import job as evaluation
    from kipoi_tfb.evaluation.comparison import PREVALENCES, describe
    from kipoi_tfb.evaluation.comparison import compare as compare_two
    from kipoi_tfb.evaluation.moved import moved_scorers
    from kipoi_tfb.evaluation.open import LabelSource, is_baseline, open_scorer, outputs_in_cells, window_length
    from kipoi_tfb.evaluation.record import metrics_card
    from kipoi_tfb.evaluation.record import record as write_record
    from kipoi_tfb.evaluation.regions import from_matrix
    from kipoi_tfb.evaluation.scorers import EntryScorer, PooledScorer
    from kipoi_tfb.evaluation.training_counts import training_counts
    from tfb_matrix_data.matrix import BindingMatrix

    names, wanted = [scorer, *(compare or [])], listed(tfs)
    chosen = listed(chromosomes) or (None if files.own else ["chr22"])
    reference = None if genome is None else open_genome(genome)
    with BindingMatrix(matrix) if matrix is not None else nullcontext() as binding:
        opened = {name: open_scorer(name, device=device) for name in names if not is_baseline(name)}
        first = opened.get(scorer)
        if largest_and_step:
            first, opened = moved_scorers(first, opened, largest_and_step)
        if record and not isinstance(first, EntryScorer):
            raise typer.BadParameter(f"--record writes into a zoo entry, and {scorer} is none")
        if chosen and not allow_seen:  # before the seconds that reading takes
            evaluation.check_held_out(list(opened.values()), chosen, _ADVICE if files.own else "")
        length = window_length(list(opened.values()), _WINDOW)
        pairs = outputs_in_cells(first, files.cell_types, wanted) if first is not None and not files.own else []
        if pairs:
            for name in names[1:]:
                if name not in opened:
                    raise typer.BadParameter(f"{name} has no outputs of cell types: compare {scorer} with zoo entries")
                if not set(pairs) <= set(opened[name].tfs):
                    opened[name] = PooledScorer(opened[name], pairs)
            data = from_matrix(binding, reference, chosen, kind, length, pairs)  # type: ignore[arg-type]
        else:
            data = files.open(binding, reference, length, chosen, kind, wanted)
            data = data.only(wanted) if wanted else data
        if not allow_seen:
            evaluation.check_held_out(list(opened.values()), data.chromosomes, _ADVICE)
        source = None
        if binding is not None and reference is not None:
            source = LabelSource.sparing(binding, reference, data.chromosomes, kind, files.cell_types)  # type: ignore[arg-type]
        given = [first, *(opened.get(name) for name in names[1:])]
        scorers = [
            each or open_scorer(name, data, device, source, seed) for name, each in zip(names, given, strict=True)
        ]
        trained = {} if binding is None else training_counts(scorers, binding, kind, files.cell_types)  # type: ignore[arg-type]
        result = evaluation.evaluate(scorers, data, seed, bootstrap, trained)
        summaries = {each.name: result.summary(each.name, min_bound) for each in scorers}
        comparisons = [
            compare_two(result, scorers[0].name, each.name, metric, min_bound)
            for metric in PREVALENCES
            for each in scorers[1:]
        ]
        if record and isinstance(first, EntryScorer):
            command = " ".join(
                [
                    f"tfb evaluate {first.entry.card.name}",
                    *(f"--compare {name}" for name in names[1:]),
                    f"--matrix {matrix.name} --genome {genome.name}",  # type: ignore[union-attr]
                    f"--chromosomes {','.join(data.chromosomes)} --kind {kind} --seed {seed} --record",
                    *([f"--bootstrap {bootstrap}"] if bootstrap != _REPLICATES else []),
                    *([f"--cells {shlex.quote(cells)}"] if cells else []),
                ]
            )
            others = {each.second: each.mean_second for each in comparisons if each.metric == "auprc"}  # of its own TFs
            rows = result.tables[first.name]
            card = metrics_card(
                first.entry, rows, binding, data.chromosomes, kind, seed, command, bootstrap, others,  # type: ignore[arg-type]
                cell_types=files.cell_types,
            )  # fmt: skip
            write_record(first.entry, rows, card)
    _write(result, comparisons, min_bound, output, json, plot)
    for name, summary in summaries.items():
        print(_line(name, data.source, summary, result, min_bound))
    for comparison in comparisons:
        print(describe(comparison))


@dataclass(frozen=True)
class _Files:
    """What to test on, as given on the command line."""

    matrix: Path | None
    genome: Path | None
    regions: Path | None
    sequences: Path | None
    labels: Path | None
    positives: Path | None
    negatives: Path | None
    tf: str
    anchor: str
    cells: str
    agree: int

    @property
    def cell_types(self) -> list[str] | None:
        """Cell types of the matrix, if not all."""
        return listed(self.cells)

    @property
    def own(self) -> bool:
        """Whether the regions are the user's own files, and not those of the matrix."""
        return any(path is not None for path in (self.regions, self.sequences, self.positives, self.negatives))

    def check(self) -> None:
        """Refuse options that do not go together."""
        ways = [self.regions, self.sequences, self.positives or self.negatives]
        if sum(way is not None for way in ways) > 1:
            raise typer.BadParameter("give one of --regions, --sequences, and --positives with --negatives")
        if not self.own and (self.matrix is None or self.genome is None):
            raise typer.BadParameter(
                "give --matrix with --genome, --regions with --genome and --labels, --sequences with --labels, or "
                "--positives with --negatives and --tf"
            )
        if self.own and (self.cells or self.agree > 1):
            raise typer.BadParameter(
                "--cells and --agree are of a --matrix; your own labels are of whatever cells they are"
            )
        if self.regions is not None and self.genome is None:
            raise typer.BadParameter("--regions needs --genome")
        labelled = self.regions is not None or self.sequences is not None
        if labelled != (self.labels is not None):
            raise typer.BadParameter("--labels goes with --regions or --sequences, and they with it")
        if any(ways[2:]) and not (self.positives and self.negatives and self.tf):
            raise typer.BadParameter("--positives, --negatives and --tf go together")
        if self.tf and not self.positives:
            raise typer.BadParameter("--tf names the TF of --positives; to choose among TFs give --tfs")

    def open(
        self,
        matrix: BindingMatrix | None,
        genome: Genome | None,
        length: int,
        chosen: list[str] | None,
        kind: Any,
        tfs: list[str] | None,
    ) -> LabelledRegions:
        """Read windows and labels; in some cell types of a matrix, of `tfs`, or of all TFs that were profiled there."""
        from kipoi_tfb.evaluation.regions import from_matrix, from_regions, from_sequences, from_two_files

        anchor: Any = self.anchor
        if self.positives is not None and self.negatives is not None:
            return from_two_files(self.positives, self.negatives, self.tf, length, genome, anchor, chosen)
        if self.sequences is not None and self.labels is not None:
            return from_sequences(self.sequences, self.labels, length)
        assert genome is not None
        if self.regions is not None and self.labels is not None:
            return from_regions(self.regions, self.labels, genome, length, anchor, chosen)
        assert matrix is not None and chosen is not None
        cells = self.cell_types
        if cells is None:
            return from_matrix(matrix, genome, chosen, kind, length, agree=self.agree)
        if tfs is not None:
            matrix.check_profiled(tfs, cells)
        profiled = tfs or matrix.profiled_in(cells)
        return from_matrix(matrix, genome, chosen, kind, length, profiled, cells, agree=self.agree)


def _check_outputs(output: Path | None, json: Path | None, plot: Path | None) -> None:
    """Refuse what cannot be written, before minutes of work."""
    from kipoi_tfb.output.figures import check_format
    from tfb_matrix_data.errors import InputError
    from tfb_matrix_data.files import check_output

    for path in (output, json, plot):
        if path is not None:
            check_output(path)
    if output is not None and output.suffix.lower() != ".tsv":
        raise InputError(output, f"the table is written as TSV; end the name with .tsv instead of {output.suffix!r}")
    if plot is not None:
        check_format(plot)


def _write(
    result: Evaluation,
    comparisons: list[Comparison],
    min_bound: int,
    output: Path | None,
    json: Path | None,
    plot: Path | None,
) -> None:
    from kipoi_tfb.evaluation.metrics import write_json, write_metrics

    name, rows = next(iter(result.tables.items()))
    if output is not None:
        write_metrics(result.tables if comparisons else rows, output)
    if json is not None:
        write_json(
            {**result.content(min_bound), "comparisons": [asdict(comparison) for comparison in comparisons]}, json
        )
    if plot is not None:
        from kipoi_tfb.evaluation.plot import plot_comparison, plot_ranked

        if comparisons:
            plot_comparison(comparisons[0], plot)
        else:
            plot_ranked(rows, name, plot, min_bound)


def _line(name: str, source: str, summary: Summary, result: Evaluation, min_bound: int) -> str:
    """Return the averages for the screen; the row itself where there is but one TF."""
    rows = result.tables[name]
    if len(rows) == 1:
        row = rows[0]
        ece = "" if row.ece is None else f", calibration error {row.ece:.4f}"
        return (
            f"{name} on {source}: {row.tf} AUPRC {row.auprc:.4f}{_ends(row.auprc_low, row.auprc_high)} at 1:1, "
            f"{row.auprc_natural:.4f}{_ends(row.auprc_natural_low, row.auprc_natural_high)} at natural prevalence "
            f"({row.bound / (row.bound + row.unbound):.1%} bound), AUROC {row.auroc:.4f}"
            f"{_ends(row.auroc_low, row.auroc_high)}{ece}; {row.bound:,} bound, {row.unbound:,} unbound, "
            f"{row.matched:,} of these GC-matched"
        )
    none = (None, None)
    ece = "" if summary.ece is None else f", calibration error {summary.ece:.4f}"
    return (
        f"{name} on {source}: macro AUPRC {summary.auprc:.4f}{_ends(*summary.auprc_interval or none)} at 1:1, "
        f"{summary.auprc_natural:.4f}{_ends(*summary.auprc_natural_interval or none)} at natural prevalence "
        f"({summary.prevalence:.1%} bound), AUROC {summary.auroc:.4f}{_ends(*summary.auroc_interval or none)}{ece} "
        f"over {summary.n_tfs} TFs with >= {min_bound} bound regions"
    )


def _ends(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{low:.4f}, {high:.4f}]"
