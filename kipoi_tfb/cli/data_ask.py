"""`tfb data similarity` and `tfb data neighbours`: what a binding matrix knows of its TFs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kipoi_tfb.cli.completion import complete_tfs
from kipoi_tfb.cli.options import listed

if TYPE_CHECKING:
    from tfb_matrix_data.matrix import BindingMatrix


class Relation(StrEnum):
    """What the TFs asked for have to do with the one named."""

    cofactors = "cofactors"
    cofactors_any = "cofactors-any"
    non_cofactors = "non-cofactors"
    same_mode = "same-mode"
    same_mode_random = "same-mode-random"
    string = "string"
    random = "random"


_MATRIX = typer.Argument(help="A file of `tfb data import`.")
_KIND = typer.Option(help="Labels to compare: less_sparse, as the authors' code, or sparse, as the paper's text.")
_CELL_TYPES = typer.Option(help="Comma-separated cell types; default all.")
_MODES = typer.Option(
    help="Table with columns TF, cluster (binding mode), tf_class; default JASPAR 2020's clusters of the published "
    "matrix's TFs; derived: our own clusters, of all of JASPAR's TFs."
)


def similarity(
    matrix: Annotated[Path, _MATRIX],
    output: Annotated[Path, typer.Option("-o", "--output", help="TSV to write: TFs x TFs, empty where not defined.")],
    tfs: Annotated[str, typer.Option(help="Comma-separated TFs; default all.", autocompletion=complete_tfs)] = "",
    cell_types: Annotated[str, _CELL_TYPES] = "",
    kind: Annotated[str, _KIND] = "less_sparse",
    plot: Annotated[Path | None, typer.Option(help="Heatmap to draw, .png, .svg or .pdf, ordered by TF class.")] = None,
    modes: Annotated[Path | None, _MODES] = None,
) -> None:
    """Write the cosine similarity of each two TFs over the regions resolved in both; draw it.

    Example: tfb data similarity matrix.h5 -o similarity.tsv --plot similarity.png
    """
    import numpy as np

    from kipoi_tfb.output.figures import check_format, class_order, similarity_heatmap
    from tfb_matrix_data.errors import ConfigError
    from tfb_matrix_data.files import atomic_path
    from tfb_matrix_data.matrix import BindingMatrix
    from tfb_matrix_data.modes import read_modes
    from tfb_matrix_data.similarity import similarity as cosines

    if plot is not None:
        check_format(plot)
    known = read_modes(modes)
    with BindingMatrix(matrix) as opened:
        names = listed(tfs) or opened.tfs
        values = cosines(opened, names, kind, listed(cell_types))  # type: ignore[arg-type]
    with atomic_path(output) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as stream:
        print("tf", *names, sep="\t", file=stream)
        for tf, row in zip(names, values, strict=True):
            print(tf, *("" if np.isnan(value) else f"{value:.6f}" for value in row), sep="\t", file=stream)
    print(f"{output}: {len(names)} x {len(names)} TFs, {int(np.isnan(values).sum())} values not defined")
    if plot is not None:
        drawn = [tf for tf, cosine in zip(names, values.diagonal(), strict=True) if not np.isnan(cosine)]
        if not drawn:
            raise ConfigError(f"{plot}: nothing to draw, none of these TFs has a bound region; {output} was written")
        order = class_order(drawn, known.tf_class, known.modes)
        places = [names.index(tf) for tf in order]
        where = f", {cell_types}" if cell_types else ""
        title = f"Binding similarity of {len(order)} TFs ({kind.replace('_', ' ')} labels{where})"
        similarity_heatmap(values[np.ix_(places, places)], order, known.tf_class, plot, title)
        left_out = len(names) - len(order)
        print(
            f"{plot}: {len(order)} TFs by class" + (f"; {left_out} without a bound region left out" if left_out else "")
        )


def neighbours(
    matrix: Annotated[Path, _MATRIX],
    tf: Annotated[str, typer.Argument(help="The TF to find others for.", autocompletion=complete_tfs)],
    relation: Annotated[
        Relation,
        typer.Option(
            help="cofactors: highest cosine, other binding mode; cofactors-any: highest cosine; non-cofactors: lowest "
            "cosine, same binding mode; same-mode: most bound regions first; same-mode-random: drawn; string: STRING "
            "partners; random: unrelated ones."
        ),
    ] = Relation.cofactors,
    n: Annotated[int, typer.Option("-n", min=1, help="How many TFs, at most.")] = 5,
    string: Annotated[Path | None, typer.Option(help="Table of STRING scores: columns TF_a, TF_b, score.")] = None,
    other_modes: Annotated[bool, typer.Option("--other-modes", help="STRING partners of other modes only.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn.")] = 0,
    modes: Annotated[Path | None, _MODES] = None,
    cell_types: Annotated[str, _CELL_TYPES] = "",
    kind: Annotated[str, _KIND] = "less_sparse",
) -> None:
    """Print the TFs that go with a TF, best first, with score and reason, as TSV.

    Example: tfb data neighbours matrix.h5 GATA1 --relation cofactors -n 5
    """
    from tfb_matrix_data.errors import UnknownNameError
    from tfb_matrix_data.matrix import BindingMatrix
    from tfb_matrix_data.relations import Relations

    if relation is Relation.string and string is None:
        raise typer.BadParameter("--relation string needs --string, a table with the columns TF_a, TF_b and score")
    with BindingMatrix(matrix) as opened:
        if tf not in opened.tfs:  # before the seconds that the similarities take
            raise UnknownNameError("TF", tf, opened.tfs)
        relations = Relations.of(opened, modes, string, kind, listed(cell_types))  # type: ignore[arg-type]
    match relation:
        case Relation.string:
            found = relations.string_partners(tf, n, other_modes)
        case Relation.random:
            found = relations.random_unrelated(tf, n, seed)
        case Relation.same_mode:
            found = relations.same_binding_mode(tf, n)
        case Relation.same_mode_random:
            found = relations.same_binding_mode_random(tf, n, seed)
        case Relation.non_cofactors:
            found = relations.non_cofactors(tf, n)
        case _:
            found = relations.cofactors(tf, n, other_modes=relation is Relation.cofactors)
    print("name\tscore\treason")
    for neighbour in found:
        print(neighbour.name, f"{neighbour.score:.6g}", neighbour.reason, sep="\t")
    if len(found) < n:
        typer.echo(f"{len(found)} of the {n} asked for: the matrix and the tables have no more such TFs", err=True)


def print_table_s1(matrix: BindingMatrix, tfs: str) -> None:
    """Print the counts of both kinds of labels, for `tfb data counts --kind both`."""
    from tfb_matrix_data.counts import TfCounts, counts

    table = counts(matrix, listed(tfs))
    print(*TfCounts._fields, sep="\t")
    for row in table:
        print(*row, sep="\t")
    cell_types = len(matrix.cell_types)
    print("total", cell_types, *(sum(column) for column in list(zip(*table, strict=True))[2:]), sep="\t")
