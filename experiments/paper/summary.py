"""Means over splits, as text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from experiments.paper.fact_rows import read_facts
from experiments.paper.results import Row, current_rows, read_rows

__all__ = ["summary_lines"]


def summary_lines(figure: str, folder: Path) -> Iterator[str]:
    """Yield a table of a figure: the mean of each TF, base, size and arm over splits, or why there is none.

    Of a figure that is counted, its facts.
    """
    if facts := read_facts(folder, figure):
        yield f"# {figure}"
        yield "fact\tvalue\tn"
        yield from ("\t".join([fact.name, fact.value, "" if fact.n is None else str(fact.n)]) for fact in facts)
        return
    rows, version, others = current_rows(read_rows(folder / f"{figure}.tsv"))
    yield f"# {figure}, version {version or 'none'}: {len(rows)} rows" + (
        f"; {others} of others left out" if others else ""
    )
    yield "tf\tcells\tbase\tn\tarm\tmean\tsd\tsplits\tn_train\tn_test\treason"
    cells: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        held_out = "chr22" if row.split == "chr22" else ""
        cells.setdefault((row.tf, row.cells, row.base, row.n, row.arm, held_out), []).append(row)
    for (tf, cell_types, base, n, arm, _), own in sorted(cells.items()):
        values = [row.value for row in own if row.value is not None]
        mean = f"{np.mean(values):.4f}" if values else ""
        sd = f"{np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
        last = own[-1]
        reason = "" if values else last.reason
        yield "\t".join([tf, cell_types, base, n, arm, mean, sd, str(len(values)), last.n_train, last.n_test, reason])
