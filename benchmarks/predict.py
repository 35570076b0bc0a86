"""`tfb predict` against `kipoi predict` through kipoiseq's SeqIntervalDl, wall time of whole commands, same weights.

Three peers, each with batches of 32, one worker, and TSV: the zoo entry itself with the other dataloader (the same work
and the same named columns), and Kipoi's stock way, the plain network with one unnamed array as its output, averaging
both strands and on one strand only (half of our work). Needs the extra `peers`.
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

from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entry
from tfb_matrix_data import BindingMatrix

N_REGIONS = 20_000
STOCK = """
import torch
from kipoi_tfb.models.paper_cnn import PaperCNN


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
    parser.add_argument("--entry", default="multi50")
    arguments = parser.parse_args()
    entry = find_entry(arguments.entry)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bed = folder / "regions.bed"
        write_bed(arguments.matrix, bed)
        genome = Path(arguments.genome).absolute()
        ours_out = folder / "ours.tsv"
        command = ["tfb", "predict", arguments.entry, "--regions", str(bed), "--genome", str(genome), "-o"]
        run([*command, str(ours_out)], folder)  # fills the genome cache, as the first run ever does
        ours = min(run([*command, str(ours_out)], folder) for _ in range(2))
        print(
            f"| tfb predict, {N_REGIONS:,} regions x {len(entry.card.tasks)} TFs | {ours:.1f} s | "
            "both strands, TSV, whole command |"
        )
        fast = min(run([*command, str(folder / "fast.tsv"), "--precision", "bf16"], folder) for _ in range(2))
        print(f"| the same with --precision bf16 | {fast:.1f} s | {largest_difference(folder)} |")
        for peer in ("the zoo entry", "BothStrands", "OneStrand"):
            model = folder / peer.replace(" ", "-")
            write_model(entry, model, peer)
            theirs_out = folder / f"{model.name}.tsv"
            command = ["kipoi", "predict", str(model), "--source=dir", "--batch_size=32", "-o", str(theirs_out)]
            command += ["--dataloader_args", f"intervals_file={bed}", f"fasta_file={genome}"]
            theirs = run(command, folder)
            if peer != "OneStrand":
                compare(ours_out, theirs_out, entry)
            print(
                f"| kipoi predict, SeqIntervalDl, {peer} | {theirs:.1f} s | "
                f"batch 32, TSV: {theirs / ours:.1f} times as long ({theirs / fast:.1f} times with bf16) |"
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


def write_model(entry: Entry, folder: Path, peer: str) -> None:
    folder.mkdir()
    spec = yaml.safe_load((entry.folder / "model.yaml").read_text())
    if peer == "the zoo entry":
        spec["args"]["module_kwargs"]["card"] = str(entry.folder / "card.yaml")
        spec["args"]["weights"] = str(entry.weights_path)
    else:
        state = entry.state_dict()
        state = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
        torch.save(state, folder / "weights.pt")
        (folder / "stock.py").write_text(STOCK)
        arguments = {"module_file": "stock.py", "module_class": peer, "weights": "weights.pt"}
        spec["args"] = {**arguments, "module_kwargs": {"n_outputs": len(entry.card.tasks)}}
        spec["schema"]["targets"] = {"name": "tf", "shape": f"({len(entry.card.tasks)}, )"}
    spec["default_dataloader"] = {
        "defined_as": "kipoiseq.dataloaders.SeqIntervalDl",
        "default_args": {"auto_resize_len": 200, "alphabet_axis": 0, "dtype": "np.float32"},
    }
    (folder / "model.yaml").write_text(yaml.safe_dump(spec))


def compare(ours: Path, theirs: Path, entry: Entry) -> None:
    """Stop if the two commands did not compute the same numbers."""
    import pandas as pd

    a = pd.read_csv(ours, sep="\t")[list(entry.card.tasks)].to_numpy()
    table = pd.read_csv(theirs, sep="\t")
    named = f"preds/{entry.card.tasks[0]}" in table
    b = table[[f"preds/{tf if named else i}" for i, tf in enumerate(entry.card.tasks)]].to_numpy()
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
