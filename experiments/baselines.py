"""Score held-out regions with the motif and composition baselines, and write docs/baselines.md's tables.

    python experiments/baselines.py fit MATRIX GENOME -o DIR [--scorer NAME ...]    minutes; de novo: tens of minutes
    python experiments/baselines.py table DIR                                       docs/baselines.md, from DIR's tables
    python experiments/baselines.py speed                                           seconds per 50,000 windows

`fit` trains or chooses each scorer on the training chromosomes and writes DIR/NAME.tsv, one row per held-out
chromosome and TF, and DIR/NAME.json, the seconds it took. Labels are the sparse ones; the unbound regions that a TF's
bound ones are told from are those that `tfb evaluate` draws with the same seed.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from kipoi_tfb.evaluation.composition import composition_scorer
from kipoi_tfb.evaluation.metrics import MIN_BOUND
from kipoi_tfb.motifs.denovo import denovo_scorer
from kipoi_tfb.motifs.jaspar import jaspar_motifs
from kipoi_tfb.motifs.scorer import MotifScorer, jaspar_scorer, score_motifs
from kipoi_tfb.training.data import region_windows
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sampling import balanced_sample, seed_of
from tfb_matrix_data.sequence import UNKNOWN, gc_content
from tfb_matrix_data.splits import TEST, VALIDATION, split_by_chromosome

DOCS = Path(__file__).parents[1] / "docs" / "baselines.md"
START, END = "<!-- table: experiments/baselines.py -->", "<!-- end of table -->"
HELD_OUT = (*VALIDATION, *TEST)
COLUMNS = ("chromosome", "tf", "motif", "bound_train", "bound", "unbound", "matched", "auprc", "auroc")

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Windows:
    """Windows without an N, and their labels (windows, TFs)."""

    codes: NDArray[np.uint8]
    labels: NDArray[np.int8]


@app.command()
def fit(
    matrix: Annotated[Path, typer.Argument(help="Binding matrix (HDF5).")],
    genome: Annotated[Path, typer.Argument(help="FASTA of hg38.")],
    output: Annotated[Path, typer.Option("-o", help="Folder for the tables.")],
    scorer: Annotated[list[str] | None, typer.Option(help="jaspar, jaspar-oracle, composition, denovo.")] = None,
    seed: int = 0,
    jobs: Annotated[int, typer.Option(help="Processes that look for motifs.")] = 1,
) -> None:
    """Fit and test scorers; write a table of each."""
    opened = BindingMatrix(matrix)
    tfs = list(opened.tfs)
    labels = opened.labels(tfs, kind="sparse")
    sequence = Genome(genome)
    split = split_by_chromosome(opened.regions, np.flatnonzero((labels >= 0).any(1) & (opened.regions.start >= 0)))
    train = _windows(opened, sequence, split.train, labels)
    tests = {c: _windows(opened, sequence, opened.regions.on([c]), labels) for c in HELD_OUT}
    makers: Mapping[str, Callable] = {
        "jaspar": lambda _: jaspar_scorer(tfs, train.codes, train.labels, seed),
        "jaspar-oracle": lambda test: jaspar_scorer(tfs, test.codes, test.labels, seed, at_most=None),
        "composition": lambda _: composition_scorer(tfs, train.codes, train.labels, seed),
        "denovo": lambda _: _denovo(tfs, train, seed, jobs),
    }
    output.mkdir(parents=True, exist_ok=True)
    for name in scorer or makers:
        rows, made, started = [], None, time.perf_counter()
        for chromosome, test in tests.items():
            if made is None or name == "jaspar-oracle":
                made = makers[name](test)
                fitted = time.perf_counter() - started
            motifs = {tf: motif.matrix_id for tf, motif in getattr(made, "motifs", {}).items()}
            for row in _test(made.scores(test.codes), test, tfs, seed):
                n_train = int((train.labels[:, tfs.index(str(row[0]))] == 1).sum())
                rows.append((chromosome, row[0], motifs.get(str(row[0]), ""), n_train, *row[1:]))
        with atomic_path(output / f"{name}.tsv") as temporary, open(temporary, "w", newline="\n") as stream:
            csv.writer(stream, "excel-tab", lineterminator="\n").writerows([COLUMNS, *rows])
        (output / f"{name}.json").write_text(json.dumps({"seconds": round(fitted), "seed": seed}) + "\n")
        print(name, *(f"{c}: {n} TFs, AUPRC {auprc:.4f}" for c, (n, auprc, _) in _macro(rows).items()), sep="; ")


@app.command()
def table(folder: Path, docs: Path = DOCS) -> None:
    """Write the macro averages of a folder's tables into the document."""
    lines = ["| scorer | chromosome | TFs | macro AUPRC (1:1) | macro AUROC (natural) | seconds to fit |"]
    lines += ["|---|---|---|---|---|---|"]
    for name in ("jaspar", "jaspar-oracle", "denovo", "composition"):
        if not (folder / f"{name}.tsv").exists():
            continue
        seconds = json.loads((folder / f"{name}.json").read_text())["seconds"]
        for chromosome, (n, auprc, auroc) in _macro(read(folder / f"{name}.tsv")).items():
            lines.append(f"| {name} | {chromosome} | {n} | {auprc:.3f} | {auroc:.3f} | {seconds} |")
    text = docs.read_text()
    before, after = text.split(START)[0], text.split(END)[1]
    docs.write_text(before + "\n".join([START, "", *lines, "", END]) + after)
    print("\n".join(lines))


@app.command()
def speed(windows: int = 50_000, profiles: int = 226) -> None:
    """Print the seconds that lightmotif, numba and torch need for sum occupancy, on one core."""
    import torch
    from numba import njit

    torch.set_num_threads(1)
    motifs = [motif for own in jaspar_motifs().values() for motif in own][:profiles]
    codes = np.random.default_rng(0).integers(0, 4, (windows, 200), np.uint8)
    started = time.perf_counter()
    score_motifs(motifs, codes)
    print(f"lightmotif  {time.perf_counter() - started:6.1f} s")

    widest = max(motif.width for motif in motifs)
    odds = np.ones((2 * len(motifs), widest, 4), np.float32)
    for i, motif in enumerate(motifs):
        own = (motif.pfm.T + 0.25) / (motif.pfm.sum(0)[:, None] + 1) * 4
        odds[2 * i, : motif.width], odds[2 * i + 1, : motif.width] = own, own[::-1, ::-1]
    widths = np.repeat([motif.width for motif in motifs], 2)

    @njit(fastmath=True)
    def loop(codes: NDArray, odds: NDArray, widths: NDArray, out: NDArray) -> None:
        for i in range(len(codes)):
            for m in range(len(odds)):
                for p in range(codes.shape[1] - widths[m] + 1):
                    product = 1.0
                    for j in range(widths[m]):
                        product *= odds[m, j, codes[i, p + j]]
                    out[i, m] += product

    out = np.zeros((windows, len(odds)), np.float32)
    loop(codes[:1], odds, widths, out)
    started = time.perf_counter()
    loop(codes, odds, widths, out)
    print(f"numba       {time.perf_counter() - started:6.1f} s")

    kernel = torch.tensor(np.log(odds)).transpose(1, 2).contiguous()
    started = time.perf_counter()
    for part in torch.tensor(codes).split(512):
        hot = torch.nn.functional.one_hot(part.long(), 4).float().transpose(1, 2).contiguous()
        torch.nn.functional.conv1d(hot, kernel).logsumexp(2)
    print(f"torch       {time.perf_counter() - started:6.1f} s")


def read(path: Path) -> list[tuple]:
    """Return the rows of a table that `fit` wrote."""
    with open(path) as stream:
        rows = list(csv.reader(stream, "excel-tab"))[1:]
    return [(*row[:3], *map(int, row[3:7]), *map(float, row[7:])) for row in rows]


def _denovo(tfs: list[str], train: Windows, seed: int, jobs: int) -> MotifScorer:
    """Share the TFs out; the others of a process count as unresolved, so that each TF keeps its column's seed."""
    parts = []
    for job in range(jobs):
        labels = np.full_like(train.labels, -1)
        labels[:, job::jobs] = train.labels[:, job::jobs]
        parts.append(labels)
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        found = list(pool.map(denovo_scorer, [tfs] * jobs, [train.codes] * jobs, parts, [seed] * jobs))
    return MotifScorer("denovo", {tf: found[i % jobs].motifs[tf] for i, tf in enumerate(tfs)})


def _windows(matrix: BindingMatrix, genome: Genome, index: NDArray[np.int64], labels: NDArray[np.int8]) -> Windows:
    codes = region_windows(matrix, genome, index)
    whole = ~(codes == UNKNOWN).any(1)
    return Windows(codes[whole], labels[index[whole]])


def _test(scores: NDArray[np.float32], test: Windows, tfs: list[str], seed: int) -> list[tuple]:
    """Return (TF, bound, unbound, matched, AUPRC, AUROC) of each TF that has bound and unbound regions."""
    gc = gc_content(test.codes)
    rows = []
    for column, tf in enumerate(tfs):
        own = test.labels[:, column]
        sample = balanced_sample(own, gc, seed_of(seed, column))
        if not len(sample.bound) or not len(sample.unbound):
            continue
        resolved = own >= 0
        auprc = average_precision_score(sample.labels, scores[sample.regions, column])
        auroc = roc_auc_score(own[resolved], scores[resolved, column])
        counts = (sample.bound_available, sample.unbound_available, len(sample.unbound))
        rows.append((tf, *counts, f"{auprc:.4f}", f"{auroc:.4f}"))
    return rows


def _macro(rows: list[tuple]) -> dict[str, tuple[int, float, float]]:
    """Return {chromosome: (TFs, mean AUPRC, mean AUROC)} over the TFs with enough bound regions there."""
    result = {}
    for chromosome in HELD_OUT:
        own = [row for row in rows if row[0] == chromosome and row[4] >= MIN_BOUND]
        auprc, auroc = (float(np.mean([float(row[i]) for row in own])) for i in (7, 8))
        result[chromosome] = len(own), auprc, auroc
    return result


if __name__ == "__main__":
    app()
