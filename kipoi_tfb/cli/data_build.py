"""`tfb data build`: a binding matrix from one's own tracks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tfb_matrix_data.build import BuildReport

_WORST = 5


def build(
    sheet: Annotated[Path, typer.Argument(help="Sample sheet: TSV with the columns kind, path, tf, cell_type.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    genome: Annotated[
        Path | None, typer.Option(help="FASTA or chrom.sizes; intervals that are not on its contigs are left out.")
    ] = None,
    assembly: Annotated[str, typer.Option(help="Name of the genome assembly, recorded in the file.")] = "unknown",
    strict: Annotated[bool, typer.Option("--strict", help="Refuse an interval that is not on --genome.")] = False,
    report: Annotated[Path | None, typer.Option(help="TSV to write with one line per track of peaks or sites.")] = None,
) -> None:
    """Build a binding matrix from open regions, ChIP-seq peaks and binding sites.

    The sheet's kinds: accessible (BED per cell type), or clusters and sources (UCSC's clustered DHS); peaks (BED or
    narrowPeak per TF and cell type); sites (BED of binding sites, optional). docs/building-a-matrix.md has the rules.

    Example: tfb data build samples.tsv -o matrix.h5 --genome hg38.fa --assembly hg38
    """
    from kipoi_tfb.output.progress import progress_each
    from tfb_matrix_data.build import build_matrix
    from tfb_matrix_data.files import atomic_path, check_output

    if report is not None:
        check_output(report)
    built = build_matrix(sheet, output, genome, assembly, strict=strict, each=partial(progress_each, "building"))
    _print(built, output)
    if report is not None:
        with atomic_path(report) as temporary:
            temporary.write_text(_table(built))


def _print(built: BuildReport, output: Path) -> None:
    dropped = f"{built.n_duplicates:,} exact duplicates and {built.n_beyond:,} beyond a contig's end dropped"
    names = {1: "open", 2: "open + peak", 3: "open + site", 4: "bound"}
    print(
        f"{output}: {built.n_tfs} TFs x {built.n_regions:,} regions x {built.n_cell_types} cell types, "
        f"{output.stat().st_size / 1e6:.1f} MB"
    )
    print(f"accessible   {built.n_intervals:,} intervals, {built.n_merged:,} merged into one they overlap; {dropped}")
    off = built.n_off + sum(track.n_off for track in built.tracks)
    if off:
        print(f"left out     {off:,} intervals that are not on the genome's contigs (--strict refuses them)")
    print(f"overlapping  {built.n_overlapping:,} regions share bases with another")
    print(f"experiments  {built.n_experiments} (TF x cell type); bound rule: {built.bound_rule}")
    for code, name in names.items():
        print(f"code {code}       {built.codes[code]:,} ({name})")
    print(f"tracks       {len(built.tracks)} of peaks and sites; the largest shares outside of all regions:")
    for track in sorted(built.tracks, key=lambda track: -track.unmatched)[:_WORST]:
        print(f"  {track.unmatched:6.1%} of {track.n:,} in {track.sample.path}")


def _table(built: BuildReport) -> str:
    from tfb_matrix_data.cells import as_cell

    lines = ["kind\ttf\tcell_type\tpath\tn\tin_region\tin_open_region\tunmatched\tsummits\toff_genome"]
    for track in built.tracks:
        sample = track.sample
        names = (as_cell(str(name)) for name in (sample.kind, sample.tf, sample.cell_type, sample.path))
        counts = map(str, (track.n, track.in_region, track.in_open_region))
        lines.append("\t".join([*names, *counts, f"{track.unmatched:.4f}", str(track.n_summits), str(track.n_off)]))
    return "\n".join(lines) + "\n"
