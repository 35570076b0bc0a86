"""The page of all figures: our picture beside every claim, and what was run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from experiments.paper.claims import Verdict, judge
from experiments.paper.cosines import COSINES, read_cosines
from experiments.paper.fact_rows import Fact, read_facts
from experiments.paper.figure import Figure
from experiments.paper.plot import draw
from experiments.paper.results import Row, current_rows, read_rows
from experiments.paper.tf_map import MAP, read_map
from kipoi_tfb.output.figures import class_order, similarity_heatmap, similarity_map
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.modes import read_modes

__all__ = ["PAGE", "write_page"]

PAGE = "paper.md"
_AS_MAP = "-map"
_INTRO = """# The paper, figure by figure

<!-- Written by `python -m experiments.paper plot`: change experiments/paper instead. -->

Novakovsky et al., *Biologically relevant transfer learning improves transcription factor binding prediction*, Genome
Biology 22:280 (2021), [doi:10.1186/s13059-021-02499-5](https://doi.org/10.1186/s13059-021-02499-5), run again with
this package: for each figure and table our picture, and each claim with its published number, ours, and whether it
holds here.

How it was run, and what is not as in the paper:

- **Data.** The published binding matrix. Sequence is at hand for the regions of ten chromosomes, a fifth of all
  regions: training sets are smaller than the paper's, and some TFs too rare.
- **Networks.** The paper's, by its protocol. Multi-models: regions resolved for all of their TFs, less sparse labels,
  15 epochs, Adam, rate 0.003, batches of 100. Fine-tuning: a new output layer, sparse labels, 10 epochs, rate 0.0003
  (0.003 from scratch), without the regions that the multi-model was made from, on random splits of 80/10/10, each
  reported. Training also stops when four epochs in a row are no better; the epoch with the lowest validation loss is
  kept.
- **Test.** Area under the precision-recall curve (AUPRC) of the split's test part: bound regions against as many
  unbound ones of the same GC content. Random splits put neighbouring regions into training and test; they are for
  comparison with the paper only, and nothing in the zoo is tested so.
- **De novo PWMs.** The first motif found in the training windows, by STREME where it is on `PATH`, else by our own
  finder (`kipoi_tfb.motifs.denovo`); STREME was not there.
- **Verdicts.** A claim *holds* if the difference has the claimed sign with p < 0.05; a claim that there is none, if p
  is not below 0.05. With few TFs or splits the first is easy to miss, and the second easy to pass: look at n.

Every number is a row in `experiments/results/paper`; `python -m experiments.paper run all --matrix MATRIX --genome
FASTA` makes them again (`--quick`: every code path, in minutes; `--scheduler`: on [a cluster](clusters.md)).
"""


def write_page(figures: Mapping[str, Figure], results: Path, docs: Path) -> Path:
    """Write the page and its pictures; return where it is."""
    pictures = docs / "figures" / "paper"
    pictures.mkdir(parents=True, exist_ok=True)
    rows = {name: current_rows(read_rows(results / f"{name}.tsv"))[0] for name in figures}
    sections = [_INTRO]
    for figure in figures.values():
        sections.append("\n".join(_section(figure, rows, results, pictures)))
    sections.append("\n".join(_inventory(figures, rows, results)))
    path = docs / PAGE
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(sections).rstrip() + "\n")
    return path


def _section(figure: Figure, rows: Mapping[str, list[Row]], results: Path, pictures: Path) -> Iterator[str]:
    yield f"## {_label(figure.name)}: {figure.title}"
    yield ""
    if figure.says:
        yield textwrap.fill(figure.says.strip(), 118, break_long_words=False, break_on_hyphens=False)
        yield ""
    if figure.not_run:
        yield f"Not run: {figure.not_run}."
        yield ""
        return
    own = [row for name in (*figure.rows_of, figure.name) for row in rows[name]]
    facts = read_facts(results, figure.name)
    for picture in _drawn(figure, own, results, pictures / f"{figure.name}.svg"):
        what = ", as a map" if picture.stem.endswith(_AS_MAP) else ""
        yield f"![{_label(figure.name)}: {figure.title}{what}](figures/paper/{picture.name})"
        yield ""
    if figure.claims:
        verdicts = [verdict for claim in figure.claims for verdict in judge(claim, own, facts)]
        yield from _claims_table(verdicts)
        yield ""
    if facts:
        yield from _facts_table(facts)
        yield ""
    yield from _not_run(rows[figure.name])


def _drawn(figure: Figure, rows: list[Row], results: Path, path: Path) -> Iterator[Path]:
    """Draw a figure and yield its pictures."""
    if figure.facts != "similarity":
        if draw(figure, rows, path):
            yield path
        return
    known = read_modes()
    if (results / MAP).exists():
        tfs, places = read_map(results / MAP)
        order = class_order(tfs, known.tf_class, known.modes)
        own = path.with_stem(path.stem + _AS_MAP)
        similarity_map(places[[tfs.index(tf) for tf in order]], order, known.tf_class, own, "t-SNE of cosines of TFs")
        yield own
    if (results / COSINES).exists():
        tfs, cosines = read_cosines(results / COSINES)
        order = class_order(tfs, known.tf_class, known.modes)
        at = [tfs.index(tf) for tf in order]
        similarity_heatmap(cosines[at][:, at], order, known.tf_class, path, "cosine of TFs")
        yield path


def _claims_table(verdicts: list[Verdict]) -> Iterator[str]:
    yield "| claim | published | ours | test | verdict |"
    yield "|---|---|---|---|---|"
    for one in verdicts:
        cells = (one.says, one.published or "-", one.ours or "-", one.test or "-", f"**{one.verdict}**")
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _facts_table(facts: list[Fact]) -> Iterator[str]:
    yield "| counted | here | n |"
    yield "|---|---|---:|"
    for fact in facts:
        yield f"| {fact.name.replace('_', ' ')} | {_readable(fact.value)} | {'' if fact.n is None else f'{fact.n:,}'} |"


def _readable(value: str) -> str:
    return f"{int(value):,}" if value.isdigit() else value


def _not_run(rows: list[Row]) -> Iterator[str]:
    """Yield which TFs have no number, and why."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.value is None:
            kind = "too few bound regions" if " bound " in row.reason else row.reason
            what = row.tf if kind == "too few bound regions" else f"{row.tf} ({row.base.replace('_', ' ')})"
            reasons.setdefault(kind, []).append(what)
    for reason, names in sorted(reasons.items()):
        distinct = sorted(set(names))
        shown = ", ".join(distinct[:12]) + (f" and {len(distinct) - 12} more" if len(distinct) > 12 else "")
        yield f"- Without a number: {shown}: {reason}."
    if reasons:
        yield ""


def _inventory(figures: Mapping[str, Figure], rows: Mapping[str, list[Row]], results: Path) -> Iterator[str]:
    yield "## What was run"
    yield ""
    yield "Splits: how many of those asked for have rows; the last of them may lack some. Where two devices are named,"
    yield "each had bases of its own: of the same recipe, trained there."
    yield ""
    yield "| figure or table | of what | rows with a number | splits | device |"
    yield "|---|---|---:|---:|---|"
    for figure in figures.values():
        own = [row for row in rows[figure.name] if row.value is not None]
        devices = ", ".join(sorted({row.device for row in own}))
        state = f"{len(own):,}" if own else _without_rows(figure, results)
        rest = f"{state} | {_splits(figure, own)} | {devices} |"
        yield f"| {_label(figure.name)} | {figure.title} | {rest}"
        for other in figure.also:
            yield f"| {_label(other)} | see {_label(figure.name)} | {rest}"
    seconds = sum(float(row.seconds) for own in rows.values() for row in own if row.seconds)
    yield ""
    yield f"Cells took {seconds / 3600:.1f} hours of worker time in all, without the bases."
    yield ""


def _splits(figure: Figure, rows: list[Row]) -> str:
    asked = max((group.splits for group in figure.groups if isinstance(group.splits, int)), default=0)
    return f"{len({row.split for row in rows} - {'chr22'})} of {asked}" if rows else ""


def _without_rows(figure: Figure, results: Path) -> str:
    if figure.not_run:
        return f"not run: {figure.not_run}"
    if read_facts(results, figure.name):
        return "counted"
    return f"rows of {', '.join(_label(name) for name in figure.rows_of)}" if figure.rows_of else "not run yet"


def _label(name: str) -> str:
    """Return the name of a figure for readers."""
    return f"Fig. {name[3:]}" if name.startswith("fig") else f"Table {name[5:]}"
