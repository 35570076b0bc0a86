"""`tfb demo`: the main job as a newcomer would run it, `kipoi predict` on a BED and on a VCF."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ENTRY = "multi163"
COLOURS = {"MAFK": "#1b6ca8", "OCT4": "#c9a227"}
KINDS = {
    "control": "control",
    "snv": "SNV",
    "multi": "multi-allelic",
    "mnv": "MNV",
    "del": "deletion",
    "ins": "insertion",
}
"""{kind of variant, as the example's identifiers end: in words}."""


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for what comes out.")] = Path("demo-output"),
) -> None:
    """Run the main job on the embedded example: `kipoi predict` on its BED and its VCF.

    Example: tfb demo
    """
    for line in run_demo(output):
        print(line, flush=True)


def run_demo(output: str | Path) -> Iterator[str]:
    """Run both predictions in `output`, draw a picture, and yield the lines to show.

    Kipoi gets a home folder of its own there, so that the user's ``~/.kipoi`` stays as it is; the genome cache
    goes there too, unless ``TFB_DATA`` says otherwise.

    Raises
    ------
    TfbError
        If a command fails; the message ends with the last lines of its log.
    """
    import pandas as pd

    output = Path(output).absolute()
    home = output / "home"
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        "TFB_DATA": str(output / "cache"),
        **os.environ,
        "HOME": str(home),
        "PYTHONWARNINGS": "ignore",
    }
    example = Path(str(files("kipoi_tfb.dataloaders") / "example"))
    genome = f"fasta_file={example / 'hg19.excerpt.fa.gz'}"
    _run(["tfb", "zoo", "register"], environment, output)
    tables = {}
    for name, model, source in (
        ("regions", ENTRY, f"intervals_file={example / 'regions.bed'}"),
        ("variants", f"{ENTRY}/variants", f"vcf_file={example / 'variants.vcf'}"),
    ):
        target = output / f"{name}.tsv"
        command = ["kipoi", "predict", model, "--source", "tfb", "--dataloader_args", source, genome]
        command += ["--keep_metadata", "--batch_size", "256", "-o", str(target)]
        yield "$ " + " ".join(command).replace(f"{example}/", "EXAMPLE/")
        _run(command, environment, output)
        table = pd.read_csv(target, sep="\t", keep_default_na=False, na_values=[""])
        table.columns = [column.removeprefix("metadata/").removeprefix("preds/") for column in table.columns]
        tables[name] = table
        yield f"  {len(table)} rows x {table.shape[1]} columns -> {target}\n"
    yield from _show_regions(tables["regions"])
    yield from _show_variants(tables["variants"])
    _draw(tables["regions"], tables["variants"], output / "demo.png")
    scores, page, fasta = output / "effects.vcf.gz", output / "report.html", str(example / "hg19.excerpt.fa.gz")
    for command in (
        ["tfb", "score", str(example / "variants.vcf"), "--genome", fasta, "-o", str(scores)],
        ["tfb", "report", str(scores), "--genome", fasta, "--info", "TF,CLASS", "--top", "20", "-o", str(page)],
    ):
        yield "$ " + " ".join(command).replace(f"{example}/", "EXAMPLE/")
        _run(command, environment, output)
    yield f"\npicture: {output / 'demo.png'}"
    yield f"report:  {page} (open it in a browser: which TFs each variant affects, and why)"


def _run(command: list[str], environment: dict[str, str], folder: Path) -> None:
    # The commands of this very environment, whatever is first on the PATH.
    program = Path(sys.executable).with_name(command[0])
    log = folder / f"{command[0]}.log"
    with open(log, "w") as stream:
        result = subprocess.run(
            [str(program), *command[1:]],
            env=environment,
            cwd=folder,
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if result.returncode:
        from tfb_matrix_data.errors import TfbError

        tail = "\n".join(log.read_text().splitlines()[-8:])
        raise TfbError(f"`{' '.join(command)}` failed with exit code {result.returncode}; {log} ends with\n{tail}")


def _bound_in_training() -> dict[str, int]:
    """Return how many bound regions of each TF the entry learnt from."""
    from kipoi_tfb.zoo.find import find_entry
    from kipoi_tfb.zoo.measured import metrics_rows

    return {row["tf"]: int(row["bound_train"]) for row in metrics_rows(find_entry(ENTRY))}


def _auroc(regions: pd.DataFrame) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(regions["name"] == "MAFK", regions["MAFK"]))


def _show_regions(regions: pd.DataFrame) -> Iterator[str]:
    shown = regions[["ranges/chr", "region_start", "region_end", "name", "MAFK", "BACH1", "POU5F1", "CTCF", "SP1"]]
    shown = shown.rename(columns={"ranges/chr": "chrom", "region_start": "start", "region_end": "end", "name": "truth"})
    yield "Six of the regions: the probability that each TF binds (the table has all 163)"
    yield shown.groupby("truth").head(3).sort_values("truth").to_string(index=False, float_format="{:.3f}".format)
    n_mafk = int((regions["name"] == "MAFK").sum())
    yield (
        f"\nThe MAFK column tells {n_mafk} MAFK peaks from {len(regions) - n_mafk} OCT4 peaks "
        f"with AUROC {_auroc(regions):.3f}"
        "\n(hg19 chr16, chr17, chr22: chromosomes that no model here was trained or validated on)."
    )
    bound = _bound_in_training()
    yield (
        "POU5F1 is OCT4, and stays low on its own peaks: the model learnt from "
        f"{bound['POU5F1']:,} regions that it binds\n(MAFK: {bound['MAFK']:,}), too few to tell them. "
        "A lab with OCT4 peaks can teach it: `tfb finetune`.\n"
    )


def _show_variants(variants: pd.DataFrame) -> Iterator[str]:
    import pandas as pd

    columns = [f"variant/{name}" for name in ("chrom", "pos", "id", "ref", "alt")]
    shown = variants[[*columns, "status", "MAFK_ref", "MAFK_alt", "MAFK_effect"]]
    shown = shown.rename(columns=lambda name: name.removeprefix("variant/"))
    yield "Six of the alleles in MAFK peaks: probability with REF and ALT, effect = log odds of ALT minus REF"
    ordered = shown[shown["id"].str.startswith("MAFK")].sort_values("MAFK_effect")
    yield pd.concat([ordered.head(4), ordered.tail(2)]).to_string(index=False, float_format="{:.3f}".format)
    yield ""


def _draw(regions: pd.DataFrame, variants: pd.DataFrame, path: Path) -> None:
    from kipoi_tfb.output.figures import figure_file

    with figure_file(path, (8, 3.2)) as figure:
        figure.set_layout_engine("constrained")
        left, right = figure.subplots(1, 2)
        _draw_regions(regions, left)
        _draw_variants(variants, right)


def _draw_regions(regions: pd.DataFrame, axes: Axes) -> None:
    import numpy as np

    bins = np.linspace(0, 1, 31).tolist()
    for truth, colour in COLOURS.items():
        scores = regions.loc[regions["name"] == truth, "MAFK"]
        axes.hist(scores, bins=bins, alpha=0.7, color=colour, label=f"{len(scores)} {truth} peaks")
    axes.set(
        xlabel="predicted probability of MAFK binding", ylabel="regions", title=f"Regions (AUROC {_auroc(regions):.3f})"
    )
    axes.legend(frameon=False)


def _draw_variants(variants: pd.DataFrame, axes: Axes) -> None:
    import numpy as np

    kinds = variants["variant/id"].str.split("_").str[-1]
    jitter = np.random.default_rng(0).uniform(-0.15, 0.15, len(variants))
    for truth, colour in COLOURS.items():
        here = variants["variant/id"].str.startswith(truth)
        x = kinds[here].map(list(KINDS).index) + jitter[here] + (0.18 if truth == "OCT4" else -0.18)
        axes.scatter(x, variants.loc[here, "MAFK_effect"], s=9, alpha=0.8, color=colour, label=f"in {truth} peaks")
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set(
        xticks=range(len(KINDS)),
        ylabel="effect on MAFK (log odds, ALT - REF)",
        title="Variants in motifs, and controls",
    )
    axes.set_xticklabels(list(KINDS.values()), rotation=20)
    axes.legend(frameon=False)
