"""What more data, epochs or size would bring: train the base's network on shares of the regions, and test it.

    python experiments/curve.py run MATRIX GENOME -o DIR [--share 0.125 ...]    about half an hour on two cores
    python experiments/curve.py entry RUN ... --matrix MATRIX --genome GENOME -o DIR
    python experiments/curve.py table DIR                                       docs/model-log.md and its figure

`run` trains one trunk of `motif-cnn`, as experiments/multi163-teacher.yaml does but for its second one, on each share
of the training regions (drawn by the seed), for 3 / sqrt(share) epochs, so that a smaller share is seen more often; it
keeps the epoch with the lowest loss on chr21 and tests on chr21 and chr22. A run that was stopped goes on where it was.
`entry` adds rows of networks that were trained on everything; `table` writes the document.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from kipoi_tfb.evaluation.job import evaluate
from kipoi_tfb.evaluation.metrics import MIN_BOUND
from kipoi_tfb.evaluation.regions import from_matrix
from kipoi_tfb.evaluation.scorers import EntryScorer
from kipoi_tfb.training.job import pretrain
from kipoi_tfb.zoo.config import PretrainConfig, read_config
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.splits import TEST, VALIDATION

HERE = Path(__file__).parent
LOG = HERE.parent / "docs" / "model-log.md"
FIGURE = HERE.parent / "docs" / "figures" / "learning-curve.svg"
START, END = "<!-- table: experiments/curve.py -->", "<!-- end of table -->"
COLUMNS = ("model", "trunks", "regions", "epochs", "train_loss", "validation_loss", "chr21", "chr22", "seed")

app = typer.Typer(add_completion=False)


@app.command()
def run(
    matrix: Annotated[Path, typer.Argument(help="Binding matrix (HDF5).")],
    genome: Annotated[Path, typer.Argument(help="FASTA of hg38.")],
    output: Annotated[Path, typer.Option("-o", help="Folder for the runs.")],
    share: Annotated[list[float] | None, typer.Option(help="Shares of the training regions.")] = None,
    seed: int = 1,
) -> None:
    """Train and test a network for each share."""
    base = read_config(HERE / "multi163-teacher.yaml")
    for part in share or (0.125, 0.25, 0.5, 1.0):
        name = f"share-{part:g}"
        changes = {
            "name": name,
            "summary": f"One trunk, {part:.1%} of the training regions.",
            "sizes": {"dropout": 0.3},
            "fraction": part,
            "epochs": round(3 / part**0.5),
            "seed": seed,
        }
        config = PretrainConfig.model_validate({**base.model_dump(), **changes})
        with BindingMatrix(matrix) as opened:
            if not (output / name / "entry").exists():
                pretrain(config, opened, Genome(genome), output / name, precision="bf16")
            row = _row(output / name / "entry", output / name / "history.json", opened, Genome(genome))
        _write(output / f"{name}.tsv", row)
        print(*row, sep="\t")


@app.command()
def entry(
    folders: Annotated[list[Path], typer.Argument(help="Runs of `tfb pretrain` (folders with entry/).")],
    matrix: Annotated[Path, typer.Option()],
    genome: Annotated[Path, typer.Option()],
    output: Annotated[Path, typer.Option("-o", help="Folder for the rows.")],
) -> None:
    """Test networks that `tfb pretrain` trained on all regions, as further rows of the table."""
    with BindingMatrix(matrix) as opened:
        for folder in folders:
            row = _row(folder / "entry", folder / "history.json", opened, Genome(genome))
            _write(output / f"{row[0]}.tsv", row)
            print(*row, sep="\t")


@app.command()
def table(folder: Path, log: Path = LOG, figure: Path = FIGURE) -> None:
    """Write the rows of a folder into the log, and the figure."""
    rows = []
    for path in sorted(folder.glob("*.tsv")):
        with open(path) as stream:
            rows += list(csv.DictReader(stream, dialect="excel-tab"))
    rows.sort(key=lambda row: (int(row["trunks"]), int(row["regions"])))
    lines = [f"| {' | '.join(COLUMNS[:-1])} |", "|---|" + "---:|" * (len(COLUMNS) - 2)]
    lines += [f"| {' | '.join(row[column] for column in COLUMNS[:-1])} |" for row in rows]
    text = log.read_text()
    before, after = text.split(START)[0], text.split(END)[1]
    log.write_text(before + "\n".join([START, "", *lines, "", END]) + after)
    print("\n".join(lines))
    shares = [row for row in rows if row["model"].startswith("share-")]
    if len(shares) > 1:
        _plot(shares, figure)


def _row(folder: Path, history: Path, matrix: BindingMatrix, genome: Genome) -> tuple[str, ...]:
    scorer = EntryScorer(str(folder))
    card = scorer.entry.card
    best = min(json.loads(history.read_text()), key=lambda record: record["validation_loss"])
    auprc = [
        evaluate([scorer], from_matrix(matrix, genome, chromosomes), replicates=0).summary(scorer.name).auprc
        for chromosomes in (VALIDATION, TEST)
    ]
    return (
        card.name,
        str(card.sizes.get("members", 1)),
        str(card.data.n_train),
        f"{best['epoch'] + 1} of {card.training.config.epochs}",
        f"{best['train_loss']:.4f}",
        f"{best['validation_loss']:.4f}",
        *(f"{value:.4f}" for value in auprc),
        str(card.training.config.seed),
    )


def _write(path: Path, row: tuple[str, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, open(temporary, "w", newline="\n") as stream:
        csv.writer(stream, "excel-tab", lineterminator="\n").writerows([COLUMNS, row])


def _plot(rows: list[dict[str, str]], path: Path) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    regions = np.array([int(row["regions"]) for row in rows])
    with mpl.rc_context({"svg.hashsalt": "tfb", "font.size": 9}):
        figure = Figure((4.2, 3.0), layout="constrained")
        axes = figure.subplots()
        for chromosome, colour, marker in (("chr21", "#0072b2", "o"), ("chr22", "#d55e00", "s")):
            values = np.array([float(row[chromosome]) for row in rows])
            slope, intercept = np.polyfit(np.log2(regions), values, 1)
            label = f"{chromosome}: {slope:+.3f} per doubling"
            axes.plot(regions, values, marker, color=colour, label=label)
            line = np.array([regions.min(), regions.max() * 4])
            axes.plot(line, intercept + slope * np.log2(line), "--", color=colour, linewidth=0.8)
        axes.set(xscale="log", xlabel="training regions", ylabel=f"macro AUPRC (TFs with >= {MIN_BOUND} bound)")
        axes.axhline(0.92, color="0.6", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="lower right")
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    app()
