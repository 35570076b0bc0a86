r"""The paper's figures and tables, run on a binding matrix and a genome.

    python -m experiments.paper run fig3 fig6 --matrix matrix.h5 --genome hg38.fa       or `run all`
    python -m experiments.paper status                                                  how many cells have rows
    python -m experiments.paper status --matrix matrix.h5 --genome hg38.fa              and how many are left
    python -m experiments.paper table fig3                                              means of what there is
    python -m experiments.paper plot                                                    docs/paper.md and its pictures

A run that was stopped, or killed, goes on where it was. `--quick` runs every code path on few regions, in minutes, into
a folder of its own.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.paper.fact_rows import read_facts
from experiments.paper.figure import FIGURES, Figure, read_bases, read_figures
from experiments.paper.results import current_rows, read_rows
from tfb_matrix_data.errors import TfbError, UnknownNameError

if TYPE_CHECKING:
    from experiments.paper.job import Left

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, rich_markup_mode=None)

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "paper"
DOCS = HERE.parents[1] / "docs"

Names = Annotated[list[str], typer.Argument(metavar="FIG ...", help="Names of figures/*.yaml, or all.")]
Results_ = Annotated[Path, typer.Option("--results", help="Folder of the rows.")]
WORK = Path("runs/paper")
Work_ = Annotated[Path, typer.Option("--work", help="Folder for sequences and bases, to be used again.")]
Figures_ = Annotated[Path, typer.Option("--figures", help="Folder of the figures' YAML.")]


@app.command()
def run(
    names: Names,
    matrix: Annotated[Path, typer.Option(help="Binding matrix (HDF5).")],
    genome: Annotated[Path, typer.Option(help="FASTA of its assembly.")],
    string: Annotated[Path | None, typer.Option(help="Table of STRING scores: TF_a, TF_b, score.")] = None,
    results: Results_ = RESULTS,
    work: Work_ = WORK,
    figures: Figures_ = FIGURES,
    workers: Annotated[int, typer.Option(min=0, help="Processes of this machine (dask); 0: this one.")] = 2,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Or the workers of this dask scheduler, which see --work.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32 or bf16.")] = "fp32",
    minutes: Annotated[float | None, typer.Option(help="Stop after so many.")] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also figures that need what the published files lack, such as flanks.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Every code path on few regions; rows in WORK/quick.")] = False,
) -> None:
    """Run what has no row yet, the most important cells first over all figures named."""
    if scheduler is not None and not scheduler.strip():  # of a file that is not there yet: not a run without workers
        raise typer.BadParameter("--scheduler is empty; an address looks like tcp://10.0.0.1:8786")
    from experiments.paper.job import Job
    from kipoi_tfb.output.workers import Cluster

    chosen = _chosen(names, figures)
    job = Job(matrix, genome, string, work / "quick" if quick else results, work, read_bases(figures))
    cluster = Cluster(0 if scheduler else workers, scheduler or "", 1) if scheduler or workers else None
    say = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
    outcome = job.run(chosen, cluster, device, precision, minutes, quick, anyway, say)
    print(
        f"{outcome.planned} cells: {outcome.before} had rows, {outcome.added} added, {outcome.left} left; "
        f"{outcome.seconds:.0f} s"
    )


@app.command()
def status(
    results: Results_ = RESULTS,
    figures: Figures_ = FIGURES,
    matrix: Annotated[Path | None, typer.Option(help="Say too what is left to run, of this binding matrix,")] = None,
    genome: Annotated[Path | None, typer.Option(help="this FASTA")] = None,
    string: Annotated[Path | None, typer.Option(help="and this table of STRING scores.")] = None,
    work: Work_ = WORK,
) -> None:
    """Say for each figure how many rows there are, how many of them have a reason in the place of a number."""
    if (matrix is None) != (genome is None):
        raise typer.BadParameter("--matrix and --genome go together")
    known = read_figures(figures)
    left: dict[str, Left] = {}
    if matrix is not None and genome is not None:
        from experiments.paper.job import Job

        left = Job(matrix, genome, string, results, work, read_bases(figures)).left(known)
    head = ("figure", "rows", "with a number", "not run", "of other versions", "version", "counted")
    print(*head, *(("cells left", "bases to make") if left else ()), sep="\t")
    for name, figure in known.items():
        rows, version, others = current_rows(read_rows(results / f"{name}.tsv"))
        numbers = sum(row.value is not None for row in rows)
        facts = read_facts(results, name)
        own = (left[name].cells, left[name].bases) if left else ()
        state = version or figure.not_run or "-"
        print(name, len(rows), numbers, len(rows) - numbers, others, state, len(facts), *own, sep="\t")


@app.command()
def table(names: Names, results: Results_ = RESULTS, figures: Figures_ = FIGURES) -> None:
    """Print means over splits of what there is, by TF, base, size and arm."""
    from experiments.paper.summary import summary_lines

    for name in _chosen(names, figures):
        print("\n".join(summary_lines(name, results)))


@app.command()
def plot(results: Results_ = RESULTS, docs: Annotated[Path, typer.Option(help="Folder of the page.")] = DOCS) -> None:
    """Write the page of all figures, paper.md, and its pictures, figures/paper/*.svg."""
    from experiments.paper.page import write_page

    print(write_page(read_figures(), results, docs))


def _chosen(names: list[str], folder: Path) -> dict[str, Figure]:
    known = read_figures(folder)
    if names == ["all"]:
        return known
    for name in names:
        if name not in known:
            raise UnknownNameError("figure", name, known)
    return {name: known[name] for name in known if name in names}


def main() -> None:
    """Run a command; an error of ours is one line."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except TfbError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
