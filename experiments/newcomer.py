r"""What a newcomer's TF can expect: a base that has never seen 20 TFs, fine-tuned on few regions of each.

    python experiments/newcomer.py base MATRIX GENOME -o DIR                 about half an hour on two idle cores
    python experiments/newcomer.py run MATRIX GENOME --base DIR/base/entry -o DIR/newcomer.tsv
    python experiments/newcomer.py run MATRIX GENOME --paper -o DIR/paper.tsv
    python experiments/newcomer.py paper-base MATRIX GENOME -o DIR           five minutes
    python experiments/newcomer.py run MATRIX GENOME --paper --random-split --base DIR/paper-base/entry \
        -o DIR/random.tsv
    python experiments/newcomer.py table DIR                                 docs/newcomers.md and its figure

Of N regions of a TF, nine tenths train and one tenth, on chr21, validates; the test is all of chr22, for every N.
`run` writes a row per TF, N, seed and method; those that are there are not run again, so it may be stopped at any time.
`--paper` takes five TFs of the paper and its network instead: all layers of `multi50` and none of them, ten epochs; the
output is copied from the base's, which the paper does not (experiments/paper has its own way); with
`--random-split` on its random split too, from a base that was made on one.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from newcomer_table import COLUMNS, read_rows, write_page
from numpy.typing import NDArray

from kipoi_tfb.evaluation.job import evaluate
from kipoi_tfb.evaluation.scorers import KnownScores, NetworkScorer, Scorer, TableScorer
from kipoi_tfb.finetuning.base_regions import base_regions
from kipoi_tfb.finetuning.config import SplitName, make_config
from kipoi_tfb.finetuning.data import LEAST_BOUND, FinetuneData, from_binding_matrix
from kipoi_tfb.finetuning.features import FeatureBank, open_bank
from kipoi_tfb.finetuning.group import whole_regions
from kipoi_tfb.finetuning.learn import fit_output, train_seeds
from kipoi_tfb.finetuning.work import Trained, Work
from kipoi_tfb.models.logits import to_one_hot
from kipoi_tfb.models.run import logits_of
from kipoi_tfb.motifs.denovo import denovo_scorer
from kipoi_tfb.motifs.scorer import jaspar_scorer
from kipoi_tfb.training.data import LabelledWindows
from kipoi_tfb.training.job import pretrain
from kipoi_tfb.zoo.config import PretrainConfig, read_config
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.find import find_entry
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sampling import balanced_sample, seed_of
from tfb_matrix_data.sequence import gc_content

HERE = Path(__file__).parent

LEFT_OUT = (
    # The TF with second most bound regions of each of the 14 largest binding modes, the next where it is taken.
    "FOS", "ELF1", "JUN", "TAL1", "KLF9", "MYC", "NR2F1", "TCF7L2", "IRF1", "USF2", "CEBPD", "FOXA2", "NR3C1", "E2F1",
    "HNF4A", "SPI1", "ATF4",
    # Alone in their modes: many, some and few bound regions.
    "REST", "HOXB13", "RELA",
)  # fmt: skip
"""TFs whose labels and motifs the base does not see."""

WITHOUT_REGIONS = ("SMAD3",)
"""Nothing is bound by it on the training chromosomes."""

PENTAD = ("HNF4A", "JUND", "MAX", "SPI1", "SP1")
"""The TFs of the paper's curve."""

SIZES = (5000, 1000, 500, 250, 125, 50)
_VALIDATING = 10  # one bound region of so many

MatrixFile = Annotated[Path, typer.Argument(help="Binding matrix (HDF5).")]
GenomeFile = Annotated[Path, typer.Argument(help="FASTA of hg38.")]
RunFolder = Annotated[Path, typer.Option("-o", help="Folder for the run.")]

app = typer.Typer(add_completion=False)


@app.command()
def base(
    matrix: MatrixFile,
    genome: GenomeFile,
    output: RunFolder,
) -> None:
    """Train a base without the 20 TFs, as experiments/multi163.yaml does but without a teacher, which has seen them."""
    with BindingMatrix(matrix) as opened:
        tfs = tuple(tf for tf in opened.tfs if tf not in (*LEFT_OUT, *WITHOUT_REGIONS))
    summary = f"Binding of {len(tfs)} TFs; the others are newcomers to it (experiments/newcomer.py)."
    changes = {"name": "newcomer-base", "summary": summary, "teacher": None, "tfs": tfs}
    _pretrain("base", "multi163.yaml", changes, matrix, genome, output)


@app.command()
def paper_base(
    matrix: MatrixFile,
    genome: GenomeFile,
    output: RunFolder,
) -> None:
    """Train the paper's multi-model on the paper's random split: for its curve only."""
    changes = {"name": "multi50-random-split", "split": "paper"}
    _pretrain("paper-base", "multi50.yaml", changes, matrix, genome, output)


@app.command()
def run(
    matrix: MatrixFile,
    genome: GenomeFile,
    output: Annotated[Path, typer.Option("-o", help="Table to add to.")],
    base: Annotated[str, typer.Option(help="What `base` left in entry/.")] = "multi50",
    paper: Annotated[bool, typer.Option("--paper", help="Five TFs, all layers learn.")] = False,
    random_split: Annotated[bool, typer.Option("--random-split", help="As the paper, which leaks.")] = False,
    method: Annotated[list[str] | None, typer.Option(help="transfer, scratch, base, jaspar, denovo.")] = None,
    size: Annotated[list[int] | None, typer.Option(help="Bound regions.")] = None,
    seeds: int = 5,
    work: Annotated[Path, typer.Option(help="For checkpoints.")] = Path("runs/newcomer-work"),
) -> None:
    """Fine-tune on few regions, and test."""
    logging.basicConfig(level=logging.WARNING)
    methods = method or ["transfer", "base", "jaspar", "denovo", "scratch"]
    done = {row[:4] for row in read_rows(output)}
    with BindingMatrix(matrix) as opened:
        reference = Genome(genome)
        bank = None if paper else _bank(base, opened, reference)
        used = base_regions(find_entry(base), opened) if random_split else None
        for seed in range(seeds):
            for tf in PENTAD if paper else LEFT_OUT:
                whole = None
                for n in size or SIZES:
                    todo = [each for each in methods if (tf, str(n), str(seed), each) not in done]
                    if not todo:
                        continue
                    if whole is None:
                        split: SplitName = "paper" if random_split else "chromosomes"
                        whole = from_binding_matrix(opened, reference, tf, split=split, exclude=used)
                    if whole.counts["train"]["bound"] < n - n // _VALIDATING:
                        continue
                    few = fewer(whole, n, seed)
                    arm = "everything" if paper else "motif-head"
                    config = make_config(tf=tf, base=base, arm=arm, seeds=1, seed=seed)
                    part = Work(config, find_entry(base), few, work, torch.device("cpu"), "bf16", "", "", None, 0, bank)
                    _add(output, [(tf, str(n), str(seed), *found) for found in _compare(part, todo)])


@app.command()
def table(folder: Path) -> None:
    """Write docs/newcomers.md's tables and figure from the rows of newcomer.tsv and paper.tsv."""
    print(write_page(folder))


def _pretrain(what: str, recipe: str, changes: dict[str, object], matrix: Path, genome: Path, output: Path) -> None:
    """Train a base by a configuration of this folder but for some changes, into a folder named after the command."""
    config = PretrainConfig.model_validate({**read_config(HERE / recipe).model_dump(), **changes})
    command = f"python experiments/newcomer.py {what} {matrix.name} {genome.name}"
    with BindingMatrix(matrix) as opened:
        pretrain(config, opened, Genome(genome), output / what, precision="bf16", command=command)


def fewer(whole: FinetuneData, n: int, seed: int) -> FinetuneData:
    """Return the data with `n` bound regions of the whole, nine tenths of which train; all of the test."""
    limits = {"validation": max(LEAST_BOUND["validation"], n // _VALIDATING), "train": n - n // _VALIDATING}
    drawn, every = {}, {}
    for use, limit in limits.items():
        pool = whole.every[use]
        labels = pool.labels[:, 0]
        sample = balanced_sample(labels, gc_content(pool.codes), seed_of(seed, 7), min(limit, int((labels == 1).sum())))
        drawn[use] = _take(pool, np.sort(sample.regions))
        every[use] = _take(pool, np.sort(np.concatenate([sample.bound, np.flatnonzero(labels == 0)])))
    training = replace(whole.training, train=drawn["train"], validation=drawn["validation"])
    return replace(whole, training=training, every=every)


def _take(windows: LabelledWindows, index: NDArray[np.int64]) -> LabelledWindows:
    return LabelledWindows(windows.region[index], windows.codes[index], windows.labels[index])


def _bank(base: str, matrix: BindingMatrix, genome: Genome) -> FeatureBank:
    region, codes = whole_regions(matrix, genome)
    resolved = (matrix.labels(LEFT_OUT, region) >= 0).any(1)
    return open_bank(open_entry(base), region[resolved], codes[resolved])


def _compare(work: Work, methods: list[str]) -> list[tuple[str, str]]:
    """Return (method, AUPRC on chr22 at 1:1) of each method."""
    data, tf, seed = work.data, work.config.tf, work.config.seed
    drawn = data.training.train
    nearest = work.nearest() if {"base", "transfer", "scratch"} & set(methods) else None

    def known(name: str, weight: NDArray[np.float32], more: NDArray[np.float32] | float) -> KnownScores:
        return KnownScores(name, tf, work.features(data.test_region, data.test.codes) @ weight + np.float32(more))

    def network(name: str, trained: Trained) -> NetworkScorer:
        placed = trained.network.eval()
        score: Callable[[NDArray[np.uint8]], NDArray[np.float32]] = lambda codes: logits_of(  # noqa: E731
            [placed], codes, work.device, "bf16"
        )
        return NetworkScorer(name, (tf,), score)

    scorers: list[Scorer | TableScorer] = []
    for method in methods:
        if method == "jaspar":
            scorers.append(jaspar_scorer([tf], drawn.codes, drawn.labels, seed, name=method))
        elif method == "denovo":
            scorers.append(denovo_scorer([tf], drawn.codes, drawn.labels, seed, name=method))
        elif method == "base":
            assert nearest is not None
            head, row = work.base.network().state_dict(), work.base.card.tasks.index(nearest.tf)
            scorers.append(known(method, head["head.weight"][row].numpy(), 0.0))
        elif method == "transfer" and work.bank is not None:
            assert nearest is not None
            fitted = fit_output(work, nearest).network
            with torch.inference_mode():
                own = fitted.get_submodule("own_motifs")(to_one_hot(torch.from_numpy(data.test.codes))).numpy()[:, 0]
            scorers.append(known(method, fitted.get_parameter("head.weight")[0].detach().numpy(), own))
        elif method in {"transfer", "scratch"}:
            assert nearest is not None
            arm = work.config.arm if method == "transfer" else "scratch"
            place = work.folder / f"{work.base.name}-{tf}-{len(drawn)}"
            place.mkdir(parents=True, exist_ok=True)
            scorers.append(network(method, train_seeds(replace(work, folder=place), arm, nearest)))
        else:
            raise typer.BadParameter(f"--method {method}: transfer, scratch, base, jaspar or denovo")
    result = evaluate(scorers, data.test, 0, replicates=0)
    return [(name, f"{rows[0].auprc:.5f}") for name, rows in result.tables.items()]


def _add(path: Path, rows: list[tuple[str, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with open(path, "a", newline="\n") as stream:
        writer = csv.writer(stream, "excel-tab", lineterminator="\n")
        writer.writerows([COLUMNS, *rows] if is_new else rows)


if __name__ == "__main__":
    app()
