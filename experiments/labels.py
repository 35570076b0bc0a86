"""Candidates for a better base, and for a faster one: train many at once on one GPU, judge each on chr21 alone.

    python experiments/labels.py run MATRIX GENOME -o DIR [--minutes 9] [--workers 6] [--only a,b]
    python experiments/labels.py table DIR          experiments/results/labels.tsv and docs/model-log.md
    python experiments/labels.py recipe DIR NAME -o experiments/NAME.yaml

`run` trains the candidates of experiments/labels.yaml, each in a process of its own, by `tfb pretrain`'s own function:
the folder of each (DIR/NAME/entry) is a zoo entry. It stops when its minutes are over, and goes on with what is missing
when it is given again. What an ensemble says of the training windows is asked once for all that learn from it.
chr22 is for the one that is chosen, by `tfb evaluate`.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
import yaml
from scipy.stats import wilcoxon

from kipoi_tfb.evaluation.job import evaluate
from kipoi_tfb.evaluation.metrics import MIN_BOUND, write_metrics
from kipoi_tfb.evaluation.regions import from_matrix
from kipoi_tfb.evaluation.scorers import EntryScorer, NetworkScorer, Scorer
from kipoi_tfb.models.device import choose_device, choose_precision
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.training.data import load_training_data
from kipoi_tfb.training.distil import find_teachers, taught
from kipoi_tfb.training.job import pretrain
from kipoi_tfb.zoo.config import PretrainConfig, read_config
from kipoi_tfb.zoo.find import find_entry
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import atomic_path, locked
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.splits import VALIDATION

HERE = Path(__file__).parent
RECIPES = HERE / "labels.yaml"
RESULTS = HERE / "results" / "labels.tsv"
LOG = HERE.parent / "docs" / "model-log.md"
START, END = "<!-- table: experiments/labels.py -->", "<!-- end of labels -->"
REFERENCE = "multi163"
LEAST_SECONDS = 40
"""What is left when nothing is started any more."""
GRACE_SECONDS = 60
"""How long after that a network that is trained may take to be judged."""
COLUMNS = (
    "candidate", "windows", "epochs", "seconds", "train_loss", "validation_loss", "auprc", "auprc_natural", "ece",
    "d_auprc", "p", "d_natural", "p_natural", "device",
)  # fmt: skip

app = typer.Typer(add_completion=False)
Matrix = Annotated[Path, typer.Argument(help="Binding matrix (HDF5).")]
Fasta = Annotated[Path, typer.Argument(help="FASTA of hg38.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="Folder for the runs.")]
Recipes = Annotated[Path, typer.Option(help="What to try.")]


@app.command()
def run(
    matrix: Matrix,
    genome: Fasta,
    output: Output,
    minutes: float = 9,
    workers: int = 6,
    only: str = "",
    device: str = "auto",
    precision: str = "auto",
    recipes: Recipes = RECIPES,
) -> None:
    """Train and judge the candidates that are not finished, several at a time, until the time is over."""
    deadline = time.monotonic() + 60 * minutes
    candidates = read_candidates(recipes, output)
    waiting = [name for name in candidates if not only or name in only.split(",")]
    unknown = [name for name in only.split(",") if only and name not in candidates]
    if unknown:
        raise ConfigError(f"no candidate {', '.join(unknown)}; there are {', '.join(candidates)}")
    waiting = [name for name in waiting if not (output / name / "judged.json").is_file()]
    warm(matrix, genome)
    running: dict[str, subprocess.Popen] = {}
    arguments = [str(matrix), str(genome), "-o", str(output), "--device", device, "--precision", precision]
    try:
        while running or waiting:
            for name, process in list(running.items()):
                if process.poll() is not None:
                    del running[name]
                    say(f"{name}: {'judged' if process.returncode == 0 else f'failed, see {output / name}/log'}")
            left = deadline - time.monotonic()
            if left <= 0 or (left < LEAST_SECONDS and not running):
                break
            for name in ready(waiting, candidates, output):
                if len(running) < workers and left >= LEAST_SECONDS:
                    waiting.remove(name)
                    running[name] = start(name, [*arguments, "--recipes", str(recipes)], output)
                    say(f"{name}: started, {left:.0f} s left")
            if not running:
                break  # the others wait for what failed
            time.sleep(0.5)
        for name, process in list(running.items()):  # none is lost for want of a judgement
            if is_trained(candidates[name], output / name):
                with suppress(subprocess.TimeoutExpired):
                    say(f"{name}: {'judged' if process.wait(GRACE_SECONDS) == 0 else 'failed'}, at the end")
                    del running[name]
    finally:
        for name, process in running.items():
            process.kill()
            process.wait()
            say(f"{name}: stopped, the time is over")
    if waiting:
        say(f"not started: {', '.join(waiting)}")


@app.command()
def one(
    name: str,
    matrix: Matrix,
    genome: Fasta,
    output: Output,
    device: str = "auto",
    precision: str = "auto",
    recipes: Recipes = RECIPES,
) -> None:
    """Train and judge one candidate in this process."""
    candidate = read_candidates(recipes, output)[name]
    chosen = choose_device(device)
    with BindingMatrix(matrix) as opened:
        if isinstance(candidate, PretrainConfig):
            ask_once(candidate, opened, Genome(genome), output, name, device, precision)
            command = f"python experiments/labels.py run matrix.h5 hg38.fa -o {output} --only {name}"
            entry = pretrain(candidate, opened, Genome(genome), output / name, device, precision, command)
            scorer: Scorer = EntryScorer(str(entry.folder), device=str(chosen))
        elif len(candidate) == 1:
            scorer = EntryScorer(candidate[0], device=str(chosen))
        else:
            scorer = ensemble(candidate, str(chosen))
        judge(scorer, opened, Genome(genome), output / name)


@app.command()
def table(folder: Path, log: Path = LOG, results: Path = RESULTS) -> None:
    """Write the rows of a folder, those that failed or were stopped too, as a table and into the log."""
    judged = {path.parent.name: read_rows(path) for path in folder.glob("*/chr21.tsv")}
    rows = [row(folder / name, judged) for name in read_candidates(RECIPES, folder) if (folder / name).is_dir()]
    kept = {}
    if results.is_file():
        with open(results) as stream:
            kept = {each["candidate"]: each for each in csv.DictReader(stream, dialect="excel-tab")}
    kept |= {each["candidate"]: each for each in rows}
    results.parent.mkdir(exist_ok=True)
    with atomic_path(results) as temporary, open(temporary, "w", newline="\n") as stream:
        writer = csv.DictWriter(stream, COLUMNS, dialect="excel-tab", lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept.values())
    shown = [column for column in COLUMNS if column not in ("seconds", "device")]
    lines = [f"| {' | '.join(shown)} |", "|---|" + "---:|" * (len(shown) - 1)]
    lines += [f"| {' | '.join(each[column] for column in shown)} |" for each in kept.values()]
    print("\n".join(lines))
    text = log.read_text()
    if START in text:
        before, after = text.split(START)[0], text.split(END)[1]
        log.write_text(before + "\n".join([START, "", *lines, "", END]) + after)


@app.command()
def recipe(folder: Path, name: str, output: Output) -> None:
    """Write the configuration of a candidate as a YAML of its own."""
    config = read_candidates(RECIPES, folder)[name]
    if not isinstance(config, PretrainConfig):
        raise ConfigError(f"{name} is not trained")
    with atomic_path(output) as temporary:
        temporary.write_text(yaml.safe_dump(config.model_dump(mode="json", exclude_unset=True), sort_keys=False))


def read_candidates(path: Path, folder: Path) -> dict[str, PretrainConfig | list[str]]:
    """Return what each candidate is: a configuration, or the entries whose mean it is."""
    content = yaml.safe_load(path.read_text())
    base = read_config(path.parent / content["base"]).model_dump(mode="json", exclude_unset=True)
    names = list(content["candidates"])

    def place(entry: str) -> str:
        own = isinstance(content["candidates"].get(entry), dict) and "entry" not in content["candidates"][entry]
        return str(folder / entry / "entry") if own else entry

    candidates: dict[str, PretrainConfig | list[str]] = {}
    for name in names:
        changes: dict[str, Any] = dict(content["candidates"][name])
        if "entry" in changes or "ensemble" in changes:
            candidates[name] = [place(entry) for entry in changes.get("ensemble", [changes.get("entry")])]
            continue
        teacher = changes.get("teacher")
        if teacher:
            changes["teacher"] = {**teacher, "entries": [place(entry) for entry in teacher["entries"]]}
        fields = {"name": f"labels-{name}", **{k: v for k, v in base.items() if k != "name"}, **changes}
        candidates[name] = PretrainConfig.model_validate({k: v for k, v in fields.items() if v is not None})
    return candidates


def ready(waiting: list[str], candidates: Mapping[str, PretrainConfig | list[str]], folder: Path) -> list[str]:
    """Return those whose teachers are there, in their order."""

    def needs(name: str) -> list[str]:
        candidate = candidates[name]
        if isinstance(candidate, PretrainConfig):
            return list(candidate.teacher.entries) if candidate.teacher is not None else []
        return candidate

    own = str(folder) + "/"
    return [
        name
        for name in waiting
        if all((Path(entry).parent / "judged.json").is_file() for entry in needs(name) if entry.startswith(own))
    ]


def warm(matrix: Path, genome: Path) -> None:
    """Read all chromosomes into the genome's cache, before all candidates want it at once."""
    with BindingMatrix(matrix) as opened:
        names = opened.regions.chrom_names
    with ProcessPoolExecutor(min(len(names), os.cpu_count() or 1), mp_context=get_context("spawn")) as pool:
        list(pool.map(cached_bases, [genome] * len(names), names))


def cached_bases(genome: Path, chromosome: str) -> int:
    """Return how many bases a chromosome has, which puts them into the cache."""
    return len(Genome(genome).codes(chromosome))


def is_trained(candidate: PretrainConfig | list[str], folder: Path) -> bool:
    """Return whether a candidate's epochs are done."""
    path = folder / "history.json"
    return (
        isinstance(candidate, PretrainConfig)
        and path.is_file()
        and (len(json.loads(path.read_text())) == candidate.epochs)
    )


def start(name: str, arguments: list[str], folder: Path) -> subprocess.Popen:
    """Start a candidate in a process of its own, which writes its log."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    with open(folder / name / "log", "a") as log:
        return subprocess.Popen([sys.executable, __file__, "one", name, *arguments], stdout=log, stderr=log)


def ask_once(
    config: PretrainConfig, matrix: BindingMatrix, genome: Genome, folder: Path, name: str, device: str, precision: str
) -> None:
    """Put what the teachers say of the training windows where the run looks for it; the first that needs it asks."""
    if config.teacher is None:
        return
    teacher, shared, place = config.teacher, folder / "taught", choose_device(device)
    who = [Path(entry).parent.name or entry for entry in teacher.entries]
    with locked(shared / f"{'-'.join(who)}-{teacher.made_up}-{config.seed}.lock", wait=True, held=""):
        data = load_training_data(config, matrix, genome)
        taught(config, data, find_teachers(teacher), shared, place, choose_precision(precision, place))
    for path in shared.glob("*.npy"):
        link = folder / name / path.name
        if not link.exists():
            link.symlink_to(path.resolve())


def ensemble(entries: list[str], device: str) -> NetworkScorer:
    """Return the mean of entries' logits as a scorer."""
    found = [find_entry(entry) for entry in entries]
    tfs = found[0].card.tasks
    predictors = [Predictor([entry], tfs, device=device) for entry in found]
    return NetworkScorer(
        "ensemble", tuple(tfs), lambda codes: np.mean([each.logits(codes) for each in predictors], axis=0)
    )


def judge(scorer: Scorer, matrix: BindingMatrix, genome: Genome, folder: Path) -> None:
    """Write the metrics of each TF on chr21, and their averages."""
    tested = evaluate([scorer], from_matrix(matrix, genome, VALIDATION), replicates=0)
    folder.mkdir(parents=True, exist_ok=True)
    write_metrics(tested.tables[scorer.name], folder / "chr21.tsv")
    summary = tested.summary(scorer.name, MIN_BOUND)
    found = {"auprc": summary.auprc, "auprc_natural": summary.auprc_natural, "ece": summary.ece}
    with atomic_path(folder / "judged.json") as temporary:
        temporary.write_text(json.dumps(found) + "\n")
    print(found)


def read_rows(path: Path) -> dict[str, tuple[float, float]]:
    """Return {TF: AUPRC at 1:1 and at natural prevalence} of the TFs with enough bound regions."""
    with open(path) as stream:
        rows = list(csv.DictReader(stream, dialect="excel-tab"))
    enough = (row for row in rows if int(row["bound"]) >= MIN_BOUND)
    areas = {row["tf"]: (float(row["auprc"]), float(row["auprc_natural"])) for row in enough}
    return {tf: both for tf, both in areas.items() if np.isfinite(both).all()}


def row(folder: Path, judged: Mapping[str, Mapping[str, tuple[float, float]]]) -> dict[str, str]:
    """Return a row of the table; of one that was stopped, what there is."""
    found = dict.fromkeys(COLUMNS, "")
    found["candidate"] = folder.name
    if (folder / "history.json").is_file():
        history = json.loads((folder / "history.json").read_text())
        best = min(history, key=lambda record: record["validation_loss"])
        found["epochs"] = f"{best['epoch'] + 1} of {len(history)}"
        found["seconds"] = f"{sum(record['seconds'] for record in history):.0f}"
        found |= {loss: f"{best[loss]:.4f}" for loss in ("train_loss", "validation_loss")}
    if (folder / "entry").is_dir():
        card = find_entry(str(folder / "entry")).card
        teacher = card.training.config.teacher if card.training.config is not None else None
        found["windows"] = str(card.data.n_train * (1 + (teacher.made_up if teacher is not None else 0)))
        found["device"] = card.training.device
    if not (folder / "judged.json").is_file():
        found["auprc"] = "not finished"
        return found
    found |= {name: f"{value:.4f}" for name, value in json.loads((folder / "judged.json").read_text()).items()}
    if REFERENCE in judged and folder.name != REFERENCE:
        found |= dict(differences(judged[folder.name], judged[REFERENCE]))
    return found


def differences(
    own: Mapping[str, tuple[float, float]], other: Mapping[str, tuple[float, float]]
) -> Iterator[tuple[str, str]]:
    """Yield the mean differences over TFs, and the p of Wilcoxon's test."""
    common = [tf for tf in own if tf in other]
    for i, (mean, p) in enumerate((("d_auprc", "p"), ("d_natural", "p_natural"))):
        by_tf = np.array([own[tf][i] - other[tf][i] for tf in common])
        yield mean, f"{by_tf.mean():+.4f}"
        yield p, f"{wilcoxon(by_tf).pvalue:.1e}" if by_tf.any() else "1"


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    app()
