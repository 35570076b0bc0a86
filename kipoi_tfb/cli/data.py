"""`tfb data`: binding matrices."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli import data_ask, data_build, data_export, data_get
from kipoi_tfb.cli.completion import complete_tfs
from kipoi_tfb.cli.options import listed

app = typer.Typer(help="Binding matrices: get, import or build one, and ask it.", no_args_is_help=True)


@app.command("import")
def import_(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="tf-binding-events.h5, or matrix2d.*.npz (per TF, per cell type) or matrix3d.npz with *_idx.pickle.gz "
            "and FASTA files; or folders."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    assembly: Annotated[str, typer.Option(help="Genome assembly, where the sources do not say.")] = "hg38",
) -> None:
    """Make a binding matrix from published files.

    Example: tfb data import tf-binding-events.h5 -o matrix.h5
    """
    from kipoi_tfb.output.progress import progress_each
    from tfb_matrix_data.importers import import_published

    events = import_published(sources, output, assembly, partial(progress_each, "reading matrices"))
    size = output.stat().st_size / 1e6
    print(
        f"{output}: {len(events.tfs)} TFs x {events.attrs['n_regions']:,} regions x {len(events.cell_types)} "
        f"cell types, {len(events.region_id):,} regions with coordinates, {size:.1f} MB"
    )


@app.command()
def info(matrix: Annotated[Path, typer.Argument(help="A file of `tfb data import`.")]) -> None:
    """Show what a binding matrix holds.

    Example: tfb data info matrix.h5
    """
    from tfb_matrix_data.files import sha256
    from tfb_matrix_data.matrix import BindingMatrix

    with BindingMatrix(matrix) as opened:
        located = int((opened.regions.start >= 0).sum())
        print(f"TFs          {len(opened.tfs)}")
        print(f"cell types   {len(opened.cell_types)}")
        print(f"profiled     {int(opened.profiled.sum())} TF x cell type experiments")
        print(f"regions      {len(opened):,} of {opened.attrs['region_length']} bp, {located:,} with coordinates")
        print(f"chromosomes  {' '.join(opened.regions.chrom_names)}")
        print(f"assembly     {opened.attrs['assembly']}")
        print(f"source       {opened.attrs['source']}")
        print(f"bound means  {opened.attrs.get('bound_rule', 'peaks and sites')}")
        print(f"size         {matrix.stat().st_size / 1e6:.1f} MB, sha256 {sha256(matrix)}")


@app.command()
def counts(
    matrix: Annotated[Path, typer.Argument(help="A file of `tfb data import`.")],
    kind: Annotated[str, typer.Option(help="sparse, less_sparse, or both (the paper's Table S1).")] = "sparse",
    tfs: Annotated[str, typer.Option(help="Comma-separated TFs; default all.", autocompletion=complete_tfs)] = "",
) -> None:
    """Print bound, unbound and unresolved regions per TF, and in all, as TSV.

    Example: tfb data counts matrix.h5 --tfs JUND,ATF4
    """
    from tfb_matrix_data.counts import count_labels
    from tfb_matrix_data.matrix import BindingMatrix

    with BindingMatrix(matrix) as opened:
        if kind == "both":
            data_ask.print_table_s1(opened, tfs)
            return
        print("tf\tbound\tunbound\tunresolved")
        total = [0, 0, 0]
        for tf in listed(tfs) or opened.tfs:
            row = count_labels(opened, tf, kind)  # type: ignore[arg-type]
            total = [a + b for a, b in zip(total, row, strict=True)]
            print(tf, *row, sep="\t")
        print("total", *total, sep="\t")


_COMMANDS = (
    data_build.build,
    data_get.ls,
    data_get.get,
    data_get.path,
    data_ask.similarity,
    data_ask.neighbours,
    data_export.sample,
    data_export.export,
)
for _command in _COMMANDS:
    app.command()(_command)
