"""`tfb predict` against `kipoi predict` through kipoiseq's SeqIntervalDl, wall time of whole commands, same weights.

The peer is Kipoi's stock path: the plain network as a `PyTorchModel`, SeqIntervalDl, batches of 32, one worker, TSV.
It runs twice: on one strand (what a stock entry does, half of our work), and averaging both (the same work).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import yaml

from kipoi_tfb.entry import Entry
from kipoi_tfb.zoo import find_entry
from tfb_matrix_data import BindingMatrix

N_REGIONS = 20_000
MODULE = """
import torch
from kipoi_tfb.architectures import PaperCNN


class OneStrand(PaperCNN):
    def forward(self, x):
        return torch.sigmoid(super().forward(x))


class BothStrands(PaperCNN):
    def forward(self, x):
        return torch.sigmoid((super().forward(x) + super().forward(x.flip((1, 2)))) / 2)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--matrix", required=True)
    parser.add_argument("--genome", required=True)
    parser.add_argument("--entry", default="multi163")
    arguments = parser.parse_args()
    entry = find_entry(arguments.entry)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bed = folder / "regions.bed"
        write_bed(arguments.matrix, bed)
        genome = Path(arguments.genome).absolute()
        ours_out = folder / "ours.tsv"
        ours_command = [
            "tfb",
            "predict",
            arguments.entry,
            "--regions",
            str(bed),
            "--genome",
            str(genome),
            "-o",
            str(ours_out),
        ]
        run(ours_command, folder)  # fills the genome cache, as the first run ever does
        ours = min(run(ours_command, folder) for _ in range(2))
        print(
            f"| tfb predict, {N_REGIONS:,} regions x {len(entry.card.tasks)} TFs | {ours:.1f} s | "
            "both strands, TSV, whole command |"
        )
        fast = [*ours_command[:-1], str(folder / "fast.tsv"), "--precision", "bf16"]
        ours_fast = min(run(fast, folder) for _ in range(2))
        print(f"| the same with --precision bf16 | {ours_fast:.1f} s | {largest_difference(folder)} |")
        for module in ("OneStrand", "BothStrands"):
            write_stock_model(entry, folder / module, module)
            out = folder / f"{module}.tsv"
            arguments_ = [f"intervals_file={bed}", f"fasta_file={genome}", "auto_resize_len=200", "alphabet_axis=0"]
            command = ["kipoi", "predict", str(folder / module), "--source=dir", "--batch_size=32"]
            theirs = run([*command, "--dataloader_args", *arguments_, "-o", str(out)], folder)
            if module == "BothStrands":
                compare(ours_out, out, entry)
            print(
                f"| kipoi predict, SeqIntervalDl, {module} | {theirs:.1f} s | "
                f"batch 32, TSV: {theirs / ours:.1f} times as long ({theirs / ours_fast:.1f} times with bf16) |"
            )


def largest_difference(folder: Path) -> str:
    import pandas as pd

    exact, fast = (pd.read_csv(folder / name, sep="\t").iloc[:, 5:].to_numpy() for name in ("ours.tsv", "fast.tsv"))
    difference = np.abs(exact - fast)
    return f"probabilities differ by {np.nanmean(difference):.4f} on average, {np.nanmax(difference):.3f} at most"


def write_bed(matrix: str, path: Path) -> None:
    regions = BindingMatrix(matrix).regions
    index = regions.on(["chr20", "chr22"])[:N_REGIONS]
    rows = zip(
        np.array(regions.chrom_names)[regions.chrom[index]], regions.start[index], regions.end[index], strict=True
    )
    path.write_text("".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in rows))


def write_stock_model(entry: Entry, folder: Path, module: str) -> None:
    folder.mkdir()
    state = {name: value.float() if value.is_floating_point() else value for name, value in entry.state_dict().items()}
    torch.save(state, folder / "weights.pt")
    (folder / "stock.py").write_text(MODULE)
    spec = {
        "defined_as": "kipoi.model.PyTorchModel",
        "args": {
            "module_file": "stock.py",
            "module_class": module,
            "module_kwargs": {"n_outputs": len(entry.card.tasks)},
            "weights": "weights.pt",
        },
        "default_dataloader": {
            "defined_as": "kipoiseq.dataloaders.SeqIntervalDl",
            "default_args": {"auto_resize_len": 200, "alphabet_axis": 0, "dtype": "np.float32"},
        },
        "info": {"authors": [{"name": "benchmark"}], "doc": "stock"},
        "schema": {
            "inputs": {"name": "seq", "shape": "(4, 200)"},
            "targets": {"name": "tf", "shape": f"({len(entry.card.tasks)}, )"},
        },
    }
    (folder / "model.yaml").write_text(yaml.safe_dump(spec))


def compare(ours: Path, theirs: Path, entry: Entry) -> None:
    """Stop if the two commands did not compute the same numbers."""
    import pandas as pd

    a = pd.read_csv(ours, sep="\t")[list(entry.card.tasks)].to_numpy()
    b = pd.read_csv(theirs, sep="\t")[[f"preds/{i}" for i in range(len(entry.card.tasks))]].to_numpy()
    assert np.abs(a - b).max() < 1e-4, np.abs(a - b).max()


def run(command: list[str], folder: Path) -> float:
    program = Path(sys.executable).with_name(command[0])
    environment = {"TFB_DATA": str(folder / "cache"), **os.environ, "HOME": str(folder), "PYTHONWARNINGS": "ignore"}
    started = time.perf_counter()
    result = subprocess.run([str(program), *command[1:]], cwd=folder, env=environment, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
