"""The tables and the figure of docs/newcomers.md, from the rows that experiments/newcomer.py writes."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kipoi_tfb.zoo.table import markdown
from tfb_matrix_data.files import atomic_path

COLUMNS = ("tf", "regions", "seed", "method", "auprc")
PAGE = Path(__file__).parent.parent / "docs" / "newcomers.md"
FIGURE = PAGE.parent / "figures" / "newcomers.svg"
METHODS = {
    "transfer": "fine-tuned",
    "base": "nearest output",
    "scratch": "from scratch",
    "jaspar": "JASPAR",
    "denovo": "de novo",
}
_TABLES = {"newcomer": 20, "paper": 5, "random": 5}
"""Of how many TFs each is."""
_COLOURS = {"transfer": "#0072b2", "base": "#56b4e9", "scratch": "#d55e00", "jaspar": "#009e73", "denovo": "#cc79a7"}
_START, _END = "<!-- {}: experiments/newcomer.py table -->", "<!-- end of {} -->"

Means = Mapping[tuple[str, int, str], float]


def read_rows(path: Path) -> list[tuple[str, ...]]:
    """Return the rows of a table, without its header; none if there is no table."""
    if not path.exists():
        return []
    with open(path) as stream:
        return [tuple(row) for row in csv.reader(stream, "excel-tab")][1:]


def write_page(folder: Path) -> str:
    """Write the tables of newcomer, paper and random.tsv into the page, and the figure; return what was written.

    A table of which some TF has no row yet stays as it is in the page, and has no panel in the figure.
    """
    text, written, panels = PAGE.read_text(), [], {}
    for name, n_tfs in _TABLES.items():
        means, seeds = _means(read_rows(folder / f"{name}.tsv"))
        if len({tf for tf, _, _ in means}) < n_tfs:
            continue
        panels[name] = means
        for part, lines in ((name, _by_size(means, seeds)), (f"{name} by TF", _by_tf(means))):
            start, end = _START.format(part), _END.format(part)
            before, rest = text.split(start)
            text = f"{before}{start}\n\n{lines}\n\n{end}{rest.split(end)[1]}"
            written.append(lines)
    with atomic_path(PAGE) as temporary:
        temporary.write_text(text)
    _plot(panels)
    return "\n\n".join(written)


def _means(rows: Sequence[tuple[str, ...]]) -> tuple[Means, dict[tuple[int, str], str]]:
    """Return {(TF, regions, method): mean over seeds}, and {(regions, method): how many seeds}."""
    values: dict[tuple[str, int, str], list[float]] = {}
    for tf, size, _, method, auprc in rows:
        values.setdefault((tf, int(size), method), []).append(float(auprc))
    seeds: dict[tuple[int, str], set[int]] = {}
    for (_, n, method), found in values.items():
        seeds.setdefault((n, method), set()).add(len(found))
    spans = {key: "-".join(map(str, sorted({min(found), max(found)}))) for key, found in seeds.items()}
    return {key: float(np.mean(found)) for key, found in values.items()}, spans


def _complete(means: Means, n: int) -> tuple[list[str], list[str]]:
    """Return the TFs that have all methods that any TF has with so many regions, and these methods."""
    methods = [each for each in METHODS if any(key[1:] == (n, each) for key in means)]
    tfs = sorted({tf for tf, size, _ in means if size == n})
    return [tf for tf in tfs if all((tf, n, each) in means for each in methods)], methods


def _by_size(means: Means, seeds: Mapping[tuple[int, str], str]) -> str:
    rows = []
    for n in sorted({size for _, size, _ in means}, reverse=True):
        tfs, methods = _complete(means, n)
        if not tfs:
            continue
        row = {"bound regions": f"{n:,}", "TFs": str(len(tfs))}
        for method, title in METHODS.items():
            row[title] = f"{np.mean([means[tf, n, method] for tf in tfs]):.3f}" if method in methods else ""
        own = np.array([means[tf, n, "transfer"] for tf in tfs])
        for method in ("jaspar", "denovo", "scratch"):
            if method in methods:
                others = np.array([means[tf, n, method] for tf in tfs])
                row[f"above {METHODS[method]}"] = f"{int((own > others).sum())}"
                row[f"worst against {METHODS[method]}"] = f"{(own - others).min():+.3f}"
            else:
                row[f"above {METHODS[method]}"] = row[f"worst against {METHODS[method]}"] = ""
        row["seeds"] = ", ".join(f"{seeds[n, method]} {METHODS[method]}" for method in methods if method != "base")
        rows.append(row)
    return markdown(rows)


def _by_tf(means: Means) -> str:
    sizes = sorted({size for _, size, _ in means}, reverse=True)
    rows = []
    for tf in sorted({tf for tf, _, _ in means}):
        row = {"TF": tf}
        for n in sizes:
            row[f"{n:,}"] = f"{means[tf, n, 'transfer']:.3f}" if (tf, n, "transfer") in means else ""
        for method in ("scratch", "jaspar", "denovo"):
            known = [n for n in sizes if (tf, n, method) in means]
            at = 500 if 500 in known else max(known, default=0)
            row[f"{METHODS[method]}, 500"] = f"{means[tf, at, method]:.3f}" if at == 500 else ""
        rows.append(row)
    return markdown(rows)


def _plot(panels: Mapping[str, Means]) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    titles = {
        "newcomer": "TFs that the base never saw, chr22",
        "paper": "five TFs of the paper, chr22",
        "random": "five TFs of the paper, random split",
    }
    with mpl.rc_context({"svg.hashsalt": "tfb", "font.size": 9}):
        figure = Figure((3.7 * len(panels), 3.2), layout="constrained")
        every = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for axes, (name, means) in zip(every, panels.items(), strict=True):
            for method, title in METHODS.items():
                points = []
                for n in sorted({size for _, size, _ in means}):
                    tfs, methods = _complete(means, n)
                    if method in methods and tfs:
                        points.append((n, np.mean([means[tf, n, method] for tf in tfs])))
                if points:
                    axes.plot(*zip(*points, strict=True), "o-", color=_COLOURS[method], label=title, markersize=3)
            axes.set(xscale="log", xlabel="bound regions", title=titles[name])
            axes.spines[["top", "right"]].set_visible(False)
        every[0].set_ylabel("AUPRC, mean over TFs")
        every[-1].legend(frameon=False, loc="lower right")
        with atomic_path(FIGURE) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})
