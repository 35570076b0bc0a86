"""`tfb rank`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kipoi_tfb.cli.completion import complete_tfs
from kipoi_tfb.cli.options import listed, say


def rank(
    scores: Annotated[Path, typer.Argument(help="What `tfb score` wrote: .tsv, .parquet, .h5, .vcf or .vcf.gz.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="OUT.tsv, .parquet or .h5; .vcf(.gz) of a VCF.")],
    top: Annotated[int, typer.Option("--top", min=0, help="Keep so many; 0 for all.")] = 0,
    tfs: Annotated[
        str,
        typer.Option("--tfs", help="Rank by the impact on these TFs, comma-separated.", autocompletion=complete_tfs),
    ] = "",
    by: Annotated[
        str, typer.Option("--by", help="Column to sort by, by magnitude if it has a sign; default largest_impact.")
    ] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            help="Keep rows with COLUMN = != < <= > >= ~ VALUE (~: contains); again for more, all of which must hold.",
        ),
    ] = None,
    info: Annotated[str, typer.Option("--info", help="INFO fields to add as columns, comma-separated.")] = "",
    vcf: Annotated[
        Path | None, typer.Option("--vcf", help="The VCF that was scored: has the INFO fields, if SCORES is a table.")
    ] = None,
    ascending: Annotated[bool, typer.Option("--ascending", help="Smallest first.")] = False,
    all_columns: Annotated[bool, typer.Option("--all-columns", help="Keep all columns of all TFs.")] = False,
) -> None:
    """Sort and filter scored variants: the ones to look at first.

    Example: tfb rank effects.parquet --where 'variant_percentile>=99' --top 100 -o first.tsv
    """
    from kipoi_tfb.report.condition import Condition
    from kipoi_tfb.report.ranking import RankingOptions, rank_scores
    from kipoi_tfb.report.scores import open_scores

    options = RankingOptions(
        by=by or None,
        tfs=listed(tfs) or (),
        where=[Condition.parse(text) for text in where or ()],
        top=top,
        ascending=ascending,
        info=listed(info) or (),
        vcf=vcf,
        every=all_columns,
    )
    ranking = rank_scores(open_scores(scores), output, options)
    say(f"{ranking.read} alleles read, {ranking.passed} pass, {len(ranking.row)} written -> {output}")
