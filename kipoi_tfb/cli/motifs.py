"""`tfb motifs`: what a model has learnt to read, as motifs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kipoi_tfb.cli.completion import complete_chromosomes, complete_entries
from kipoi_tfb.cli.options import (
    AnchorOption,
    DeviceOption,
    EntryArgument,
    RequiredGenomeOption,
    TfsOption,
    ThreadsOption,
    command_line,
    listed,
    motifs_of,
    open_genome,
    say,
    set_threads,
)

if TYPE_CHECKING:
    from kipoi_tfb.interpretation.files import ReadContributions
    from kipoi_tfb.interpretation.filters import FilterMotif

app = typer.Typer(no_args_is_help=True, help="Motifs that a model has learnt: of its filters, of its contributions.")


@app.command()
def filters(
    entry: EntryArgument,
    genome: RequiredGenomeOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="OUT.tsv, .parquet or .h5.")],
    matrix: Annotated[
        Path | None, typer.Option("--matrix", help="A file of `tfb data import`: which are bound.")
    ] = None,
    regions: Annotated[Path | None, typer.Option("--regions", help="Instead, a BED of regions that are bound.")] = None,
    chromosomes: Annotated[
        str,
        typer.Option(
            "--chromosomes",
            help="Of the matrix, comma-separated; default those it was tested on.",
            autocompletion=complete_chromosomes,
        ),
    ] = "",
    tfs: TfsOption = "",
    meme: Annotated[Path | None, typer.Option("--meme", help="Also the motifs: OUT.meme.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Picture: OUT.png, .svg or .pdf.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="At most so many bound regions, drawn.")] = 2000,
    influence: Annotated[
        int, typer.Option("--influence", min=0, help="Regions in which each filter is silenced; 0: none.")
    ] = 200,
    whole: Annotated[
        bool, typer.Option("--whole", help="Compare motifs with their flat flanks, as the paper does.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draw of regions.")] = 0,
    anchor: AnchorOption = "centre",
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Say what the first layer's filters match in regions that the model is right about, and how much each matters.

    Each is compared with JASPAR's vertebrate profiles (Tomtom). An entry that was fine-tuned stands beside its base.
    Needs the extra `interpret`: pip install 'kipoi-tfb[interpret]'.

    Example: tfb motifs filters multi50 --matrix matrix.h5 --genome hg38.fa -o filters.tsv --plot filters.svg
    """
    from kipoi_tfb.output.figures import check_format
    from kipoi_tfb.output.tables import table_format
    from tfb_matrix_data.files import check_output

    table_format(check_output(output))
    if plot is not None:
        check_format(check_output(plot))
        if not influence:
            raise typer.BadParameter("the picture is of influence: give regions for it", param_hint="--influence")
    if meme is not None:
        check_output(meme)
    if (matrix is None) == (regions is None):
        raise typer.BadParameter("give one of --matrix and --regions: which regions are bound")
    set_threads(threads)
    from kipoi_tfb.motifs.tomtom import tomtom_function

    tomtom_function()  # not there: said before the work
    from kipoi_tfb.interpretation.bound_windows import bound_of_matrix, bound_of_regions, correctly_predicted
    from kipoi_tfb.interpretation.filter_table import write_filters
    from kipoi_tfb.interpretation.filters import FilterOptions, entry_filters
    from kipoi_tfb.interpretation.plot_filters import plot_filters
    from kipoi_tfb.models.device import describe
    from kipoi_tfb.motifs.meme import write_meme
    from kipoi_tfb.prediction.predictor import Predictor
    from kipoi_tfb.zoo.find import find_entry
    from tfb_matrix_data.matrix import BindingMatrix

    found, opened = find_entry(entry), open_genome(genome)
    predictor = Predictor([found], listed(tfs), device)
    names = predictor.columns
    say(f"device: {describe(predictor.device, 'fp32')}")
    if matrix is not None:
        with BindingMatrix(matrix) as labels:
            codes, bound = bound_of_matrix(found, labels, opened, names, listed(chromosomes))
    else:
        codes, bound = bound_of_regions(found, regions, opened, len(names), anchor)  # type: ignore[arg-type]
    right = correctly_predicted(predictor, codes, bound, most, seed)
    say(f"{len(right.codes)} of {right.bound} bound regions are predicted to be bound")
    options = FilterOptions(influence, str(predictor.device), whole)
    rows, before = entry_filters(found, right.codes, names, options), None
    panels = {found.card.name: rows}
    if found.card.finetuned is not None:
        base = found.find_base()
        shared = [tf for tf in names if tf in base.card.tasks]
        before = entry_filters(base, right.codes, shared, options)
        panels = {f"{base.card.name} (before)": before, f"{found.card.name} (after)": rows}
    n = write_filters(rows, output, before)
    if meme is not None:
        write_meme([row.motif for row in rows if row.sites], meme)
    if plot is not None:
        plot_filters(panels, plot, f"What {found.card.name} reads in {len(right.codes)} regions it is right about")
    say(f"{n} filters -> {output}")
    for name, some in panels.items():
        say(f"{name}: {_told(some)}")


ContributionsArgument = Annotated[
    Path, typer.Argument(metavar="CONTRIBUTIONS", help="What `tfb explain -o OUT.h5` wrote, of one TF.")
]
OfEntryOption = Annotated[
    str,
    typer.Option(
        "--entry",
        metavar="ENTRY",
        help="Refuse contributions of other weights than those of this entry.",
        autocompletion=complete_entries,
    ),
]


@app.command()
def discover(
    contributions: ContributionsArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="OUT.tsv or .parquet: a row per pattern.")],
    hdf5: Annotated[Path | None, typer.Option("--hdf5", help="Also TF-MoDISco's own file: OUT.h5.")] = None,
    meme: Annotated[Path | None, typer.Option("--meme", help="Also the motifs: OUT.meme.")] = None,
    page: Annotated[Path | None, typer.Option("--html", help="Also a page with logos: OUT.html.")] = None,
    entry: OfEntryOption = "",
    fewest: Annotated[
        int, typer.Option("--fewest", min=20, help="Seqlets of one sign that there must be more of.")
    ] = 100,
) -> None:
    """Find patterns in contributions by TF-MoDISco, and say which JASPAR profile each is like.

    Needs the extra `interpret`: pip install 'kipoi-tfb[interpret]'.

    Example: tfb motifs discover out.CTCF.h5 -o patterns.tsv --meme patterns.meme --html patterns.html
    """
    from kipoi_tfb.output.tables import table_format
    from kipoi_tfb.report.page import check_page, write_page
    from tfb_matrix_data.files import check_output

    table_format(check_output(output))
    for path in (hdf5, meme):
        if path is not None:
            check_output(path)
    if page is not None:
        check_page(page)
    from kipoi_tfb.interpretation.discovery import discover as find
    from kipoi_tfb.interpretation.discovery import write_modisco, write_patterns
    from kipoi_tfb.motifs.meme import write_meme

    held = _contributions(contributions, entry)
    found = find(held, fewest=fewest)
    n = write_patterns(found, output)
    if hdf5 is not None:
        write_modisco(found, hdf5)
    if meme is not None:
        write_meme([pattern.motif for pattern in found.patterns], meme)
    if page is not None:
        from kipoi_tfb.report.facts import facts_of
        from kipoi_tfb.report.motif_page import patterns_leaflet
        from kipoi_tfb.zoo.card import today

        files = {"Contributions": contributions}
        facts = facts_of(f"Motifs of {held.tf} by {held.about.entry}", files, [], command_line(), today())
        write_page(patterns_leaflet(found, held.tf, held.about, facts), page)
    known = sum(pattern.is_known for pattern in found.patterns)
    say(f"{n} patterns in {found.windows} windows -> {output}; like a JASPAR profile (q <= 0.05): {known}")
    first = found.patterns[0]
    match = first.matches[0]
    say(f"{first.name}, {len(first.seqlets)} seqlets: {first.consensus}, most like {match.motif.name}, q {match.q:.1e}")


@app.command()
def hits(
    contributions: ContributionsArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="OUT.bed.")],
    motifs: Annotated[
        str,
        typer.Option(
            "--motifs",
            help="TFs whose JASPAR profiles are looked for, comma-separated; all; or a file of motifs (MEME, JASPAR). "
            "Default those of the TF itself.",
        ),
    ] = "",
    entry: OfEntryOption = "",
    match: Annotated[float, typer.Option("--match", help="Log-odds from which a place matches a motif.")] = 5.0,
    q: Annotated[float, typer.Option("--q", help="Largest q-value of a hit's contribution.")] = 0.05,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the shuffles.")] = 0,
) -> None:
    """Say where known motifs are used: where they match and the contributions are more than shuffled ones would be.

    Example: tfb motifs hits out.JUND.h5 --motifs JUND,CEBPB -o hits.bed
    """
    from tfb_matrix_data.errors import InputError
    from tfb_matrix_data.files import check_output

    if check_output(output).suffix.lower() != ".bed":
        raise InputError(output, "hits are written as BED; give a name that ends in .bed")
    from kipoi_tfb.interpretation.hits import HitOptions, find_hits, write_hits

    held = _contributions(contributions, entry)
    looked_for = motifs_of(motifs or held.tf)
    found = find_hits(held, looked_for, HitOptions(match=match, q=q, seed=seed))
    windows = len({(hit.window, hit.allele) for hit in found})
    n = write_hits(found, output)
    say(f"{n} hits of {len(looked_for)} motifs in {windows} of {len(held.name)} windows -> {output}")


def _contributions(path: Path, entry: str) -> ReadContributions:
    from kipoi_tfb.interpretation.files import read_contributions
    from kipoi_tfb.zoo.find import find_entry

    return read_contributions(path, find_entry(entry) if entry else None)


def _told(rows: list[FilterMotif]) -> str:
    """Return what became of filters, in a sentence."""
    matched = [row for row in rows if row.sites]
    known = sum(row.is_known for row in matched)
    said = f"{len(matched)} of {len(rows)} filters match, {known} are like a JASPAR profile (q <= 0.05)"
    started = [row.kept for row in rows if row.start is not None]
    if not started:
        return said
    counts = ", ".join(f"{started.count(word)} {word}" for word in ("kept", "alike", "lost"))
    return f"{said}; of {len(started)} that started as one: {counts}"
